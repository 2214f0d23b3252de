//! A Redis, the seats on it, and short ways to say who asks for what.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared by several test programs, each of which uses a part")]

pub mod history;

use domain::ports::seats::*;
use seats::RedisSeats;
use std::sync::Arc;
use std::time::Duration;
use test_support::redis::TestRedis;
use types::licenses::{FingerprintTolerance, LicenseStatus, Tier};
use types::{LicenseId, SessionId, TenantId, UserId};
use uuid::Uuid;

/// Tests run on busy machines.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const LEASE: i64 = 360_000;

pub struct World {
    pub redis: TestRedis,
    pub seats: Arc<RedisSeats>,
    pub raw: redis::aio::MultiplexedConnection,
}

impl World {
    pub async fn new() -> Self {
        Self::on(TestRedis::start()).await
    }

    pub async fn on(redis: TestRedis) -> Self {
        let seats = Arc::new(RedisSeats::connect_with_deadline(&redis.url(), PATIENCE).await.unwrap().showing_for(Duration::ZERO));
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let raw = redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection_with_config(&patient).await.unwrap();
        Self { redis, seats, raw }
    }

    pub async fn lua<T: redis::FromRedisValue>(&self, code: &str, arguments: &[&str]) -> T {
        redis::cmd("EVAL")
            .arg(format!("#!lua flags=allow-oom,allow-cross-slot-keys\n{code}"))
            .arg(0)
            .arg(arguments)
            .query_async(&mut self.raw.clone())
            .await
            .unwrap()
    }

    /// Redis's own time, in ms.
    pub async fn now(&self) -> i64 {
        self.lua("local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)", &[]).await
    }

    /// Lets time pass without waiting: everything that ends, ends so much sooner.
    pub async fn pass(&self, ms: i64) {
        let code = "for _, pattern in ipairs({'*:leases:*', '*:due', '*:rights:*'}) do
            for _, key in ipairs(redis.call('KEYS', pattern)) do
                for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], member) end
            end
        end";
        let () = self.lua(code, &[&ms.to_string()]).await;
    }

    /// Keys that match a pattern.
    pub async fn keys(&self, pattern: &str) -> Vec<String> {
        redis::cmd("KEYS").arg(pattern).query_async(&mut self.raw.clone()).await.unwrap()
    }

    /// A tenant with one licence and these many members.
    pub async fn tenant(&self, number: u128, seats: u32, users: u128) -> Tenant {
        let tenant = Tenant::new(number, seats);
        self.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        for user in 0..users {
            self.seats.put_member(&tenant.member(user)).await.unwrap();
        }
        tenant
    }

    /// Puts the tenant's copy with the next version.
    pub async fn put(&self, tenant: &mut Tenant) {
        tenant.entitlement.version += 1;
        self.seats.put_entitlement(&tenant.entitlement).await.unwrap();
    }

    pub async fn acquire(&self, request: &Acquire) -> AcquireAnswer {
        self.seats.acquire(request).await.unwrap().unwrap()
    }

    /// A grant, or the test fails.
    pub async fn grant(&self, request: &Acquire) -> Grant {
        match self.acquire(request).await {
            AcquireAnswer::Granted(grant) => *grant,
            other => panic!("not granted: {other:?}"),
        }
    }

    pub async fn refusal(&self, request: &Acquire) -> Refusal {
        match self.acquire(request).await {
            AcquireAnswer::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub async fn beat(&self, request: &Acquire) -> HeartbeatAnswer {
        self.seats.heartbeat(&heartbeat(request)).await.unwrap().unwrap()
    }

    pub async fn release(&self, request: &Acquire) -> ReleaseAnswer {
        self.seats.release(request.tenant, request.user, request.session).await.unwrap()
    }

    pub async fn revoke(&self, request: &Acquire) -> Option<SeatHolder> {
        self.seats.revoke(request.tenant, request.session, "by hand", 3600).await.unwrap()
    }

    pub async fn reacquire(&self, request: &Reacquire) -> ReacquireAnswer {
        self.seats.reacquire(request).await.unwrap().unwrap()
    }

    pub async fn active(&self, tenant: &Tenant) -> Vec<u32> {
        let licenses: Vec<_> = tenant.entitlement.licenses.iter().map(|l| l.id).collect();
        self.seats.active(tenant.id, &licenses).await.unwrap()
    }

    /// Everything that happened and was not read yet; acknowledged.
    pub async fn events(&self) -> Vec<SeatEvent> {
        let mut all = Vec::new();
        loop {
            let batch = self.seats.read_events(1000).await.unwrap();
            if batch.is_empty() {
                return all;
            }
            let (positions, events): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            self.seats.acknowledge(&positions).await.unwrap();
            all.extend(events);
        }
    }

    pub async fn kinds(&self) -> Vec<SeatEventKind> {
        self.events().await.into_iter().map(|e| e.kind).collect()
    }
}

pub struct Tenant {
    pub id: TenantId,
    pub entitlement: Entitlement,
}

impl Tenant {
    pub fn new(number: u128, seats: u32) -> Self {
        let id = TenantId(Uuid::from_u128(number));
        Self {
            id,
            entitlement: Entitlement {
                tenant: id,
                version: 1,
                suspended: false,
                licenses: vec![license(number * 1000, seats)],
                in_use: Default::default(),
            },
        }
    }

    pub fn license(&mut self) -> &mut LicenseLimits {
        &mut self.entitlement.licenses[0]
    }

    pub fn user(&self, number: u128) -> UserId {
        UserId(Uuid::from_u128(self.id.0.as_u128() * 1_000_000 + number))
    }

    pub fn member(&self, number: u128) -> MemberCopy {
        MemberCopy {
            tenant: self.id,
            user: self.user(number),
            epoch: 1,
            holds_seat: true,
            name: format!("User {number}"),
            email: format!("user{number}@example.com"),
        }
    }

    /// A request of that user on that device, with a new session id.
    pub fn acquire(&self, user: u128, device: &str) -> Acquire {
        Acquire {
            tenant: self.id,
            user: self.user(user),
            epoch: 1,
            license: LicenseChoice::Any,
            hardware_id: device.to_owned(),
            instance_id: "default".to_owned(),
            hostname: Some(format!("host of {device}")),
            client_version: Some("1.2.3".to_owned()),
            session: session(),
        }
    }
}

pub fn license(number: u128, max_seats: u32) -> LicenseLimits {
    LicenseLimits {
        id: LicenseId(Uuid::from_u128(number)),
        key: format!("CODITECT-{number}"),
        tier: Tier::Pro,
        features: vec!["export".to_owned(), "a \"quoted\" one".to_owned()],
        status: LicenseStatus::Active,
        max_seats,
        overage_percent: 0,
        expires_at_ms: None,
        lease_seconds: 360,
        heartbeat_seconds: 300,
        offline_seconds: 72 * 3600,
        offline_cap: 2 * max_seats,
        show_holders: true,
        fingerprint_tolerance: FingerprintTolerance::AnyTwo,
    }
}

pub fn session() -> SessionId {
    SessionId(Uuid::from_u128(rand::random()))
}

pub fn heartbeat(request: &Acquire) -> Heartbeat {
    Heartbeat { tenant: request.tenant, user: request.user, epoch: request.epoch, session: request.session }
}

/// What the client would send back with the token that it got for this grant.
pub fn reacquire(request: &Acquire, grant: &Grant) -> Reacquire {
    Reacquire {
        tenant: request.tenant,
        user: request.user,
        epoch: request.epoch,
        license: grant.license.id,
        session: grant.session,
        hardware_id: request.hardware_id.clone(),
        instance_id: request.instance_id.clone(),
        fence: grant.fence,
        token_is_over: false,
    }
}

pub fn exhausted(refusal: Refusal) -> Exhausted {
    match refusal {
        Refusal::Exhausted(facts) => facts,
        other => panic!("not exhausted: {other:?}"),
    }
}

pub fn extended(answer: HeartbeatAnswer) -> (i64, i64) {
    match answer {
        HeartbeatAnswer::Extended { now_ms, expires_at_ms, .. } => (now_ms, expires_at_ms),
        other => panic!("not extended: {other:?}"),
    }
}

pub fn regranted(answer: ReacquireAnswer) -> Grant {
    match answer {
        ReacquireAnswer::Granted(grant) => *grant,
        other => panic!("not granted: {other:?}"),
    }
}
