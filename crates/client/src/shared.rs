//! What the processes of one person on one device share: one seat, in one file, changed under one lock.
//!
//! The first process acquires and writes the session down; later ones join it. Whoever finds the heartbeat due sends it. The last
//! one out gives the seat back. A process shows that it lives by the lock on a file of its own, which the operating system
//! releases however the process ends.

use crate::client::{Inner, short_hash};
use crate::clock::BootTime;
use crate::folder::Lock;
use crate::token::{Expected, TokenError, verify};
use crate::{Account, Error, Refusal, Released};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use types::SessionId;
use types::licenses::AcquiredLicense;

/// How many ended sessions are remembered, so that late processes learn why theirs ended.
const ENDED_KEPT: usize = 8;

/// The file's content.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// The last token, kept for starts without the server.
    #[serde(default)]
    pub(crate) token: Option<KeptToken>,
    #[serde(default)]
    pub(crate) current: Option<Current>,
    #[serde(default)]
    pub(crate) ended: Vec<Ended>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptToken {
    pub(crate) session_id: SessionId,
    pub(crate) token: String,
    /// The nonce that the token must echo.
    pub(crate) nonce: String,
    pub(crate) license: AcquiredLicense,
    pub(crate) interval_seconds: u64,
    /// When to ask for a newer token; `None`: this one is not worth renewing.
    #[serde(default)]
    pub(crate) renew_at: Option<BootTime>,
}

/// The session that processes use now.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Current {
    pub(crate) session_id: SessionId,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) since: OffsetDateTime,
    /// When the next heartbeat is due.
    pub(crate) due: BootTime,
    /// When the seat is lost without a heartbeat.
    pub(crate) lease_end: BootTime,
    /// Began on the strength of the kept token: the server has not been asked yet.
    pub(crate) unconfirmed: bool,
    /// An acquire was sent whose answer has not been written down: a newer session of ours may exist.
    pub(crate) asking: bool,
    /// Heartbeats in a row that found no server.
    pub(crate) failures: u32,
    /// What the last of them met.
    pub(crate) trouble: Option<String>,
    pub(crate) holders: Vec<Holder>,
}

/// A process that uses the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Name of the file whose lock says that it lives.
    pub(crate) sign: String,
    pub(crate) pid: u32,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) session_id: SessionId,
    /// `None`: given back on purpose.
    pub(crate) refusal: Option<Refusal>,
}

/// The file, and the account it belongs to.
pub(crate) struct SeatFile {
    pub(crate) inner: Arc<Inner>,
    pub(crate) account: Account,
    name: String,
}

impl SeatFile {
    pub(crate) fn new(inner: Arc<Inner>, account: Account) -> Self {
        let instance = inner.config.instance_id.clone().unwrap_or_else(|| "default".to_owned());
        let hash =
            short_hash(&[&account.server, &account.tenant_id.to_string(), &account.user_id.to_string(), &inner.fingerprint.id, &instance]);
        Self { inner, account, name: format!("seat-{hash}") }
    }

    pub(crate) async fn lock(&self) -> Result<Lock, Error> {
        self.inner.folder.lock(&format!("{}.lock", self.name)).await
    }

    /// The same for one who goes.
    pub(crate) async fn lock_within(&self, patience: Duration) -> Result<Lock, Error> {
        self.inner.folder.lock_within(&format!("{}.lock", self.name), patience).await
    }

    /// Files are replaced whole, so reading needs no lock.
    pub(crate) fn load(&self) -> Result<Seat, Error> {
        Ok(self.inner.folder.read(&format!("{}.json", self.name))?.unwrap_or_default())
    }

    /// Under the lock only.
    pub(crate) fn save(&self, seat: &Seat) -> Result<(), Error> {
        self.inner.folder.write(&format!("{}.json", self.name), seat)
    }

    /// Until when the kept token is good without the server.
    pub(crate) fn offline_end(&self, kept: &KeptToken) -> Result<OffsetDateTime, TokenError> {
        let keys = self.inner.kept_keys().unwrap_or_default();
        let expected = Expected {
            hardware_id: &self.inner.fingerprint.id,
            nonce: &kept.nonce,
            user: self.account.user_id,
            tenant: self.account.tenant_id,
            now: self.inner.offline_now()?,
        };
        let claims = verify(&kept.token, &keys, &expected)?;
        OffsetDateTime::from_unix_timestamp(claims.exp).map_err(|_| TokenError::Malformed)
    }

    /// The moment so many seconds from now, on the clock that cannot be set.
    pub(crate) fn after(&self, wait: Duration) -> BootTime {
        let now = self.inner.clock.boot();
        BootTime { up: now.up.saturating_add(wait), ..now }
    }

    /// How long until then; zero when it has come, or the machine was started anew since.
    pub(crate) fn until(&self, moment: &BootTime) -> Duration {
        let now = self.inner.clock.boot();
        if now.boot == moment.boot { moment.up.saturating_sub(now.up) } else { Duration::ZERO }
    }

    /// The same moment by the wall clock.
    pub(crate) fn wall(&self, moment: &BootTime) -> OffsetDateTime {
        self.inner.clock.now().saturating_add(self.until(moment).try_into().unwrap_or(time::Duration::ZERO))
    }

    /// See [`crate::Client::give_back`].
    pub(crate) async fn give_back(&self) -> Result<Released, Error> {
        let _lock = self.lock().await?;
        let mut seat = self.load()?;
        let session_id = seat.current.as_ref().map(|c| c.session_id).or(seat.token.as_ref().map(|t| t.session_id));
        let Some(session_id) = session_id else { return Ok(Released::Nothing) };
        if let Some(current) = seat.current.take() {
            seat.end(current.session_id, None);
        }
        // The right to work offline goes back with the seat, so the token must go first.
        seat.token = None;
        self.save(&seat)?;
        self.release_on_server(session_id).await?;
        Ok(Released::Given)
    }

    /// An unknown session counts as released.
    pub(crate) async fn release_on_server(&self, session_id: SessionId) -> Result<(), Error> {
        match self.inner.release(&self.account, session_id).await {
            Err(Error::Problem(problem)) if matches!(problem.status, 404 | 410) => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

impl Seat {
    /// Forgets processes that have died.
    pub(crate) fn prune(&mut self, file: &SeatFile) {
        let Some(current) = &mut self.current else { return };
        let folder = &file.inner.folder;
        current.holders.retain(|holder| {
            let alive = folder.is_alive(&holder.sign);
            if !alive && folder.remove(&holder.sign).is_ok() {
                tracing::debug!(pid = holder.pid, "a process that used the seat has died");
            }
            alive
        });
    }

    /// Notes why a session ended, for the other processes that used it.
    pub(crate) fn end(&mut self, session_id: SessionId, refusal: Option<Refusal>) {
        self.ended.push(Ended { session_id, refusal });
        let surplus = self.ended.len().saturating_sub(ENDED_KEPT);
        self.ended.drain(..surplus);
    }
}
