//! The licence API and the layers around it, on a real PostgreSQL and a real Redis, through the whole router.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bad_input;
mod device;
mod isolation;
mod outages;
mod path;
mod support;
mod web;
mod webhooks;
