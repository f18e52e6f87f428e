//! One operation on the store. It has a timeout, and retries once on a new connection if it changed
//! nothing.

use std::time::Duration;

use deadpool::managed::{PoolError, TimeoutType};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{IsolationLevel, Row, Transaction};

use super::Database;
use super::attempt_error::{AttemptError, Cause, TimedOut};
use super::connections::CONNECT;
use super::pool::{Lease, Pool};
use super::schema::Schema;
use crate::{Error, Result};

/// The timeout of an operation. A host waits 10 s for a response.
const OPERATION: Duration = Duration::from_secs(8);

/// The timeout of an operation's statements on one connection.
const ATTEMPT: Duration = Duration::from_secs(3);

/// The timeout of creating or migrating tables, for which only the start waits.
const MIGRATION: Duration = Duration::from_secs(120);

/// The pause before connecting again to a server that refused a connection.
const RECONNECT: Duration = Duration::from_millis(200);

/// Runs statements in a transaction: `transact!(operation, transaction => future)`. The future
/// returns `Result<T, AttemptError>`, and the macro evaluates it again for the second attempt. It
/// is a macro, because the compiler does not see that a closure's future with a borrowed
/// transaction is `Send`.
macro_rules! transact {
    ($operation:expr, $transaction:ident => $statements:expr) => {{
        let mut operation = $operation;
        loop {
            let mut connection = operation.connection().await?;
            let written = async {
                let $transaction = operation.begin(&mut connection).await?;
                let written = operation.limited($statements).await?;
                operation.commit($transaction).await?;
                Ok(written)
            };
            match written.await {
                Ok(written) => break Ok(written),
                Err(failed) => operation.again(connection, failed)?,
            }
        }
    }};
}
pub(super) use transact;

/// A parameter with its type. Statements are sent with the types of their parameters, because
/// prepared statements are bound to one connection of a pooler.
pub(super) type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

/// A running operation.
pub(super) struct Operation<'p> {
    pool: &'p Pool,
    /// `None` in a migration, which determines the schema.
    schema: Option<&'p Schema>,
    what: &'static str,
    deadline: Instant,
    attempt: Duration,
    attempt_ends: Instant,
    attempt_began: std::time::Instant,
    is_repeated: bool,
}

impl<'p> Operation<'p> {
    /// Creates an operation. `what` describes its failure: "cannot list installations".
    pub(super) fn new(database: &'p Database, what: &'static str) -> Self {
        let operation = Self::lasting(&database.pool, what, ATTEMPT, OPERATION);
        Self {
            schema: Some(&database.schema),
            ..operation
        }
    }

    pub(super) fn migration(pool: &'p Pool, what: &'static str) -> Self {
        Self::lasting(pool, what, MIGRATION, MIGRATION + CONNECT)
    }

    fn lasting(pool: &'p Pool, what: &'static str, attempt: Duration, operation: Duration) -> Self {
        let now = Instant::now();
        Self {
            pool,
            schema: None,
            what,
            deadline: now + operation,
            attempt,
            attempt_ends: now + attempt,
            attempt_began: now.into_std(),
            is_repeated: false,
        }
    }

    /// Returns the rows of a query that changes nothing.
    pub(super) async fn select(mut self, query: &str, of: &[Parameter<'_>]) -> Result<Vec<Row>> {
        let query = self.sql(query);
        loop {
            let connection = self.connection().await?;
            let rows = async { Ok(connection.query_typed(&query, of).await?) };
            match self.limited(rows).await {
                Ok(rows) => return Ok(rows),
                Err(failed) => self.again(connection, failed)?,
            }
        }
    }

    /// Executes a statement in a transaction of its own. Returns the number of changed rows.
    pub(super) async fn execute(self, statement: &str, of: &[Parameter<'_>]) -> Result<u64> {
        let statement = self.sql(statement);
        transact!(self, transaction => async {
            Ok(transaction.execute_typed(&statement, of).await?)
        })
    }

    fn sql(&self, template: &str) -> String {
        match self.schema {
            Some(schema) => schema.sql(template),
            None => template.to_owned(),
        }
    }

    /// Returns a connection for one attempt.
    pub(super) async fn connection(&mut self) -> Result<Lease> {
        type Source = Box<dyn std::error::Error + Send + Sync>;
        let unreachable =
            |cause: Source| Error::storage("cannot reach the installation store", cause);
        self.attempt_began = std::time::Instant::now();
        let given_up = self.deadline.min(Instant::now() + CONNECT);
        loop {
            let cause = match timeout_at(self.deadline, self.pool.get()).await {
                Ok(Ok(connection)) => {
                    self.attempt_ends = self.deadline.min(Instant::now() + self.attempt);
                    return Ok(connection);
                }
                Ok(Err(cause)) => cause,
                Err(_) => return Err(unreachable(TimedOut(OPERATION).into())),
            };
            match cause {
                // A server that restarts is available again in a moment.
                PoolError::Backend(cause)
                    if cause.is_refusal() && Instant::now() + RECONNECT < given_up =>
                {
                    sleep(RECONNECT).await;
                }
                PoolError::Backend(cause) => return Err(unreachable(cause.into())),
                PoolError::Timeout(TimeoutType::Wait) => {
                    let busy = format!("all {} connections are in use", self.pool.max_size());
                    return Err(unreachable(busy.into()));
                }
                cause => return Err(unreachable(cause.to_string().into())),
            }
        }
    }

    /// Begins a transaction whose timeouts also apply on the server.
    pub(super) async fn begin<'c>(
        &self,
        connection: &'c mut Lease,
    ) -> Result<Transaction<'c>, AttemptError> {
        let limit = self.attempt.as_millis();
        self.limited(async {
            let transaction = connection
                .build_transaction()
                .isolation_level(IsolationLevel::ReadCommitted)
                .start()
                .await?;
            // `LOCAL` settings end with the transaction, because no settings may remain on a
            // pooler's connection.
            let limits = format!(
                "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; \
                 SET LOCAL idle_in_transaction_session_timeout = {limit}"
            );
            transaction.batch_execute(&limits).await?;
            Ok(transaction)
        })
        .await
    }

    /// Commits a transaction. If this fails, the transaction may or may not be committed.
    pub(super) async fn commit(&self, transaction: Transaction<'_>) -> Result<(), AttemptError> {
        self.limited(async { Ok(transaction.commit().await?) })
            .await
            .map_err(|failed| AttemptError {
                may_be_done: true,
                ..failed
            })
    }

    /// Runs statements of this attempt within its timeout.
    pub(super) async fn limited<T>(
        &self,
        statements: impl Future<Output = Result<T, AttemptError>>,
    ) -> Result<T, AttemptError> {
        match timeout_at(self.attempt_ends, statements).await {
            Ok(done) => done,
            Err(_) => Err(AttemptError {
                cause: Cause::TimedOut(TimedOut(self.attempt)),
                may_be_done: false,
            }),
        }
    }

    /// Decides about a failed attempt: `Ok` means another attempt.
    ///
    /// # Errors
    ///
    /// Returns the error of the operation if a retry would not help.
    pub(super) fn again(&mut self, connection: Lease, failed: AttemptError) -> Result<()> {
        let is_lost = failed.cause.is_of_connection();
        if is_lost {
            connection.discard();
            // The connections of the same age probably failed too.
            self.pool.drop_older(self.attempt_began);
        }
        if is_lost && !failed.may_be_done && !self.is_repeated {
            tracing::warn!(
                error = %failed.cause,
                "the installation store {}; retrying on a new connection",
                self.what,
            );
            self.is_repeated = true;
            return Ok(());
        }
        let what = format!("the installation store {}", self.what);
        Err(match failed.cause {
            Cause::Database(cause) => Error::storage(what, cause),
            Cause::TimedOut(cause) => Error::storage(what, cause),
            Cause::Content(error) => error,
        })
    }
}
