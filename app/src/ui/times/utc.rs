//! Times as the server writes them.

use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};

/// "23 Nov 2026, 14:20 UTC".
#[cfg(not(feature = "hydrate"))]
pub(super) fn full(at: OffsetDateTime) -> String {
    format(at, format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"))
}

/// "1 Dec 2026".
pub(super) fn date(at: OffsetDateTime) -> String {
    format(at, format_description!("[day padding:none] [month repr:short] [year]"))
}

/// "14:20 UTC".
#[cfg(not(feature = "hydrate"))]
pub(super) fn clock(at: OffsetDateTime) -> String {
    format(at, format_description!("[hour]:[minute] UTC"))
}

/// For `datetime`.
pub(super) fn rfc3339(at: OffsetDateTime) -> String {
    format(at, format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
}

fn format(at: OffsetDateTime, description: &[BorrowedFormatItem<'_>]) -> String {
    // Fails only for a component that the value lacks, and it has them all.
    at.to_offset(UtcOffset::UTC).format(description).unwrap_or_default()
}
