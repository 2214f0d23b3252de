//! The command and the library against a portal that speaks the licence API.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may fail loudly, and the portal here runs by the real clock"
)]

mod device;
mod doctor;
mod fuzz;
mod login;
mod offline;
mod portal;
mod proxy;
mod run;
mod session;
mod sharing;
mod tokens;
