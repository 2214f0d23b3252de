//! The use-cases on a real PostgreSQL and a real Redis. One program, so that one PostgreSQL serves all of its tests.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test may panic, and its modules are nobody's interface")]

mod accepting;
mod analytics;
mod buying;
mod device_login;
mod ending;
mod events;
mod foreign;
mod fuzz;
mod gate;
mod mail;
mod members;
mod outages;
mod paying_badly;
mod people;
mod ports;
mod refresh;
mod repeats;
mod resets;
mod revoking;
mod roles;
mod seats;
mod shop;
mod shuffled;
mod signup;
mod tokens;
mod usage;
mod validate;
mod world;
