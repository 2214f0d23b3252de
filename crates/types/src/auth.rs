//! Requests and answers of `/api/v1/auth`.

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
    /// Binds the refresh token to this device.
    #[serde(default)]
    pub hardware_id: Option<String>,
    /// Slug or id of the organisation; needed only by people who belong to several.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Code of the second factor, where the account has one.
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
