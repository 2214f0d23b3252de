//! What a change would cost, in the provider's numbers, and the agreement to exactly that.

use super::standing::{Standing, standing};
use super::{plans, require_buyer, require_not_suspended, words};
use crate::access::not_found;
use crate::error::{Error, Result};
use crate::ports::billing::{SeatChange, State};
use crate::services::Services;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use store::{OpCtx, TenantTx, billing};
use time::{Duration, OffsetDateTime};
use types::billing::{Interval, QuoteLine, SeatQuote};
use types::licenses::LicenseStatus;
use types::{Code, FieldError, Problem, TenantId};

/// How long a price that was shown is held.
const HELD: Duration = Duration::minutes(30);
/// Most seats that can be bought without talking to anybody.
pub const MOST_SEATS: u32 = 10_000;
const AUDIENCE: &str = "coditect-portal-quote";

/// Signed, so that the moment whose price counts cannot be chosen by the buyer.
#[derive(Debug, Serialize, Deserialize)]
struct Agreement {
    aud: String,
    tenant: TenantId,
    exp: i64,
    change: SeatChange,
}

/// The number of seats that somebody typed.
pub(super) fn check_seats(seats: u32) -> Result<u32> {
    if (1..=MOST_SEATS).contains(&seats) {
        Ok(seats)
    } else {
        Err(FieldError::new("seats", format!("Choose between 1 and {MOST_SEATS} seats.")).into())
    }
}

/// What the provider said last, if it has ever been asked.
pub(super) async fn last_state(ctx: &OpCtx, svc: &Services) -> Result<(Option<String>, Option<State>, Option<OffsetDateTime>)> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let Some(account) = billing::account(&mut tx, tenant).await? else { return Ok((None, None, None)) };
    let state =
        account.state.map(serde_json::from_value).transpose().map_err(|e| Error::Internal(format!("billing_accounts.state: {e}")))?;
    Ok((account.customer_id, state, account.synced_at))
}

/// The change from what is to `seats`, as of now by the provider's clock.
fn change_to(svc: &Services, state: &State, synced_at: OffsetDateTime, standing: &Standing<'_>, seats: u32) -> SeatChange {
    let s = standing.subscription;
    // A test clock at the provider runs beside ours.
    let at = svc.now() + (state.now - synced_at);
    let at = at.replace_nanosecond(0).unwrap_or(at);
    SeatChange {
        subscription: s.id.clone(),
        item: s.item.clone(),
        schedule: s.schedule.clone(),
        booked: s.booked.map(|b| b.seats),
        interval: s.interval,
        period_end: s.period_end,
        from: s.seats,
        to: seats,
        at,
    }
}

/// What `seats` would cost. `interval` counts for a first purchase only.
pub async fn quote(ctx: &OpCtx, svc: &Services, seats: u32, interval: Interval) -> Result<SeatQuote> {
    require_buyer(ctx, svc).await?;
    let seats = check_seats(seats)?;
    require_not_suspended(ctx, svc).await?;
    let provider = super::provider(svc)?;
    let (customer, state, synced_at) = last_state(ctx, svc).await?;
    let running = state.as_ref().and_then(|state| standing(state, svc.settings.billing_grace).map(|s| (state, s)));
    let (Some((state, standing)), Some(customer), Some(synced_at)) = (running, &customer, synced_at) else {
        let price = plans::price(interval)?;
        let preview = provider.preview_purchase(customer.as_deref(), &price.key, seats).await?;
        return Ok(SeatQuote {
            seats,
            sentence: format!("{} today for {}, then {} {}.", preview.due_now, words::seats(seats), preview.recurring, interval.per()),
            lines: Vec::new(),
            note: None,
            agreement: String::new(),
        });
    };
    may_change(&standing)?;
    let s = standing.subscription;
    let per = s.interval.per();
    let end = words::day(s.period_end);
    if seats == s.seats {
        let sentence = match s.booked {
            Some(booked) => {
                format!(
                    "Nothing today. You keep {}; the {} booked for {end} are forgotten.",
                    words::seats(seats),
                    words::seats(booked.seats)
                )
            }
            None => format!("This is what you have: {}.", words::seats(seats)),
        };
        let agreement =
            if s.booked.is_some() { agree(ctx, svc, change_to(svc, state, synced_at, &standing, seats))? } else { String::new() };
        return Ok(SeatQuote { seats, sentence, lines: Vec::new(), note: None, agreement });
    }
    let change = change_to(svc, state, synced_at, &standing, seats);
    let preview = provider.preview_seats(customer, &change).await?;
    let (sentence, lines, note) = if seats > s.seats {
        let more = seats - s.seats;
        let what = if more == 1 { "1 more seat".to_owned() } else { format!("{more} more seats") };
        let lines = preview.lines.into_iter().map(|(text, amount)| QuoteLine { text, amount: amount.to_string() }).collect();
        (format!("{} today for {what} until {end}, then {} {per}.", preview.due_now, preview.recurring), lines, None)
    } else {
        let sentence = format!("Nothing today. From {end} on you have {} for {} {per}.", words::seats(seats), preview.recurring);
        (sentence, Vec::new(), in_the_way(ctx, svc, seats).await)
    };
    Ok(SeatQuote { seats, sentence, lines, note, agreement: agree(ctx, svc, change)? })
}

/// Who uses more seats than will be left, so that it is said before. A live store that is away says nothing.
async fn in_the_way(ctx: &OpCtx, svc: &Services, seats: u32) -> Option<String> {
    let mut holders = svc.seats.snapshot(ctx.tenant?).await.ok()?.holders;
    let used = u32::try_from(holders.len()).unwrap_or(u32::MAX);
    if used <= seats {
        return None;
    }
    holders.sort_by(|a, b| (&a.user_name, a.user).cmp(&(&b.user_name, b.user)));
    holders.dedup_by(|a, b| a.user == b.user);
    const NAMED: usize = 8;
    let mut names: Vec<String> = holders.iter().take(NAMED).map(|h| h.user_name.clone()).collect();
    if holders.len() > NAMED {
        let others = holders.len() - NAMED;
        names.push(if others == 1 { "1 other".to_owned() } else { format!("{others} others") });
    }
    Some(format!(
        "{} are in use now, by {}. Nobody who is running is ended; new starts wait until use is below {seats}.",
        words::seats(used),
        names.join(", ")
    ))
}

/// While an invoice is open or the end is near, the number of seats stays.
pub(super) fn may_change(standing: &Standing<'_>) -> Result<()> {
    if standing.status != LicenseStatus::Active {
        return Err(FieldError::new("seats", "Pay the open invoice first; then seats can be changed again.").into());
    }
    if standing.subscription.cancel_at_period_end {
        return Err(FieldError::new("seats", "The plan is canceled. Resume it first; then seats can be changed again.").into());
    }
    Ok(())
}

fn agree(ctx: &OpCtx, svc: &Services, change: SeatChange) -> Result<String> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let claims = Agreement { aud: AUDIENCE.to_owned(), tenant, exp: (svc.now() + HELD).unix_timestamp(), change };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&svc.settings.access_key))
        .map_err(|e| Error::Internal(format!("agreement: {e}")))
}

/// The change that was agreed, if it still is what the page showed; otherwise the price must be shown again.
pub(super) fn agreed(svc: &Services, tenant: TenantId, agreement: &str, seats: u32) -> Option<SeatChange> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "aud"]);
    // Checked below against the injected clock.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Agreement>(agreement, &DecodingKey::from_secret(&svc.settings.access_key), &rules).ok()?.claims;
    (claims.tenant == tenant && claims.change.to == seats && svc.now().unix_timestamp() < claims.exp).then_some(claims.change)
}

/// Somebody else was faster.
pub(super) fn overtaken() -> Error {
    Problem::new(Code::Conflict, "The plan was changed meanwhile. Look at it again before you decide.").into()
}
