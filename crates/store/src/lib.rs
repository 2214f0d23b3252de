//! PostgreSQL. The only crate that contains SQL.

pub mod ctx;

pub use ctx::{Actor, OpCtx};
