//! PostgreSQL. The only crate that contains SQL.
//!
//! There is no connection without a transaction and no transaction without an [`OpCtx`]: [`TenantTx`] is confined to the context's
//! tenant by row-level security, [`SystemTx`] is the rare exception for what happens before a tenant is known.
//! A transaction that is dropped without `commit` changes nothing.

pub mod activity;
pub mod audit;
pub mod billing;
pub mod ctx;
pub mod device_codes;
pub mod feature_use;
pub mod idempotency;
pub mod invitations;
pub mod licenses;
pub mod mail;
pub mod members;
pub mod refresh;
pub mod revocations;
pub mod schema;
pub mod seat_outbox;
pub mod signups;
pub mod staff;
pub mod tenants;
mod tx;
pub mod usage;
pub mod users;
pub mod web_sessions;

pub use ctx::{Actor, OpCtx};
pub use tx::{Store, SystemTx, TenantTx, Tx, Waits};

/// What can go wrong between us and PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint of this name stands against it.
    #[error("constraint {0} violated")]
    Conflict(String),
    /// A text with a character that PostgreSQL has no place for, which is NUL.
    #[error("a text that cannot be stored")]
    Text,
    /// PostgreSQL is away or overloaded; trying again later makes sense.
    #[error("database unavailable: {0}")]
    Unavailable(sqlx::Error),
    /// The operation needs a tenant and its context has none: a programming error.
    #[error("operation without tenant")]
    NoTenant,
    /// A row holds what no version of the portal writes.
    #[error("unexpected value in {0}")]
    Corrupt(&'static str),
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) => match db.code().as_deref() {
                Some("22021" | "22P05") => Self::Text,
                Some("23505") => Self::Conflict(db.constraint().unwrap_or_default().to_owned()),
                // connection failures, shutdown in progress, too many connections, lock and statement timeouts, deadlocks
                Some(code)
                    if code.starts_with("08")
                        || code.starts_with("57P")
                        || matches!(code, "53300" | "55P03" | "57014" | "40P01" | "40001") =>
                {
                    Self::Unavailable(error)
                }
                _ => Self::Sql(error),
            },
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error)
            }
            _ => Self::Sql(error),
        }
    }
}

/// Parses a text column into one of our enumerations.
fn parse<T: std::str::FromStr>(text: &str, column: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt(column))
}
