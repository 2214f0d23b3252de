//! Asks for the seat, and falls back on the kept token when the server cannot be asked.

use crate::api::Acquired;
use crate::clock::BootTime;
use crate::shared::{Current, Holder, KeptToken, Seat, SeatFile};
use crate::token::Expected;
use crate::{Error, Refusal, Unreachable};
use std::time::Duration;
use types::licenses::{AcquireRequest, AcquireResponse};

/// How long a start waits for a server that is away, where no token lets it go on.
const START_PATIENCE: Duration = Duration::from_secs(10);
const START_TRIES: u32 = 3;
/// Heartbeats come up to a tenth earlier than the server asks for, so that clients that started together spread out; never later.
const JITTER: f64 = 0.1;
/// The server takes no more, in characters of ASCII.
const LONGEST_VERSION: usize = 64;
/// After a failed attempt to get a newer token.
const RENEW_AGAIN: Duration = Duration::from_secs(3600);

impl SeatFile {
    /// Takes a seat for `holders`, under the lock, where no session is shared yet.
    pub(crate) async fn acquire(&self, seat: &mut Seat, holders: Vec<Holder>) -> Result<(), Error> {
        let answer = match self.ask_patiently(seat).await {
            Err(Error::Unreachable(unreachable)) => return self.begin_offline(seat, holders, unreachable),
            other => other,
        };
        match answer {
            Ok((answer, nonce)) => {
                self.take(seat, answer, nonce, holders);
                self.save(seat)
            }
            Err(error) => {
                // The server, once reached, has said no: nothing may go on without it either.
                if matches!(error, Error::Refused(_)) {
                    seat.token = None;
                }
                self.save(seat)?;
                Err(error)
            }
        }
    }

    /// With a token that would do without the server, one attempt is enough; else a short outage is waited for.
    async fn ask_patiently(&self, seat: &mut Seat) -> Result<(AcquireResponse, String), Error> {
        let offline = seat.token.as_ref().is_some_and(|kept| self.offline_end(kept).is_ok());
        let started = tokio::time::Instant::now();
        let mut tries = 1;
        loop {
            match self.ask(seat).await {
                Err(Error::Unreachable(error)) if !offline && tries < START_TRIES => {
                    let wait = error.retry_after.map_or(Duration::from_millis(500) * tries, Duration::from_secs);
                    if started.elapsed() + wait > START_PATIENCE {
                        return Err(error.into());
                    }
                    tokio::time::sleep(wait).await;
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    /// One acquire. Its token is checked before anybody relies on it.
    pub(crate) async fn ask(&self, seat: &mut Seat) -> Result<(AcquireResponse, String), Error> {
        let inner = &self.inner;
        let nonce = inner.random.hex(16);
        let request = AcquireRequest {
            hardware_id: inner.fingerprint.id.clone(),
            instance_id: inner.config.instance_id.clone(),
            nonce: Some(nonce.clone()),
            client_version: Some(inner.config.client_version.chars().take(LONGEST_VERSION).collect()),
            hostname: hostname(),
            ..AcquireRequest::default()
        };
        // Written down first: if the answer is lost, the old session may already be superseded by one that we never heard of.
        if let Some(current) = &mut seat.current {
            current.asking = true;
            self.save(seat)?;
        }
        let reply = inner.acquire(&self.account, &request).await;
        let (Acquired(answer), now) = match reply {
            Ok(reply) => reply,
            Err(Error::Problem(problem)) => return Err(Refusal::from_problem(&problem).map_or(Error::Problem(problem), Error::Refused)),
            Err(other) => return Err(other),
        };
        let expected =
            Expected { hardware_id: &request.hardware_id, nonce: &nonce, user: self.account.user_id, tenant: self.account.tenant_id, now };
        let checked = inner
            .verify_new(&answer.token, &expected)
            .await
            .and_then(|claims| if claims.sid == answer.session_id { Ok(()) } else { Err(crate::TokenError::Malformed.into()) });
        if let Err(error) = checked {
            // A seat that cannot be proved is of no use; do not leave it taken. The check's own error is what matters.
            if let Err(error) = self.release_on_server(answer.session_id).await {
                tracing::debug!(%error, "the seat could not be given back");
            }
            return Err(error);
        }
        if let Err(error) = inner.keyring.set_tolerance(answer.license.fingerprint_tolerance) {
            tracing::warn!("{error}");
        }
        Ok((answer, nonce))
    }

    /// Writes a granted session into the file's content.
    pub(crate) fn take(&self, seat: &mut Seat, answer: AcquireResponse, nonce: String, holders: Vec<Holder>) {
        let since = seat.current.as_ref().filter(|c| !c.unconfirmed).map_or_else(|| self.inner.clock.now(), |c| c.since);
        let interval = interval(answer.heartbeat_interval_seconds);
        let life =
            (answer.valid_until - self.inner.offline_now().unwrap_or_else(|_| self.inner.clock.now())).try_into().unwrap_or(Duration::ZERO);
        seat.current = Some(Current {
            session_id: answer.session_id,
            since,
            due: self.next_beat(interval),
            lease_end: self.after(Duration::from_secs(answer.expires_in)),
            unconfirmed: false,
            asking: false,
            failures: 0,
            trouble: None,
            holders,
        });
        seat.token = Some(KeptToken {
            session_id: answer.session_id,
            token: answer.token,
            nonce,
            license: answer.license,
            interval_seconds: interval.as_secs(),
            renew_at: self.renewal(life, interval),
        });
    }

    /// A long-lived token is renewed at half its life, so that an outage always finds at least half of it left. One that ends
    /// with the lease gives no right to work offline and is not worth it.
    fn renewal(&self, life: Duration, interval: Duration) -> Option<BootTime> {
        if life > 4 * interval { Some(self.after(life / 2)) } else { None }
    }

    /// Asks for a newer token where it is time. Failure changes nothing: the seat is held as it is.
    pub(crate) async fn renew_token(&self, seat: &mut Seat) -> Result<(), Error> {
        let due = |t: &KeptToken| t.renew_at.as_ref().is_some_and(|at| self.until(at).is_zero());
        if !seat.token.as_ref().is_some_and(due) {
            return Ok(());
        }
        match self.ask(seat).await {
            Ok((answer, nonce)) => {
                let holders = seat.current.take().map(|c| c.holders).unwrap_or_default();
                self.take(seat, answer, nonce, holders);
            }
            Err(error) => {
                tracing::debug!(%error, "no newer token yet");
                let lost = !matches!(error, Error::Refused(_) | Error::Problem(_));
                if let Some(current) = &mut seat.current {
                    current.asking = lost;
                }
                let again = self.after(RENEW_AGAIN);
                if let Some(token) = &mut seat.token {
                    token.renew_at = Some(again);
                }
            }
        }
        self.save(seat)
    }

    /// When the next heartbeat is due.
    pub(crate) fn next_beat(&self, interval: Duration) -> BootTime {
        self.after(interval.mul_f64(1.0 - JITTER * self.inner.random.unit()))
    }

    fn begin_offline(&self, seat: &mut Seat, holders: Vec<Holder>, unreachable: Unreachable) -> Result<(), Error> {
        let Some(kept) = seat.token.clone() else {
            return Err(Refusal::Offline {
                detail: format!("{} No valid token on this device allows starting without it.", unreachable.detail),
            }
            .into());
        };
        if let Err(error) = self.offline_end(&kept) {
            let detail = format!("{} The token on this device does not allow starting without it: {error}.", unreachable.detail);
            return Err(Refusal::Offline { detail }.into());
        }
        self.inner.carry_time()?;
        let since = self.inner.clock.now();
        let now = self.after(Duration::ZERO);
        seat.current = Some(Current {
            session_id: kept.session_id,
            since,
            due: self.retry_beat(1, unreachable.retry_after, interval(kept.interval_seconds)),
            lease_end: now,
            unconfirmed: true,
            asking: false,
            failures: 1,
            trouble: Some(unreachable.detail),
            holders,
        });
        self.save(seat)
    }
}

/// What the server asks for, within reason.
pub(crate) fn interval(seconds: u64) -> Duration {
    Duration::from_secs(seconds.clamp(1, 86_400))
}

/// As the portal shows it to people.
pub(crate) fn hostname() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { None } else { Some(name.chars().take(253).collect()) }
}
