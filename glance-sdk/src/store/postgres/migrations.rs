//! How the tables of an earlier version become those of this version.

use deadpool_postgres::Object;

use super::failed;
use crate::{Error, ErrorKind, Result};

/// Each in its place for good: `glance_schema` remembers how many are done. Ids are ordered by
/// their bytes, and numbers above the range of `bigint` are kept by their bits.
const STEPS: [&str; 1] = ["
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
"];

/// The lock that instances starting together queue for: `glance` in ASCII.
const LOCK: i64 = 0x676c_616e_6365;

/// Makes the steps that are missing, all or none.
///
/// A role that may not create tables can run on tables another role made: nothing is created
/// that is there.
pub(super) async fn run(connection: &mut Object) -> Result<()> {
    let failed = failed("cannot make its tables");
    let transaction = connection.transaction().await.map_err(&failed)?;
    transaction
        .query_one("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(&failed)?;
    let has_schema: bool = transaction
        .query_one("SELECT to_regclass('glance_schema') IS NOT NULL", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(&failed)?;
    if !has_schema {
        transaction
            .batch_execute(
                "CREATE TABLE glance_schema (version integer NOT NULL);
                 INSERT INTO glance_schema VALUES (0);",
            )
            .await
            .map_err(&failed)?;
    }
    let version: i32 = transaction
        .query_one("SELECT version FROM glance_schema", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(&failed)?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = STEPS.get(done..) else {
        return Err(Error::new(
            ErrorKind::Storage,
            format!(
                "the installation store is of a newer version of this program: its schema is \
                 {version}, and this one knows {}",
                STEPS.len()
            ),
        ));
    };
    for step in missing {
        transaction.batch_execute(step).await.map_err(&failed)?;
    }
    if !missing.is_empty() {
        transaction
            .execute(
                "UPDATE glance_schema SET version = $1",
                &[&(STEPS.len() as i32)],
            )
            .await
            .map_err(&failed)?;
    }
    transaction.commit().await.map_err(&failed)
}
