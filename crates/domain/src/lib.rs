//! Use-cases and rules: what may happen, who may do it, and in which order.

pub mod ports;
