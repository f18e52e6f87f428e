//! The schema of the tables. Every statement names it, because a pooler may give each transaction
//! another connection, with another search path.

use std::sync::Arc;

use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::attempt_error::AttemptError;
use crate::{Error, ErrorKind, Result};

/// PostgreSQL silently truncates longer names.
const MAX_NAME_BYTES: usize = 63;

const EXISTS: &str =
    "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname::text = $1)";

/// The schema of existing tables on the search path, otherwise the first schema on it.
const CURRENT: &str = "SELECT coalesce(
    (SELECT nspname FROM pg_catalog.pg_class
        JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
        WHERE pg_class.oid = to_regclass('glance_schema')),
    current_schema())::text";

/// The name of a schema, as statements contain it.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    name: Arc<str>,
    quoted: Arc<str>,
}

impl Schema {
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if a schema cannot have this name.
    pub(super) fn new(name: &str) -> Result<Self> {
        let wrong = match name {
            "" => Some("is empty"),
            _ if name.len() > MAX_NAME_BYTES => Some("has more than 63 bytes"),
            _ if name.contains('\0') => Some("has a NUL character"),
            _ if name.starts_with("pg_") => {
                Some("starts with pg_, which is reserved for PostgreSQL")
            }
            _ => None,
        };
        match wrong {
            None => Ok(Self::quote(name)),
            Some(wrong) => Err(Error::new(
                ErrorKind::Configuration,
                format!("the name of the schema, {name:?}, {wrong}; choose another"),
            )),
        }
    }

    fn quote(name: &str) -> Self {
        Self {
            quoted: format!("\"{}\"", name.replace('"', "\"\"")).into(),
            name: name.into(),
        }
    }

    /// Returns a statement; the template writes its tables as `{schema}.table`.
    pub(super) fn sql(&self, template: &str) -> String {
        template.replace("{schema}", &self.quoted)
    }

    /// Creates the schema unless it exists.
    pub(super) async fn create(&self, transaction: &Transaction<'_>) -> Result<(), AttemptError> {
        let name = &*self.name;
        let exists = transaction
            .query_typed_one(EXISTS, &[(&name, Type::TEXT)])
            .await?;
        if exists.try_get(0)? {
            return Ok(());
        }
        let create = format!("CREATE SCHEMA {}", self.quoted);
        match transaction.batch_execute(&create).await {
            Err(cause) if cause.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                let what = format!(
                    "the database has no schema {:?}, and this role may not create it; let the owner of the \
                     database run CREATE SCHEMA {} AUTHORIZATION with the name of this role",
                    self.name, self.quoted
                );
                Err(Error::storage(what, cause).into())
            }
            created => Ok(created?),
        }
    }

    /// Returns the default schema of the connection.
    pub(super) async fn current(transaction: &Transaction<'_>) -> Result<Self, AttemptError> {
        let current = transaction.query_typed_one(CURRENT, &[]).await?;
        match current.try_get::<_, Option<&str>>(0)? {
            Some(name) => Ok(Self::quote(name)),
            None => Err(Error::new(
                ErrorKind::Storage,
                "the search path of this role names no schema that exists; choose a schema for the \
                 installation store",
            )
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        let schema = Schema::new("a\"; DROP TABLE b; --").unwrap();
        assert_eq!(
            schema.sql("SELECT 1 FROM {schema}.c"),
            "SELECT 1 FROM \"a\"\"; DROP TABLE b; --\".c"
        );
    }

    #[test]
    fn invalid_names_are_refused() {
        let long = "é".repeat(32);
        for (name, wrong) in [
            ("", "empty"),
            (long.as_str(), "63 bytes"),
            ("a\0b", "NUL"),
            ("pg_glance", "pg_"),
        ] {
            let error = Schema::new(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(wrong), "{error}");
        }
        assert!(Schema::new(&"e".repeat(63)).is_ok());
    }
}
