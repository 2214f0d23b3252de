//! A seat that is held: the background task that keeps it, and how it stands.

use crate::client::Inner;
use crate::clock::BootTime;
use crate::folder::{Folder, Lock};
use crate::shared::{Current, Holder, Seat, SeatFile};
use crate::{Error, Refusal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use types::SessionId;
use types::licenses::AcquiredLicense;

/// How often a process looks whether the others have noted something, and whether the machine has slept.
const LOOK: Duration = Duration::from_secs(5);
const SHORTEST: Duration = Duration::from_millis(200);
/// The wall clock that gets so far ahead of the other between two looks tells that the machine stood still: a virtual machine
/// that was paused does not count the time. If somebody has only set the clock, a heartbeat too many does no harm.
const STOOD_STILL: time::Duration = time::Duration::seconds(30);
/// How long giving the seat back may take; shorter where the server was away a moment ago.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);
const RELEASE_PATIENCE: Duration = Duration::from_secs(15);
const RELEASE_PATIENCE_IN_TROUBLE: Duration = Duration::from_secs(3);

/// How the seat stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The server agreed at the last heartbeat.
    Online,
    /// The server cannot be asked; the signed token allows going on until then.
    Grace { until: OffsetDateTime, left: time::Duration, reason: String },
    /// There is no seat any more. Final.
    Refused(Refusal),
    /// The seat was given back on purpose. Final.
    Stopped,
}

impl State {
    /// Nothing will change any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Stopped)
    }

    /// Whether nothing differs but the time.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Grace { until, reason, .. }, Self::Grace { until: then, reason: why, .. }) => (until, reason) == (then, why),
            _ => self == other,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Online => f.write_str("online"),
            Self::Grace { left, .. } => write!(f, "grace ({} left)", span(*left)),
            Self::Refused(refusal) => write!(f, "refused ({})", format!("{refusal} {}", refusal.advice()).trim_end()),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// `71 h`, `59 min`, `20 s`: rounded down, so that nobody is promised too much.
pub fn span(span: time::Duration) -> String {
    match span.whole_seconds().max(0) {
        s if s >= 7200 => format!("{} h", s / 3600),
        s if s >= 60 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// Shows how a seat stands, in any thread, also after the session has moved elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct Watch(watch::Receiver<State>);

impl Watch {
    /// How the seat stands now.
    pub fn state(&self) -> State {
        self.0.borrow().clone()
    }

    /// Waits until it stands differently. That time goes by in [`State::Grace`] is no difference.
    pub async fn changed(&mut self) -> State {
        if self.0.changed().await.is_err() {
            // Nobody publishes any more: the state is final, and never changes.
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }

    /// Waits until the seat is lost or given back.
    pub async fn ended(&mut self) -> State {
        loop {
            let state = self.state();
            if state.is_final() {
                return state;
            }
            self.changed().await;
        }
    }
}

/// What became of the seat when a process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The seat is free again.
    Released,
    /// So many other processes still use it.
    Shared(usize),
    /// The server could not be told; the seat is free at that time.
    Kept { free_at: OffsetDateTime, reason: String },
    /// It had ended before.
    Ended,
}

/// A held seat. Kept until [`Session::release`]; if it is dropped instead, the seat ends by itself after the lease.
pub struct Session {
    member: Arc<Member>,
    publish: Arc<watch::Sender<State>>,
    watch: Watch,
    task: tokio::task::JoinHandle<()>,
    leaving: Arc<Notify>,
    license: Option<AcquiredLicense>,
    joined: bool,
}

/// This process among those that share the seat.
struct Member {
    file: SeatFile,
    me: Holder,
    _sign: Sign,
    seen: Mutex<Seen>,
    looked: Mutex<Looked>,
    /// No heartbeat before then: the last one was sent, but the file could not be told, so it still asks for one.
    untold: Mutex<Option<BootTime>>,
}

/// Both clocks when this process last looked.
#[derive(Clone)]
struct Looked {
    wall: OffsetDateTime,
    boot: BootTime,
}

/// What this process last saw in the shared file.
#[derive(Clone)]
struct Seen {
    session_id: SessionId,
    due: BootTime,
    good_until: BootTime,
}

/// The file whose lock shows that this process lives.
struct Sign {
    folder: Folder,
    name: String,
    _lock: Lock,
}

impl Drop for Sign {
    fn drop(&mut self) {
        if let Err(error) = self.folder.remove(&self.name) {
            tracing::debug!(%error, "left a file behind");
        }
    }
}

impl Session {
    pub(crate) async fn start(inner: Arc<Inner>) -> Result<Self, Error> {
        let file = SeatFile::new(inner.clone(), inner.require_account()?);
        let _lock = file.lock().await?;
        let name = format!("alive-{}.lock", inner.random.hex(8));
        let sign = Sign { folder: inner.folder.clone(), _lock: inner.folder.sign_of_life(&name)?, name };
        let me = Holder { sign: sign.name.clone(), pid: std::process::id() };

        let mut seat = file.load()?;
        seat.prune(&file);
        match &mut seat.current {
            Some(current) if !current.holders.is_empty() => {
                current.holders.push(me.clone());
                // In an outage that the others know of, many who start do not wait for it one after the other.
                let known_trouble = current.trouble.is_some() && !file.until(&current.due).is_zero();
                file.save(&seat)?;
                if !known_trouble {
                    // A seat that was taken away since the last heartbeat must not let anybody start.
                    file.beat(&mut seat).await?;
                }
            }
            _ => seat.current = None,
        }
        if seat.current.is_none() {
            file.acquire(&mut seat, vec![me.clone()]).await?;
        }
        let Some(current) = &seat.current else {
            return Err(Refusal::Offline { detail: "The seat ended while the application was starting.".into() }.into());
        };
        let state = file.state(&seat, current);
        let seen = Mutex::new(file.seen(&seat, current));
        let license = seat.token.as_ref().map(|t| t.license.clone());
        let joined = current.holders.len() > 1;
        let looked = Mutex::new(Looked { wall: inner.clock.now(), boot: inner.clock.boot() });
        let member = Arc::new(Member { file, me, _sign: sign, seen, looked, untold: Mutex::default() });
        let (publish, state) = watch::channel(state);
        let publish = Arc::new(publish);
        let leaving = Arc::new(Notify::new());
        let task = tokio::spawn(keep(member.clone(), publish.clone(), leaving.clone()));
        Ok(Self { member, publish, watch: Watch(state), task, leaving, license, joined })
    }

    /// How the seat stands now.
    pub fn state(&self) -> State {
        self.watch.state()
    }

    /// Waits until it stands differently.
    pub async fn changed(&mut self) -> State {
        self.watch.changed().await
    }

    /// Waits until the seat is lost.
    pub async fn refused(&mut self) -> State {
        self.watch.ended().await
    }

    /// For other threads and tasks that show how the seat stands.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The licence that the seat belongs to, as it was when the seat was taken.
    pub fn license(&self) -> Option<&AcquiredLicense> {
        self.license.as_ref()
    }

    /// Another process on this device held the seat already.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// The server's name for this hold. Changes when the seat had to be taken anew.
    pub fn session_id(&self) -> SessionId {
        self.member.seen().session_id
    }

    /// Leaves; the last process on this device gives the seat back.
    pub async fn release(mut self) -> Left {
        self.leaving.notify_one();
        // A call that is under way may bring a new session, which must be known to be given back.
        if tokio::time::timeout(RELEASE_PATIENCE_IN_TROUBLE, &mut self.task).await.is_err() {
            self.task.abort();
            // An error here only says that the task was stopped.
            let _ = (&mut self.task).await;
        }
        match self.member.leave().await {
            Ok(left) => left,
            Err(error) => Left::Kept { free_at: self.member.lease_end(), reason: error.to_string() },
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
        self.publish.send_if_modified(|state| {
            let stops = !state.is_final();
            if stops {
                *state = State::Stopped;
            }
            stops
        });
    }
}

/// Sends heartbeats when they are due and publishes what changes, until the process leaves.
async fn keep(member: Arc<Member>, publish: Arc<watch::Sender<State>>, leaving: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(member.rest().clamp(SHORTEST, LOOK)) => {}
            () = leaving.notified() => return,
        }
        let Some(state) = member.look().await else { continue };
        let end = state.is_final();
        publish.send_if_modified(|old| {
            let changed = !old.is_like(&state);
            *old = state;
            changed
        });
        if end {
            return;
        }
    }
}

impl Member {
    fn untold(&self) -> MutexGuard<'_, Option<BootTime>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long until a heartbeat can be due.
    fn rest(&self) -> Duration {
        let due = self.file.until(&self.seen().due);
        self.untold().as_ref().map_or(due, |next| due.max(self.file.until(next)))
    }

    /// Since the last look.
    fn stood_still(&self) -> bool {
        let clock = &self.file.inner.clock;
        let now = Looked { wall: clock.now(), boot: clock.boot() };
        let before = std::mem::replace(&mut *self.looked.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        let counted = now.boot.since(&before.boot).and_then(|d| d.try_into().ok()).unwrap_or(time::Duration::ZERO);
        (now.wall - before.wall).saturating_sub(counted) > STOOD_STILL
    }

    fn lease_end(&self) -> OffsetDateTime {
        self.file.wall(&self.seen().good_until)
    }

    /// Reads the shared file, sends the heartbeat if it is due. `None`: nothing could be learnt this time.
    async fn look(&self) -> Option<State> {
        let mut seat = Seat::default();
        let looked = self.read(&mut seat).await;
        if let Err(error) = &looked {
            tracing::warn!("{error}");
            // Not over and over at once: it will hardly be better then.
            tokio::time::sleep(LOOK).await;
        }
        if let Some(current) = seat.current.as_ref().filter(|c| c.holders.contains(&self.me)) {
            let seen = self.file.seen(&seat, current);
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen.clone();
            return Some(match looked {
                // The folder works no longer, and nothing that is newer can be had from it: what was last known comes to its end.
                Err(error) if self.file.until(&current.lease_end).is_zero() => self.unheard(&seen, error.to_string()),
                _ => self.file.state(&seat, current),
            });
        }
        let session_id = self.seen().session_id;
        if let Some(ended) = seat.ended.iter().rev().find(|e| e.session_id == session_id) {
            return Some(ended.refusal.clone().map_or(State::Stopped, State::Refused));
        }
        // The state folder does not work, or somebody emptied it. The seat is good for as long as was last known.
        let why = looked.err().map_or_else(|| "The state folder was emptied.".to_owned(), |e| e.to_string());
        Some(self.unheard(&self.seen(), why)).filter(State::is_final)
    }

    /// How the seat stands when nothing newer than that is known.
    fn unheard(&self, seen: &Seen, why: String) -> State {
        if self.file.until(&seen.good_until).is_zero() {
            return State::Refused(Refusal::Offline { detail: why });
        }
        let until = self.file.wall(&seen.good_until);
        State::Grace { until, left: until - self.file.inner.clock.now(), reason: why }
    }

    /// Leaves in `seat` what is known, also when there is an error.
    async fn read(&self, seat: &mut Seat) -> Result<(), Error> {
        let woken = self.stood_still();
        let told = self.untold().as_ref().is_none_or(|next| self.file.until(next).is_zero());
        let due = |seat: &Seat| {
            let mine = seat.current.as_ref().filter(|c| c.holders.contains(&self.me));
            mine.is_some_and(|c| woken || (told && self.file.until(&c.due).is_zero()))
        };
        *seat = self.file.load()?;
        if !due(seat) {
            return Ok(());
        }
        let _lock = self.file.lock().await?;
        *seat = self.file.load()?;
        if !due(seat) {
            return Ok(());
        }
        seat.prune(&self.file);
        let beaten = self.file.beat(seat).await;
        *self.untold() = beaten.as_ref().err().and(seat.current.as_ref()).map(|c| c.due.clone());
        beaten
    }

    async fn leave(&self) -> Result<Left, Error> {
        // Whoever is busy with the seat shares it, and sees by himself who has gone.
        let _lock = self.file.lock_within(LEAVE_PATIENCE).await?;
        let mut seat = self.file.load()?;
        seat.prune(&self.file);
        let Some(current) = seat.current.as_mut().filter(|c| c.holders.contains(&self.me)) else { return Ok(Left::Ended) };
        current.holders.retain(|holder| *holder != self.me);
        if !current.holders.is_empty() {
            let others = current.holders.len();
            self.file.save(&seat)?;
            return Ok(Left::Shared(others));
        }
        let current = current.clone();
        let patience = if current.trouble.is_some() { RELEASE_PATIENCE_IN_TROUBLE } else { RELEASE_PATIENCE };
        let released = tokio::time::timeout(patience, async {
            let mut session_id = current.session_id;
            // The acquire whose answer never came may have made a newer session. Only who asks again learns which one is to be given back.
            if current.asking
                && let Ok((answer, _)) = self.file.ask(&mut seat).await
            {
                session_id = answer.session_id;
            }
            self.file.release_on_server(session_id).await
        })
        .await;
        let left = match released {
            Ok(Ok(())) => {
                // The right to work offline went back with the seat.
                seat.token = None;
                Left::Released
            }
            // Never confirmed by the server: most likely there is no seat to give back.
            _ if current.unconfirmed => Left::Released,
            failed => {
                let reason = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => "The license server does not answer in time.".to_owned(),
                };
                Left::Kept { free_at: self.file.wall(&current.lease_end), reason }
            }
        };
        seat.current = None;
        self.file.save(&seat)?;
        Ok(left)
    }
}

impl SeatFile {
    /// The shared file's content as a state.
    pub(crate) fn state(&self, seat: &Seat, current: &Current) -> State {
        match &current.trouble {
            None => State::Online,
            Some(reason) => {
                let lease_end = self.wall(&current.lease_end);
                let token_end = seat.token.as_ref().and_then(|kept| self.offline_end(kept).ok());
                let until = token_end.map_or(lease_end, |end| end.max(lease_end));
                let now = self.inner.offline_now().unwrap_or_else(|_| self.inner.clock.now());
                State::Grace { until, left: until - now, reason: reason.clone() }
            }
        }
    }

    fn seen(&self, seat: &Seat, current: &Current) -> Seen {
        let token = seat.token.as_ref().and_then(|kept| self.offline_end(kept).ok());
        let token_left = token.map_or(Duration::ZERO, |end| (end - self.inner.clock.now()).try_into().unwrap_or(Duration::ZERO));
        let good_until = self.after(token_left.max(self.until(&current.lease_end)));
        Seen { session_id: current.session_id, due: current.due.clone(), good_until }
    }
}
