//! The live seats on Redis: one Lua function per transition, the busy ones for many calls at once; one clock (Redis TIME, in milliseconds);
//! every key of a tenant in one slot. The rules are in `lua/*.lua`; here they are called. [`keys`] lists what lies where.
//!
//! What a person should know who reads them:
//! - A lease is an entry of a sorted set with its expiry as score. It is live while score > now; nothing has to run for it to end.
//! - A seat is one user on one device and instance, per licence. It has at most one lease, under its last session.
//! - Each change of what is counted writes its event in the same call, so an event is there exactly if the change is. A restart on a seat
//!   that is held changes nothing that is counted.
//! - `max_seats` in events and refusals is what was bought; seats up to `overage_percent` above it are granted.

mod batch;
mod events;
mod facts;
pub mod keys;
mod library;
mod link;
mod reply;
mod shown;

use async_trait::async_trait;
use batch::Batch;
use domain::ports::seats::{
    Acquire, AcquireAnswer, Asked, Entitlement, EventPosition, Heartbeat, HeartbeatAnswer, LicenseChoice, MemberCopy, Reacquire,
    ReacquireAnswer, Refusal, ReleaseAnswer, SeatEvent, SeatHolder, Seats, SeatsError, Snapshot,
};
use futures::future::{join_all, try_join_all};
use keys::{COPY_TTL, SHARDS};
use library::{Function, Library};
use link::{Link, unavailable};
use redis::{Cmd, FromRedisValue, Value, cmd};
use reply::{Answer, Full, Reply};
use shown::Shown;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use types::{LicenseId, SessionId, TenantId, UserId};

/// Longest that a call takes, unless said otherwise.
const DEADLINE: Duration = Duration::from_secs(1);
/// Most leases that one call of `sweep` closes: bounds how long Redis does nothing else.
const SWEEP_BATCH: usize = 500;
/// Most holders, and most of the caller's own seats, that a refusal names.
const HOLDERS: usize = 10;
const OWN: usize = 5;
/// How old the lists of a refusal may be.
const SHOWN_FOR: Duration = Duration::from_millis(500);
/// Most calls of `sweep` per shard and sweep.
const SWEEP_ROUNDS: usize = 20;
/// Most holders whose facts are read in one call.
const SNAPSHOT_PART: usize = 250;
/// Longest that a revocation is remembered; far above any token's life.
const REMEMBER_MAX_SECONDS: u64 = 366 * 24 * 3600;

/// [`Seats`] on Redis. Cheap to share behind an `Arc`; all calls go over one multiplexed connection.
pub struct RedisSeats {
    store: Arc<(Link, Library)>,
    acquire: Arc<Batch>,
    heartbeat: Arc<Batch>,
    reacquire: Arc<Batch>,
    release: Arc<Batch>,
    shown: Shown,
    /// Where the next read of events begins, so that busy shards do not starve others.
    next_shard: AtomicU16,
}

/// What Redis does when its memory is full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvictionPolicy {
    /// Limit in bytes; 0 is none.
    pub maxmemory: u64,
    /// Such as `noeviction`.
    pub policy: String,
}

impl EvictionPolicy {
    /// No lease is ever thrown away to make room. A store that may evict hands out seats twice.
    pub fn keeps_leases(&self) -> bool {
        self.maxmemory == 0 || self.policy == "noeviction"
    }
}

impl RedisSeats {
    /// Connects to `redis://`, `rediss://`, `unix://`, or `redis+cluster://host:port,host:port`. Fails within a second if Redis is
    /// away; once connected, it reconnects by itself.
    ///
    /// # Errors
    /// A URL that cannot be read, a Redis that does not answer, or one that has no memory left for the library.
    pub async fn connect(url: &str) -> Result<Self, SeatsError> {
        Self::connect_with_deadline(url, DEADLINE).await
    }

    /// The same with another limit for how long any call may take.
    ///
    /// # Errors
    /// As [`RedisSeats::connect`].
    pub async fn connect_with_deadline(url: &str, deadline: Duration) -> Result<Self, SeatsError> {
        let link = Link::connect(url, deadline).await.map_err(unavailable)?;
        let library = Library::new();
        library.check(&link).await?;
        let store = Arc::new((link, library));
        Ok(Self {
            acquire: Batch::new(&store, |library| &library.acquire),
            heartbeat: Batch::new(&store, |library| &library.heartbeat),
            reacquire: Batch::new(&store, |library| &library.reacquire),
            release: Batch::new(&store, |library| &library.release),
            store,
            shown: Shown::new(SHOWN_FOR),
            next_shard: AtomicU16::new(0),
        })
    }

    /// What Redis does when its memory is full; of a cluster, the node with the most dangerous policy. Read from `INFO memory`,
    /// since managed services forbid `CONFIG`.
    ///
    /// # Errors
    /// Redis does not answer, or not with these two lines.
    pub async fn eviction_policy(&self) -> Result<EvictionPolicy, SeatsError> {
        let info: Value = self.link().query(cmd("INFO").arg("memory")).await.map_err(unavailable)?;
        let nodes = match info {
            Value::Map(nodes) => nodes.into_iter().map(|(_, info)| info).collect(),
            one => vec![one],
        };
        let mut found: Option<EvictionPolicy> = None;
        for node in nodes {
            let text = String::from_redis_value(node).map_err(|e| SeatsError(e.to_string()))?;
            let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let policy = line("maxmemory").and_then(|max| max.trim().parse().ok()).zip(line("maxmemory_policy"));
            let Some((maxmemory, policy)) = policy else {
                return Err(SeatsError("INFO memory names no eviction policy".into()));
            };
            if found.as_ref().is_none_or(EvictionPolicy::keeps_leases) {
                found = Some(EvictionPolicy { maxmemory, policy: policy.trim().to_owned() });
            }
        }
        found.ok_or_else(|| SeatsError("INFO memory is empty".into()))
    }

    /// The same with another limit for how old the lists of holders in a refusal may be.
    #[must_use]
    pub fn showing_for(self, age: Duration) -> Self {
        Self { shown: Shown::new(age), ..self }
    }

    fn link(&self) -> &Link {
        &self.store.0
    }

    fn library(&self) -> &Library {
        &self.store.1
    }

    async fn run<T: FromRedisValue>(&self, call: &Cmd) -> Result<T, SeatsError> {
        self.library().run(self.link(), call).await
    }

    /// Completes a refusal with who holds the seats, as far as it may be said.
    async fn exhausted(&self, tenant: TenantId, user: UserId, full: Full) -> Result<Refusal, SeatsError> {
        let Full { mut facts, show_holders, show_own } = full;
        let license = facts.license;
        if show_holders {
            let ask = || async {
                let mut call = call(&self.library().longest, tenant);
                call.arg(keys::id(license.0)).arg(HOLDERS);
                reply::holders(&self.run::<Vec<String>>(&call).await?)
            };
            facts.holders = self.shown.list((license, None), ask).await?;
        }
        if show_own {
            let ask = || async {
                let mut call = call(&self.library().own, tenant);
                call.arg(keys::id(license.0)).arg(keys::id(user.0)).arg(OWN);
                reply::holders(&self.run::<Vec<String>>(&call).await?)
            };
            facts.own = self.shown.list((license, Some(user)), ask).await?;
        }
        Ok(Refusal::Exhausted(facts))
    }

    /// Closes what is due in one shard.
    async fn sweep_shard(&self, shard: u16) -> Result<u64, SeatsError> {
        let mut closed = 0;
        for _ in 0..SWEEP_ROUNDS {
            let mut call = self.library().sweep.call(keys::shard_prefix(shard));
            call.arg("").arg(SWEEP_BATCH);
            let (now, more): (u64, bool) = self.run(&call).await?;
            closed += now;
            if !more {
                break;
            }
        }
        Ok(closed)
    }
}

/// Begins a call for a tenant: the shard's prefix as key, the tenant as first argument.
fn call(function: &Function, tenant: TenantId) -> Cmd {
    let mut call = function.call(keys::shard_prefix(keys::shard_of(tenant)));
    call.arg(keys::id(tenant.0));
    call
}

/// The first arguments of the calls that may take or keep a seat: who asks, and for which session.
fn asks(tenant: TenantId, user: UserId, epoch: i64, session: SessionId) -> Vec<String> {
    vec![keys::id(tenant.0), keys::id(user.0), epoch.to_string(), keys::id(session.0)]
}

fn latest_first(a: &SeatHolder, b: &SeatHolder) -> std::cmp::Ordering {
    b.started_at_ms.cmp(&a.started_at_ms).then_with(|| a.session.cmp(&b.session))
}

#[async_trait]
impl Seats for RedisSeats {
    async fn acquire(&self, request: &Acquire) -> Asked<AcquireAnswer> {
        let (how, which) = match &request.license {
            LicenseChoice::Any => ("any", String::new()),
            LicenseChoice::Id(id) => ("id", keys::id(id.0)),
            LicenseChoice::Key(key) => ("key", key.clone()),
        };
        let mut arguments = asks(request.tenant, request.user, request.epoch, request.session);
        arguments.extend([
            keys::seat(request.user, &request.hardware_id, &request.instance_id),
            facts::device(&request.hardware_id, &request.instance_id, request.hostname.as_deref(), request.client_version.as_deref()),
            how.to_owned(),
            which,
        ]);
        match Reply::new(&self.acquire.call(keys::shard_of(request.tenant), arguments).await?).acquire()? {
            Answer::Whole(answer) => Ok(Ok(answer)),
            Answer::Full(full) => Ok(Ok(AcquireAnswer::Refused(self.exhausted(request.tenant, request.user, full).await?))),
            Answer::Missing(missing) => Ok(Err(missing)),
        }
    }

    async fn heartbeat(&self, request: &Heartbeat) -> Asked<HeartbeatAnswer> {
        let arguments = asks(request.tenant, request.user, request.epoch, request.session);
        Reply::new(&self.heartbeat.call(keys::shard_of(request.tenant), arguments).await?).heartbeat()
    }

    async fn reacquire(&self, request: &Reacquire) -> Asked<ReacquireAnswer> {
        let mut arguments = asks(request.tenant, request.user, request.epoch, request.session);
        arguments.extend([
            keys::seat(request.user, &request.hardware_id, &request.instance_id),
            facts::device(&request.hardware_id, &request.instance_id, None, None),
            keys::id(request.license.0),
            request.fence.to_string(),
            i32::from(request.token_is_over).to_string(),
        ]);
        match Reply::new(&self.reacquire.call(keys::shard_of(request.tenant), arguments).await?).reacquire()? {
            Answer::Whole(answer) => Ok(Ok(answer)),
            Answer::Full(full) => Ok(Ok(ReacquireAnswer::Refused(self.exhausted(request.tenant, request.user, full).await?))),
            Answer::Missing(missing) => Ok(Err(missing)),
        }
    }

    async fn release(&self, tenant: TenantId, user: UserId, session: SessionId) -> Result<ReleaseAnswer, SeatsError> {
        let arguments = vec![keys::id(tenant.0), keys::id(user.0), keys::id(session.0)];
        match self.release.call(keys::shard_of(tenant), arguments).await?.as_str() {
            "released" => Ok(ReleaseAnswer::Released),
            "already_ended" => Ok(ReleaseAnswer::AlreadyEnded),
            "unknown" => Ok(ReleaseAnswer::Unknown),
            other => Err(SeatsError(format!("unreadable answer: {other}"))),
        }
    }

    async fn revoke(
        &self,
        tenant: TenantId,
        session: SessionId,
        reason: &str,
        remember_seconds: u64,
    ) -> Result<Option<SeatHolder>, SeatsError> {
        let mut call = call(&self.library().revoke, tenant);
        call.arg(keys::id(session.0)).arg(reason).arg(remember_seconds.clamp(1, REMEMBER_MAX_SECONDS) * 1000);
        let answer: String = self.run(&call).await?;
        if answer.is_empty() { Ok(None) } else { Reply::new(&answer).holder().map(Some) }
    }

    async fn snapshot(&self, tenant: TenantId) -> Result<Snapshot, SeatsError> {
        // Who is live is asked at one moment; the facts come in parts, so that a large tenant does not hold up the others.
        let answer: Vec<String> = self.run(&call(&self.library().snapshot, tenant)).await?;
        let (now, live) = answer.split_first().ok_or_else(|| SeatsError("unreadable answer: no moment".into()))?;
        let now_ms = now.parse().map_err(|_| SeatsError(format!("unreadable answer: {now}")))?;
        let parts = try_join_all(live.chunks(3 * SNAPSHOT_PART).map(async |part| {
            let mut call = call(&self.library().holders, tenant);
            call.arg(part);
            reply::holders(&self.run::<Vec<String>>(&call).await?)
        }));
        let mut holders: Vec<SeatHolder> = parts.await?.into_iter().flatten().collect();
        holders.sort_by(latest_first);
        Ok(Snapshot { now_ms, holders })
    }

    async fn find(&self, tenant: TenantId, session: SessionId) -> Result<Option<SeatHolder>, SeatsError> {
        let mut call = call(&self.library().find, tenant);
        call.arg(keys::id(session.0));
        let answer: String = self.run(&call).await?;
        if answer.is_empty() { Ok(None) } else { Reply::new(&answer).holder().map(Some) }
    }

    async fn of_user(&self, tenant: TenantId, user: UserId) -> Result<Vec<SeatHolder>, SeatsError> {
        let mut call = call(&self.library().of_user, tenant);
        call.arg(keys::id(user.0));
        let mut holders = reply::holders(&self.run::<Vec<String>>(&call).await?)?;
        holders.sort_by(latest_first);
        Ok(holders)
    }

    async fn active(&self, tenant: TenantId, licenses: &[LicenseId]) -> Result<Vec<u32>, SeatsError> {
        let mut call = call(&self.library().active, tenant);
        for license in licenses {
            call.arg(keys::id(license.0));
        }
        self.run(&call).await
    }

    async fn put_entitlement(&self, entitlement: &Entitlement) -> Result<(), SeatsError> {
        let mut call = call(&self.library().put_entitlement, entitlement.tenant);
        call.arg(entitlement.version).arg(i32::from(entitlement.suspended)).arg(COPY_TTL.as_millis() as u64);
        for license in &entitlement.licenses {
            let features = serde_json::to_string(&license.features).map_err(|e| SeatsError(e.to_string()))?;
            call.arg(keys::id(license.id.0))
                .arg(entitlement.in_use.get(&license.id).copied().unwrap_or_default())
                .arg(&license.key)
                .arg(license.tier.as_str())
                .arg(features)
                .arg(license.status.as_str())
                .arg(license.max_seats)
                .arg(license.overage_percent)
                .arg(license.expires_at_ms.map(|ms| ms.to_string()).unwrap_or_default())
                .arg(license.lease_seconds)
                .arg(license.heartbeat_seconds)
                .arg(license.offline_seconds)
                .arg(license.offline_cap)
                .arg(i32::from(license.show_holders))
                .arg(license.fingerprint_tolerance.as_str());
        }
        self.run(&call).await
    }

    async fn put_member(&self, member: &MemberCopy) -> Result<(), SeatsError> {
        let mut call = call(&self.library().put_member, member.tenant);
        call.arg(keys::id(member.user.0))
            .arg(member.epoch)
            .arg(i32::from(member.holds_seat))
            .arg(facts::person(&member.name, &member.email))
            .arg(COPY_TTL.as_millis() as u64);
        self.run(&call).await
    }

    async fn sweep(&self) -> Result<u64, SeatsError> {
        // All shards are swept even if one fails.
        let closed = join_all((0..SHARDS).map(|shard| self.sweep_shard(shard))).await;
        closed.into_iter().sum()
    }

    async fn read_events(&self, max: usize) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError> {
        let first = self.next_shard.fetch_add(1, Ordering::Relaxed) % SHARDS;
        events::read(self.link(), self.library(), first, max).await
    }

    async fn acknowledge(&self, positions: &[EventPosition]) -> Result<(), SeatsError> {
        events::acknowledge(self.link(), positions).await
    }

    async fn ping(&self) -> Result<(), SeatsError> {
        self.link().query::<Value>(&cmd("PING")).await.map(drop).map_err(unavailable)
    }
}
