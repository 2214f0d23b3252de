//! The licence API: the only contract for others than our own pages. Every handler is: extract, one use-case, convert.

pub mod error;
pub mod extract;
pub mod v1;
