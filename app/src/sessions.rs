//! Who holds a seat right now: the live page, its line to the server, and ending a session.

pub mod feed;
mod overview;
#[cfg(feature = "ssr")]
mod revoke;
mod rows;
mod table;

pub use overview::{LiveBadge, OnNow, SeatsNow};
#[cfg(feature = "ssr")]
pub use revoke::{RevokeForm, RevokeSession};
pub use rows::EndedRow;
pub use table::LiveSessions;

#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
pub use page::SessionsPage;
#[cfg(feature = "ssr")]
pub(crate) use {
    page::beats,
    rows::{Standing, version},
};
