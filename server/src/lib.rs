//! The portal: one binary that serves pages and the licence API, does the background work, migrates the database, and is its own
//! administration tool.

pub mod admin;
pub mod api;
pub mod config;
pub mod embedded;
pub mod http_server;
pub mod mail;
pub mod ops;
pub mod run;
pub mod signer;
pub mod state;
pub mod telemetry;
pub mod web;
pub mod webhooks;
pub mod worker;
