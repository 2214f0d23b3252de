//! Use-cases and rules: what may happen, who may do it, and in which order.
//!
//! What somebody asks for is a function whose first argument is the operation's context ([`store::OpCtx`]) and whose second is [`Services`];
//! the worker's jobs take [`Services`] alone.
//! The pages' server functions and the licence API are two doors to the same functions.

pub mod access;
pub mod analytics;
pub mod audit;
pub mod billing;
pub mod copies;
pub mod device_login;
pub mod error;
pub mod idempotency;
pub mod identity;
pub mod jobs;
pub mod keys;
pub mod licenses;
pub mod limits;
pub mod login;
mod mails;
pub mod members;
pub mod organizations;
pub mod passwords;
pub mod policy;
pub mod ports;
pub mod services;
pub mod sessions;
pub mod signup;
pub mod support;
mod tokens;
pub mod usage;

pub use error::{Error, Result};
pub use services::{Services, Settings};
