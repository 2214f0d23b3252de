//! Request and answer of `/api/v1/analytics`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Most entries of one batch.
pub const BATCH_MAX: usize = 100;
/// Longest name of a feature, in characters.
pub const FEATURE_MAX: usize = 64;
/// Most uses that one entry stands for.
pub const COUNT_MAX: u32 = 1_000_000;

/// Body of `POST /api/v1/analytics/track`: which parts of the application were used.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TrackRequest {
    /// 1 to 100.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub events: Vec<FeatureUse>,
}

/// Uses of one feature.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FeatureUse {
    /// 1 to 64 lower-case letters, digits, `.`, `_` or `-`, beginning with a letter: a name out of the application, nothing that somebody
    /// typed.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[a-z][a-z0-9._-]{0,63}$"))]
    pub feature: String,
    /// How often, 1 to 1,000,000; absent is once.
    #[serde(default = "once")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub count: u32,
    /// When, within the last seven days; absent is now. The day counts, in UTC.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub at: Option<OffsetDateTime>,
}

fn once() -> u32 {
    1
}

/// Answer of `POST /api/v1/analytics/track`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackResponse {
    /// The organization lets use be counted. Where it does not, nothing was kept, and the application need not send more before its next
    /// start.
    pub enabled: bool,
    /// Entries that were counted.
    pub recorded: u32,
}
