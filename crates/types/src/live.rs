//! What the server pushes to a page that shows who is on.

use crate::{LicenseId, SessionId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The whole picture of one organisation at one moment; small enough to send whole at every change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveView {
    /// Seats in use over all licences.
    pub active: u32,
    /// Seats owned over all licences.
    pub max_seats: u32,
    /// Longest-running last; only what the reader may see.
    pub sessions: Vec<LiveRow>,
}

/// One live session as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRow {
    pub id: SessionId,
    pub license_id: LicenseId,
    pub user_name: String,
    pub user_email: String,
    pub device: String,
    pub client_version: String,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub last_heartbeat_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The reader may end it.
    pub may_revoke: bool,
    /// It is the reader's own.
    pub own: bool,
}
