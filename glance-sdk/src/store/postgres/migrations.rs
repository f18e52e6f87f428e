//! Migrates the tables of earlier versions.

use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::attempt_error::AttemptError;
use super::operation::{Operation, transact};
use super::pool::Pool;
use super::read;
use super::schema::Schema;
use crate::{Error, ErrorKind, Result};

/// The order of the steps must never change: `glance_schema` stores the number of completed steps.
/// Ids are ordered by their bytes, and numbers above the range of `bigint` are stored by their
/// bits.
const STEPS: [&str; 3] = [
    "
    CREATE TABLE {schema}.glance_installation (
        oauth_id text COLLATE \"C\" PRIMARY KEY,
        data text NOT NULL,
        token_url text NOT NULL,
        api_url text NOT NULL,
        group_id bigint NOT NULL,
        room_id bigint
    );
    CREATE INDEX glance_installation_by_room ON {schema}.glance_installation (room_id, oauth_id);
    CREATE INDEX glance_installation_by_group ON {schema}.glance_installation (group_id, oauth_id);
",
    "
    ALTER TABLE {schema}.glance_installation
        ADD COLUMN origin text NOT NULL DEFAULT '',
        ADD COLUMN removal_attempts bigint NOT NULL DEFAULT 0,
        ADD COLUMN removal_asked_at bigint,
        ADD COLUMN removal_due_at bigint;
    CREATE INDEX glance_installation_by_origin ON {schema}.glance_installation (origin);
    CREATE INDEX glance_installation_by_removal_due
        ON {schema}.glance_installation (removal_due_at, oauth_id) WHERE removal_due_at IS NOT NULL;
",
    "
    CREATE TABLE {schema}.glance_access_token (
        oauth_id text COLLATE \"C\" NOT NULL
            REFERENCES {schema}.glance_installation ON DELETE CASCADE,
        name text COLLATE \"C\" NOT NULL,
        token text NOT NULL,
        renew_at bigint NOT NULL,
        PRIMARY KEY (oauth_id, name)
    );
    CREATE TABLE {schema}.glance_used_request (
        oauth_id text COLLATE \"C\" NOT NULL
            REFERENCES {schema}.glance_installation ON DELETE CASCADE,
        name bytea NOT NULL,
        expires_at bigint NOT NULL,
        PRIMARY KEY (oauth_id, name) INCLUDE (expires_at)
    );
    CREATE INDEX glance_used_request_by_expiry ON {schema}.glance_used_request (expires_at);
",
];

/// The number of steps after which installations have an origin. [`fill_origins`] fills it in.
const WITH_ORIGINS: usize = 2;

const PAGE: &str = "SELECT data, token_url, api_url, oauth_id FROM {schema}.glance_installation
    WHERE oauth_id > $1 OR $1 IS NULL ORDER BY oauth_id LIMIT 1000";

/// The advisory lock for processes that start concurrently: `glance` in ASCII.
const LOCK: i64 = 0x676c_616e_6365;

/// Makes the missing steps, all or none. Returns the schema, by default that of the search path.
///
/// If the tables are up to date, this writes nothing. Thus a role that may not create tables can
/// use tables of another role, and the server may be read-only.
pub(super) async fn run(pool: &Pool, schema: Option<Schema>) -> Result<Schema> {
    let operation = Operation::migration(pool, "cannot create its tables");
    transact!(operation, transaction => make(&transaction, schema.as_ref()))
}

async fn make(
    transaction: &Transaction<'_>,
    schema: Option<&Schema>,
) -> Result<Schema, AttemptError> {
    transaction
        .query_typed_one("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)])
        .await?;
    let schema = match schema {
        Some(schema) => {
            schema.create(transaction).await?;
            schema.clone()
        }
        None => Schema::current(transaction).await?,
    };
    let (table, has_table) = (
        schema.sql("{schema}.glance_schema"),
        "SELECT to_regclass($1) IS NOT NULL",
    );
    let has_table = transaction
        .query_typed_one(has_table, &[(&table, Type::TEXT)])
        .await?;
    if !has_table.try_get::<_, bool>(0)? {
        let create = schema.sql(
            "CREATE TABLE {schema}.glance_schema (version integer NOT NULL);
             INSERT INTO {schema}.glance_schema VALUES (0);",
        );
        transaction.batch_execute(&create).await?;
    }
    let version = schema.sql("SELECT version FROM {schema}.glance_schema");
    let version: i32 = transaction
        .query_typed_one(&version, &[])
        .await?
        .try_get(0)?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = STEPS.get(done..) else {
        let newer = format!(
            "the installation store belongs to a newer version of this program: its schema is \
                 {version}, and this version knows {}",
            STEPS.len()
        );
        return Err(Error::new(ErrorKind::Storage, newer).into());
    };
    for step in missing {
        transaction.batch_execute(&schema.sql(step)).await?;
    }
    if done < WITH_ORIGINS {
        fill_origins(transaction, &schema).await?;
    }
    if !missing.is_empty() {
        let version = STEPS.len() as i32;
        transaction
            .execute_typed(
                &schema.sql("UPDATE {schema}.glance_schema SET version = $1"),
                &[(&version, Type::INT4)],
            )
            .await?;
    }
    Ok(schema)
}

/// Fills in the origins of an earlier version's installations. It is written in Rust, because the
/// URL standard defines the origin of an address.
async fn fill_origins(transaction: &Transaction<'_>, schema: &Schema) -> Result<(), AttemptError> {
    let update =
        schema.sql("UPDATE {schema}.glance_installation SET origin = $2 WHERE oauth_id = $1");
    let page_query = schema.sql(PAGE);
    let mut last: Option<String> = None;
    loop {
        let page = transaction
            .query_typed(&page_query, &[(&last, Type::TEXT)])
            .await?;
        for row in &page {
            let oauth_id: String = row.try_get("oauth_id")?;
            let origin = read(row)?.origin().unwrap_or_default();
            let of = [
                (&oauth_id as &(dyn ToSql + Sync), Type::TEXT),
                (&origin, Type::TEXT),
            ];
            transaction.execute_typed(&update, &of).await?;
            last = Some(oauth_id);
        }
        if page.is_empty() {
            return Ok(());
        }
    }
}
