//! A private PostgreSQL, a private Redis and the Stripe sandbox as child processes: what `make run` uses when no `DATABASE_URL` or `REDIS_URL`
//! is set, and what tests run on.
//!
//! Everything listens on 127.0.0.1 with a password, and nothing outlives the process that started it: see [`Keeper`].

pub mod postgres;
mod process;
pub mod redis;
pub mod stripe_sandbox;

pub use process::{Keeper, RunAs};

use std::net::{Ipv4Addr, TcpListener};

/// Why a service did not start or stop, as one sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServiceError(pub String);

impl ServiceError {
    /// The sentence, with what the operating system said.
    fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// A TCP port of 127.0.0.1 that is free at this moment. Another program may take it before it is used: try again then.
pub fn free_port() -> Result<u16, ServiceError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| ServiceError::io("No free port on 127.0.0.1", &e))
}
