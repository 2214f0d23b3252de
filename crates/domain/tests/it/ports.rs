//! The world outside, as a test wants it.

use ::seats::RedisSeats;
use async_trait::async_trait;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use domain::ports::mail::{Mail, MailError, MailTransport};
use domain::ports::seats::*;
use domain::ports::signer::{Algorithm, SignError, Signer};
use domain::ports::time::{Clock, Random, SystemClock};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use time::{Duration, OffsetDateTime};
use types::{LicenseId, SessionId, TenantId, UserId};

/// Stands still until it is moved.
pub struct TestClock(Mutex<OffsetDateTime>);

impl TestClock {
    /// Begins at the machine's time, because Redis has only that one.
    pub fn new() -> Self {
        Self(Mutex::new(SystemClock.now().replace_nanosecond(0).unwrap()))
    }

    pub fn set(&self, now: OffsetDateTime) {
        *self.0.lock().unwrap() = now;
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// The same bytes at every run.
pub struct TestRandom(Mutex<StdRng>);

impl TestRandom {
    pub fn new() -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(7)))
    }
}

impl Random for TestRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(bytes);
    }
}

/// One Ed25519 key, known to everybody.
pub struct TestSigner {
    key: Ed25519KeyPair,
    pub broken: AtomicBool,
}

impl TestSigner {
    pub fn new() -> Self {
        Self { key: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap(), broken: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Signer for TestSigner {
    fn kid(&self) -> String {
        "test".to_owned()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }

    async fn sign(&self, _: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(SignError("the vault is closed".to_owned()));
        }
        Ok(self.key.sign(message).as_ref().to_vec())
    }

    fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [] })
    }

    fn verify(&self, kid: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        kid == "test"
            && algorithm == "EdDSA"
            && UnparsedPublicKey::new(&ED25519, self.key.public_key().as_ref()).verify(message, signature).is_ok()
    }
}

/// Keeps what is sent, or refuses it.
#[derive(Default)]
pub struct Postbox {
    sent: Mutex<Vec<Mail>>,
    pub refuses: AtomicBool,
}

impl Postbox {
    /// Oldest first.
    pub fn sent(&self) -> Vec<Mail> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl MailTransport for Postbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(MailError("421 come back later".to_owned()));
        }
        // Others get their turn in the middle of a sending.
        tokio::task::yield_now().await;
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// The seats on Redis, of which one kind of call can be made to fail before it gets there.
pub struct Seam {
    inner: RedisSeats,
    broken: Mutex<Option<&'static str>>,
    calls: Mutex<HashMap<&'static str, usize>>,
}

impl Seam {
    pub fn new(inner: RedisSeats) -> Self {
        Self { inner, broken: Mutex::new(None), calls: Mutex::default() }
    }

    /// From now on calls of this name fail.
    pub fn break_call(&self, call: &'static str) {
        *self.broken.lock().unwrap() = Some(call);
    }

    pub fn mend(&self) {
        *self.broken.lock().unwrap() = None;
    }

    /// How often calls of this name were made.
    pub fn calls(&self, call: &str) -> usize {
        self.calls.lock().unwrap().get(call).copied().unwrap_or_default()
    }

    fn at(&self, call: &'static str) -> Result<&RedisSeats, SeatsError> {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
        if self.broken.lock().unwrap().is_some_and(|broken| broken == call) {
            return Err(SeatsError(format!("{call} is broken for this test")));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Seats for Seam {
    async fn acquire(&self, request: &Acquire) -> Asked<AcquireAnswer> {
        self.at("acquire")?.acquire(request).await
    }
    async fn heartbeat(&self, request: &Heartbeat) -> Asked<HeartbeatAnswer> {
        self.at("heartbeat")?.heartbeat(request).await
    }
    async fn reacquire(&self, request: &Reacquire) -> Asked<ReacquireAnswer> {
        self.at("reacquire")?.reacquire(request).await
    }
    async fn release(&self, tenant: TenantId, user: UserId, session: SessionId) -> Result<ReleaseAnswer, SeatsError> {
        self.at("release")?.release(tenant, user, session).await
    }
    async fn revoke(&self, tenant: TenantId, session: SessionId, reason: &str, seconds: u64) -> Result<Option<SeatHolder>, SeatsError> {
        self.at("revoke")?.revoke(tenant, session, reason, seconds).await
    }
    async fn snapshot(&self, tenant: TenantId) -> Result<Snapshot, SeatsError> {
        self.at("snapshot")?.snapshot(tenant).await
    }
    async fn find(&self, tenant: TenantId, session: SessionId) -> Result<Option<SeatHolder>, SeatsError> {
        self.at("find")?.find(tenant, session).await
    }
    async fn of_user(&self, tenant: TenantId, user: UserId) -> Result<Vec<SeatHolder>, SeatsError> {
        self.at("of_user")?.of_user(tenant, user).await
    }
    async fn active(&self, tenant: TenantId, licenses: &[LicenseId]) -> Result<Vec<u32>, SeatsError> {
        self.at("active")?.active(tenant, licenses).await
    }
    async fn put_entitlement(&self, entitlement: &Entitlement) -> Result<(), SeatsError> {
        self.at("put_entitlement")?.put_entitlement(entitlement).await
    }
    async fn put_member(&self, member: &MemberCopy) -> Result<(), SeatsError> {
        self.at("put_member")?.put_member(member).await
    }
    async fn sweep(&self) -> Result<u64, SeatsError> {
        self.at("sweep")?.sweep().await
    }
    async fn read_events(&self, max: usize) -> Result<Vec<(EventPosition, SeatEvent)>, SeatsError> {
        self.at("read_events")?.read_events(max).await
    }
    async fn acknowledge(&self, positions: &[EventPosition]) -> Result<(), SeatsError> {
        self.at("acknowledge")?.acknowledge(positions).await
    }
    async fn ping(&self) -> Result<(), SeatsError> {
        self.at("ping")?.ping().await
    }
}
