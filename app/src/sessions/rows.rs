//! The rows of live tables: how a session stands, which ones match a filter, and following what the server pushes.

use super::feed::Feed;
use crate::ui::{Tone, times};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use types::live::{LiveRow, LiveView};
use types::{LicenseId, SessionId};

/// Seconds between the heartbeats of each licence.
pub(crate) type Beats = Vec<(LicenseId, u32)>;

/// A session that is over, as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRow {
    pub id: SessionId,
    pub user_name: String,
    pub device: String,
    pub client_version: String,
    pub started_at: Option<OffsetDateTime>,
    pub ended_at: OffsetDateTime,
    /// "Released", "Revoked", "Expired".
    pub how: String,
}

/// How a live session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    /// It has missed a heartbeat; its seat frees itself in so many seconds.
    Late(u64),
}

impl Standing {
    pub(crate) fn of(row: &LiveRow, beats: &Beats, now: OffsetDateTime) -> Self {
        let lease = (row.expires_at - row.last_heartbeat_at).whole_seconds();
        let beat = beats.iter().find(|(license, _)| *license == row.license_id).map_or(lease * 5 / 6, |(_, beat)| i64::from(*beat));
        // A beat is on its way for a moment.
        let patience = beat + (lease - beat) / 6;
        if (now - row.last_heartbeat_at).whole_seconds() <= patience {
            Self::Active
        } else {
            Self::Late((row.expires_at - now).whole_seconds().max(0).unsigned_abs())
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Active => Tone::Ok,
            Self::Late(_) => Tone::Warn,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Late(_) => "Late",
        }
    }

    /// What follows the word: ", frees in 40 s".
    pub(crate) fn rest(self) -> String {
        match self {
            Self::Active => String::new(),
            Self::Late(0) => ", frees now".to_owned(),
            Self::Late(seconds) => format!(", frees in {}", times::duration(seconds)),
        }
    }
}

/// The number alone of "coditect-license/0.1.0".
pub(crate) fn version(client: &str) -> String {
    client.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Whether every word is in the person's name or address, the device or the session's id.
pub(super) fn matches(words: &str, fields: &[&str]) -> bool {
    let all = fields.join("\n").to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| all.contains(word))
}

pub(super) fn row_matches(words: &str, row: &LiveRow) -> bool {
    matches(words, &[&row.user_name, &row.user_email, &row.device, &row.id.to_string()])
}

/// Live rows by session; each changes by itself, so a table keeps its rows.
pub(super) type Rows = RwSignal<Vec<(SessionId, ArcRwSignal<LiveRow>)>>;

/// The rows of `view` that are wanted, and those that come and go after it. `ended` hears of the rows that have gone.
pub(super) fn follow(
    feed: &Feed,
    view: LiveView,
    wanted: impl Fn(&LiveRow) -> bool + 'static,
    mut ended: impl FnMut(LiveRow, OffsetDateTime) + 'static,
) -> Rows {
    let shown = move |view: LiveView| view.sessions.into_iter().filter(|row| wanted(row)).collect::<Vec<_>>();
    let rows: Rows = RwSignal::new(shown(view).into_iter().map(|row| (row.id, ArcRwSignal::new(row))).collect());
    let (pushed, now) = (feed.view.clone(), feed.now.clone());
    Effect::new(move |_| {
        let Some(view) = pushed.get() else { return };
        let before = rows.get_untracked();
        let fresh = shown(view);
        for (id, row) in &before {
            let row = row.get_untracked();
            // Started again on the same device: the seat goes on under a new id.
            let goes_on = fresh
                .iter()
                .any(|r| r.id == *id || (r.user_email == row.user_email && r.device == row.device && r.started_at >= row.started_at));
            if !goes_on {
                ended(row, now.get_untracked());
            }
        }
        let after = fresh.into_iter().map(|row| match before.iter().find(|(id, _)| *id == row.id) {
            Some((id, signal)) => {
                if signal.with_untracked(|old| *old != row) {
                    signal.set(row);
                }
                (*id, signal.clone())
            }
            None => (row.id, ArcRwSignal::new(row)),
        });
        rows.set(after.collect());
    });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    const NOW: OffsetDateTime = datetime!(2026-11-23 14:32:00 UTC);

    fn row(heard_before: i64, lease: i64) -> LiveRow {
        let last_heartbeat_at = NOW - Duration::seconds(heard_before);
        LiveRow {
            id: NIL.parse().unwrap(),
            license_id: NIL.parse().unwrap(),
            user_name: "Jonas Lindqvist".into(),
            user_email: "j.lindqvist@meridian.example".into(),
            device: "MG-WS-07".into(),
            client_version: String::new(),
            started_at: NOW - Duration::hours(2),
            last_heartbeat_at,
            expires_at: last_heartbeat_at + Duration::seconds(lease),
            may_revoke: true,
            own: false,
        }
    }

    #[test]
    fn late_is_who_missed_a_heartbeat() {
        let beats = vec![(NIL.parse().unwrap(), 300)];
        assert_eq!(Standing::of(&row(0, 360), &beats, NOW), Standing::Active);
        assert_eq!(Standing::of(&row(305, 360), &beats, NOW), Standing::Active, "it is on its way");
        assert_eq!(Standing::of(&row(320, 360), &beats, NOW), Standing::Late(40));
        assert_eq!(Standing::of(&row(400, 360), &beats, NOW), Standing::Late(0));
        assert_eq!(Standing::of(&row(320, 360), &beats, NOW).rest(), ", frees in 40 s");
        // A short beat in a long lease.
        assert_eq!(Standing::of(&row(150, 600), &vec![(NIL.parse().unwrap(), 30)], NOW), Standing::Late(450));
        // A licence that came after the page.
        assert_eq!(Standing::of(&row(200, 360), &Vec::new(), NOW), Standing::Active);
    }

    #[test]
    fn a_filter_is_all_of_its_words() {
        assert!(row_matches("", &row(0, 360)));
        assert!(row_matches("jonas WS-07", &row(0, 360)));
        assert!(row_matches("00000000-0000", &row(0, 360)));
        assert!(!row_matches("jonas WS-08", &row(0, 360)));
    }
}
