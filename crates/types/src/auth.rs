//! Requests and answers of `/api/v1/auth`.

use crate::roles::text_enum;
use crate::{FamilyId, Role, TenantId, UserId};
use serde::{Deserialize, Serialize};

/// Founds an organisation; the person becomes its owner once the address is confirmed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    #[cfg_attr(feature = "openapi", schema(example = "Fjordline Studio"))]
    pub organization_name: String,
    #[cfg_attr(feature = "openapi", schema(example = "Ingrid Solberg"))]
    pub name: String,
    #[cfg_attr(feature = "openapi", schema(example = "ingrid@fjordline.example"))]
    pub email: String,
    #[cfg_attr(feature = "openapi", schema(example = "the ferry leaves at nine", min_length = 12, max_length = 256))]
    pub password: String,
}

/// The same answer whether or not the address was known before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterResponse {
    pub tenant_id: TenantId,
    pub user_id: UserId,
}

/// Logs the installed application in with e-mail and password.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub email: String,
    pub password: String,
    /// The device that logs in; noted with the login.
    #[serde(default)]
    pub hardware_id: Option<String>,
    /// Slug or id of the organisation; needed only by people who belong to several.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Code of a second factor. No account has one yet, so it is ignored.
    #[serde(default)]
    pub totp: Option<String>,
}

/// A new access token and the refresh token to get the next one with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenResponse {
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    pub refresh_token: String,
    pub tenant_id: TenantId,
    pub user_id: UserId,
}

/// Also the body of logout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    pub refresh_token: String,
}

/// Begins a login that somebody approves in a browser (RFC 8628 §3.1). What it does not know it ignores, as the RFC asks for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAuthorizationRequest {
    /// Which program asks; not needed.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The device that logs in; noted with the login.
    #[serde(default)]
    pub hardware_id: Option<String>,
    /// What the person who approves it sees.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// RFC 8628 §3.2
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAuthorizationResponse {
    /// What the device polls with; nobody else learns it.
    pub device_code: String,
    /// What the person types.
    #[cfg_attr(feature = "openapi", schema(example = "WDJB-MJHT"))]
    pub user_code: String,
    /// Where he types it.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: String,
    /// Seconds until both codes end.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
}

/// Asks whether the login has been approved (RFC 8628 §3.4).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceTokenRequest {
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "urn:ietf:params:oauth:grant-type:device_code"))]
    pub grant_type: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub device_code: Option<String>,
}

text_enum!(
    /// Why a device has no token (RFC 8628 §3.5, RFC 6749 §5.2).
    DeviceError {
        /// Nobody has decided yet.
        AuthorizationPending = "authorization_pending",
        /// Nor has anybody decided, and the device asks too often: from now on it waits five seconds longer.
        SlowDown = "slow_down",
        AccessDenied = "access_denied",
        ExpiredToken = "expired_token",
        /// No such code, or its login has been fetched.
        InvalidGrant = "invalid_grant",
        InvalidRequest = "invalid_request",
        UnsupportedGrantType = "unsupported_grant_type",
    }
);

/// The error document of OAuth (RFC 6749 §5.2), which the two calls of the device flow answer with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceErrorResponse {
    pub error: DeviceError,
    /// For a person.
    pub error_description: String,
}

/// Who the access token speaks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeResponse {
    pub user: MeUser,
    pub tenant: MeTenant,
    pub role: Role,
    /// Names of the allowed actions, such as `members.manage`.
    pub permissions: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeUser {
    pub id: UserId,
    pub name: String,
    pub email: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeTenant {
    pub id: TenantId,
    pub name: String,
    pub slug: String,
}

/// Claims of the access JWT (HS256; only the portal itself verifies it).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub tenant: TenantId,
    pub family: FamilyId,
    /// The membership's epoch when the token was made: a change of role or a removal makes it stale.
    pub epoch: i64,
    pub iat: i64,
    pub exp: i64,
}
