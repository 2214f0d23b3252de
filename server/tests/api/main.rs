//! The licence API and the layers around it, on a real PostgreSQL and a real Redis, through the whole router.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bad_input;
mod device;
#[path = "../../src/signer/gcp_kms/emulator.rs"]
mod emulator;
mod isolation;
mod kms;
mod outages;
mod path;
mod process;
mod support;
#[path = "../../src/signer/testing.rs"]
mod third_parties;
mod web;
mod webhooks;
