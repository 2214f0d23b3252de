//! The world outside our own database, as traits: the live seats, the signer, mail, the billing provider, the clock and chance.

pub mod billing;
pub mod mail;
pub mod seats;
pub mod signer;
pub mod time;
