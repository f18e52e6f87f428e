//! Access tokens and used requests, each in a table of its own.

use tokio_postgres::types::Type;
use tokio_postgres::{Row, Transaction};

use super::attempt_error::AttemptError;
use super::operation::{Operation, Parameter, transact};
use super::{Database, broken, cannot_be_stored};
use crate::Result;
use crate::model::{OauthId, Secret};
use crate::store::{AccessToken, Claimed, RequestClaim};

const TOKEN_FAILED: &str = "cannot share an access token";
const CLAIM_FAILED: &str = "cannot record a request";

/// The number of expired requests, of any installation, that one claim removes. A claim adds one,
/// so none stay for long.
const SWEEP: i64 = 1000;

/// Serializes changes of an installation's tokens, while other calls may read them.
const LOCK: &str =
    "SELECT 1 FROM {schema}.glance_installation WHERE oauth_id = $1 FOR NO KEY UPDATE";
const TOKEN: &str = "SELECT token, renew_at FROM {schema}.glance_access_token
    WHERE oauth_id = $1 AND name = $2";
const EVICT: &str = "DELETE FROM {schema}.glance_access_token
    WHERE oauth_id = $1 AND (renew_at <= $3 OR name IN (
        SELECT name FROM {schema}.glance_access_token WHERE oauth_id = $1 AND name <> $2
        ORDER BY renew_at DESC OFFSET $4))";
const PUT_TOKEN: &str = "INSERT INTO {schema}.glance_access_token (oauth_id, name, token, renew_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (oauth_id, name) DO UPDATE SET token = EXCLUDED.token, renew_at = EXCLUDED.renew_at";
const REMOVE_TOKEN: &str = "DELETE FROM {schema}.glance_access_token
    WHERE oauth_id = $1 AND name = $2 AND token = $3";

/// Skips rows that another process is removing.
const SWEEP_REQUESTS: &str = "DELETE FROM {schema}.glance_used_request
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {schema}.glance_used_request WHERE expires_at <= $1
        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
/// Returns whether the installation is stored, whether the claim is the first, and whether the
/// request was used before or capacity was left. An expired request that still exists may be used
/// again.
const CLAIM: &str = "WITH installation AS (
        SELECT oauth_id FROM {schema}.glance_installation WHERE oauth_id = $1 FOR KEY SHARE
    ), live AS (
        SELECT count(*) AS number FROM (
            SELECT 1 FROM {schema}.glance_used_request
            WHERE oauth_id = $1 AND expires_at > $4 LIMIT $5
        ) AS counted
    ), claimed AS (
        INSERT INTO {schema}.glance_used_request AS used (oauth_id, name, expires_at)
        SELECT installation.oauth_id, $2, $3 FROM installation, live WHERE live.number < $5
        ON CONFLICT (oauth_id, name) DO UPDATE SET expires_at = EXCLUDED.expires_at
            WHERE used.expires_at <= $4
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM installation), EXISTS (SELECT FROM claimed),
        EXISTS (
            SELECT FROM {schema}.glance_used_request
            WHERE oauth_id = $1 AND name = $2 AND expires_at > $4
        ) OR (SELECT number < $5 FROM live)";

pub(super) async fn token(
    database: &Database,
    oauth_id: &OauthId,
    name: &str,
) -> Result<Option<AccessToken>> {
    if cannot_be_stored(oauth_id) {
        return Ok(None);
    }
    let id = oauth_id.as_str();
    let of: [Parameter<'_>; 2] = [(&id, Type::TEXT), (&name, Type::TEXT)];
    let rows = Operation::new(database, TOKEN_FAILED).select(TOKEN, &of);
    let rows = rows.await?;
    rows.first().map(read).transpose().map_err(broken)
}

fn read(row: &Row) -> std::result::Result<AccessToken, tokio_postgres::Error> {
    let secret: String = row.try_get(0)?;
    Ok(AccessToken::new(Secret::from(secret), row.try_get(1)?))
}

pub(super) async fn put_token(
    database: &Database,
    oauth_id: &OauthId,
    name: &str,
    token: &AccessToken,
    now: i64,
) -> Result<bool> {
    if cannot_be_stored(oauth_id) {
        return Ok(false);
    }
    let id = oauth_id.as_str();
    let secret = token.secret.expose();
    let others = AccessToken::MAX_PER_INSTALLATION as i64 - 1;
    let sql = |template| database.schema.sql(template);
    let write = async |transaction: &Transaction<'_>| -> Result<bool, AttemptError> {
        let of: [Parameter<'_>; 4] = [
            (&id, Type::TEXT),
            (&name, Type::TEXT),
            (&now, Type::INT8),
            (&others, Type::INT8),
        ];
        let installed = transaction.query_typed_opt(&sql(LOCK), &of[..1]).await?;
        if installed.is_none() {
            return Ok(false);
        }
        transaction.execute_typed(&sql(EVICT), &of).await?;
        let of: [Parameter<'_>; 4] = [
            (&id, Type::TEXT),
            (&name, Type::TEXT),
            (&secret, Type::TEXT),
            (&token.renew_at, Type::INT8),
        ];
        transaction.execute_typed(&sql(PUT_TOKEN), &of).await?;
        Ok(true)
    };
    transact!(Operation::new(database, TOKEN_FAILED), transaction => write(&transaction))
}

pub(super) async fn remove_token(
    database: &Database,
    oauth_id: &OauthId,
    name: &str,
    refused: &Secret,
) -> Result<bool> {
    if cannot_be_stored(oauth_id) {
        return Ok(false);
    }
    let (id, refused) = (oauth_id.as_str(), refused.expose());
    let of: [Parameter<'_>; 3] = [
        (&id, Type::TEXT),
        (&name, Type::TEXT),
        (&refused, Type::TEXT),
    ];
    let removal = Operation::new(database, TOKEN_FAILED).execute(REMOVE_TOKEN, &of);
    Ok(removal.await? > 0)
}

pub(super) async fn claim(database: &Database, claim: &RequestClaim) -> Result<Claimed> {
    if cannot_be_stored(&claim.oauth_id) {
        return Ok(Claimed::Unknown);
    }
    let (id, name) = (claim.oauth_id.as_str(), claim.name.as_slice());
    let limit = i64::from(claim.limit);
    let sql = |template| database.schema.sql(template);
    let write = async |transaction: &Transaction<'_>| -> Result<Claimed, AttemptError> {
        let of: [Parameter<'_>; 2] = [(&claim.now, Type::INT8), (&SWEEP, Type::INT8)];
        transaction.execute_typed(&sql(SWEEP_REQUESTS), &of).await?;
        let of: [Parameter<'_>; 5] = [
            (&id, Type::TEXT),
            (&name, Type::BYTEA),
            (&claim.expires_at, Type::INT8),
            (&claim.now, Type::INT8),
            (&limit, Type::INT8),
        ];
        let row = transaction.query_typed_one(&sql(CLAIM), &of).await?;
        Ok(match (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?) {
            (false, _, _) => Claimed::Unknown,
            (true, true, _) => Claimed::First,
            (true, false, true) => Claimed::Replayed,
            (true, false, false) => Claimed::Full,
        })
    };
    transact!(Operation::new(database, CLAIM_FAILED), transaction => write(&transaction))
}
