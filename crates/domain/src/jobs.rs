//! What the worker does, each as one step that a loop or a test calls.

use crate::copies;
use crate::error::Result;
use crate::ports::mail::{Mail, MailTransport};
use crate::ports::seats::{EventPosition, SeatEvent};
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

/// Most events that are moved in one go.
pub const EVENTS_AT_ONCE: usize = 2_000;

/// Moves events of the live store into the database: read, commit, acknowledge. A crash in between repeats the read, and the key of
/// an event makes the repeat harmless. Of several workers, one writes at a time. Returns how many were moved.
pub async fn drain_events(svc: &Services) -> Result<usize> {
    let read = svc.seats.read_events(EVENTS_AT_ONCE).await?;
    if read.is_empty() {
        return Ok(0);
    }
    let (events, positions): (Vec<_>, Vec<_>) = read.into_iter().map(|(position, event)| (stored(&position, event), position)).unzip();
    // Events of all tenants.
    let mut tx = SystemTx::begin(&OpCtx::system("events"), &svc.store).await?;
    if !activity::lock_events(&mut tx).await? {
        return Ok(0);
    }
    activity::insert_events(&mut tx, &events).await?;
    tx.commit().await?;
    svc.seats.acknowledge(&positions).await?;
    Ok(events.len())
}

fn stored(position: &EventPosition, e: SeatEvent) -> SessionEvent {
    let (emitted_ms, seq) = position.emitted().unwrap_or((e.at_ms, 0));
    SessionEvent {
        tenant_id: e.tenant,
        session_id: e.session,
        started_at: copies::from_millis(e.started_at_ms),
        fence: e.fence,
        kind: e.kind.as_str(),
        at: copies::from_millis(e.at_ms),
        license_id: e.license,
        user_id: e.user,
        hardware_id: e.hardware_id,
        instance_id: e.instance_id,
        hostname: e.hostname,
        client_version: e.client_version,
        active: i32::try_from(e.active).unwrap_or(i32::MAX),
        max_seats: i32::try_from(e.max_seats).unwrap_or(i32::MAX),
        reason: e.reason,
        emitted_at: copies::from_millis(emitted_ms),
        seq,
    }
}

/// Forgets what is over: sessions, logins, registrations, old mails, revocations, usage.
pub async fn purge(svc: &Services) -> Result<()> {
    let now = svc.now();
    // Repeats one of them until nothing is left, each time for itself: one that fails keeps no other from its turn. (No function, since
    // the compiler cannot tell yet that an async closure of it may move between threads.)
    macro_rules! forget {
        (|$tx:ident| $some:expr) => {
            async {
                loop {
                    // Rows of all tenants.
                    let mut $tx = SystemTx::begin(&OpCtx::system("purge"), &svc.store).await?;
                    let gone = $some.await?;
                    $tx.commit().await?;
                    if gone == 0 {
                        return Ok(());
                    }
                }
            }
            .await
        };
    }
    let done: [Result<()>; 9] = [
        forget!(|tx| web_sessions::purge(&mut tx, now)),
        forget!(|tx| refresh::purge(&mut tx, now)),
        // A while after their end, so that a device that still asks hears why.
        forget!(|tx| device_codes::purge(&mut tx, now - Duration::hours(1))),
        forget!(|tx| signups::purge(&mut tx, now)),
        forget!(|tx| revocations::purge(&mut tx, now)),
        forget!(|tx| mail::purge(&mut tx, now - Duration::days(3))),
        forget!(|tx| store::idempotency::purge(&mut tx, now - crate::idempotency::KEEP)),
        forget!(|tx| crate::analytics::purge(&mut tx, now)),
        forget!(|tx| crate::usage::purge(&mut tx, now)),
    ];
    done.into_iter().collect()
}
