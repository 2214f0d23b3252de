//! The world outside our own database, as traits: the live seats, the signer, mail, the clock and chance.

pub mod mail;
pub mod seats;
pub mod signer;
pub mod time;
