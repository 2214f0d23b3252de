//! The live seats. Each call is one atomic transition in Redis; times are Redis's own, in milliseconds since 1970.
//!
//! The store keeps copies of what PostgreSQL owns (a tenant's licences, a member's epoch), each with a version: only a higher
//! version replaces. A copy that is missing makes a call answer `Missing`; the caller loads it, puts it and tries again.

use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use types::licenses::{FingerprintTolerance, LicenseStatus, Tier};
use types::{LicenseId, SessionId, TenantId, UserId};

/// The live store does not answer, or not in time. Always worth a retry.
#[derive(Debug, thiserror::Error)]
#[error("live seats unavailable: {0}")]
pub struct SeatsError(pub String);

/// What a tenant owns, as the live store needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    pub tenant: TenantId,
    /// Grows with every change of the tenant or any of its licences.
    pub version: i64,
    /// The tenant is suspended by staff.
    pub suspended: bool,
    /// In the order in which an acquire that names none tries them: by tier, then by age.
    pub licenses: Vec<LicenseLimits>,
    /// Seats in use as PostgreSQL last heard. Counts when the store has lost everything: so many are kept for their holders, for one lease
    /// time.
    pub in_use: BTreeMap<LicenseId, u32>,
}

/// What the live store must know of one licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseLimits {
    pub id: LicenseId,
    pub key: String,
    pub tier: Tier,
    pub features: Vec<String>,
    pub status: LicenseStatus,
    pub max_seats: u32,
    /// Percent of `max_seats` that may be used beyond it; 0 is `hard_stop`.
    pub overage_percent: u32,
    /// End of the licence, in ms.
    pub expires_at_ms: Option<i64>,
    pub lease_seconds: u32,
    pub heartbeat_seconds: u32,
    /// How long a token is valid without contact.
    pub offline_seconds: u32,
    /// Most devices that may hold offline rights at once.
    pub offline_cap: u32,
    /// A refusal names who holds the seats; otherwise [`Exhausted::holders`] stays empty.
    pub show_holders: bool,
    /// For the installed application; the live store only passes it on.
    pub fingerprint_tolerance: FingerprintTolerance,
}

/// What the live store must know of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberCopy {
    pub tenant: TenantId,
    pub user: UserId,
    /// Grows with every change of role and with removal; an access token with another epoch is stale.
    /// Serves as the version of this copy.
    pub epoch: i64,
    /// The role may hold a seat. `false` after removal.
    pub holds_seat: bool,
    pub name: String,
    pub email: String,
}

/// Which licence is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LicenseChoice {
    /// The first, in the entitlement's order, that has a free seat.
    Any,
    Id(LicenseId),
    Key(String),
}

/// Asks for a seat. The seat belongs to (user, hardware id, instance id): asking again keeps it, under a new session id.
#[derive(Clone, Debug)]
pub struct Acquire {
    pub tenant: TenantId,
    pub user: UserId,
    /// The epoch in the caller's access token.
    pub epoch: i64,
    pub license: LicenseChoice,
    pub hardware_id: String,
    pub instance_id: String,
    pub hostname: Option<String>,
    pub client_version: Option<String>,
    /// Unguessable; becomes the session if the seat is granted.
    pub session: SessionId,
}

/// What the holder of a seat is told of its licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedLicense {
    pub id: LicenseId,
    pub tier: Tier,
    pub features: Vec<String>,
    pub max_seats: u32,
    pub heartbeat_seconds: u32,
    pub fingerprint_tolerance: FingerprintTolerance,
}

/// The seat is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub session: SessionId,
    /// Grows with every grant to the same device and instance.
    pub fence: i64,
    /// A seat was taken; `false` when the device already held it.
    pub new_seat: bool,
    pub license: GrantedLicense,
    /// Seats in use, this one included.
    pub active: u32,
    pub now_ms: i64,
    pub expires_at_ms: i64,
    /// Until when the token may be valid without contact: `offline_seconds` from now, or the lease's end above the cap;
    /// never later than the licence's end.
    pub valid_until_ms: i64,
}

/// Why there is no seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The access token's epoch is not the member's: it must be refreshed.
    StaleEpoch,
    RoleHoldsNoSeat,
    TenantSuspended,
    LicenseNotFound,
    LicenseSuspended,
    LicenseExpired,
    Exhausted(Exhausted),
}

/// Every seat is taken; with the facts that help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    pub license: LicenseId,
    pub active: u32,
    pub max_seats: u32,
    pub now_ms: i64,
    /// When the earliest lease ends, if nobody renews it: the next sure free time.
    pub next_free_at_ms: i64,
    /// Up to ten holders, longest first; of a large licence, among the 64 whose leases end first. Empty where the licence's policy hides them
    /// (`show_holders`).
    pub holders: Arc<[SeatHolder]>,
    /// The seats that the caller holds on other devices, whatever the policy: they are his own. Up to five.
    pub own: Arc<[SeatHolder]>,
}

/// Answer of an acquire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcquireAnswer {
    Granted(Box<Grant>),
    Refused(Refusal),
    /// The store has lost everything, and the free seats are kept until then for those who held them.
    Recovering {
        now_ms: i64,
        until_ms: i64,
    },
}

/// An answer; or what the store lacks to give one, which must be put before asking again.
pub type Asked<T> = Result<Result<T, Missing>, SeatsError>;

/// Which copies the store lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub entitlement: bool,
    pub member: bool,
}

/// Keeps a seat.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub tenant: TenantId,
    pub user: UserId,
    pub epoch: i64,
    pub session: SessionId,
}

/// Answer of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeartbeatAnswer {
    Extended {
        now_ms: i64,
        expires_at_ms: i64,
        heartbeat_seconds: u32,
    },
    /// The lease ran out, or the store has never heard of the session: only the client's own token can bring it back.
    NotLive,
    Revoked {
        reason: String,
    },
    Superseded,
    Refused(Refusal),
}

/// Brings a session back whose lease ran out or was lost, on the strength of its verified token, if a seat is free.
/// The session keeps its id. A device that has been granted a newer session meanwhile is `Superseded`.
#[derive(Clone, Debug)]
pub struct Reacquire {
    pub tenant: TenantId,
    pub user: UserId,
    pub epoch: i64,
    pub license: LicenseId,
    pub session: SessionId,
    pub hardware_id: String,
    pub instance_id: String,
    /// From the token.
    pub fence: i64,
    /// The token's time is over. It still shows who held a seat before the store lost everything, but is worth something only while seats are
    /// kept for those: else the answer is `NotLive`.
    pub token_is_over: bool,
}

/// Answer of a re-acquire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReacquireAnswer {
    Granted(Box<Grant>),
    NotLive,
    Revoked { reason: String },
    Superseded,
    Refused(Refusal),
}

/// What release found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseAnswer {
    Released,
    /// It had ended already, however it ended.
    AlreadyEnded,
    /// No such session of that tenant and user.
    Unknown,
}

/// Somebody who holds a seat now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatHolder {
    pub session: SessionId,
    pub license: LicenseId,
    pub user: UserId,
    pub user_name: String,
    pub user_email: String,
    pub hardware_id: String,
    pub instance_id: String,
    pub hostname: Option<String>,
    pub client_version: Option<String>,
    pub started_at_ms: i64,
    pub last_beat_ms: i64,
    pub expires_at_ms: i64,
}

/// Everything live in one tenant at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub now_ms: i64,
    /// By start, latest first.
    pub holders: Vec<SeatHolder>,
}

/// What happened to a seat, in the order in which it happened within a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatEvent {
    pub kind: SeatEventKind,
    pub at_ms: i64,
    pub tenant: TenantId,
    pub license: LicenseId,
    pub user: UserId,
    /// For `Denied`, an id made for the refusal.
    pub session: SessionId,
    /// When the session began.
    pub started_at_ms: i64,
    pub fence: i64,
    pub hardware_id: String,
    pub instance_id: String,
    pub hostname: Option<String>,
    pub client_version: Option<String>,
    /// Seats in use after the event.
    pub active: u32,
    /// The limit at that moment.
    pub max_seats: u32,
    /// For `Revoked`.
    pub reason: Option<String>,
}

/// Kinds of seat events. With session and fence a kind names one event for ever, so a reader can tell a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeatEventKind {
    Acquired,
    /// The device asked again: a new session id on the same seat. No longer written, since nothing that is counted changes; older rows
    /// have it.
    Renewed,
    /// The old session of a renewal. No longer written; older rows have it.
    Superseded,
    Reacquired,
    Denied,
    Released,
    Revoked,
    Expired,
}

impl SeatEventKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Renewed => "renewed",
            Self::Superseded => "superseded",
            Self::Reacquired => "reacquired",
            Self::Denied => "denied",
            Self::Released => "released",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Acquired, Self::Renewed, Self::Superseded, Self::Reacquired, Self::Denied, Self::Released, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// Where an event stands in the streams; given back to acknowledge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPosition {
    pub shard: u16,
    /// The entry's id in the stream.
    pub id: String,
    /// Which of the entry's events it is.
    pub part: u16,
}

impl EventPosition {
    /// No entry has as many events.
    const PARTS: i32 = 1 << 10;

    /// When the event was emitted, in ms, and as which of that millisecond, which is in order but with gaps.
    pub fn emitted(&self) -> Option<(i64, i32)> {
        let (ms, seq) = self.id.split_once('-')?;
        let seq: i32 = seq.parse().ok()?;
        Some((ms.parse().ok()?, seq.checked_mul(Self::PARTS)?.checked_add(self.part.into())?))
    }
}

/// The live seats.
#[async_trait]
pub trait Seats: Send + Sync {
    async fn acquire(&self, request: &Acquire) -> Asked<AcquireAnswer>;
    async fn heartbeat(&self, request: &Heartbeat) -> Asked<HeartbeatAnswer>;
    async fn reacquire(&self, request: &Reacquire) -> Asked<ReacquireAnswer>;
    /// Gives the seat back. Frees that session's seat and no other, however often it is called.
    async fn release(&self, tenant: TenantId, user: UserId, session: SessionId) -> Result<ReleaseAnswer, SeatsError>;
    /// Ends a session for good: every later call on it answers `Revoked` with this reason for `remember_seconds`.
    /// Also leaves that mark when the session is not live. The answer is the session as it was, if it was live.
    async fn revoke(
        &self,
        tenant: TenantId,
        session: SessionId,
        reason: &str,
        remember_seconds: u64,
    ) -> Result<Option<SeatHolder>, SeatsError>;
    /// Everything live in the tenant.
    async fn snapshot(&self, tenant: TenantId) -> Result<Snapshot, SeatsError>;
    /// One live session of the tenant.
    async fn find(&self, tenant: TenantId, session: SessionId) -> Result<Option<SeatHolder>, SeatsError>;
    /// What one person holds in the tenant, by start, latest first. Costs the same however many others hold seats.
    async fn of_user(&self, tenant: TenantId, user: UserId) -> Result<Vec<SeatHolder>, SeatsError>;
    /// Seats in use, by licence. Cheaper than a snapshot.
    async fn active(&self, tenant: TenantId, licenses: &[LicenseId]) -> Result<Vec<u32>, SeatsError>;
    /// Replaces the copy if the version is higher.
    async fn put_entitlement(&self, entitlement: &Entitlement) -> Result<(), SeatsError>;
    /// Replaces the copy if the epoch is higher or equal.
    async fn put_member(&self, member: &MemberCopy) -> Result<(), SeatsError>;
    /// Closes leases that ran out, in every shard, and writes their `Expired` events. Returns how many.
    async fn sweep(&self) -> Result<u64, SeatsError>;
    /// The oldest events of all shards, of which those that were emitted together come together: so it stops as soon as there are `max`. They
    /// come again until they are acknowledged. Returns at once when there is none.
    async fn read_events(&self, max: usize) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError>;
    /// These events are safe in PostgreSQL, and with each of them those that were emitted together with it.
    async fn acknowledge(&self, positions: &[EventPosition]) -> Result<(), SeatsError>;
    /// Whether the store answers, for `/readyz`.
    async fn ping(&self) -> Result<(), SeatsError>;
}
