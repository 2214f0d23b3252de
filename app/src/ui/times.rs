//! Times: relative for the eye, absolute in `title` and for screen readers. The server writes them in UTC; the browser turns them into
//! the reader's zone and keeps the relative ones current.

#[cfg(feature = "hydrate")]
pub(crate) mod local;
#[cfg(feature = "hydrate")]
use local as zone;
mod utc;
#[cfg(not(feature = "hydrate"))]
use utc as zone;

use leptos::prelude::*;
use time::OffsetDateTime;

/// The moment that the page is rendered at, put into context by the server from its clock.
#[derive(Clone, Copy, Debug)]
pub struct Now(pub OffsetDateTime);

/// [`Now`], or the system's time where nobody has set it (in the browser).
#[allow(clippy::disallowed_methods, reason = "the browser has no Clock port")]
pub fn now() -> OffsetDateTime {
    use_context::<Now>().map_or_else(OffsetDateTime::now_utc, |now| now.0)
}

/// How a time reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// "12 min ago", "in 5 days", "19 Nov 2026".
    #[default]
    Ago,
    /// "12 min": for how long by now, or until then.
    Elapsed,
    /// "14:20".
    Clock,
    /// "1 Dec 2026".
    Date,
    /// "23 Nov 2026, 14:20 CET".
    Full,
}

impl TimeStyle {
    #[cfg(feature = "hydrate")]
    const ALL: [Self; 5] = [Self::Ago, Self::Elapsed, Self::Clock, Self::Date, Self::Full];

    /// Value of `data-time`, by which the browser finds the times of a page.
    const fn name(self) -> &'static str {
        match self {
            Self::Ago => "ago",
            Self::Elapsed => "elapsed",
            Self::Clock => "clock",
            Self::Date => "date",
            Self::Full => "full",
        }
    }

    fn text(self, at: OffsetDateTime, now: OffsetDateTime) -> String {
        match self {
            Self::Ago => ago(at, now),
            Self::Elapsed => duration((now - at).whole_seconds().unsigned_abs()),
            Self::Clock => zone::clock(at),
            Self::Date => zone::date(at),
            Self::Full => zone::full(at),
        }
    }
}

/// A point in time.
#[component]
pub fn Time(at: OffsetDateTime, #[prop(optional)] style: TimeStyle) -> impl IntoView {
    let full = zone::full(at);
    let spoken = (style != TimeStyle::Full).then(|| view! { <span class="sr-only">{spoken(&full)}</span> });
    view! {
        <time datetime=utc::rfc3339(at) title=full data-time=style.name()>
            {style.text(at, now())}
            {spoken}
        </time>
    }
}

/// What a screen reader hears after the relative text.
fn spoken(full: &str) -> String {
    format!(" ({full})")
}

/// "40 s", "12 min", "1 h 36 min", "2 days".
pub fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 if minutes % 60 == 0 => format!("{hours} h"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// "Now", "12 min ago", "in 5 days"; a week away or more, the date.
pub fn ago(at: OffsetDateTime, now: OffsetDateTime) -> String {
    const WEEK: i64 = 7 * 86_400;
    let seconds = (now - at).whole_seconds();
    let distance = seconds.unsigned_abs();
    if distance <= 10 {
        "Now".to_owned()
    } else if seconds.abs() >= WEEK {
        zone::date(at)
    } else if seconds > 0 {
        format!("{} ago", duration(distance))
    } else {
        format!("in {}", duration(distance))
    }
}

/// "1 Dec 2026" wherever the reader is: for days that a contract names, such as that of the next charge.
pub fn utc_date(at: OffsetDateTime) -> String {
    utc::date(at)
}

#[cfg(all(test, not(feature = "hydrate")))]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const NOW: OffsetDateTime = datetime!(2026-11-23 14:32:04 +1);

    #[test]
    fn relative() {
        let cases = [
            (Duration::seconds(4), "Now"),
            (Duration::seconds(22), "22 s ago"),
            (Duration::minutes(12), "12 min ago"),
            (Duration::minutes(96), "1 h 36 min ago"),
            (Duration::hours(2), "2 h ago"),
            (Duration::hours(25), "1 day ago"),
            (Duration::days(6), "6 days ago"),
            (Duration::days(7), "16 Nov 2026"),
            (Duration::days(-5), "in 5 days"),
            (Duration::seconds(-40), "in 40 s"),
            (Duration::days(-8), "1 Dec 2026"),
        ];
        for (before, text) in cases {
            assert_eq!(ago(NOW - before, NOW), text);
        }
    }

    #[test]
    fn the_server_speaks_utc() {
        assert_eq!(zone::full(NOW), "23 Nov 2026, 13:32 UTC");
        assert_eq!(utc::rfc3339(NOW), "2026-11-23T13:32:04Z");
        assert_eq!(utc_date(datetime!(2026-12-01 00:30 +1)), "30 Nov 2026");
    }
}
