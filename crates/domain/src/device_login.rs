//! Logging the installed application in by a code that somebody approves in a browser (RFC 8628).

use crate::error::{Error, Result};
use crate::login::begin_family;
use crate::services::Services;
use crate::{access, tokens};
use jsonwebtoken::{Algorithm, EncodingKey};
use store::audit::NewEntry;
use store::device_codes::{Asking, NewDeviceCode, State};
use store::{OpCtx, SystemTx, Tx, audit, device_codes, members, tenants, users};
use time::Duration;
use types::auth::{DeviceAuthorizationRequest, DeviceAuthorizationResponse, DeviceError, TokenResponse};
use types::{FieldError, UserId, check};

/// `grant_type` of a poll.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long a code can be used.
const LIFE: Duration = Duration::minutes(15);
/// Seconds between two polls at first, and what each that comes too early adds.
const POLL_SECONDS: i32 = 5;
/// Letters of a user code: without vowels, so that it is never a word, and none that is taken for another (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LENGTH: usize = 8;

fn new_user_code(svc: &Services) -> String {
    let mut code = String::with_capacity(USER_CODE_LENGTH);
    while code.len() < USER_CODE_LENGTH {
        let mut byte = [0];
        svc.random.fill(&mut byte);
        // From 240 on some letters would come more often than others.
        if byte[0] < 240 {
            code.push(char::from(LETTERS[usize::from(byte[0]) % LETTERS.len()]));
        }
    }
    code
}

/// As it is shown: two groups of four.
fn shown(code: &str) -> String {
    let (first, second) = code.split_at(USER_CODE_LENGTH / 2);
    format!("{first}-{second}")
}

/// The letters of a code as somebody types it: in any case, with or without the hyphen. `None` for what cannot be one.
fn letters(typed: &str) -> Option<String> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    (code.len() == USER_CODE_LENGTH && code.bytes().all(|b| LETTERS.contains(&b))).then_some(code)
}

/// What is stored of a user code. There are few enough of them to try all, so the hash has a key.
fn hash_user_code(svc: &Services, code: &str) -> Result<Vec<u8>> {
    // Nothing else that is signed with this key has a space in it.
    let message = format!("user code {code}");
    let hash = jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&svc.settings.access_key), Algorithm::HS256);
    Ok(hash.map_err(|e| Error::Internal(format!("user code: {e}")))?.into_bytes())
}

/// Begins a login. Nobody needs to be known.
pub async fn authorize(ctx: &OpCtx, svc: &Services, request: &DeviceAuthorizationRequest) -> Result<DeviceAuthorizationResponse> {
    svc.limits.device(ctx.client_ip)?;
    let text = |field: &str, value: &Option<String>, max| value.as_ref().map(|v| check::device_text(field, v, max)).transpose();
    let hardware_id = text("hardware_id", &request.hardware_id, 128)?;
    let hostname = text("hostname", &request.hostname, 255)?;
    let (device_code, device_code_hash) = tokens::new_secret(svc);
    let code = new_user_code(svc);
    let now = svc.now();
    // Nobody is known yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let new = NewDeviceCode {
        device_code_hash: &device_code_hash,
        user_code_hash: &hash_user_code(svc, &code)?,
        hardware_id: hardware_id.as_deref(),
        hostname: hostname.as_deref(),
        client_ip: ctx.client_ip.map(|ip| ip.to_string()),
        created_at: now,
        expires_at: now + LIFE,
        poll_seconds: POLL_SECONDS,
    };
    device_codes::insert(&mut tx, &new).await?;
    tx.commit().await?;
    let user_code = shown(&code);
    let verification_uri = format!("{}/device", svc.settings.base_url);
    Ok(DeviceAuthorizationResponse {
        device_code,
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: LIFE.whole_seconds().unsigned_abs(),
        interval: u64::from(POLL_SECONDS.unsigned_abs()),
    })
}

/// A login that waits for the person's decision.
#[derive(Clone, Debug)]
pub struct Request {
    /// As it is shown.
    pub user_code: String,
    pub asking: Asking,
}

fn wrong_code() -> Error {
    FieldError::new("user_code", "No device is waiting with this code. Check the letters; codes are good for 15 minutes.").into()
}

/// The login that waits under what the person typed. Codes that are wrong, over or decided are told alike.
async fn lock_request(tx: &mut SystemTx, svc: &Services, user: UserId, typed: &str) -> Result<(Vec<u8>, Request)> {
    if typed.trim().is_empty() {
        return Err(FieldError::new("user_code", "Enter the code that the application shows.").into());
    }
    let code = letters(typed).ok_or_else(wrong_code)?;
    svc.limits.user_code(user, tx.ctx().client_ip)?;
    let hash = hash_user_code(svc, &code)?;
    let asking = device_codes::lock_pending(tx, &hash, svc.now()).await?.ok_or_else(wrong_code)?;
    Ok((hash, Request { user_code: shown(&code), asking }))
}

/// Which device waits with this code.
pub async fn request(ctx: &OpCtx, svc: &Services, user_code: &str) -> Result<Request> {
    let user = ctx.user_id().ok_or_else(access::not_found)?;
    // A code is a global row.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    Ok(lock_request(&mut tx, svc, user, user_code).await?.1)
}

/// Lets the device log in as this person, in the organisation of that address. Returns the organisation's name.
pub async fn approve(ctx: &OpCtx, svc: &Services, user_code: &str, slug: &str) -> Result<String> {
    let user = ctx.user_id().ok_or_else(access::not_found)?;
    // A code is a global row, and the organisation is the person's choice.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let (hash, Request { asking, .. }) = lock_request(&mut tx, svc, user, user_code).await?;
    let organization = tenants::of_user(&mut tx, user)
        .await?
        .into_iter()
        .find(|o| o.slug == slug)
        .ok_or_else(|| Error::from(FieldError::new("organization", "You belong to no organization of that name.")))?;
    device_codes::approve(&mut tx, &hash, user, organization.id).await?;
    let details = serde_json::json!({ "hardware_id": asking.hardware_id, "asked_from": asking.client_ip });
    let subject = asking.hostname.as_deref().or(asking.hardware_id.as_deref()).unwrap_or("a device");
    let entry = NewEntry { action: "device.approved", subject, reason: None, details };
    audit::append(&mut tx, organization.id, svc.now(), entry).await?;
    tx.commit().await?;
    Ok(organization.name)
}

/// Turns the device away.
pub async fn deny(ctx: &OpCtx, svc: &Services, user_code: &str) -> Result<()> {
    let user = ctx.user_id().ok_or_else(access::not_found)?;
    // A code is a global row.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let (hash, _) = lock_request(&mut tx, svc, user, user_code).await?;
    device_codes::deny(&mut tx, &hash).await?;
    tx.commit().await?;
    Ok(())
}

/// What a poll is answered with.
#[derive(Clone, Debug)]
pub enum Poll {
    LoggedIn(Box<TokenResponse>),
    Not(DeviceError),
}

/// Whether the login has been approved. If so, it is fetched, which works once.
pub async fn poll(ctx: &OpCtx, svc: &Services, device_code: &str) -> Result<Poll> {
    let hash = tokens::hash_secret(device_code);
    let now = svc.now();
    // A code is a global row.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let Some(waiting) = device_codes::lock(&mut tx, &hash).await? else { return Ok(Poll::Not(DeviceError::InvalidGrant)) };
    if waiting.expires_at <= now {
        return Ok(Poll::Not(DeviceError::ExpiredToken));
    }
    let answer = match waiting.state {
        State::Denied => return Ok(Poll::Not(DeviceError::AccessDenied)),
        State::Pending { polled_at, poll_seconds } => {
            let early = polled_at.is_some_and(|at| now < at + Duration::seconds(poll_seconds.into()));
            let (error, wait) = if early {
                (DeviceError::SlowDown, poll_seconds + POLL_SECONDS)
            } else {
                (DeviceError::AuthorizationPending, poll_seconds)
            };
            device_codes::polled(&mut tx, &hash, now, wait).await?;
            Poll::Not(error)
        }
        State::Approved { user, tenant } => {
            device_codes::delete(&mut tx, &hash).await?;
            // He may have been removed since.
            if members::get(&mut tx, tenant, user).await?.is_none() {
                Poll::Not(DeviceError::AccessDenied)
            } else {
                let tokens = begin_family(&mut tx, svc, user, tenant, waiting.hardware_id).await?;
                users::touch_sign_in(&mut tx, user, now).await?;
                tx.commit().await?;
                return Ok(Poll::LoggedIn(Box::new(tokens.give(svc).await)));
            }
        }
    };
    tx.commit().await?;
    Ok(answer)
}

/// What an error of the flow says to a person.
pub fn describe(error: DeviceError) -> &'static str {
    match error {
        DeviceError::AuthorizationPending => "Nobody has approved this device yet. Ask again after the interval.",
        DeviceError::SlowDown => "You ask too often. From now on wait five seconds longer.",
        DeviceError::AccessDenied => "The login was denied.",
        DeviceError::ExpiredToken => "The code was not used in time. Begin again.",
        DeviceError::InvalidGrant => "There is no login with this device code, or it has been fetched.",
        DeviceError::InvalidRequest => "The request is not valid.",
        DeviceError::UnsupportedGrantType => "Only urn:ietf:params:oauth:grant-type:device_code is known here.",
    }
}
