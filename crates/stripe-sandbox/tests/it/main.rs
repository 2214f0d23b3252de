//! The sandbox over real HTTP on the loopback interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "the helpers of tests are tests, too")]

mod changes;
mod checkout;
mod client;
mod failures;
mod fixtures;
mod pages;
mod program;
mod renewals;
mod rest;
mod shapes;
mod support;
mod webhooks;
