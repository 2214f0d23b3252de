//! What happened, as seen from outside: one line for each call, each change of a limit, and each fault.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Microseconds since the run began, by the monotonic clock of this process.
pub type Micros = i64;

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    Run(Run),
    Call(Call),
    Limit(LimitChange),
    Fault(Fault),
}

/// The first line: what the checker must know beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub seed: u64,
    /// A call without a clear answer takes effect within this time after it was sent, or never.
    pub late: Micros,
    pub tenants: Vec<Tenant>,
}

/// An organization with one licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub name: String,
    pub seats: u32,
    pub overage_percent: u32,
    pub lease: Micros,
}

/// What a call asks for. The foreign ones name a session of another tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Acquire,
    Heartbeat,
    Release,
    Revoke,
    ForeignHeartbeat,
    ForeignRelease,
    ForeignRevoke,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 7] =
        [Self::Acquire, Self::Heartbeat, Self::Release, Self::Revoke, Self::ForeignHeartbeat, Self::ForeignRelease, Self::ForeignRevoke];

    /// A call on a session of another tenant.
    pub const fn is_foreign(self) -> bool {
        matches!(self, Self::ForeignHeartbeat | Self::ForeignRelease | Self::ForeignRevoke)
    }
}

/// One call of the licence API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub sent: Micros,
    /// When the answer was there, or when the caller gave up.
    pub answered: Micros,
    pub server: usize,
    /// The caller's.
    pub tenant: usize,
    /// Absent when an administrator calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    pub kind: Kind,
    /// The session that the call names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The session's token went along.
    #[serde(default)]
    pub with_token: bool,
    pub answer: Answer,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// There was no connection: the server knows nothing of the call.
    #[serde(default)]
    pub not_sent: bool,
    /// Absent when the connection broke or the caller gave up.
    pub status: Option<u16>,
    /// The problem's code, or the state that a heartbeat reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Seats in use and owned, as acquire and its refusal tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seats: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// What acquire gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub session: String,
    /// Out of the token, as its validity.
    pub fence: i64,
    pub token_seconds: i64,
}

impl Call {
    /// The call was carried out.
    pub fn done(&self) -> bool {
        self.answer.status.is_some_and(|s| (200..300).contains(&s))
    }

    /// Nobody can tell from the answer whether the call was carried out, is about to be, or never will be.
    pub fn open(&self) -> bool {
        !self.answer.not_sent && self.answer.status.is_none_or(|s| s >= 500)
    }

    /// The session that the call is about: the one that it names, or that it was given.
    pub fn about(&self) -> Option<&str> {
        self.answer.grant.as_ref().map(|g| g.session.as_str()).or(self.session.as_deref())
    }
}

/// The operator's change of the number of seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitChange {
    pub sent: Micros,
    pub answered: Micros,
    pub tenant: usize,
    pub seats: u32,
    /// Otherwise nobody knows whether it was carried out.
    pub done: bool,
}

/// What was broken, from the first moment at which it could be felt until it was mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub from: Micros,
    pub to: Micros,
    pub kind: FaultKind,
    /// Of a loss of Redis: every event was in PostgreSQL at that moment.
    #[serde(default)]
    pub all_written: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// The ways of breaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    KillServer,
    KillWorker,
    ClockJump,
    KillRedis,
    /// Everything in Redis is gone.
    LoseRedis,
    SlowRedis,
    /// The process stands still.
    StopRedis,
    /// The network swallows everything.
    HangRedis,
    CutRedis,
}

impl FaultKind {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::KillServer,
        Self::KillWorker,
        Self::ClockJump,
        Self::KillRedis,
        Self::LoseRedis,
        Self::SlowRedis,
        Self::StopRedis,
        Self::HangRedis,
        Self::CutRedis,
    ];
}

/// Takes the history down.
pub struct Recorder {
    began: Instant,
    kept: Mutex<(Vec<Line>, BufWriter<File>)>,
}

impl Recorder {
    /// Begins a history in a new file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { began: Instant::now(), kept: Mutex::new((Vec::new(), BufWriter::new(file))) })
    }

    /// The moment.
    pub fn now(&self) -> Micros {
        Micros::try_from(self.began.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Adds a line.
    pub fn add(&self, line: Line) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // A line is plain data; a disk that is full shows at the end, when the rest is written.
        let _ = serde_json::to_writer(&mut kept.1, &line).map_err(std::io::Error::from).and_then(|()| kept.1.write_all(b"\n"));
        kept.0.push(line);
    }

    /// All lines, also written to the file.
    pub fn lines(&self) -> Result<Vec<Line>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.flush().context("the history cannot be written")?;
        Ok(kept.0.clone())
    }
}
