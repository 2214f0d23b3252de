//! Times as the server writes them. By hand: `time`'s own formatting would be a tenth of what the browser has to load.

use time::{OffsetDateTime, UtcOffset};

/// "23 Nov 2026, 14:20 UTC".
#[cfg(not(feature = "hydrate"))]
pub(super) fn full(at: OffsetDateTime) -> String {
    format!("{}, {}", date(at), clock(at))
}

/// "1 Dec 2026".
pub(super) fn date(at: OffsetDateTime) -> String {
    let (year, month, day) = at.to_offset(UtcOffset::UTC).to_calendar_date();
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][usize::from(u8::from(month)) - 1];
    format!("{day} {month} {year}")
}

/// "14:20 UTC".
#[cfg(not(feature = "hydrate"))]
pub(super) fn clock(at: OffsetDateTime) -> String {
    let (hour, minute, _) = at.to_offset(UtcOffset::UTC).to_hms();
    format!("{hour:02}:{minute:02} UTC")
}

/// For `datetime`.
pub(super) fn rfc3339(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}
