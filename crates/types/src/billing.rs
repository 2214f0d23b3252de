//! Plans and money, as pages and forms speak of them.

use crate::roles::text_enum;
use serde::{Deserialize, Serialize};

text_enum!(
    /// How often a subscription is charged.
    Interval {
        Month = "month",
        Year = "year",
    }
);

impl Interval {
    /// "a month", "a year".
    pub const fn per(self) -> &'static str {
        match self {
            Self::Month => "a month",
            Self::Year => "a year",
        }
    }
}

/// An amount in the smallest unit of its currency (cents), as the billing provider counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    /// ISO 4217, lower case.
    pub currency: String,
}

impl Money {
    pub fn new(minor: i64, currency: &str) -> Self {
        Self { minor, currency: currency.to_lowercase() }
    }
}

/// "$84.00", "−$14.45", "€9.50", "CHF 12.00", "¥900": exact, never rounded.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // https://docs.stripe.com/currencies#zero-decimal
        const WITHOUT_DECIMALS: [&str; 15] =
            ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
        let sign = if self.minor < 0 { "−" } else { "" };
        let amount = self.minor.unsigned_abs();
        let (whole, rest) = if WITHOUT_DECIMALS.contains(&self.currency.as_str()) {
            (amount, String::new())
        } else {
            (amount / 100, format!(".{:02}", amount % 100))
        };
        let whole = crate::billing::thousands(whole);
        match self.currency.as_str() {
            "usd" => write!(f, "{sign}${whole}{rest}"),
            "eur" => write!(f, "{sign}€{whole}{rest}"),
            "gbp" => write!(f, "{sign}£{whole}{rest}"),
            "jpy" => write!(f, "{sign}¥{whole}{rest}"),
            other => write!(f, "{sign}{} {whole}{rest}", other.to_uppercase()),
        }
    }
}

/// 1234567 as "1,234,567".
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What a change of seats would cost, in the billing provider's own numbers, said in a sentence before anything happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatQuote {
    /// The number of seats that was asked for.
    pub seats: u32,
    /// "$84.00 today for 3 seats until 1 Dec, then $280.00 a month."
    pub sentence: String,
    /// What the amount today is made of; empty when nothing is due today.
    pub lines: Vec<QuoteLine>,
    /// What else follows, such as who uses seats that would go.
    pub note: Option<String>,
    /// Goes back with the form: the change is made at exactly this moment's price, or not at all.
    pub agreement: String,
}

/// One line of a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub text: String,
    pub amount: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        let written = |minor, currency| Money::new(minor, currency).to_string();
        assert_eq!(written(28_000, "usd"), "$280.00");
        assert_eq!(written(-1_445, "USD"), "−$14.45");
        assert_eq!(written(5, "eur"), "€0.05");
        assert_eq!(written(123_456_789, "gbp"), "£1,234,567.89");
        assert_eq!(written(900, "jpy"), "¥900");
        assert_eq!(written(1_200, "chf"), "CHF 12.00");
    }
}
