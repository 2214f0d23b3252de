//! Keeps the seat, and sorts what the server says about it.

use crate::acquire::interval;
use crate::clock::BootTime;
use crate::shared::{Current, Seat, SeatFile};
use crate::{ApiProblem, Error, Refusal, Unreachable, UnreachableKind};
use std::time::Duration;
use types::Code;
use types::licenses::{HeartbeatRequest, HeartbeatResponse};

/// First wait after a failed heartbeat; doubles with every further one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// How long the network is waited for after sleep, and how long between two attempts. Others wait for the lock meanwhile.
const WAKE_PATIENCE: Duration = Duration::from_secs(15);
const WAKE_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

impl SeatFile {
    /// One heartbeat for everybody who shares the session, under the lock. Afterwards the file says how it stands; what it cannot
    /// say (a state folder that does not work) is the error.
    pub(crate) async fn beat(&self, seat: &mut Seat) -> Result<(), Error> {
        let Some(current) = &seat.current else { return Ok(()) };
        let inner = &self.inner;
        let request = HeartbeatRequest {
            session_id: current.session_id.to_string(),
            token: seat.token.as_ref().filter(|t| t.session_id == current.session_id).map(|t| t.token.clone()),
            nonce: Some(inner.random.hex(16)),
        };
        let mut reply = inner.heartbeat(&self.account, &request).await;
        let begun = tokio::time::Instant::now();
        while matches!(reply, Err(Error::Unreachable(_))) && begun.elapsed() < WAKE_PATIENCE && self.is_waking(seat) {
            tokio::time::sleep(WAKE_PAUSE).await;
            reply = inner.heartbeat(&self.account, &request).await;
        }
        match reply {
            Ok((answer, _)) => self.beaten(seat, &answer).await,
            Err(Error::Unreachable(unreachable)) => self.missed(seat, &unreachable),
            Err(Error::Refused(refusal)) => self.finish(seat, refusal),
            Err(Error::Problem(problem)) => self.answered(seat, &problem).await,
            Err(other) => Err(other),
        }
    }

    /// Nothing is left of lease and token, and yet no outage was known before: the machine has slept, and its network comes some seconds
    /// after it.
    fn is_waking(&self, seat: &Seat) -> bool {
        let over = |c: &Current| c.failures == 0 && self.until(&c.lease_end).is_zero();
        seat.current.as_ref().is_some_and(over) && seat.token.as_ref().is_none_or(|kept| self.offline_end(kept).is_err())
    }

    async fn beaten(&self, seat: &mut Seat, answer: &HeartbeatResponse) -> Result<(), Error> {
        let interval = interval(answer.heartbeat_interval_seconds);
        if let Some(current) = &mut seat.current {
            current.due = self.next_beat(interval);
            current.lease_end = self.after(Duration::from_secs(answer.expires_in));
            current.asking = false;
            current.unconfirmed = false;
            current.failures = 0;
            current.trouble = None;
        }
        if let Some(token) = &mut seat.token {
            token.interval_seconds = interval.as_secs();
        }
        self.save(seat)?;
        self.renew_token(seat).await
    }

    async fn answered(&self, seat: &mut Seat, problem: &ApiProblem) -> Result<(), Error> {
        let asking = seat.current.as_ref().is_some_and(|c| c.asking || c.unconfirmed);
        match problem.known() {
            // Lost, or run out while no seat was free: a fresh start may still find one. The same when it is our own acquire that
            // took the session's place, or when the start was offline and never asked.
            Some(Code::SessionNotFound | Code::SeatsExhausted) => self.acquire_again(seat).await,
            Some(Code::SessionSuperseded) if asking => self.acquire_again(seat).await,
            _ => match Refusal::from_problem(problem) {
                Some(refusal) => self.finish(seat, refusal),
                // An answer that settles nothing must not stop a paying user's work.
                None => self.missed(seat, &unsettled(problem)),
            },
        }
    }

    /// Asks for a new session in place of one that the server does not know, for everybody who shared it.
    async fn acquire_again(&self, seat: &mut Seat) -> Result<(), Error> {
        match self.ask(seat).await {
            Ok((answer, nonce)) => {
                let holders = seat.current.take().map(|c| c.holders).unwrap_or_default();
                self.take(seat, answer, nonce, holders);
                self.save(seat)
            }
            Err(Error::Unreachable(unreachable)) => self.missed(seat, &unreachable),
            Err(Error::Problem(problem)) => self.missed(seat, &unsettled(&problem)),
            Err(Error::Refused(refusal)) => self.finish(seat, refusal),
            Err(error @ Error::Token(_)) => self.finish(seat, Refusal::Offline { detail: error.to_string() }),
            Err(other) => Err(other),
        }
    }

    /// The server could not be asked: go on while lease or token last.
    fn missed(&self, seat: &mut Seat, unreachable: &Unreachable) -> Result<(), Error> {
        // A state folder that does not work is told at the end: what has become of the seat must be noted in any case.
        let carried = self.inner.carry_time();
        let token_end = seat.token.as_ref().map(|kept| self.offline_end(kept));
        let interval = interval(seat.token.as_ref().map_or(60, |t| t.interval_seconds));
        let Some(current) = &mut seat.current else { return Ok(()) };
        if !matches!(token_end, Some(Ok(_))) && self.until(&current.lease_end).is_zero() {
            let why = match token_end {
                Some(Err(error)) => format!(" The token on this device does not allow going on without it: {error}."),
                _ => String::new(),
            };
            return self.finish(seat, Refusal::Offline { detail: format!("{}{why}", unreachable.detail) });
        }
        current.failures = current.failures.saturating_add(1);
        current.trouble = Some(unreachable.detail.clone());
        current.due = self.retry_beat(current.failures, unreachable.retry_after, interval);
        self.save(seat).and(carried)
    }

    /// The session is over for everybody who shared it.
    fn finish(&self, seat: &mut Seat, refusal: Refusal) -> Result<(), Error> {
        // Without the server's word the token stays: once the clock is set right, say, it is good again.
        if !matches!(refusal, Refusal::Offline { .. }) {
            seat.token = None;
        }
        if let Some(current) = seat.current.take() {
            seat.end(current.session_id, Some(refusal));
        }
        self.save(seat)
    }

    /// Exponential backoff with jitter, bounded by the ordinary interval so that a short lease is not missed for long.
    pub(crate) fn retry_beat(&self, failures: u32, retry_after: Option<u64>, interval: Duration) -> BootTime {
        let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(10));
        let wait = doubled.min(LONGEST_RETRY).min(interval.max(Duration::from_secs(1)));
        let spread = wait.mul_f64(0.5 + 0.5 * self.inner.random.unit());
        self.after(spread.max(Duration::from_secs(retry_after.unwrap_or(0).min(LONGEST_RETRY.as_secs()))))
    }
}

/// An error of the server that is none of the protocol's: treated like an outage.
fn unsettled(problem: &ApiProblem) -> Unreachable {
    let detail = format!("The license server answered with an error that this version does not know: {problem}");
    Unreachable { kind: UnreachableKind::Unavailable, detail, retry_after: problem.retry_after }
}
