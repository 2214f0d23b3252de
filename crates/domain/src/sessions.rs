//! Seats: taking, keeping, giving back, ending.

use crate::access::{allows, not_found, require};
use crate::copies::{self, from_millis};
use crate::error::{Error, Fields, Result};
use crate::ports::seats::{
    Acquire, AcquireAnswer, Exhausted, Grant, Heartbeat, HeartbeatAnswer, LicenseChoice, Reacquire, ReacquireAnswer, Refusal,
    ReleaseAnswer, SeatHolder,
};
use crate::services::Services;
use crate::{keys, tokens};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::revocations::Revocation;
use store::seat_outbox::{self, Change};
use store::{Actor, OpCtx, TenantTx, activity, revocations};
use types::licenses::{
    AcquireRequest, AcquireResponse, AcquiredLicense, HeartbeatRequest, HeartbeatResponse, HeartbeatState, Holder, LICENSE_AUDIENCE,
    LicenseClaims, LiveSession, OwnSession,
};
use types::live::{LiveRow, LiveView};
use types::{Action, Code, LicenseId, Problem, SessionId, TenantId, UserId, check};

fn device(ctx: &OpCtx) -> Result<(TenantId, UserId, i64)> {
    match (&ctx.actor, ctx.tenant) {
        (Actor::Device { user, epoch }, Some(tenant)) => Ok((tenant, *user, *epoch)),
        _ => Err(Error::Internal("a seat call needs the context of a device".into())),
    }
}

fn session_not_found() -> Error {
    Problem::new(Code::SessionNotFound, "There is no such session. Acquire a seat again.").into()
}

/// The optional text of a request, checked.
fn optional(fields: &mut Fields, name: &str, value: Option<&String>, max: usize) -> Option<String> {
    value.and_then(|v| fields.take(check::device_text(name, v, max)))
}

fn license_choice(fields: &mut Fields, request: &AcquireRequest) -> LicenseChoice {
    if let Some(id) = &request.license_id {
        return match id.parse() {
            Ok(id) => LicenseChoice::Id(id),
            // What is no id names no licence.
            Err(_) => LicenseChoice::Id(LicenseId(uuid::Uuid::nil())),
        };
    }
    match &request.license_key {
        None => LicenseChoice::Any,
        Some(key) => match keys::normalize(key) {
            Some(key) => LicenseChoice::Key(key),
            None => {
                fields.take::<()>(Err(types::FieldError::new("license_key", "This is not a license key; look for a typing error.")));
                LicenseChoice::Any
            }
        },
    }
}

/// Takes a seat for a device, or renews the one that it holds. `true` when a seat was taken.
pub async fn acquire(ctx: &OpCtx, svc: &Services, request: &AcquireRequest) -> Result<(bool, AcquireResponse)> {
    let (tenant, user, epoch) = device(ctx)?;
    let mut fields = Fields::default();
    let hardware_id = fields.take(check::device_text("hardware_id", &request.hardware_id, 128));
    let instance_id = optional(&mut fields, "instance_id", request.instance_id.as_ref(), 128);
    let nonce = optional(&mut fields, "nonce", request.nonce.as_ref(), 256);
    let client_version = optional(&mut fields, "client_version", request.client_version.as_ref(), 64);
    let hostname = optional(&mut fields, "hostname", request.hostname.as_ref(), 255);
    let license = license_choice(&mut fields, request);
    fields.finish()?;
    let call = Acquire {
        tenant,
        user,
        epoch,
        license,
        hardware_id: hardware_id.unwrap_or_default(),
        instance_id: instance_id.unwrap_or_else(|| "default".to_owned()),
        hostname,
        client_version,
        // By time, so that what is stored of sessions of one time lies together. What is random in it cannot be guessed.
        session: svc.new_id(),
    };
    match copies::ask(ctx, svc, tenant, user, || svc.seats.acquire(&call)).await? {
        AcquireAnswer::Refused(refusal) => Err(refused(svc, tenant, refusal)),
        AcquireAnswer::Recovering { now_ms, until_ms } => {
            let detail = "Seats are being given back to the applications that were running before a disturbance. Try again soon.";
            let wait = seconds_left(now_ms, until_ms).clamp(1, 30);
            Err(Problem::new(Code::SeatsUnavailable, detail).retry_after(wait).into())
        }
        AcquireAnswer::Granted(grant) => match answer(svc, &call, nonce, &grant).await {
            Ok(answer) => Ok((grant.new_seat, answer)),
            Err(error) => {
                // Without a token a new seat is of no use to the caller. One that he held stays his: he runs, and will ask again.
                if grant.new_seat {
                    svc.seats.release(tenant, user, grant.session).await?;
                }
                Err(error)
            }
        },
    }
}

async fn answer(svc: &Services, call: &Acquire, nonce: Option<String>, grant: &Grant) -> Result<AcquireResponse> {
    let claims = LicenseClaims {
        iss: svc.settings.base_url.clone(),
        aud: LICENSE_AUDIENCE.to_owned(),
        sub: call.user,
        tenant: call.tenant,
        license: grant.license.id,
        sid: grant.session,
        hardware_id: call.hardware_id.clone(),
        instance_id: call.instance_id.clone(),
        tier: grant.license.tier,
        features: grant.license.features.clone(),
        nonce,
        fence: grant.fence,
        iat: grant.now_ms.div_euclid(1000),
        exp: grant.valid_until_ms.div_euclid(1000),
    };
    Ok(AcquireResponse {
        session_id: grant.session,
        token: tokens::sign_license(svc.signer.as_ref(), &claims).await?,
        valid_until: from_millis(claims.exp * 1000),
        expires_in: seconds_left(grant.now_ms, grant.expires_at_ms),
        heartbeat_interval_seconds: u64::from(grant.license.heartbeat_seconds),
        license: AcquiredLicense {
            id: grant.license.id,
            tier: grant.license.tier,
            features: grant.license.features.clone(),
            max_seats: grant.license.max_seats,
            active: grant.active,
            fingerprint_tolerance: grant.license.fingerprint_tolerance,
        },
    })
}

/// Whole seconds, rounded down: never more than is left.
fn seconds_left(now_ms: i64, until_ms: i64) -> u64 {
    u64::try_from((until_ms - now_ms) / 1000).unwrap_or_default()
}

/// What a refusal says. The same words from acquire, heartbeat and validate.
fn refused(svc: &Services, tenant: TenantId, refusal: Refusal) -> Error {
    match refusal {
        Refusal::StaleEpoch => Problem::new(Code::Unauthenticated, "Your role has changed. Refresh the access token.").into(),
        Refusal::RoleHoldsNoSeat => Problem::new(
            Code::RoleHoldsNoSeat,
            "Your role in the organization does not hold a seat. Ask an owner or admin to make you a member.",
        )
        .into(),
        Refusal::TenantSuspended => Problem::new(
            Code::TenantSuspended,
            format!("Your organization is suspended. Ask an owner to write to {} support.", svc.settings.product_name),
        )
        .into(),
        Refusal::LicenseNotFound => Problem::new(Code::LicenseNotFound, "Your organization has no such license.").into(),
        Refusal::LicenseSuspended => Problem::new(
            Code::LicenseSuspended,
            "The license is suspended. An owner or billing contact of your organization can settle it in the portal.",
        )
        .into(),
        Refusal::LicenseExpired => Problem::new(
            Code::LicenseExpired,
            "The license has expired. An owner or admin of your organization can renew it in the portal.",
        )
        .into(),
        Refusal::Exhausted(facts) => exhausted(svc, tenant, facts).into(),
    }
}

fn exhausted(svc: &Services, tenant: TenantId, facts: Exhausted) -> Problem {
    let wait = seconds_left(facts.now_ms, facts.next_free_at_ms).max(1);
    // By the organization's id: its address in the portal may change, and is not known here.
    let pages = format!("{}/orgs/{tenant}", svc.settings.base_url);
    let seats = if facts.max_seats == 1 { "seat is" } else { "seats are" };
    let detail = format!(
        "{} of {} {seats} in use. The next one is free in {wait} seconds at the latest, unless its holder keeps it.",
        facts.active, facts.max_seats
    );
    let mut problem = Problem::new(Code::SeatsExhausted, detail)
        .retry_after(wait)
        .with("active", facts.active)
        .with("max_seats", facts.max_seats)
        .with("license_id", facts.license.to_string())
        .with("next_free_at", rfc3339(facts.next_free_at_ms));
    // These two are not made into JSON values first: for a crowd that is refused at once that was a fifth of the work.
    problem.holders = Some(facts.holders.iter().map(holder).collect());
    problem.own_sessions = Some(facts.own.iter().map(|h| own_session(h, &pages)).collect());
    // Where nothing is sold there is nothing to buy.
    if svc.billing.is_some() { problem.with("buy_url", format!("{pages}/billing")) } else { problem }
}

fn rfc3339(ms: i64) -> String {
    from_millis(ms).format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn holder(h: &SeatHolder) -> Holder {
    Holder {
        name: h.user_name.clone(),
        device: device_name(h),
        since: from_millis(h.started_at_ms),
        last_heartbeat_at: from_millis(h.last_beat_ms),
    }
}

fn own_session(h: &SeatHolder, pages: &str) -> OwnSession {
    OwnSession {
        session_id: h.session,
        device: device_name(h),
        since: from_millis(h.started_at_ms),
        end_url: format!("{pages}/sessions?revoke={}", h.session),
    }
}

fn device_name(h: &SeatHolder) -> String {
    h.hostname.clone().unwrap_or_else(|| {
        let end = h.hardware_id.char_indices().nth(8).map_or(h.hardware_id.len(), |(at, _)| at);
        ["Device ", &h.hardware_id[..end]].concat()
    })
}

/// A refusal of a heartbeat that stops the client is 410, where an acquire gets 403.
fn gone(mut problem: Problem) -> Problem {
    if matches!(problem.code, Code::LicenseSuspended | Code::TenantSuspended | Code::LicenseExpired | Code::RoleHoldsNoSeat) {
        problem.status = 410;
    }
    problem
}

fn stopped(svc: &Services, tenant: TenantId, refusal: Refusal) -> Error {
    gone(refused(svc, tenant, refusal).into_problem()).into()
}

fn revoked(reason: &str) -> Error {
    Problem::new(Code::SessionRevoked, format!("This session was ended: {reason}")).with("reason", reason).into()
}

fn superseded() -> Error {
    Problem::new(Code::SessionSuperseded, "The application was started again on this device; the newer start holds the seat.").into()
}

/// Keeps a seat. A client whose lease ran out or was lost is taken back on the strength of its token, if a seat is free.
pub async fn heartbeat(ctx: &OpCtx, svc: &Services, request: &HeartbeatRequest) -> Result<HeartbeatResponse> {
    let (tenant, user, epoch) = device(ctx)?;
    let Ok(session) = request.session_id.parse::<SessionId>() else {
        return Err(types::FieldError::new("session_id", "`session_id` must be the id that acquire gave.").into());
    };
    let call = Heartbeat { tenant, user, epoch, session };
    match copies::ask(ctx, svc, tenant, user, || svc.seats.heartbeat(&call)).await? {
        HeartbeatAnswer::Extended { now_ms, expires_at_ms, heartbeat_seconds } => Ok(HeartbeatResponse {
            state: HeartbeatState::Active,
            expires_in: seconds_left(now_ms, expires_at_ms),
            heartbeat_interval_seconds: u64::from(heartbeat_seconds),
        }),
        HeartbeatAnswer::NotLive => Box::pin(reacquire(ctx, svc, &call, request.token.as_deref())).await,
        HeartbeatAnswer::Revoked { reason } => Err(revoked(&reason)),
        HeartbeatAnswer::Superseded => Err(superseded()),
        HeartbeatAnswer::Refused(refusal) => Err(stopped(svc, tenant, refusal)),
    }
}

async fn reacquire(ctx: &OpCtx, svc: &Services, beat: &Heartbeat, token: Option<&str>) -> Result<HeartbeatResponse> {
    // Whoever shows no token of this very session, of this tenant and user, learns nothing.
    let claims = token.and_then(|t| tokens::verify_license(svc, t)).ok_or_else(session_not_found)?;
    let now = svc.now();
    // Beyond that time nobody would know of its revocation.
    let forgotten = claims.iat <= (now - copies::remember()).unix_timestamp();
    if claims.sid != beat.session || claims.tenant != beat.tenant || claims.sub != beat.user || forgotten {
        return Err(session_not_found());
    }
    // The live store may have lost the mark of a revocation; the database has not.
    {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        if let Some(r) = revocations::get(&mut tx, beat.tenant, beat.session).await? {
            return Err(revoked(&r.reason));
        }
    }
    let call = Reacquire {
        tenant: beat.tenant,
        user: beat.user,
        epoch: beat.epoch,
        license: claims.license,
        session: beat.session,
        hardware_id: claims.hardware_id,
        instance_id: claims.instance_id,
        fence: claims.fence,
        token_is_over: claims.exp <= now.unix_timestamp(),
    };
    match copies::ask(ctx, svc, beat.tenant, beat.user, || svc.seats.reacquire(&call)).await? {
        ReacquireAnswer::Granted(grant) => Ok(HeartbeatResponse {
            state: HeartbeatState::Reacquired,
            expires_in: seconds_left(grant.now_ms, grant.expires_at_ms),
            heartbeat_interval_seconds: u64::from(grant.license.heartbeat_seconds),
        }),
        ReacquireAnswer::NotLive => Err(session_not_found()),
        ReacquireAnswer::Revoked { reason } => Err(revoked(&reason)),
        ReacquireAnswer::Superseded => Err(superseded()),
        ReacquireAnswer::Refused(refusal) => Err(stopped(svc, beat.tenant, refusal)),
    }
}

/// Gives a seat back. Again is no error.
pub async fn release(ctx: &OpCtx, svc: &Services, session: &str) -> Result<()> {
    let (tenant, user, _) = device(ctx)?;
    let session = session.parse().map_err(|_| session_not_found())?;
    match svc.seats.release(tenant, user, session).await? {
        ReleaseAnswer::Released | ReleaseAnswer::AlreadyEnded => Ok(()),
        ReleaseAnswer::Unknown => Err(session_not_found()),
    }
}

/// Ends a session for good. Owners and admins end any, everybody his own, staff with a reason. For all others it does not exist.
pub async fn revoke(ctx: &OpCtx, svc: &Services, session: SessionId, reason: Option<&str>) -> Result<()> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let is_staff = matches!(ctx.actor, Actor::Staff { .. });
    let reason = match reason {
        Some(given) if is_staff || !given.trim().is_empty() => Some(check::reason(given)?),
        None if is_staff => return Err(check::reason("").err().map_or_else(not_found, Into::into)),
        _ => None,
    };
    let now = svc.now();
    let live = svc.seats.find(tenant, session).await?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let known = revocations::get(&mut tx, tenant, session).await?;
    let own = live.as_ref().is_some_and(|h| Some(h.user) == ctx.user_id());
    if !is_staff {
        let role = ctx.role.ok_or_else(not_found)?;
        let may = allows(role, Action::SessionsRevoke) || (own && allows(role, Action::SessionsRevokeOwn));
        if !may {
            return Err(session_not_found());
        }
    }
    let Some(live) = live else {
        // Ended already: by this call's twin, or by itself. The live store may not have heard of it, or have forgotten it.
        let revocation = known.ok_or_else(session_not_found)?;
        svc.seats.revoke(tenant, session, &revocation.reason, copies::remember_seconds()).await?;
        return Ok(());
    };
    let told = match (&reason, is_staff, own) {
        (Some(reason), true, _) => format!("{} support: {reason}", svc.settings.product_name),
        (Some(reason), false, _) => reason.clone(),
        (None, _, true) => "You ended it yourself.".to_owned(),
        (None, _, false) => "An administrator of your organization ended it.".to_owned(),
    };
    let revocation = Revocation { session, reason: told, expires_at: now + copies::remember() };
    if !revocations::insert(&mut tx, tenant, &revocation, now).await? {
        // This call's twin was faster, and says so in the log. It may have failed to reach the live store.
        let reason = revocations::get(&mut tx, tenant, session).await?.map_or(revocation.reason, |r| r.reason);
        svc.seats.revoke(tenant, session, &reason, copies::remember_seconds()).await?;
        return Ok(());
    }
    seat_outbox::note(&mut tx, tenant, Change::Revocation(session), now).await?;
    let subject = format!("{} on {}", live.user_name, device_name(&live));
    let details = json!({ "session": session, "user": live.user });
    audit::append(&mut tx, tenant, now, NewEntry { action: "session.revoked", subject: &subject, reason: reason.as_deref(), details })
        .await?;
    tx.commit().await?;
    // Whoever is told that it is done may rely on it; if the live store is away, he hears that, and the worker does it in any case.
    svc.seats.revoke(tenant, session, &revocation.reason, copies::remember_seconds()).await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(())
}

fn live_session(h: SeatHolder) -> LiveSession {
    LiveSession {
        id: h.session,
        license_id: h.license,
        user_id: h.user,
        user_name: h.user_name,
        user_email: h.user_email,
        hardware_id: h.hardware_id,
        instance_id: h.instance_id,
        hostname: h.hostname,
        client_version: h.client_version,
        started_at: from_millis(h.started_at_ms),
        last_heartbeat_at: from_millis(h.last_beat_ms),
        expires_at: from_millis(h.expires_at_ms),
    }
}

/// Who holds a seat now: everybody, or for those who may not see that, one's own.
pub async fn list(ctx: &OpCtx, svc: &Services, license: Option<LicenseId>) -> Result<Vec<LiveSession>> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let all = matches!(ctx.actor, Actor::Staff { .. }) || allows(require(ctx, Action::SessionsRevokeOwn)?, Action::SessionsView);
    let holders = if all {
        svc.seats.snapshot(tenant).await?.holders
    } else {
        svc.seats.of_user(tenant, ctx.user_id().ok_or_else(not_found)?).await?
    };
    Ok(holders.into_iter().filter(|h| license.is_none_or(|l| h.license == l)).map(live_session).collect())
}

/// The picture that a live page shows: totals for everybody, rows as far as the reader may see them.
pub async fn live_view(ctx: &OpCtx, svc: &Services, max_seats: u32) -> Result<LiveView> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let is_staff = matches!(ctx.actor, Actor::Staff { .. });
    let role = if is_staff { None } else { Some(require(ctx, Action::OverviewView)?) };
    let may = |action| is_staff || role.is_some_and(|r| allows(r, action));
    let holders = svc.seats.snapshot(tenant).await?.holders;
    let active = u32::try_from(holders.len()).unwrap_or(u32::MAX);
    let sessions = holders
        .into_iter()
        .filter_map(|h| {
            let own = Some(h.user) == ctx.user_id();
            (own || may(Action::SessionsView)).then(|| LiveRow {
                id: h.session,
                license_id: h.license,
                device: device_name(&h),
                client_version: h.client_version.clone().unwrap_or_default(),
                started_at: from_millis(h.started_at_ms),
                last_heartbeat_at: from_millis(h.last_beat_ms),
                expires_at: from_millis(h.expires_at_ms),
                may_revoke: may(Action::SessionsRevoke) || (own && may(Action::SessionsRevokeOwn)),
                own,
                user_name: h.user_name,
                user_email: h.user_email,
            })
        })
        .collect();
    Ok(LiveView { active, max_seats, sessions })
}

/// Sessions that ended within the last hours, as far as the reader may see them: all, or for one who may hold a seat his own.
pub async fn recently_ended(ctx: &OpCtx, svc: &Services, hours: i64) -> Result<Vec<activity::EndedSession>> {
    let only = if matches!(ctx.actor, Actor::Staff { .. }) || require(ctx, Action::SessionsView).is_ok() {
        None
    } else {
        require(ctx, Action::SeatHold)?;
        ctx.user_id()
    };
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    Ok(activity::ended_since(&mut tx, svc.now() - time::Duration::hours(hours), only, 50).await?)
}

/// Like [`list`] for one licence of the tenant; 404 for any other.
pub async fn of_license(ctx: &OpCtx, svc: &Services, license: &str) -> Result<Vec<LiveSession>> {
    let license = crate::licenses::get(ctx, svc, license).await?;
    list(ctx, svc, Some(license.id)).await
}
