//! The portal's background work: mail, events of the seats, the payment provider's word, leases that ran out, copies in the live store.

use crate::http_server::Shutdown;
use crate::signer::{KEY_AGE, PUBLISHED_AHEAD};
use domain::ports::mail::MailTransport;
use domain::{Services, jobs};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Runs all loops until `shutdown`; each finishes the step it is in.
pub async fn run(services: Services, mail: Arc<dyn MailTransport>, shutdown: Shutdown) {
    let mut loops = JoinSet::new();
    let s = services.clone();
    loops.spawn(repeat("mail", Duration::from_millis(500), shutdown.clone(), move || {
        let (s, mail) = (s.clone(), mail.clone());
        async move { jobs::send_mail(&s, mail.as_ref()).await }
    }));
    let s = services.clone();
    loops.spawn(repeat("events", Duration::from_millis(500), shutdown.clone(), move || {
        let s = s.clone();
        // What comes while it runs waits for the next turn: the more events in one go, the less each of them costs.
        async move { jobs::drain_events(&s).await.map(|n| n >= jobs::EVENTS_AT_ONCE) }
    }));
    let s = services.clone();
    loops.spawn(repeat("sweep", Duration::from_secs(1), shutdown.clone(), move || {
        let s = s.clone();
        async move { jobs::sweep(&s).await.map(|n| n > 0) }
    }));
    let s = services.clone();
    loops.spawn(repeat("billing", Duration::from_millis(500), shutdown.clone(), move || {
        let s = s.clone();
        async move { domain::billing::step(&s).await }
    }));
    let s = services.clone();
    loops.spawn(repeat("copies", Duration::from_secs(1), shutdown.clone(), move || {
        let s = s.clone();
        async move { jobs::flush_copies(&s).await.map(|n| n > 0) }
    }));
    let s = services.clone();
    loops.spawn(repeat("grants", Duration::from_secs(60), shutdown.clone(), move || {
        let s = s.clone();
        async move { domain::support::end_grants_in_time(&s).await }
    }));
    let s = services.clone();
    loops.spawn(repeat("usage", Duration::from_secs(300), shutdown.clone(), move || {
        let s = s.clone();
        async move { domain::usage::roll_up(&s).await }
    }));
    let s = services.clone();
    loops.spawn(repeat("keys", Duration::from_secs(3600), shutdown.clone(), move || {
        let s = s.clone();
        async move {
            if let Some(key) = s.signer.rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await? {
                tracing::info!(kid = key.kid, signs_from = %key.signs_from, "made the next key for license tokens");
            }
            Ok(false)
        }
    }));
    loops.spawn(repeat("purge", Duration::from_secs(600), shutdown.clone(), move || {
        let s = services.clone();
        async move { jobs::purge(&s).await.map(|()| false) }
    }));
    while loops.join_next().await.is_some() {}
}

/// Repeats a step: at once while there is more to do, after `pause` when there is not, later and later while it fails.
async fn repeat<F, Fut>(name: &'static str, pause: Duration, shutdown: Shutdown, step: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = domain::Result<bool>> + Send + 'static,
{
    let mut failures = 0_u32;
    while !shutdown.is_draining() {
        // A task of its own: a panic, which is a mistake of ours, is then a failure like others, and the loop goes on.
        let outcome = match tokio::spawn(step()).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(domain::Error::Internal(panic.to_string())),
        };
        let wait = match outcome {
            Ok(more) => {
                failures = 0;
                if more { Duration::ZERO } else { pause }
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::warn!(job = name, failures, %error, "a background step failed and is repeated");
                (pause * 2_u32.saturating_pow(failures.min(6))).min(Duration::from_secs(5)).max(pause)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.draining() => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_loop_outlives_a_step_that_panics() {
        let turns = Arc::new(AtomicU32::new(0));
        let (shutdown, seen) = (Shutdown::default(), turns.clone());
        let ending = shutdown.clone();
        repeat("test", Duration::from_millis(1), shutdown, move || {
            let (turn, ending) = (seen.fetch_add(1, Ordering::Relaxed), ending.clone());
            async move {
                assert_ne!(turn, 0, "the first step panics");
                ending.begin();
                Ok(false)
            }
        })
        .await;
        assert_eq!(turns.load(Ordering::Relaxed), 2);
    }
}
