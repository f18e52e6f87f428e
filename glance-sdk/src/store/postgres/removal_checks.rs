//! Removal checks, which are columns of the installation's table.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::operation::{Operation, Parameter};
use super::{Database, broken, cannot_be_stored};
use crate::Result;
use crate::model::OauthId;
use crate::store::RemovalCheck;

const FAILED: &str = "cannot schedule a removal check";

const GET: &str = "SELECT oauth_id, removal_attempts, removal_asked_at, removal_due_at
    FROM {schema}.glance_installation WHERE oauth_id = $1";
const SET: &str = "UPDATE {schema}.glance_installation
    SET removal_attempts = $2, removal_asked_at = $3, removal_due_at = $4
    WHERE oauth_id = $1 AND removal_attempts = $5
      AND removal_asked_at IS NOT DISTINCT FROM $6 AND removal_due_at IS NOT DISTINCT FROM $7";
const DUE: &str = "SELECT oauth_id, removal_attempts, removal_asked_at, removal_due_at
    FROM {schema}.glance_installation WHERE removal_due_at <= $1
    ORDER BY removal_due_at, oauth_id LIMIT $2";

pub(super) async fn get(database: &Database, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
    if cannot_be_stored(oauth_id) {
        return Ok(None);
    }
    let id = oauth_id.as_str();
    let of: [Parameter<'_>; 1] = [(&id, Type::TEXT)];
    let rows = Operation::new(database, FAILED).select(GET, &of).await?;
    let found = rows.first().map(read).transpose()?;
    Ok(found.map(|(_, check)| check))
}

pub(super) async fn set(
    database: &Database,
    oauth_id: &OauthId,
    expected: &RemovalCheck,
    new: &RemovalCheck,
) -> Result<bool> {
    if cannot_be_stored(oauth_id) {
        return Ok(false);
    }
    let id = oauth_id.as_str();
    let (attempts, expected_attempts) = (i64::from(new.attempts), i64::from(expected.attempts));
    let of: [Parameter<'_>; 7] = [
        (&id, Type::TEXT),
        (&attempts, Type::INT8),
        (&new.asked_at, Type::INT8),
        (&new.due_at, Type::INT8),
        (&expected_attempts, Type::INT8),
        (&expected.asked_at, Type::INT8),
        (&expected.due_at, Type::INT8),
    ];
    let set = Operation::new(database, FAILED).execute(SET, &of).await?;
    Ok(set > 0)
}

pub(super) async fn due(
    database: &Database,
    until: i64,
    limit: usize,
) -> Result<Vec<(OauthId, RemovalCheck)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let of: [Parameter<'_>; 2] = [(&until, Type::INT8), (&limit, Type::INT8)];
    let rows = Operation::new(database, FAILED).select(DUE, &of).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(OauthId, RemovalCheck)> {
    columns(row).map_err(broken)
}

fn columns(row: &Row) -> std::result::Result<(OauthId, RemovalCheck), tokio_postgres::Error> {
    let oauth_id: String = row.try_get(0)?;
    let attempts: i64 = row.try_get(1)?;
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
    let check = RemovalCheck::new(attempts, row.try_get(2)?, row.try_get(3)?);
    Ok((oauth_id.into(), check))
}
