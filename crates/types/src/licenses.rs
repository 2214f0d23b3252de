//! Requests and answers of `/api/v1/licenses` and `/api/v1/sessions`.

use crate::{LicenseId, SessionId, TenantId, UserId, roles::text_enum};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

text_enum!(
    /// What a licence's standing allows; see the table in `docs/ARCHITECTURE.md`.
    LicenseStatus {
        /// Everything works.
        Active = "ACTIVE",
        /// Payment failed, in grace: everything works.
        PastDue = "PAST_DUE",
        /// Unpaid after grace: nobody new, running clients go on.
        Restricted = "RESTRICTED",
        /// Ended by staff: nobody new, running clients are stopped at their next heartbeat.
        Suspended = "SUSPENDED",
        /// Its time is over.
        Expired = "EXPIRED",
    }
);

text_enum!(
    /// What was bought.
    Tier {
        Free = "FREE",
        Pro = "PRO",
        Enterprise = "ENTERPRISE",
    }
);

text_enum!(
    /// Where a licence's tier and seats come from.
    LicenseSource {
        /// The seat that every organisation has.
        Free = "free",
        /// Bought; the billing provider's word decides.
        Subscription = "subscription",
        /// Given by the vendor's staff.
        Grant = "grant",
    }
);

/// How much of a device's fingerprint may change before the installed application takes it for another device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FingerprintTolerance {
    /// Nothing may.
    Exact,
    /// Most of its components must be the same.
    #[default]
    Most,
    /// Any two of them must be.
    AnyTwo,
}

impl FingerprintTolerance {
    /// Every value, strictest first.
    pub const ALL: &'static [Self] = &[Self::Exact, Self::Most, Self::AnyTwo];

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Most => "most",
            Self::AnyTwo => "any_two",
        }
    }
}

impl std::str::FromStr for FingerprintTolerance {
    type Err = crate::roles::UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text).ok_or(crate::roles::UnknownName)
    }
}

/// Asks for a seat. Unknown fields are ignored, so newer clients can talk to older servers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcquireRequest {
    /// Fingerprint of the device, 1 to 128 bytes.
    #[cfg_attr(feature = "openapi", schema(example = "b7c1e0d4f5a64f0c8a3d"))]
    pub hardware_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_key: Option<String>,
    /// Names an installation and survives restarts; absent means `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Echoed inside the signed token, so that an old answer cannot be replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
}

/// A seat is held.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcquireResponse {
    pub session_id: SessionId,
    /// Signed licence token (JWS, `typ: license+jwt`); verify it with the keys of `/.well-known/jwks.json`.
    pub token: String,
    /// Until when the token is valid without contact.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_until: OffsetDateTime,
    /// Seconds until the seat is lost without a heartbeat.
    pub expires_in: u64,
    pub heartbeat_interval_seconds: u64,
    pub license: AcquiredLicense,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcquiredLicense {
    pub id: LicenseId,
    pub tier: Tier,
    pub features: Vec<String>,
    pub max_seats: u32,
    /// Seats in use, this one included.
    pub active: u32,
    /// How much of the device may change before it is another one; the application compares.
    #[serde(default)]
    pub fingerprint_tolerance: FingerprintTolerance,
}

/// Keeps a seat. Unknown fields are ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatRequest {
    pub session_id: String,
    /// The last licence token: lets the server take the client back when its lease ran out or was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Ignored: a heartbeat brings no token that could repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The seat is still held, or held again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatResponse {
    pub state: HeartbeatState,
    pub expires_in: u64,
    pub heartbeat_interval_seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HeartbeatState {
    Active,
    Reacquired,
}

/// Asks whether a licence would work, without taking a seat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValidateRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_id: Option<String>,
}

/// The first thing that stands in the way, or `VALID`. Not valid is an answer, not an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValidateResponse {
    pub valid: bool,
    pub code: ValidateCode,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<License>,
}

text_enum!(
    /// Answers of validate, in the order in which they are looked for.
    ValidateCode {
        NotFound = "NOT_FOUND",
        TenantSuspended = "TENANT_SUSPENDED",
        Suspended = "SUSPENDED",
        Expired = "EXPIRED",
        Restricted = "RESTRICTED",
        RoleHoldsNoSeat = "ROLE_HOLDS_NO_SEAT",
        SeatsExhausted = "SEATS_EXHAUSTED",
        Valid = "VALID",
    }
);

/// One licence as its tenant sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct License {
    pub id: LicenseId,
    /// `CODITECT-XXXX-XXXX-XXXX`
    pub key: String,
    pub product_sku: String,
    pub tier: Tier,
    pub status: LicenseStatus,
    pub features: Vec<String>,
    pub max_seats: u32,
    /// Seats in use now; absent when the live store does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    /// End of the licence; absent means that it does not end.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    /// `hard_stop`: at the limit nobody more is admitted.
    pub hard_stop: bool,
    /// Percent of `max_seats` that may be used beyond it; counted and shown.
    #[serde(default)]
    pub overage_percent: u32,
    /// A refusal names who holds the seats.
    #[serde(default)]
    pub show_holders: bool,
    pub lease_seconds: u32,
    pub heartbeat_seconds: u32,
    pub offline_hours: u32,
    /// Most devices that may hold offline rights at once; absent is twice the seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_cap: Option<u32>,
    #[serde(default)]
    pub fingerprint_tolerance: FingerprintTolerance,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Most devices that may hold offline rights at once: the licence's own cap, or twice its seats.
pub fn offline_cap(own: Option<u32>, max_seats: u32) -> u32 {
    own.unwrap_or_else(|| max_seats.saturating_mul(2))
}

impl License {
    /// Seats that can be in use at once, the allowance beyond those owned included.
    pub fn admits(&self) -> u32 {
        let more = u64::from(self.max_seats) * u64::from(if self.hard_stop { 0 } else { self.overage_percent }) / 100;
        self.max_seats.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
    }
}

/// Who holds a seat now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveSession {
    pub id: SessionId,
    pub license_id: LicenseId,
    pub user_id: UserId,
    pub user_name: String,
    pub user_email: String,
    pub hardware_id: String,
    pub instance_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub last_heartbeat_at: OffsetDateTime,
    /// When the seat is free again without a further heartbeat.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// A seat holder as a refusal shows him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holder {
    pub name: String,
    pub device: String,
    #[serde(with = "crate::rfc3339")]
    pub since: OffsetDateTime,
    #[serde(with = "crate::rfc3339")]
    pub last_heartbeat_at: OffsetDateTime,
}

/// A seat that whoever was refused holds himself, on another device. In `own_sessions` of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnSession {
    pub session_id: SessionId,
    pub device: String,
    #[serde(with = "crate::rfc3339")]
    pub since: OffsetDateTime,
    /// The page on which he can end it.
    pub end_url: String,
}

/// Claims of the licence token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LicenseClaims {
    pub iss: String,
    pub aud: String,
    /// The user that holds the seat.
    pub sub: UserId,
    pub tenant: TenantId,
    pub license: LicenseId,
    /// The session.
    pub sid: SessionId,
    pub hardware_id: String,
    pub instance_id: String,
    pub tier: Tier,
    pub features: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Fencing number: of two tokens for one device, the one with the higher number is newer.
    pub fence: i64,
    pub iat: i64,
    /// Until when the token is valid without contact.
    pub exp: i64,
}

/// `aud` of every licence token.
pub const LICENSE_AUDIENCE: &str = "coditect-license";
/// `typ` header of every licence token.
pub const LICENSE_TYPE: &str = "license+jwt";

/// Answer of `GET /api/v1/licenses`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseList {
    pub licenses: Vec<License>,
}

/// Answer of `GET /api/v1/licenses/{id}/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    pub sessions: Vec<LiveSession>,
}
