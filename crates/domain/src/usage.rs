//! How many seats were in use when, and which starts were refused. Hours older than two days are final and kept for two years; newer ones
//! are made from the events each time.

use crate::access::{not_found, require};
use crate::error::Result;
use crate::services::Services;
use std::collections::BTreeMap;
use store::usage::{self, Hour, Refused, Step};
use store::{OpCtx, SystemTx, TenantTx};
use time::{Date, Duration, OffsetDateTime};
use types::{Action, LicenseId};

/// Events that come later than this after they happened are not counted any more.
const FINAL_AFTER: Duration = Duration::hours(48);
/// How long hours are kept, and the events that the activity pages show.
const KEEP_HOURS: Duration = Duration::days(731);
const KEEP_EVENTS: Duration = Duration::days(400);
/// Hours that one step of the worker makes final at most.
const HOURS_AT_ONCE: usize = 48;

/// The beginning of the hour.
fn hour_of(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.replace_minute(0).and_then(|t| t.replace_second(0)).and_then(|t| t.replace_nanosecond(0)).unwrap_or(at)
}

/// Hours from steps: one row per licence and hour in which something was in use or refused. `steps` are in order and begin with what was in
/// use at `from`, which is a full hour.
fn hours(steps: &[Step], from: OffsetDateTime, to: OffsetDateTime) -> Vec<Hour> {
    let mut levels: BTreeMap<LicenseId, (OffsetDateTime, u32, u32)> = BTreeMap::new();
    // Whole seconds are made at the end: of a busy licence no step lasts one.
    let mut rows: BTreeMap<(OffsetDateTime, LicenseId), (Hour, [Duration; 2])> = BTreeMap::new();
    let mut add = |license, hour, time: Duration, active: u32, limit: u32, refused: u32| {
        let new = Hour { license, hour, peak: 0, max_seats: 0, seat_seconds: 0, full_seconds: 0, refusals: 0 };
        let (row, [seat_time, full_time]) = rows.entry((hour, license)).or_insert((new, [Duration::ZERO; 2]));
        row.peak = row.peak.max(active);
        row.max_seats = row.max_seats.max(limit);
        *seat_time += time * active;
        if limit > 0 && active >= limit {
            *full_time += time;
        }
        row.refusals += refused;
    };
    let mut fill = |license, (since, active, limit): (OffsetDateTime, u32, u32), until: OffsetDateTime| {
        let mut at = since;
        while at < until {
            let hour = hour_of(at);
            let end = (hour + Duration::HOUR).min(until);
            add(license, hour, end - at, active, limit, 0);
            at = end;
        }
    };
    for step in steps {
        let at = step.at.max(from);
        if let Some(level) = levels.get(&step.license) {
            fill(step.license, *level, at);
        }
        levels.insert(step.license, (at, step.active, step.max_seats));
    }
    for (license, level) in levels {
        fill(license, level, to);
    }
    for step in steps {
        add(step.license, hour_of(step.at.max(from)), Duration::ZERO, step.active, step.max_seats, u32::from(step.refused));
    }
    let hours = rows.into_values().map(|(hour, [seat_time, full_time])| Hour {
        seat_seconds: seat_time.whole_seconds(),
        full_seconds: u32::try_from(full_time.whole_seconds()).unwrap_or(u32::MAX),
        ..hour
    });
    hours.filter(|h| h.peak > 0 || h.refusals > 0).collect()
}

/// Makes the next hours final. Returns whether there is more to do.
pub async fn roll_up(svc: &Services) -> Result<bool> {
    for _ in 0..HOURS_AT_ONCE {
        if !roll_up_hour(svc).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The next hour alone, so that what is done stays done. Returns whether there was one.
async fn roll_up_hour(svc: &Services) -> Result<bool> {
    // Hours of all tenants.
    let mut tx = SystemTx::begin(&OpCtx::system("usage"), &svc.store).await?;
    let begin = match usage::lock_progress(&mut tx).await? {
        Some(until) => until,
        None => match usage::first_event(&mut tx).await? {
            Some(first) => hour_of(first),
            None => return Ok(false),
        },
    };
    if begin >= hour_of(svc.now() - FINAL_AFTER) {
        return Ok(false);
    }
    let next = begin + Duration::HOUR;
    for tenant in usage::tenants_between(&mut tx, begin, next).await? {
        for hour in hours(&usage::steps(&mut tx, tenant, begin, next).await?, begin, next) {
            usage::insert_hour(&mut tx, tenant, &hour).await?;
        }
    }
    usage::set_progress(&mut tx, next).await?;
    tx.commit().await?;
    Ok(true)
}

/// Forgets some of what is older than anybody may ask for. Returns how much.
pub(crate) async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, store::Error> {
    Ok(usage::purge_hours(tx, now - KEEP_HOURS).await? + usage::purge_events(tx, now - KEEP_EVENTS).await?)
}

/// One day of one licence, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub peak: u32,
    /// 0 for a day of which nothing is known.
    pub max_seats: u32,
    pub refusals: u32,
}

/// What the page shows of one licence.
#[derive(Clone, Debug)]
pub struct Usage {
    pub license: LicenseId,
    /// Every day, oldest first.
    pub days: Vec<Day>,
    /// Highest number in use at once by weekday (Monday first) and hour, and whether all seats were taken then.
    pub week: [[(u32, bool); 24]; 7],
    pub peak: u32,
    pub median_peak: u32,
    pub full: Duration,
    pub seat_time: Duration,
    pub refusals: u32,
    pub latest: Vec<Refused>,
}

/// The hours of the last `days` days, today included.
pub async fn hourly(ctx: &OpCtx, svc: &Services, days: u16) -> Result<Vec<Hour>> {
    require(ctx, Action::UsageView)?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let now = svc.now();
    let from = first_day(now, days);
    let (until, mut all) = {
        // How far hours are final is the same for all tenants.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        let until = usage::final_until(&mut tx).await?.unwrap_or(from).max(from);
        drop(tx);
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        (until, usage::hours(&mut tx, from).await?)
    };
    // Some more may have become final in between; they are made from the events here.
    all.retain(|hour| hour.hour < until);
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    all.extend(hours(&usage::steps(&mut tx, tenant, until, now).await?, until, now));
    Ok(all)
}

pub(crate) fn first_day(now: OffsetDateTime, days: u16) -> OffsetDateTime {
    let today = now.to_offset(time::UtcOffset::UTC).date();
    (today - Duration::days(i64::from(days.clamp(1, 731)) - 1)).midnight().assume_utc()
}

/// Usage of one licence over the last `days` days, today included.
pub async fn view(ctx: &OpCtx, svc: &Services, license: LicenseId, days: u16) -> Result<Usage> {
    let hours: Vec<Hour> = hourly(ctx, svc, days).await?.into_iter().filter(|h| h.license == license).collect();
    let from = first_day(svc.now(), days);
    let latest = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        usage::refused(&mut tx, from, 10).await?
    };
    let mut by_day: BTreeMap<Date, Day> = BTreeMap::new();
    let mut week = [[(0, false); 24]; 7];
    for h in &hours {
        let day = by_day.entry(h.hour.date()).or_insert(Day { date: h.hour.date(), peak: 0, max_seats: 0, refusals: 0 });
        day.peak = day.peak.max(h.peak);
        day.max_seats = day.max_seats.max(h.max_seats);
        day.refusals += h.refusals;
        let weekday = usize::from(h.hour.weekday().number_days_from_monday());
        if let Some(cell) = week.get_mut(weekday).and_then(|day| day.get_mut(usize::from(h.hour.hour()))) {
            cell.0 = cell.0.max(h.peak);
            cell.1 |= h.full_seconds > 0;
        }
    }
    let days: Vec<Day> = (0..i64::from(days.clamp(1, 731)))
        .map(|n| from.date() + Duration::days(n))
        .map(|date| by_day.get(&date).copied().unwrap_or(Day { date, peak: 0, max_seats: 0, refusals: 0 }))
        .collect();
    let mut peaks: Vec<u32> = by_day.values().map(|d| d.peak).collect();
    peaks.sort_unstable();
    Ok(Usage {
        license,
        peak: peaks.last().copied().unwrap_or(0),
        median_peak: peaks.get(peaks.len() / 2).copied().unwrap_or(0),
        full: Duration::seconds(hours.iter().map(|h| i64::from(h.full_seconds)).sum()),
        seat_time: Duration::seconds(hours.iter().map(|h| h.seat_seconds).sum()),
        refusals: hours.iter().map(|h| h.refusals).sum(),
        days,
        week,
        latest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const H: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

    fn step(minutes: i64, active: u32, refused: bool) -> Step {
        Step { license: LicenseId(uuid::Uuid::nil()), at: H + Duration::minutes(minutes), active, max_seats: 3, refused }
    }

    #[test]
    fn hours_are_the_area_under_the_steps() {
        // 1 in use since before; 3 from 10:15 to 11:30; then 0. A refusal at 10:20.
        let steps = [step(0, 1, false), step(15, 3, false), step(20, 3, true), step(90, 0, false)];
        let rows = hours(&steps, H, H + Duration::hours(4));
        assert_eq!(rows.len(), 2, "an hour in which nothing was in use is no row");
        assert_eq!((rows[0].peak, rows[0].seat_seconds, rows[0].full_seconds, rows[0].refusals), (3, 15 * 60 + 3 * 45 * 60, 45 * 60, 1));
        assert_eq!((rows[1].peak, rows[1].seat_seconds, rows[1].full_seconds, rows[1].refusals), (3, 3 * 30 * 60, 30 * 60, 0));
    }

    #[test]
    fn what_lasts_less_than_a_second_is_a_peak_all_the_same() {
        let rows = hours(&[step(0, 0, false), step(10, 2, false), step(10, 0, false)], H, H + Duration::HOUR);
        assert_eq!((rows[0].peak, rows[0].seat_seconds), (2, 0));
    }

    #[test]
    fn steps_of_less_than_a_second_add_up() {
        // Refusals, every 0.3 s for a minute.
        let tick = |n: i64| Step { at: H + Duration::milliseconds(300 * n), ..step(0, if n < 200 { 3 } else { 0 }, n < 200) };
        let rows = hours(&(0..=200).map(tick).collect::<Vec<_>>(), H, H + Duration::HOUR);
        assert_eq!((rows[0].seat_seconds, rows[0].full_seconds, rows[0].refusals), (180, 60, 200));
    }

    #[test]
    fn a_seat_that_is_held_all_day_counts_in_every_hour() {
        let rows = hours(&[step(0, 1, false)], H, H + Duration::hours(24));
        assert_eq!(rows.len(), 24);
        assert!(rows.iter().all(|h| h.seat_seconds == 3600));
    }
}
