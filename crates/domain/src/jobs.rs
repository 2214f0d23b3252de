//! What the worker does, each as one step that a loop or a test calls.

use crate::copies;
use crate::error::Result;
use crate::ports::mail::{Mail, MailTransport};
use crate::services::Services;
use store::activity::SessionEvent;
use store::{OpCtx, SystemTx, activity, device_codes, mail, refresh, revocations, signups, web_sessions};
use time::Duration;

/// Sends the next due mail. `false` when there is none. One that cannot be delivered is tried again later and later, for three days.
pub async fn send_mail(svc: &Services, transport: &dyn MailTransport) -> Result<bool> {
    let ctx = OpCtx::system("mail");
    // Mails of all tenants. Taken and booked in its own transaction: sending holds none open.
    let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
    let Some((id, attempts, message)) = mail::take(&mut tx, svc.now()).await? else { return Ok(false) };
    tx.commit().await?;
    let outcome = transport.send(&Mail { to: message.to, subject: message.subject, text: message.text, html: message.html }).await;
    let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
    match outcome {
        Ok(()) => mail::sent(&mut tx, id, svc.now()).await?,
        Err(error) => {
            tracing::warn!(mail = id, attempts, %error, "a mail was not delivered and will be tried again");
            let wait = Duration::seconds(5) * 2_i32.saturating_pow(u32::try_from(attempts.clamp(1, 10)).unwrap_or(1));
            mail::failed(&mut tx, id, svc.now(), wait.min(Duration::hours(1)), &error.to_string()).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Carries changes to the live store that could not be carried at once. Returns how many.
pub async fn flush_copies(svc: &Services) -> Result<usize> {
    copies::flush(&OpCtx::system("copies"), svc, None).await
}

/// Closes leases that ran out.
pub async fn sweep(svc: &Services) -> Result<u64> {
    Ok(svc.seats.sweep().await?)
}

/// Moves events of the live store into the database: read, commit, acknowledge. A crash in between repeats the read, and the key of
/// an event makes the repeat harmless. Returns how many were read.
pub async fn drain_events(svc: &Services, consumer: &str, reclaim_after_ms: u64) -> Result<usize> {
    let mut events = svc.seats.read_events(consumer, 500, reclaim_after_ms).await?;
    if events.is_empty() {
        return Ok(0);
    }
    // All readers write in the same order, so that two that write the same device do not wait for one another.
    events.sort_by(|(_, a), (_, b)| {
        let device = (a.tenant, a.user, &a.hardware_id, &a.instance_id).cmp(&(b.tenant, b.user, &b.hardware_id, &b.instance_id));
        device.then_with(|| (a.at_ms, a.fence, a.kind.as_str(), a.session).cmp(&(b.at_ms, b.fence, b.kind.as_str(), b.session)))
    });
    // Events of all tenants.
    let mut tx = SystemTx::begin(&OpCtx::system("events"), &svc.store).await?;
    for (position, e) in &events {
        let (emitted_ms, seq) = position.emitted().unwrap_or((e.at_ms, 0));
        activity::insert_event(
            &mut tx,
            &SessionEvent {
                tenant_id: e.tenant,
                session_id: e.session,
                fence: e.fence,
                kind: e.kind.as_str().to_owned(),
                at: copies::from_millis(e.at_ms),
                license_id: e.license,
                user_id: e.user,
                hardware_id: e.hardware_id.clone(),
                instance_id: e.instance_id.clone(),
                hostname: e.hostname.clone(),
                client_version: e.client_version.clone(),
                active: i32::try_from(e.active).unwrap_or(i32::MAX),
                max_seats: i32::try_from(e.max_seats).unwrap_or(i32::MAX),
                reason: e.reason.clone(),
                emitted_at: copies::from_millis(emitted_ms),
                seq,
            },
        )
        .await?;
    }
    tx.commit().await?;
    let positions: Vec<_> = events.iter().map(|(position, _)| position.clone()).collect();
    svc.seats.acknowledge(&positions).await?;
    Ok(events.len())
}

/// Forgets what is over: sessions, logins, registrations, old mails and revocations.
pub async fn purge(svc: &Services) -> Result<()> {
    let now = svc.now();
    // Global rows.
    let mut tx = SystemTx::begin(&OpCtx::system("purge"), &svc.store).await?;
    web_sessions::purge(&mut tx, now).await?;
    refresh::purge(&mut tx, now).await?;
    // A while after their end, so that a device that still asks hears why.
    device_codes::purge(&mut tx, now - Duration::hours(1)).await?;
    signups::purge(&mut tx, now).await?;
    revocations::purge(&mut tx, now).await?;
    mail::purge(&mut tx, now - Duration::days(3)).await?;
    tx.commit().await?;
    crate::usage::purge(svc).await?;
    svc.limits.tidy();
    Ok(())
}
