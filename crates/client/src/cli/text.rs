//! Words for people. Writing never fails the program: a closed terminal must not end the command that runs in it.

use client::{Error, Refusal, SeatFacts};
use std::io::Write;
use time::{OffsetDateTime, UtcOffset, format_description::FormatItem, macros::format_description};

/// To standard error, where all messages go: standard output belongs to the command that is run.
pub(crate) fn say(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// To standard output: what was asked for.
pub(crate) fn print(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// The time zone of this machine, or UTC, and then every time says so.
#[derive(Clone, Copy)]
pub(crate) struct Zone(Option<UtcOffset>);

const TIME: &[FormatItem<'_>] = format_description!("[hour]:[minute]");
const DAY_AND_TIME: &[FormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [hour]:[minute]");

impl Zone {
    pub(crate) fn here() -> Self {
        Self(UtcOffset::current_local_offset().ok())
    }

    #[cfg(test)]
    fn utc() -> Self {
        Self(Some(UtcOffset::UTC))
    }

    /// The time of day, with the day if it is not today's.
    pub(crate) fn show(self, at: OffsetDateTime, now: OffsetDateTime) -> String {
        let offset = self.0.unwrap_or(UtcOffset::UTC);
        // What a server says may lie at the end of the calendar.
        let local = |time: OffsetDateTime| time.checked_to_offset(offset).unwrap_or(time);
        let (at, now) = (local(at), local(now));
        let format = if at.date() == now.date() { TIME } else { DAY_AND_TIME };
        let text = at.format(format).unwrap_or_default();
        if self.0.is_some() { text } else { format!("{text} UTC") }
    }
}

/// An error with what helps.
pub(crate) fn say_error(error: &Error, zone: Zone) {
    match error {
        Error::Refused(refusal) => say_refusal(refusal, zone),
        other => say(other.to_string()),
    }
}

pub(crate) fn say_refusal(refusal: &Refusal, zone: Zone) {
    let text = refusal.to_string();
    say(text.lines().map(clean).collect::<Vec<_>>().join("\n"));
    if let Refusal::NoSeat { facts } = refusal {
        for line in fact_lines(facts, zone) {
            say(line);
        }
    }
}

fn fact_lines(facts: &SeatFacts, zone: Zone) -> Vec<String> {
    // By the server's clock, as far as it can be told from its answer.
    let next = facts.next_free_at.zip(facts.next_free_in_seconds);
    let now = next.map(|(at, seconds)| at.saturating_sub(time::Duration::seconds(i64::try_from(seconds).unwrap_or(0))));
    let mut lines: Vec<String> = facts
        .holders
        .iter()
        .map(|holder| {
            let now = now.unwrap_or(holder.last_heartbeat_at);
            format!(
                "  {} on {}, since {} (last sign of life {})",
                clean(&holder.name),
                clean(&holder.device),
                zone.show(holder.since, now),
                zone.show(holder.last_heartbeat_at, now)
            )
        })
        .collect();
    if let Some(((at, seconds), now)) = next.zip(now) {
        let wait = match seconds {
            0..60 => format!("{seconds} s"),
            _ => format!("{} min", seconds.div_ceil(60)),
        };
        lines.push(format!("The next seat is sure to be free at {} (in {wait}) unless its holder keeps it.", zone.show(at, now)));
    } else if let Some(at) = facts.next_free_at {
        lines.push(format!("The next seat is sure to be free at {} unless its holder keeps it.", zone.show(at, at)));
    }
    for own in &facts.own_sessions {
        let (device, since) = (clean(&own.device), zone.show(own.since, now.unwrap_or(own.since)));
        lines.push(format!("You hold a seat yourself on {device}, since {since}. End it: {}", clean(&own.end_url)));
    }
    if let Some(url) = &facts.buy_url {
        lines.push(format!("More seats: {}", clean(url)));
    }
    lines
}

/// Names come from other people: nothing in them may steer the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use types::licenses::{Holder, OwnSession};

    #[test]
    fn a_refusal_shows_who_since_when_and_until_when() {
        let holder = Holder {
            name: "Ingrid\u{1b}[2J".into(),
            device: "fjord-01".into(),
            since: datetime!(2031-02-03 14:02 UTC),
            last_heartbeat_at: datetime!(2031-02-03 14:26 UTC),
        };
        let facts = SeatFacts {
            active: Some(1),
            max_seats: Some(1),
            next_free_at: Some(datetime!(2031-02-03 14:32 UTC)),
            next_free_in_seconds: Some(299),
            holders: vec![holder],
            own_sessions: vec![OwnSession {
                session_id: types::SessionId(uuid::Uuid::nil()),
                device: "fjord-02".into(),
                since: datetime!(2031-02-03 13:02 UTC),
                end_url: "https://portal.example/orgs/1/sessions?revoke=2".into(),
            }],
            buy_url: Some("https://portal.example/orgs/1/billing".into()),
        };
        assert_eq!(
            fact_lines(&facts, Zone::utc()),
            [
                "  Ingrid\u{FFFD}[2J on fjord-01, since 14:02 (last sign of life 14:26)",
                "The next seat is sure to be free at 14:32 (in 5 min) unless its holder keeps it.",
                "You hold a seat yourself on fjord-02, since 13:02. End it: https://portal.example/orgs/1/sessions?revoke=2",
                "More seats: https://portal.example/orgs/1/billing",
            ]
        );
    }

    #[test]
    fn times_of_other_days_say_the_day_and_an_unknown_zone_says_utc() {
        let now = datetime!(2031-02-03 14:32 UTC);
        assert_eq!(Zone::utc().show(datetime!(2031-02-06 14:00 UTC), now), "6 Feb 14:00");
        assert_eq!(Zone(None).show(now, now), "14:32 UTC");
    }
}
