//! How the tables of an earlier version become those of this version.

use deadpool::managed::Pool;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::connections::Servers;
use super::operation::{Failed, Operation};
use super::read;
use crate::{Error, ErrorKind, Result};

/// Each in its place for good: `glance_schema` remembers how many are done. Ids are ordered by
/// their bytes, and numbers above the range of `bigint` are kept by their bits.
const STEPS: [&str; 2] = [
    "
    CREATE TABLE glance_installation (
        oauth_id text COLLATE \"C\" PRIMARY KEY,
        data text NOT NULL,
        token_url text NOT NULL,
        api_url text NOT NULL,
        group_id bigint NOT NULL,
        room_id bigint
    );
    CREATE INDEX glance_installation_by_room ON glance_installation (room_id, oauth_id);
    CREATE INDEX glance_installation_by_group ON glance_installation (group_id, oauth_id);
",
    "
    ALTER TABLE glance_installation
        ADD COLUMN origin text NOT NULL DEFAULT '',
        ADD COLUMN removal_attempts bigint NOT NULL DEFAULT 0,
        ADD COLUMN removal_asked_at bigint,
        ADD COLUMN removal_due_at bigint;
    CREATE INDEX glance_installation_by_origin ON glance_installation (origin);
    CREATE INDEX glance_installation_by_removal_due
        ON glance_installation (removal_due_at, oauth_id) WHERE removal_due_at IS NOT NULL;
",
];

/// The number of steps after which installations have an origin, which [`fill_origins`] fills in.
const WITH_ORIGINS: usize = 2;

const PAGE: &str = "SELECT data, token_url, api_url, oauth_id FROM glance_installation
    WHERE oauth_id > $1 OR $1 IS NULL ORDER BY oauth_id LIMIT 1000";

/// The lock that instances starting together queue for: `glance` in ASCII.
const LOCK: i64 = 0x676c_616e_6365;

/// Makes the steps that are missing, all or none.
///
/// A role that may not create tables can run on tables another role made, and a server that is
/// read-only with tables that are up to date: nothing is written that is there.
pub(super) async fn run(pool: &Pool<Servers>) -> Result<()> {
    let mut operation = Operation::migration(pool, "cannot make its tables");
    loop {
        let mut connection = operation.connection().await?;
        let done = async {
            let transaction = operation.begin(&mut connection).await?;
            operation.limited(make(&transaction)).await?;
            operation.commit(transaction).await
        };
        match done.await {
            Ok(()) => return Ok(()),
            Err(failed) => operation.again(connection, failed)?,
        }
    }
}

async fn make(transaction: &Transaction<'_>) -> Result<(), Failed> {
    transaction
        .query_typed_one("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)])
        .await?;
    let has_schema = "SELECT to_regclass('glance_schema') IS NOT NULL";
    let has_schema = transaction.query_typed_one(has_schema, &[]).await?;
    if !has_schema.try_get::<_, bool>(0)? {
        transaction
            .batch_execute(
                "CREATE TABLE glance_schema (version integer NOT NULL);
                 INSERT INTO glance_schema VALUES (0);",
            )
            .await?;
    }
    let version = "SELECT version FROM glance_schema";
    let version: i32 = transaction
        .query_typed_one(version, &[])
        .await?
        .try_get(0)?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = STEPS.get(done..) else {
        let newer = format!(
            "the installation store is of a newer version of this program: its schema is \
             {version}, and this one knows {}",
            STEPS.len()
        );
        return Err(Error::new(ErrorKind::Storage, newer).into());
    };
    for step in missing {
        transaction.batch_execute(step).await?;
    }
    if done < WITH_ORIGINS {
        fill_origins(transaction).await?;
    }
    if !missing.is_empty() {
        let version = STEPS.len() as i32;
        transaction
            .execute_typed(
                "UPDATE glance_schema SET version = $1",
                &[(&version, Type::INT4)],
            )
            .await?;
    }
    Ok(())
}

/// Fills in the origins of the installations of an earlier version; in Rust, because an origin is
/// what the URL standard makes of an address.
async fn fill_origins(transaction: &Transaction<'_>) -> Result<(), Failed> {
    let update = "UPDATE glance_installation SET origin = $2 WHERE oauth_id = $1";
    let mut last: Option<String> = None;
    loop {
        let page = transaction
            .query_typed(PAGE, &[(&last, Type::TEXT)])
            .await?;
        for row in &page {
            let oauth_id: String = row.try_get("oauth_id")?;
            let origin = read(row)?.origin().unwrap_or_default();
            let of = [
                (&oauth_id as &(dyn ToSql + Sync), Type::TEXT),
                (&origin, Type::TEXT),
            ];
            transaction.execute_typed(update, &of).await?;
            last = Some(oauth_id);
        }
        if page.is_empty() {
            return Ok(());
        }
    }
}
