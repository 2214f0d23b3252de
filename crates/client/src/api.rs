//! The calls of the licence API that the client makes, by name.

use crate::call::{Body, Caller, not_the_service};
use crate::client::Inner;
use crate::{Account, Error, KeyError, Keys};
use reqwest::Method;
use serde::Deserialize;
use time::OffsetDateTime;
use types::SessionId;
use types::analytics::{TrackRequest, TrackResponse};
use types::auth::{LoginRequest, MeResponse, RefreshRequest, TokenResponse};
use types::licenses::{AcquireRequest, AcquireResponse, FingerprintTolerance, HeartbeatRequest, HeartbeatResponse};

/// Names this client to the portal in the device flow (RFC 8628 §3.1).
const CLIENT_ID: &str = "coditect-license";
const NONE: Body<'static, ()> = Body::None;

const ME: &str = "api/v1/auth/me";

/// With every success: when the server wrote it.
pub(crate) type Reply<T> = Result<(T, Option<OffsetDateTime>), Error>;

/// RFC 8628 §3.2
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceAuthorization {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) expires_in: u64,
    pub(crate) interval: Option<u64>,
}

/// The answer to acquire. A tolerance that this version does not know counts as the default, instead of making it unreadable.
#[derive(Debug, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Acquired(pub(crate) AcquireResponse);

impl TryFrom<serde_json::Value> for Acquired {
    type Error = serde_json::Error;

    fn try_from(mut value: serde_json::Value) -> Result<Self, Self::Error> {
        let license = value.get_mut("license").and_then(serde_json::Value::as_object_mut);
        let said = license.and_then(|license| license.remove("fingerprint_tolerance"));
        let mut answer: AcquireResponse = serde_json::from_value(value)?;
        answer.license.fingerprint_tolerance = said.and_then(|said| FingerprintTolerance::deserialize(said).ok()).unwrap_or_default();
        Ok(Self(answer))
    }
}

/// Answer of a poll for the device's token (RFC 8628 §3.5).
pub(crate) enum DevicePoll {
    Done(Box<TokenResponse>),
    /// One of the RFC's error codes.
    Error(String),
}

/// RFC 6749 §5.2 says `error`; a problem document says `code`.
fn oauth_error(bytes: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some(answer.get("error").or(answer.get("code"))?.as_str()?.to_owned())
}

impl Caller {
    pub(crate) async fn login(&self, request: &LoginRequest) -> Reply<TokenResponse> {
        self.json(Method::POST, "api/v1/auth/login", None, Body::Json(request)).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Reply<TokenResponse> {
        let request = RefreshRequest { refresh_token: refresh_token.to_owned() };
        self.json(Method::POST, "api/v1/auth/refresh", None, Body::Json(&request)).await
    }

    pub(crate) async fn logout(&self, token: &str, refresh_token: &str) -> Reply<()> {
        let request = RefreshRequest { refresh_token: refresh_token.to_owned() };
        self.json(Method::POST, "api/v1/auth/logout", Some(token), Body::Json(&request)).await
    }

    pub(crate) async fn me(&self, token: &str) -> Reply<MeResponse> {
        self.json(Method::GET, ME, Some(token), NONE).await
    }

    pub(crate) async fn jwks(&self) -> Result<Result<Keys, KeyError>, Error> {
        let answer = self.send(Method::GET, ".well-known/jwks.json", None, NONE).await?.success(self.server())?;
        Ok(Keys::from_jwks(answer.bytes()))
    }

    pub(crate) async fn device_authorize(&self, hardware_id: &str, hostname: Option<&str>) -> Result<DeviceAuthorization, Error> {
        let form = [("client_id", Some(CLIENT_ID)), ("hardware_id", Some(hardware_id)), ("hostname", hostname)];
        let answer = self.send(Method::POST, "api/v1/device/authorize", None, Body::Form(&form)).await?;
        if matches!(answer.status.as_u16(), 404 | 405 | 501) {
            return Err(Error::NoDeviceLogin);
        }
        let answer = answer.success(self.server())?;
        serde_json::from_slice(answer.bytes()).map_err(|_| self.senseless())
    }

    pub(crate) async fn device_token(&self, device_code: &str) -> Result<DevicePoll, Error> {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device_code), ("client_id", CLIENT_ID)];
        let answer = self.send(Method::POST, "api/v1/device/token", None, Body::Form(&form)).await?;
        if answer.status.is_client_error()
            && let Some(error) = oauth_error(answer.bytes())
        {
            return Ok(DevicePoll::Error(error));
        }
        let answer = answer.success(self.server())?;
        serde_json::from_slice(answer.bytes()).map(|token| DevicePoll::Done(Box::new(token))).map_err(|_| self.senseless())
    }

    fn senseless(&self) -> Error {
        not_the_service(self.server(), "its answer makes no sense").into()
    }
}

/// The calls that are made in somebody's name; each answers with the time by the server's clock.
impl Inner {
    pub(crate) async fn me(&self, account: &Account) -> Result<(MeResponse, OffsetDateTime), Error> {
        self.authed(account, Method::GET, ME, NONE).await
    }

    pub(crate) async fn acquire(&self, account: &Account, request: &AcquireRequest) -> Result<(Acquired, OffsetDateTime), Error> {
        self.authed(account, Method::POST, "api/v1/licenses/acquire", Body::Json(request)).await
    }

    pub(crate) async fn heartbeat(
        &self,
        account: &Account,
        request: &HeartbeatRequest,
    ) -> Result<(HeartbeatResponse, OffsetDateTime), Error> {
        self.authed(account, Method::PUT, "api/v1/licenses/heartbeat", Body::Json(request)).await
    }

    pub(crate) async fn track(
        &self,
        account: &Account,
        key: &str,
        request: &TrackRequest,
    ) -> Result<(TrackResponse, OffsetDateTime), Error> {
        self.authed(account, Method::POST, "api/v1/analytics/track", Body::Keyed(request, key)).await
    }

    pub(crate) async fn release(&self, account: &Account, session_id: SessionId) -> Result<((), OffsetDateTime), Error> {
        self.authed(account, Method::DELETE, &format!("api/v1/licenses/release/{session_id}"), NONE).await
    }
}
