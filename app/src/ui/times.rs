//! Times: relative for the eye, absolute in `title` and for screen readers. The server writes them in UTC; `enhance` turns them into the
//! reader's zone and keeps them current.

use leptos::prelude::*;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

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
    /// "12 min ago", "in 5 days", "19 Nov".
    #[default]
    Ago,
    /// "12 min": for how long by now, or until then.
    Elapsed,
    /// "14:20".
    Clock,
    /// "1 Dec 2026".
    Date,
    /// "23 Nov 2026, 14:20".
    Full,
}

impl TimeStyle {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ago => "ago",
            Self::Elapsed => "elapsed",
            Self::Clock => "clock",
            Self::Date => "date",
            Self::Full => "full",
        }
    }
}

/// A point in time.
#[component]
pub fn Time(at: OffsetDateTime, #[prop(optional)] style: TimeStyle) -> impl IntoView {
    let now = now();
    let absolute = absolute(at);
    let text = match style {
        TimeStyle::Ago => ago(at, now),
        TimeStyle::Elapsed => duration((now - at).whole_seconds().unsigned_abs()),
        TimeStyle::Clock => clock(at),
        TimeStyle::Date => date(at),
        TimeStyle::Full => absolute.clone(),
    };
    let spoken = (style != TimeStyle::Full).then(|| view! { <span class="sr-only">{format!(" ({absolute})")}</span> });
    view! {
        <time datetime=rfc3339(at) title=absolute.clone() data-time=style.name()>
            {text}
            {spoken}
        </time>
    }
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

/// "Now", "12 min ago", "in 5 days"; further away than a week, the date.
pub fn ago(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let seconds = (now - at).whole_seconds();
    match seconds {
        -10..=10 => "Now".to_owned(),
        11..=604_799 => format!("{} ago", duration(seconds.unsigned_abs())),
        -604_799..=-11 => format!("in {}", duration(seconds.unsigned_abs())),
        _ => date(at),
    }
}

/// "23 Nov 2026, 14:20 UTC".
pub fn absolute(at: OffsetDateTime) -> String {
    format(at, format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"))
}

/// "1 Dec 2026".
pub fn date(at: OffsetDateTime) -> String {
    format(at, format_description!("[day padding:none] [month repr:short] [year]"))
}

fn clock(at: OffsetDateTime) -> String {
    format(at, format_description!("[hour]:[minute] UTC"))
}

fn rfc3339(at: OffsetDateTime) -> String {
    format(at, format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
}

fn format(at: OffsetDateTime, description: &[time::format_description::BorrowedFormatItem<'_>]) -> String {
    // Formatting into a string fails only for a component that the value lacks; these have all of them.
    at.to_offset(UtcOffset::UTC).format(description).unwrap_or_default()
}

#[cfg(test)]
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
        assert_eq!(absolute(NOW), "23 Nov 2026, 13:32 UTC");
        assert_eq!(rfc3339(NOW), "2026-11-23T13:32:04Z");
        assert_eq!(date(datetime!(2026-12-01 00:30 +1)), "30 Nov 2026");
    }
}
