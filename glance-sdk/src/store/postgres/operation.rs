//! One operation on the store: limited in time, and repeated once on a new connection where nothing
//! was done.

use std::fmt;
use std::time::Duration;

use deadpool::managed::{PoolError, TimeoutType};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{IsolationLevel, Row, Transaction};

use super::Database;
use super::connections::{CONNECT, is_shutdown};
use super::pool::{Lease, Pool};
use super::schema::Schema;
use crate::{Error, Result};

/// How long an operation may take in all. A host waits 10 s for an answer.
const OPERATION: Duration = Duration::from_secs(8);

/// How long the statements of an operation may take on one connection.
const ATTEMPT: Duration = Duration::from_secs(3);

/// How long tables may take to be made or changed, which nobody waits for but the start.
const MIGRATION: Duration = Duration::from_secs(120);

/// How long to wait before a server is asked again that refused a connection.
const RECONNECT: Duration = Duration::from_millis(200);

/// Runs statements in a transaction: `transact!(operation, transaction => future)`. The future answers a
/// `Result<T, Failed>`, and is made anew for the second attempt. A macro, because the compiler does not see
/// that what a closure makes of a borrowed transaction is `Send`.
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

/// A parameter with its type. Statements are sent with the types of their parameters: they need no
/// preparation, which would bind them to one connection of a pooler's.
pub(super) type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

/// An operation under way.
pub(super) struct Operation<'p> {
    pool: &'p Pool,
    /// Unknown to a migration, which decides about it.
    schema: Option<&'p Schema>,
    what: &'static str,
    deadline: Instant,
    attempt: Duration,
    attempt_ends: Instant,
    attempt_began: std::time::Instant,
    is_repeated: bool,
}

impl<'p> Operation<'p> {
    /// `what` is what the store cannot do where it fails: "cannot list installations".
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

    /// The rows of a query that changes nothing.
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

    /// How many rows a statement changed, in a transaction of its own.
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

    /// A connection for one attempt.
    pub(super) async fn connection(&mut self) -> Result<Lease> {
        type Source = Box<dyn std::error::Error + Send + Sync>;
        let unreachable =
            |cause: Source| Error::storage("the installation store cannot be reached", cause);
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
                // A server that restarts is back in a moment.
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

    /// Begins a transaction that ends on the server when it ends here.
    pub(super) async fn begin<'c>(
        &self,
        connection: &'c mut Lease,
    ) -> Result<Transaction<'c>, Failed> {
        let limit = self.attempt.as_millis();
        self.limited(async {
            let transaction = connection
                .build_transaction()
                .isolation_level(IsolationLevel::ReadCommitted)
                .start()
                .await?;
            // `LOCAL` ends with the transaction, as nothing may stay behind on a pooler's connection.
            let limits = format!(
                "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; \
                 SET LOCAL idle_in_transaction_session_timeout = {limit}"
            );
            transaction.batch_execute(&limits).await?;
            Ok(transaction)
        })
        .await
    }

    /// Ends a transaction. Where this fails, nobody knows whether it is done.
    pub(super) async fn commit(&self, transaction: Transaction<'_>) -> Result<(), Failed> {
        self.limited(async { Ok(transaction.commit().await?) })
            .await
            .map_err(|failed| Failed {
                may_be_done: true,
                ..failed
            })
    }

    /// Statements of this attempt, in the time that it has.
    pub(super) async fn limited<T>(
        &self,
        statements: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        match timeout_at(self.attempt_ends, statements).await {
            Ok(done) => done,
            Err(_) => Err(Failed {
                cause: Cause::TimedOut(TimedOut(self.attempt)),
                may_be_done: false,
            }),
        }
    }

    /// Decides about a failed attempt: `Ok` where another is to be made.
    ///
    /// # Errors
    ///
    /// Where the operation failed for good.
    pub(super) fn again(&mut self, connection: Lease, failed: Failed) -> Result<()> {
        let is_lost = failed.cause.is_of_connection();
        if is_lost {
            connection.discard();
            // What happened to it happened to those that are as old.
            self.pool.drop_older(self.attempt_began);
        }
        if is_lost && !failed.may_be_done && !self.is_repeated {
            tracing::warn!(
                "the installation store {}, and tries again on a new connection: {}",
                self.what,
                failed.cause,
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

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Failed {
    cause: Cause,
    /// Whether it may have changed something all the same.
    may_be_done: bool,
}

#[derive(Debug)]
enum Cause {
    Database(tokio_postgres::Error),
    TimedOut(TimedOut),
    /// What is stored cannot be understood.
    Content(Error),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(cause: tokio_postgres::Error) -> Self {
        Self {
            cause: Cause::Database(cause),
            may_be_done: false,
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            cause: Cause::Content(error),
            may_be_done: false,
        }
    }
}

impl Cause {
    /// Whether another connection may do better: this one is broken, its server stops, or is no
    /// longer the one that may be written.
    fn is_of_connection(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Content(_) => false,
            Self::Database(cause) => is_lost(cause),
        }
    }
}

/// Whether the connection or its server failed, rather than the statement or a value.
pub(crate) fn is_lost(cause: &tokio_postgres::Error) -> bool {
    let Some(error) = cause.as_db_error() else {
        let source = std::error::Error::source(cause);
        return cause.is_closed() || source.is_some_and(|source| source.is::<std::io::Error>());
    };
    let code = error.code();
    *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || is_shutdown(code)
        // Also what a pooler says of its server.
        || code.code().starts_with("08")
        || matches!(
            error.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        )
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(cause) => cause.fmt(f),
            Self::TimedOut(cause) => cause.fmt(f),
            Self::Content(cause) => cause.fmt(f),
        }
    }
}

/// Nothing was answered in time.
#[derive(Debug)]
struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", self.0.as_secs())
    }
}

impl std::error::Error for TimedOut {}
