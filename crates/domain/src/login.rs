//! Proving who one is: in the browser, and from the installed application.

use crate::error::{Error, Result};
use crate::services::Services;
use crate::{copies, identity, mails, tokens};
use store::refresh::Family;
use store::{OpCtx, SystemTx, mail, members, refresh, signups, staff, tenants, users, web_sessions};
use time::Duration;
use types::auth::{LoginRequest, TokenResponse};
use types::{Code, Problem, TenantId, UserId, check};

/// A login of the installed application ends after so many days, however often it is renewed.
const FAMILY_DAYS: i64 = 90;

fn invalid_credentials() -> Error {
    Problem::new(Code::InvalidCredentials, "Email or password is wrong.").into()
}

/// Checks address and password. One hash is computed whatever the address, so that neither answer nor time tells which exist.
async fn authenticate(ctx: &OpCtx, svc: &Services, email: &str, password: &str) -> Result<users::User> {
    let Ok(email) = check::email(email) else {
        // Nobody's address; and it may be too long to be remembered for its attempts.
        svc.limits.hash(ctx.client_ip)?;
        svc.passwords.verify("", None).await?;
        return Err(invalid_credentials());
    };
    svc.limits.sign_in(&email, ctx.client_ip)?;
    let _turn = svc.passwords.turn().await?;
    let (user, signup) = {
        // Who signs in is not in a tenant yet.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        let user = users::by_email(&mut tx, &email).await?;
        let signup = signups::latest_open(&mut tx, &email, svc.now()).await?;
        (user, signup)
    };
    let hash = match (&user, &signup) {
        (Some(user), _) => user.password_hash.as_deref(),
        (None, Some(signup)) => Some(signup.password_hash.as_str()),
        (None, None) => None,
    };
    if password.chars().count() > check::PASSWORD_MAX || !svc.passwords.verify(password, hash).await? {
        return Err(invalid_credentials());
    }
    user.ok_or_else(|| Problem::new(Code::EmailUnverified, "Confirm your email first: open the link in the mail that we sent you.").into())
}

/// Where a person goes after signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub user: UserId,
    /// Address part of the organisation used last.
    pub slug: Option<String>,
    pub is_staff: bool,
    /// [`crate::identity::Person::proof`] of the browser session.
    pub proof: String,
}

/// Signs a person in at the browser. The caller makes the browser session.
pub async fn sign_in(ctx: &OpCtx, svc: &Services, email: &str, password: &str) -> Result<SignedIn> {
    if email.trim().is_empty() {
        return Err(types::FieldError::new("email", "Enter your email address.").into());
    }
    if password.is_empty() {
        return Err(types::FieldError::new("password", "Enter your password.").into());
    }
    let user = authenticate(ctx, svc, email, password).await?;
    // Who signs in is not in a tenant yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let slug = tenants::of_user(&mut tx, user.id).await?.into_iter().next().map(|o| o.slug);
    let is_staff = staff::role_of(&mut tx, user.id).await?.is_some();
    if !users::prove_sign_in(&mut tx, &user, svc.now()).await? {
        return Err(invalid_credentials());
    }
    tx.commit().await?;
    Ok(SignedIn { user: user.id, slug, is_staff, proof: identity::proof(user.password_hash.as_deref()) })
}

/// Logs the installed application in. Somebody who belongs to several organisations must name one.
pub async fn login(ctx: &OpCtx, svc: &Services, request: &LoginRequest) -> Result<TokenResponse> {
    if let Some(hardware) = &request.hardware_id {
        check::device_text("hardware_id", hardware, 128)?;
    }
    let user = authenticate(ctx, svc, &request.email, &request.password).await?;
    // Who logs in is not in a tenant yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let organizations = tenants::of_user(&mut tx, user.id).await?;
    let chosen = match &request.tenant {
        Some(named) => organizations
            .iter()
            .find(|o| o.slug == *named || o.id.to_string() == *named)
            .ok_or_else(|| Error::from(types::FieldError::new("tenant", "You belong to no organization of that name.")))?,
        None if organizations.len() == 1 => &organizations[0],
        None if organizations.is_empty() => {
            return Err(
                Problem::new(Code::Forbidden, "You belong to no organization. Create one in the portal, or ask to be invited.").into()
            );
        }
        None => {
            let tenants: Vec<serde_json::Value> =
                organizations.iter().map(|o| serde_json::json!({ "id": o.id, "slug": o.slug, "name": o.name })).collect();
            return Err(Problem::new(Code::TenantRequired, "You belong to several organizations. Say which one.")
                .with("tenants", tenants)
                .into());
        }
    };
    let tenant = chosen.id;
    if !users::prove_sign_in(&mut tx, &user, svc.now()).await? {
        return Err(invalid_credentials());
    }
    let answer = begin_family(&mut tx, svc, user.id, tenant, request.hardware_id.clone()).await?;
    tx.commit().await?;
    Ok(answer.give(svc).await)
}

/// What a device gets, and the member whose it is.
pub(crate) struct Tokens {
    answer: TokenResponse,
    member: members::Membership,
}

impl Tokens {
    /// To be called after the commit: Redis is asked.
    pub(crate) async fn give(self, svc: &Services) -> TokenResponse {
        copies::put_ahead(svc, &self.member).await;
        self.answer
    }
}

/// Begins a login of the installed application. Refuses one who is no member.
pub(crate) async fn begin_family(
    tx: &mut SystemTx,
    svc: &Services,
    user: UserId,
    tenant: TenantId,
    hardware_id: Option<String>,
) -> Result<Tokens> {
    let now = svc.now();
    let family = Family {
        id: svc.new_id(),
        user_id: user,
        tenant_id: tenant,
        hardware_id,
        created_at: now,
        expires_at: now + Duration::days(FAMILY_DAYS),
        ended_at: None,
    };
    let (secret, hash) = tokens::new_secret(svc);
    refresh::insert_family(tx, &family).await?;
    refresh::insert_token(tx, family.id, &hash, now).await?;
    tokens_for(tx, svc, &family, secret).await
}

async fn tokens_for(tx: &mut SystemTx, svc: &Services, family: &Family, refresh_token: String) -> Result<Tokens> {
    let Some(member) = members::get(tx, family.tenant_id, family.user_id).await? else { return Err(left()) };
    let claims = identity::access_claims(svc, &member, family.id);
    let answer = TokenResponse {
        access_token: tokens::sign_access(svc, &claims)?,
        token_type: "Bearer".to_owned(),
        expires_in: tokens::ACCESS_SECONDS.unsigned_abs(),
        refresh_token,
        tenant_id: family.tenant_id,
        user_id: family.user_id,
    };
    Ok(Tokens { answer, member })
}

fn ended() -> Error {
    Problem::new(Code::RefreshInvalid, "This login has ended. Log in again.").into()
}

/// Whoever shows such a token belonged to the organization.
fn left() -> Error {
    Problem::new(Code::RefreshInvalid, "You no longer belong to the organization.").into()
}

/// Exchanges a refresh token. A used token whose successor was never used gets another successor, because the answer may have been
/// lost; any other reuse means that somebody has a copy, and ends the login.
pub async fn refresh(ctx: &OpCtx, svc: &Services, token: &str) -> Result<TokenResponse> {
    let now = svc.now();
    let hash = tokens::hash_secret(token);
    // A login is a global row.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let (family, state) = refresh::lock_family_of(&mut tx, &hash).await?.ok_or_else(ended)?;
    if family.ended_at.is_some() || family.expires_at <= now {
        let belongs = members::get(&mut tx, family.tenant_id, family.user_id).await?.is_some();
        return Err(if belongs { ended() } else { left() });
    }
    if let (Some(_), Some(successor)) = (state.used_at, &state.successor_hash)
        && refresh::is_used(&mut tx, successor).await?
    {
        refresh::end_family(&mut tx, family.id, now).await?;
        tx.commit().await?;
        tracing::warn!(user = %family.user_id, "a refresh token was used twice; its login is ended");
        return Err(
            Problem::new(Code::RefreshReused, "This refresh token was used before, so the login has been ended. Log in again.").into()
        );
    }
    let (secret, successor) = tokens::new_secret(svc);
    refresh::exchange(&mut tx, family.id, &hash, &successor, now).await?;
    let answer = tokens_for(&mut tx, svc, &family, secret).await?;
    tx.commit().await?;
    Ok(answer.give(svc).await)
}

/// Ends the login that the token belongs to. An unknown token changes nothing and is no error.
pub async fn logout(ctx: &OpCtx, svc: &Services, token: &str) -> Result<()> {
    // A login is a global row.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    if let Some((family, _)) = refresh::lock_family_of(&mut tx, &tokens::hash_secret(token)).await? {
        refresh::end_family(&mut tx, family.id, svc.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Mails a link to choose a new password, if the address has an account. Says nothing about whether it has.
pub async fn request_reset(ctx: &OpCtx, svc: &Services, email: &str) -> Result<()> {
    let email = check::email(email)?;
    let (secret, hash) = tokens::new_secret(svc);
    let now = svc.now();
    // Nobody is signed in.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    if let Some(user) = users::by_email(&mut tx, &email).await?
        && svc.limits.mail(&email)
    {
        users::put_password_token(&mut tx, user.id, &hash, now, now + Duration::hours(1)).await?;
        let link = format!("{}/reset-password?token={secret}", svc.settings.base_url);
        mail::enqueue(&mut tx, None, &mails::reset(&svc.settings.product_name, &user.email, &user.name, &link), now).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn dead_link() -> Error {
    Problem::new(Code::LinkInvalid, "This link is not valid any longer. Ask for a new one.").into()
}

/// Whether the link still works, without using it up.
pub async fn check_reset(ctx: &OpCtx, svc: &Services, token: &str) -> Result<()> {
    // Nobody is signed in.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    users::peek_password_token(&mut tx, &tokens::hash_secret(token), svc.now()).await?.ok_or_else(dead_link)?;
    Ok(())
}

/// Sets a new password by the link from the mail, and ends every sign-in of the person.
pub async fn reset_password(ctx: &OpCtx, svc: &Services, token: &str, password: &str) -> Result<()> {
    let now = svc.now();
    svc.limits.hash(ctx.client_ip)?;
    let token_hash = tokens::hash_secret(token);
    let user = {
        // Nobody is signed in.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        let id = users::peek_password_token(&mut tx, &token_hash, now).await?.ok_or_else(dead_link)?;
        users::by_id(&mut tx, id).await?.ok_or_else(dead_link)?
    };
    check::new_password(password, &[&user.email, &user.name])?;
    let hash = svc.passwords.hash(svc.random.as_ref(), password).await?;
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    users::take_password_token(&mut tx, &token_hash, now).await?.ok_or_else(dead_link)?;
    users::set_password(&mut tx, user.id, &hash).await?;
    password_changed(&mut tx, svc, &user).await?;
    tx.commit().await?;
    Ok(())
}

async fn password_changed(tx: &mut SystemTx, svc: &Services, user: &users::User) -> Result<()> {
    let now = svc.now();
    web_sessions::end_all(tx, user.id).await?;
    refresh::end_all(tx, user.id, None, now).await?;
    let link = format!("{}/login", svc.settings.base_url);
    let message = mails::password_changed(&svc.settings.product_name, &user.email, &user.name, &link);
    mail::enqueue(tx, None, &message, now).await?;
    Ok(())
}

/// Changes the password of somebody who is signed in and proves it by the current one. Ends every sign-in; the caller makes a new one with
/// the proof that this returns ([`crate::identity::Person::proof`]).
pub async fn change_own_password(ctx: &OpCtx, svc: &Services, current: &str, password: &str) -> Result<String> {
    let id = ctx.user_id().ok_or_else(crate::access::not_found)?;
    let user = {
        // A person, not a tenant.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        users::by_id(&mut tx, id).await?.ok_or_else(crate::access::not_found)?
    };
    svc.limits.sign_in(&user.email, ctx.client_ip)?;
    let wrong = || Error::from(types::FieldError::new("current_password", "This is not your current password."));
    if !svc.passwords.verify(current, user.password_hash.as_deref()).await? {
        return Err(wrong());
    }
    check::new_password(password, &[&user.email, &user.name])?;
    let hash = svc.passwords.hash(svc.random.as_ref(), password).await?;
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    if !users::replace_password(&mut tx, &user, &hash).await? {
        return Err(wrong());
    }
    password_changed(&mut tx, svc, &user).await?;
    tx.commit().await?;
    Ok(identity::proof(Some(&hash)))
}

/// Renames the person everywhere.
pub async fn rename_self(ctx: &OpCtx, svc: &Services, name: &str) -> Result<()> {
    let id = ctx.user_id().ok_or_else(crate::access::not_found)?;
    let name = check::person_name(name)?;
    // A person, not a tenant; every tenant that shows him is told.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    users::rename(&mut tx, id, &name).await?;
    for o in tenants::of_user(&mut tx, id).await? {
        store::seat_outbox::note(&mut tx, o.id, store::seat_outbox::Change::Member(id), svc.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends every sign-in of the person: browsers and installed applications.
pub async fn sign_out_everywhere(ctx: &OpCtx, svc: &Services) -> Result<()> {
    let id = ctx.user_id().ok_or_else(crate::access::not_found)?;
    // A person, not a tenant.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    web_sessions::end_all(&mut tx, id).await?;
    refresh::end_all(&mut tx, id, None, svc.now()).await?;
    tx.commit().await?;
    Ok(())
}
