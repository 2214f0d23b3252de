//! What tests of several crates share: a PostgreSQL with the migrations applied, a mail server that keeps its mail,
//! damaged tokens.
//! A dev-dependency only.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

pub mod fuzz;
pub mod postgres;
pub mod redis;
pub mod smtp;
