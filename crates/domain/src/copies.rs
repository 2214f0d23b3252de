//! Keeps the live store's copies of what PostgreSQL owns: entitlements, members, revocations.

use crate::access;
use crate::error::{Error, Result};
use crate::ports::seats::{Asked, Entitlement, LicenseLimits, MemberCopy, Missing, SeatsError};
use crate::services::Services;
use std::collections::BTreeMap;
use store::revocations::Revocation;
use store::seat_outbox::{self, Change, Entry};
use store::{OpCtx, SystemTx, TenantTx, Tx, licenses, members, revocations, tenants, usage};
use time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use types::licenses::offline_cap;
use types::organizations::TenantStatus;
use types::{Action, Role, SessionId, TenantId, UserId};

/// Why a session ends whose holder may not hold a seat any longer.
const LOST_SEAT_RIGHT: &str = "Your role in the organization holds no seat any longer.";
const LEFT: &str = "You no longer belong to the organization.";

/// One licence as the live store needs it.
fn limits(l: &licenses::License) -> LicenseLimits {
    let overage_percent = if l.hard_stop { 0 } else { l.overage_percent };
    LicenseLimits {
        id: l.id,
        key: l.key.clone(),
        tier: l.tier,
        features: l.features.clone(),
        status: l.status,
        max_seats: l.max_seats,
        overage_percent,
        expires_at_ms: l.expiry.map(millis),
        lease_seconds: l.lease_seconds,
        heartbeat_seconds: l.heartbeat_seconds,
        offline_seconds: l.offline_hours.saturating_mul(3600),
        offline_cap: offline_cap(l.offline_cap, l.max_seats),
        show_holders: l.show_holders,
        fingerprint_tolerance: l.fingerprint_tolerance,
    }
}

/// Milliseconds since 1970.
pub(crate) fn millis(at: time::OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The other way; out of range is the end of time.
pub(crate) fn from_millis(ms: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(time::PrimitiveDateTime::MAX.assume_utc())
}

async fn load_entitlement(tx: &mut impl Tx, tenant: TenantId) -> Result<Entitlement> {
    let t = tenants::get(tx, tenant).await?;
    let licenses = licenses::list(tx, tenant).await?;
    Ok(Entitlement {
        tenant,
        version: t.as_ref().map_or(i64::MAX, |t| t.entitlement_version),
        suspended: t.is_none_or(|t| t.status == TenantStatus::Suspended),
        licenses: licenses.iter().map(limits).collect(),
        in_use: usage::in_use(tx, tenant).await?.into_iter().collect(),
    })
}

fn member_copy(m: &members::Membership) -> MemberCopy {
    MemberCopy {
        tenant: m.tenant_id,
        user: m.user_id,
        epoch: m.epoch,
        holds_seat: access::allows(m.role, Action::SeatHold),
        name: m.name.clone(),
        email: m.email.clone(),
    }
}

/// Most callers that load copies at once: they must leave connections to everybody else.
const AT_ONCE: usize = 8;
/// Longest wait for one's turn. A client must hear the refusal before its own patience ends.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// How often missing copies are loaded before giving up.
const TRIES: usize = 2;

/// Turns to load copies, of one process. When many people start at once whose copies are not there (in the morning, after a loss of the
/// store), they wait here and not for PostgreSQL's few connections, where most of them would fail.
#[derive(Debug)]
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Turns {
    async fn take(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(PATIENCE, self.0.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(SeatsError("too many copies are being loaded".into()).into()),
        }
    }
}

/// The live store's answer, given the copies that it misses.
pub(crate) async fn ask<T, Answer: Future<Output = Asked<T>>>(
    ctx: &OpCtx,
    svc: &Services,
    tenant: TenantId,
    user: UserId,
    question: impl Fn() -> Answer,
) -> Result<T> {
    if let Ok(answer) = question().await? {
        return Ok(answer);
    }
    // Boxed: a future is as large as the largest of its ways, and is moved at every call.
    Box::pin(async {
        let _turn = svc.turns.take().await?;
        for _ in 0..TRIES {
            // First of all once more: another may have put them.
            match question().await? {
                Ok(answer) => return Ok(answer),
                Err(missing) => load(ctx, svc, tenant, user, missing).await?,
            }
        }
        question().await?.map_err(|_| SeatsError("copies are missing again right after they were put".into()).into())
    })
    .await
}

/// Puts the copies that are missing.
async fn load(ctx: &OpCtx, svc: &Services, tenant: TenantId, user: UserId, missing: Missing) -> Result<()> {
    let ctx = ctx.in_tenant(tenant);
    if missing.entitlement {
        let mut tx = TenantTx::begin(&ctx, &svc.store).await?;
        let entitlement = load_entitlement(&mut tx, tenant).await?;
        svc.seats.put_entitlement(&entitlement).await?;
    }
    if missing.member {
        // The next epoch comes from a sequence that outlives memberships.
        let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
        let copy = current_member(&mut tx, tenant, user).await?.0;
        svc.seats.put_member(&copy).await?;
    }
    Ok(())
}

async fn current_member(tx: &mut SystemTx, tenant: TenantId, user: UserId) -> Result<(MemberCopy, Option<Role>)> {
    Ok(match members::get(tx, tenant, user).await? {
        Some(m) => (member_copy(&m), Some(m.role)),
        None => {
            let epoch = members::next_epoch(tx).await?;
            (MemberCopy { tenant, user, epoch, holds_seat: false, name: String::new(), email: String::new() }, None)
        }
    })
}

/// How long somebody who gets an access token waits for his copy to be put.
const AHEAD: std::time::Duration = std::time::Duration::from_millis(100);

/// Puts the copy of a member who gets an access token and will use it on the live store, so that his start need not wait for PostgreSQL. If
/// the live store does not answer at once, his start loads it.
pub(crate) async fn put_ahead(svc: &Services, member: &members::Membership) {
    let _ = tokio::time::timeout(AHEAD, svc.seats.put_member(&member_copy(member))).await;
}

/// Entries that are carried in one go at most.
const CARRIED_AT_ONCE: i64 = 200;
/// So many tenants' changes may fail before the rest waits for the next time: each can take as long as the live store is given for an answer.
const MOST_FAILURES: usize = 3;

/// Carries noted changes to the live store: all of one tenant, or of all tenants. What fails stays noted and is tried after the others.
/// Returns how many, or the first failure.
pub async fn flush(ctx: &OpCtx, svc: &Services, tenant: Option<TenantId>) -> Result<usize> {
    // The worker serves all tenants.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let (mut done, mut failed, mut failures) = (Vec::new(), Vec::new(), BTreeMap::new());
    for entry in seat_outbox::take(&mut tx, tenant, CARRIED_AT_ONCE).await? {
        // What else is to be told of the same tenant goes the same way.
        if failures.contains_key(&entry.tenant) {
            failed.push(entry.id);
            continue;
        }
        match carry(&mut tx, svc, entry).await {
            Ok(()) => done.push(entry.id),
            // With the database's own failures the transaction ends.
            Err(error @ Error::Store(store::Error::Unavailable(_) | store::Error::Sql(_))) => return Err(error),
            Err(error) => {
                failed.push(entry.id);
                failures.insert(entry.tenant, error);
                if failures.len() >= MOST_FAILURES {
                    break;
                }
            }
        }
    }
    seat_outbox::done(&mut tx, &done).await?;
    seat_outbox::failed(&mut tx, &failed).await?;
    tx.commit().await?;
    match failures.into_values().next() {
        Some(error) => Err(error),
        None => Ok(done.len()),
    }
}

async fn carry(tx: &mut SystemTx, svc: &Services, entry: Entry) -> Result<()> {
    match entry.change {
        Change::Entitlement => {
            let entitlement = load_entitlement(tx, entry.tenant).await?;
            Ok(svc.seats.put_entitlement(&entitlement).await?)
        }
        Change::Member(user) => renew_member(tx, svc, entry.tenant, user).await,
        Change::Revocation(session) => renew_revocation(tx, svc, entry.tenant, session).await,
    }
}

/// Like [`flush`] for one tenant, right after a commit: if the live store is away, the worker does it later.
pub(crate) async fn flush_soon(ctx: &OpCtx, svc: &Services, tenant: TenantId) {
    if let Err(error) = flush(ctx, svc, Some(tenant)).await {
        tracing::warn!(%tenant, %error, "the live store hears of a change later");
    }
}

/// A person who may hold no seat (any longer) also loses the ones he holds.
async fn renew_member(tx: &mut SystemTx, svc: &Services, tenant: TenantId, user: UserId) -> Result<()> {
    let (copy, role) = current_member(tx, tenant, user).await?;
    if copy.holds_seat {
        return Ok(svc.seats.put_member(&copy).await?);
    }
    let reason = if role.is_some() { LOST_SEAT_RIGHT } else { LEFT };
    // First what he holds: a heartbeat that comes in between is to hear why, and not just that its login is stale.
    end_seats(tx, svc, tenant, user, reason).await?;
    svc.seats.put_member(&copy).await?;
    // Then what he was granted in the meantime.
    end_seats(tx, svc, tenant, user, reason).await
}

async fn end_seats(tx: &mut SystemTx, svc: &Services, tenant: TenantId, user: UserId, reason: &str) -> Result<()> {
    for holder in svc.seats.of_user(tenant, user).await? {
        let expires_at = svc.now() + remember();
        let revocation = Revocation { session: holder.session, reason: reason.to_owned(), expires_at };
        revocations::insert(tx, tenant, &revocation, svc.now()).await?;
        svc.seats.revoke(tenant, holder.session, reason, remember_seconds()).await?;
    }
    Ok(())
}

async fn renew_revocation(tx: &mut SystemTx, svc: &Services, tenant: TenantId, session: SessionId) -> Result<()> {
    if let Some(r) = revocations::get(tx, tenant, session).await? {
        let seconds = (r.expires_at - svc.now()).whole_seconds();
        if let Ok(seconds @ 1..) = u64::try_from(seconds) {
            svc.seats.revoke(tenant, session, &r.reason, seconds.min(remember_seconds())).await?;
        }
    }
    Ok(())
}

/// A revocation is remembered until every token that could contradict it is void: the longest offline validity, a year.
pub(crate) fn remember() -> Duration {
    Duration::days(366)
}

/// The live store remembers for so long; after that the database still does.
pub(crate) fn remember_seconds() -> u64 {
    Duration::days(7).whole_seconds().unsigned_abs()
}
