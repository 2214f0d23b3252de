//! Which features of the application an organisation uses: counted by day if it wants that, never by person.

use crate::access::{not_found, require};
use crate::error::{Error, Fields, Result};
use crate::idempotency::{self, Begin};
use crate::services::Services;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::audit::{self, NewEntry};
use store::feature_use::{self, Total, Uses};
use store::{OpCtx, SystemTx, TenantTx, tenants};
use time::{Date, Duration, OffsetDateTime};
use types::analytics::{BATCH_MAX, COUNT_MAX, FEATURE_MAX, FeatureUse, TrackRequest, TrackResponse};
use types::{Action, FieldError};

/// How far back a use may lie, for clients that were offline, and how far ahead their clocks may be.
const OLDEST: Duration = Duration::days(7);
const AHEAD: Duration = Duration::hours(1);
/// Most different features of an organisation and day: what a client makes up does not grow without end.
const FEATURES_A_DAY: i64 = 500;
/// How long days are kept.
const KEEP: Duration = Duration::days(400);
/// Most features that the page shows.
const SHOWN: i64 = 100;

fn is_name(name: &str) -> bool {
    name.len() <= FEATURE_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

/// The day of one entry, if all of it is right.
fn day(fields: &mut Fields, n: usize, event: &FeatureUse, now: OffsetDateTime) -> Option<Date> {
    let mut demand = |holds: bool, field: &str, detail: String| {
        if !holds {
            fields.take::<()>(Err(FieldError::new(&format!("events/{n}/{field}"), detail)));
        }
        holds
    };
    let at = event.at.unwrap_or(now);
    let named = format!("Use 1 to {FEATURE_MAX} lower-case letters, digits, '.', '_' or '-', beginning with a letter.");
    let all = [
        demand(is_name(&event.feature), "feature", named),
        demand((1..=COUNT_MAX).contains(&event.count), "count", format!("Between 1 and {COUNT_MAX}.")),
        demand((now - OLDEST..=now + AHEAD).contains(&at), "at", "Within the last seven days.".to_owned()),
    ];
    all.iter().all(|right| *right).then(|| at.min(now).to_offset(time::UtcOffset::UTC).date())
}

/// Counts a batch, all of it or nothing.
pub async fn track(ctx: &OpCtx, svc: &Services, request: &TrackRequest) -> Result<TrackResponse> {
    require(ctx, Action::OverviewView)?;
    let user = ctx.user_id().ok_or_else(not_found)?;
    let now = svc.now();
    if request.events.is_empty() || request.events.len() > BATCH_MAX {
        return Err(FieldError::new("events", format!("Send 1 to {BATCH_MAX} events.")).into());
    }
    let mut fields = Fields::default();
    let mut counted: BTreeMap<(Date, &str), i64> = BTreeMap::new();
    for (n, event) in request.events.iter().enumerate() {
        if let Some(day) = day(&mut fields, n, event, now) {
            *counted.entry((day, &event.feature)).or_default() += i64::from(event.count);
        }
    }
    fields.finish()?;
    svc.limits.track(user)?;

    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    if !tenants::lock_analytics(&mut tx).await?.ok_or_else(not_found)? {
        return Ok(TrackResponse { enabled: false, recorded: 0 });
    }
    let slot = match idempotency::begin(&mut tx, svc, "analytics.track", request).await? {
        Begin::Repeat(answer) => return Ok(answer),
        Begin::New(slot) => slot,
    };
    let days: Vec<Date> = counted.keys().map(|(day, _)| *day).collect::<BTreeSet<_>>().into_iter().collect();
    let rows: Vec<Uses> = counted.into_iter().map(|((day, feature), uses)| Uses { day, feature: feature.to_owned(), uses }).collect();
    feature_use::add(&mut tx, &rows).await?;
    if feature_use::most_on_a_day(&mut tx, &days).await? > FEATURES_A_DAY {
        let detail = format!("At most {FEATURES_A_DAY} different features are counted on one day. Send names of features, not of things.");
        return Err(FieldError::new("events", detail).into());
    }
    let recorded = u32::try_from(request.events.len()).unwrap_or(u32::MAX);
    let answer = TrackResponse { enabled: true, recorded };
    idempotency::finish(&mut tx, slot, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// What the usage page shows.
#[derive(Clone, Debug)]
pub struct Features {
    /// The organisation lets use be counted.
    pub enabled: bool,
    /// Most used first.
    pub totals: Vec<Total>,
}

/// The features used in the last `days` days, today included.
pub async fn features(ctx: &OpCtx, svc: &Services, days: u16) -> Result<Features> {
    require(ctx, Action::UsageView)?;
    let since = crate::usage::first_day(svc.now(), days).date();
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let tenant = tx.tenant();
    let enabled = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?.analytics;
    Ok(Features { enabled, totals: feature_use::totals(&mut tx, since, SHOWN).await? })
}

/// Lets use be counted, or no longer; what was counted goes away with that.
pub async fn allow(ctx: &OpCtx, svc: &Services, on: &str) -> Result<()> {
    require(ctx, Action::SettingsManage)?;
    let on: bool = on.parse().map_err(|_| Error::from(FieldError::new("analytics", "Choose one of the two.")))?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let tenant = tx.tenant();
    if tenants::lock_analytics(&mut tx).await?.ok_or_else(not_found)? == on {
        return Ok(());
    }
    let name = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?.name;
    tenants::set_analytics(&mut tx, on).await?;
    if !on {
        feature_use::clear(&mut tx).await?;
    }
    let action = if on { "organization.analytics_on" } else { "organization.analytics_off" };
    audit::append(&mut tx, tenant, svc.now(), NewEntry { action, subject: &name, reason: None, details: json!({}) }).await?;
    Ok(tx.commit().await?)
}

/// Forgets what is older than anybody may ask for.
pub(crate) async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, store::Error> {
    feature_use::purge(tx, (now - KEEP).to_offset(time::UtcOffset::UTC).date()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for good in ["a", "export.pdf", "ai_assist-2", &"a".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1a", ".a", "Export", "a b", "å", "a/b", "ola@fjordline.example", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
