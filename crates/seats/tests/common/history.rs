//! Checks of what happened, from the events alone.

use domain::ports::seats::{SeatEvent, SeatEventKind};
use std::collections::HashMap;
use types::SessionId;

/// One time on a seat, from its grant up to, not including, its end.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    pub session: SessionId,
    pub start: i64,
    pub end: i64,
}

/// Plays one licence's events back: each hold begins once and ends at most once, never are there more than `limit`.
pub fn holds(events: &[SeatEvent], limit: usize) -> Vec<Hold> {
    use SeatEventKind::*;
    let mut live = HashMap::new();
    let mut holds = Vec::new();
    for event in events {
        let seat = (event.user, event.hardware_id.as_str(), event.instance_id.as_str());
        match event.kind {
            Acquired => assert!(live.insert(seat, (event.session, event.at_ms)).is_none(), "a second hold on one seat: {event:?}"),
            // The seat's session of before gives way, if it is still there.
            Reacquired => {
                let before = live.insert(seat, (event.session, event.at_ms));
                holds.extend(before.map(|(session, start)| Hold { session, start, end: event.at_ms }));
            }
            Renewed | Superseded => panic!("no longer written: {event:?}"),
            Released | Revoked | Expired => {
                let (session, start) = live.remove(&seat).unwrap_or_else(|| panic!("ended twice or never began: {event:?}"));
                // A restart in between has given the seat another session.
                assert!(session == event.session || event.started_at_ms >= start, "{event:?}");
                assert!(start <= event.at_ms, "{event:?}");
                holds.push(Hold { session: event.session, start, end: event.at_ms });
            }
            Denied => assert!(live.values().all(|(session, _)| *session != event.session)),
        }
        assert!(live.len() <= limit, "{} live after {event:?}", live.len());
        // Leases that ran out and are not closed yet count no more.
        assert!(event.active as usize <= live.len(), "{} live, said {event:?}", live.len());
    }
    holds.extend(live.into_values().map(|(session, start)| Hold { session, start, end: i64::MAX }));
    at_every_instant(&holds, limit);
    holds
}

/// Never more than `limit` at once, by the times in the events.
fn at_every_instant(holds: &[Hold], limit: usize) {
    let mut changes: Vec<(i64, i64)> = holds.iter().flat_map(|h| [(h.start, 1), (h.end, -1)]).collect();
    // What ends at an instant is gone at it.
    changes.sort_unstable();
    let mut live = 0;
    for (at, change) in changes {
        live += change;
        assert!(live <= limit as i64, "{live} live at {at}");
    }
}
