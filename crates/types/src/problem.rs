//! The one error that leaves the system: RFC 9457 problem details with a stable `code`.

use crate::licenses::{Holder, OwnSession};
use crate::roles::text_enum;
use serde::{Deserialize, Serialize};

text_enum!(
    /// Stable names of everything that can go wrong. Clients branch on these; never rename one.
    Code {
        InvalidRequest = "invalid_request",
        InvalidCredentials = "invalid_credentials",
        Unauthenticated = "unauthenticated",
        EmailUnverified = "email_unverified",
        TenantRequired = "tenant_required",
        RefreshInvalid = "refresh_invalid",
        RefreshReused = "refresh_reused",
        Forbidden = "forbidden",
        CrossSite = "cross_site_request",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        LastOwner = "last_owner",
        AlreadyMember = "already_member",
        LinkInvalid = "link_invalid",
        Conflict = "conflict",
        /// The same `Idempotency-Key` with another request.
        IdempotencyKeyReused = "idempotency_key_reused",
        PayloadTooLarge = "payload_too_large",
        RateLimited = "rate_limited",
        SeatsExhausted = "seats_exhausted",
        SeatsUnavailable = "seats_unavailable",
        LicenseNotFound = "license_not_found",
        LicenseExpired = "license_expired",
        LicenseSuspended = "license_suspended",
        TenantSuspended = "tenant_suspended",
        RoleHoldsNoSeat = "role_holds_no_seat",
        SessionNotFound = "session_not_found",
        SessionRevoked = "session_revoked",
        SessionSuperseded = "session_superseded",
        /// The card was declined.
        PaymentDeclined = "payment_declined",
        /// Whoever takes the money does not answer.
        BillingUnavailable = "billing_unavailable",
        BadSignature = "bad_signature",
        WrongMode = "wrong_mode",
        Unavailable = "unavailable",
        Internal = "internal",
    }
);

impl Code {
    /// The HTTP status that the code is sent with.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::IdempotencyKeyReused => 422,
            Self::BadSignature | Self::WrongMode => 400,
            Self::PaymentDeclined => 402,
            Self::InvalidCredentials | Self::Unauthenticated | Self::RefreshInvalid | Self::RefreshReused => 401,
            Self::EmailUnverified
            | Self::Forbidden
            | Self::CrossSite
            | Self::LicenseExpired
            | Self::LicenseSuspended
            | Self::TenantSuspended
            | Self::RoleHoldsNoSeat => 403,
            Self::NotFound | Self::LicenseNotFound | Self::SessionNotFound | Self::LinkInvalid => 404,
            Self::MethodNotAllowed => 405,
            Self::TenantRequired | Self::LastOwner | Self::AlreadyMember | Self::Conflict => 409,
            Self::SessionRevoked | Self::SessionSuperseded => 410,
            Self::PayloadTooLarge => 413,
            Self::RateLimited | Self::SeatsExhausted => 429,
            Self::Internal => 500,
            Self::SeatsUnavailable | Self::BillingUnavailable | Self::Unavailable => 503,
        }
    }

    /// A short title that is the same for every occurrence (RFC 9457 §3.1.3).
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::InvalidCredentials => "Email or password is wrong",
            Self::Unauthenticated => "Sign in first",
            Self::EmailUnverified => "The email address is not confirmed yet",
            Self::TenantRequired => "Choose an organization",
            Self::RefreshInvalid => "This login has ended",
            Self::RefreshReused => "This login was used twice and has been ended",
            Self::Forbidden => "Your role does not allow this",
            Self::CrossSite => "The request came from another site",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::LastOwner => "An organization needs an owner",
            Self::AlreadyMember => "Already a member",
            Self::LinkInvalid => "This link is no longer valid",
            Self::Conflict => "Somebody else changed this meanwhile",
            Self::IdempotencyKeyReused => "This key was used for another request",
            Self::PayloadTooLarge => "The request is too large",
            Self::RateLimited => "Too many requests",
            Self::SeatsExhausted => "All seats are in use",
            Self::SeatsUnavailable => "Seats cannot be given out at the moment",
            Self::LicenseNotFound => "No such license",
            Self::LicenseExpired => "The license has expired",
            Self::LicenseSuspended => "The license is suspended",
            Self::TenantSuspended => "The organization is suspended",
            Self::RoleHoldsNoSeat => "Your role does not hold a seat",
            Self::SessionNotFound => "No such session",
            Self::SessionRevoked => "This session was ended",
            Self::SessionSuperseded => "This session was replaced by a newer one on the same device",
            Self::PaymentDeclined => "The payment was declined",
            Self::BillingUnavailable => "The payment provider does not answer",
            Self::BadSignature => "The signature does not fit",
            Self::WrongMode => "Not an event of this account and mode",
            Self::Unavailable => "Temporarily unavailable",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{pointer}: {detail}")]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field, such as `/email`.
    pub pointer: String,
    /// What to do about it, for a person.
    pub detail: String,
}

impl FieldError {
    /// `field` is the name of a field at the top level.
    pub fn new(field: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{field}"), detail: detail.into() }
    }
}

/// The error document, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened and what to do next, for a person.
    pub detail: String,
    pub code: Code,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// The first field that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Every field that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which trying again makes sense; also sent as `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Where every seat is taken: up to ten who have had theirs longest (where more than 64 are taken: of the 64 whose leases end first), as far
    /// as policy shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holders: Option<Vec<Holder>>,
    /// Where every seat is taken: up to five of the seats that the caller holds himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_sessions: Option<Vec<OwnSession>>,
    /// Facts that go with the code, such as `active` and `max_seats`.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://coditect.ai/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: String::new(),
            pointer: None,
            errors: Vec::new(),
            retry_after: None,
            holders: None,
            own_sessions: None,
            extra: serde_json::Map::new(),
        }
    }

    /// 422 `invalid_request` for these fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.first().map_or_else(|| "The request is not valid.".to_owned(), |e| e.detail.clone());
        let pointer = errors.first().map(|e| e.pointer.clone());
        Self { pointer, errors, ..Self::new(Code::InvalidRequest, detail) }
    }

    /// Adds a fact under `name`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What is wrong with the field of that name, if anything.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|e| e.pointer.strip_prefix('/') == Some(name)).map(|e| e.detail.as_str())
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(vec![error])
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}
