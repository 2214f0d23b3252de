//! Times in lists that are sent often (RFC 3339). Reads and writes what `time::serde::rfc3339` does; that one makes a text on the heap for
//! every time that it writes.

use serde::{Serializer, ser::Error};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use time::serde::rfc3339::deserialize;

/// Longest text: nine digits behind the second, and an offset.
const LONGEST: usize = 35;

/// For `#[serde(with = "…")]`.
///
/// # Errors
/// A year above 9999.
pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = [0; LONGEST];
    let mut left = text.as_mut_slice();
    at.format_into(&mut left, &Rfc3339).map_err(S::Error::custom)?;
    let length = LONGEST - left.len();
    serializer.serialize_str(std::str::from_utf8(&text[..length]).map_err(S::Error::custom)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use serde::{Deserialize, Serialize};
    use time::{Duration, UtcOffset, macros::datetime};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Ours(#[serde(with = "crate::rfc3339")] OffsetDateTime);
    #[derive(Serialize)]
    struct Theirs(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

    #[test]
    fn writes_what_the_library_writes() {
        let second = datetime!(2026-11-02 09:33:32 UTC);
        let far = UtcOffset::from_hms(-12, -59, 0).unwrap();
        for at in [second, second + Duration::milliseconds(7), (second + Duration::nanoseconds(123_456_789)).to_offset(far)] {
            let text = serde_json::to_string(&Ours(at)).unwrap();
            assert_eq!(text, serde_json::to_string(&Theirs(at)).unwrap());
            assert_eq!(serde_json::from_str::<Ours>(&text).unwrap(), Ours(at));
        }
        assert!(serde_json::to_string(&Ours(datetime!(-1-01-01 00:00 UTC))).is_err());
    }
}
