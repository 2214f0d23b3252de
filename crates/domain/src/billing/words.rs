//! Dates and numbers in sentences.

use time::OffsetDateTime;

/// "1 Dec 2026", in UTC like the provider's invoices.
pub fn day(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let month = &at.month().to_string()[..3];
    format!("{} {month} {}", at.day(), at.year())
}

/// "1 seat", "3 seats"
pub fn seats(n: u32) -> String {
    if n == 1 { "1 seat".to_owned() } else { format!("{n} seats") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn days_are_written_short() {
        assert_eq!(day(datetime!(2026-12-01 00:30 +1)), "30 Nov 2026");
        assert_eq!(day(datetime!(2026-05-09 12:00 UTC)), "9 May 2026");
        assert_eq!((seats(1), seats(12)), ("1 seat".to_owned(), "12 seats".to_owned()));
    }
}
