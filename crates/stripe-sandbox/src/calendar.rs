//! Billing periods: whole months or days after an anchor.

use serde_json::Value;
use time::{Date, Month, OffsetDateTime};

/// A second of the Unix clock.
pub type Seconds = i64;

/// A day.
pub const DAY: Seconds = 86_400;

/// How long a period of a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many months.
    Months(i64),
    /// So many days.
    Days(i64),
}

impl Step {
    /// From an interval's name and count.
    pub fn new(interval: &str, count: i64) -> Self {
        match interval {
            "day" => Self::Days(count),
            "week" => Self::Days(7 * count),
            "year" => Self::Months(12 * count),
            _ => Self::Months(count),
        }
    }

    /// The period of a recurring price.
    pub fn of_price(price: &Value) -> Self {
        let recurring = &price["recurring"];
        Self::new(recurring["interval"].as_str().unwrap_or("month"), recurring["interval_count"].as_i64().unwrap_or(1))
    }

    /// The instant `times` steps after an anchor.
    pub fn after(self, anchor: Seconds, times: i64) -> Seconds {
        match self {
            Self::Days(days) => anchor + days * times * DAY,
            Self::Months(months) => months_after(anchor, months * times),
        }
    }

    /// The first end of a period, counted from the anchor, that is later than `start`.
    pub fn period_end(self, anchor: Seconds, start: Seconds) -> Seconds {
        (1..).map(|times| self.after(anchor, times)).find(|end| *end > start).unwrap_or(start)
    }
}

/// The same time of day so many months later. A day that the month does not have becomes its last one; counting from the
/// anchor each time brings the 31st back after February.
pub fn months_after(anchor: Seconds, months: i64) -> Seconds {
    let Ok(from) = OffsetDateTime::from_unix_timestamp(anchor) else { return anchor };
    let index = i64::from(from.year()) * 12 + i64::from(u8::from(from.month())) - 1 + months;
    let (Ok(year), Ok(number)) = (i32::try_from(index.div_euclid(12)), u8::try_from(index.rem_euclid(12) + 1)) else { return anchor };
    let Ok(month) = Month::try_from(number) else { return anchor };
    let day = from.day().min(month.length(year));
    Date::from_calendar_date(year, month, day).map_or(anchor, |date| from.replace_date(date).unix_timestamp())
}

/// A date as invoices write it, such as "24 Nov 2026".
pub fn date_text(at: Seconds) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(at) else { return at.to_string() };
    let month = at.month().to_string();
    format!("{} {} {}", at.day(), month.get(..3).unwrap_or(&month), at.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_end_of_a_month_is_kept() {
        let anchor = datetime!(2027-01-31 10:00 UTC).unix_timestamp();
        assert_eq!(months_after(anchor, 1), datetime!(2027-02-28 10:00 UTC).unix_timestamp());
        assert_eq!(months_after(anchor, 2), datetime!(2027-03-31 10:00 UTC).unix_timestamp());
        assert_eq!(months_after(datetime!(2028-02-29 0:00 UTC).unix_timestamp(), 12), datetime!(2029-02-28 0:00 UTC).unix_timestamp());
        assert_eq!(months_after(anchor, -1), datetime!(2026-12-31 10:00 UTC).unix_timestamp());
    }

    #[test]
    fn a_period_ends_after_its_start() {
        let anchor = datetime!(2027-01-31 10:00 UTC).unix_timestamp();
        let first = Step::Months(1).period_end(anchor, anchor);
        assert_eq!(Step::Months(1).period_end(anchor, first), datetime!(2027-03-31 10:00 UTC).unix_timestamp());
    }
}
