//! A small portal that speaks the licence API, with switches for everything that can go wrong.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const PASSWORD: &str = "the ferry leaves at nine";
const TENANT: &str = "019a0000-0000-7000-8000-000000000001";
const USER: &str = "019a0000-0000-7000-8000-0000000000aa";

/// A key that signs licence tokens.
#[derive(Clone)]
pub struct TokenKey {
    pub kid: String,
    pub pkcs8: Vec<u8>,
    pub x: String,
}

impl TokenKey {
    pub fn new(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap().as_ref().to_vec();
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
        Self { kid: kid.into(), x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()), pkcs8 }
    }

    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.x})
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        header.typ = Some("license+jwt".into());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_ed_der(&self.pkcs8)).unwrap()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    Live,
    Ended(&'static str, String),
    Gone,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub hardware_id: String,
    pub standing: Standing,
}

/// Everything a test may look at and turn.
pub struct World {
    pub seats: usize,
    pub beat_seconds: u64,
    pub lease_seconds: u64,
    pub offline_seconds: i64,
    pub access_seconds: u64,
    /// Every call answers 503.
    pub down: bool,
    /// What they say then of when to try again, in seconds.
    pub retry_after: Option<u64>,
    /// Acquire and heartbeat are refused with this code.
    pub refuse: Option<(u16, &'static str, &'static str)>,
    /// Acquire alone.
    pub refuse_acquire: Option<(u16, &'static str, &'static str)>,
    pub login_refusal: Option<(u16, Value)>,
    /// The next acquire happens, but its answer is lost.
    pub lose_acquire: bool,
    /// Applied to the token of every acquire.
    pub mangle: fn(String) -> String,
    /// Wait this long in every refresh, so that two at once would meet.
    pub slow_refresh: Duration,
    /// The answer to an acquire comes so much after its deed.
    pub slow_acquire: Duration,
    pub device: Option<Vec<&'static str>>,
    /// `fingerprint_tolerance` of the licence.
    pub tolerance: Option<&'static str>,
    pub key: TokenKey,
    pub jwks: Vec<Value>,
    pub sessions: HashMap<String, Held>,
    /// Method, path and status of every call, in order.
    pub log: Vec<(String, u16)>,
    pub beats: Vec<Value>,
    pub acquires: Vec<Value>,
    /// Batches of used features, under their keys.
    pub tracked: Vec<(String, Value)>,
    access: HashSet<String>,
    /// Refresh token to its successor.
    refresh: HashMap<String, Option<String>>,
    pub refresh_reused: bool,
    /// How often a refresh token came that had been used before.
    pub refresh_repeats: usize,
    count: i64,
}

impl World {
    pub fn live(&self) -> usize {
        self.sessions.values().filter(|s| s.standing == Standing::Live).count()
    }

    pub fn calls(&self, call: &str) -> usize {
        self.log.iter().filter(|(c, _)| c.starts_with(call)).count()
    }

    pub fn end_all(&mut self, code: &'static str, reason: &str) {
        for held in self.sessions.values_mut().filter(|s| s.standing == Standing::Live) {
            held.standing = Standing::Ended(code, reason.into());
        }
    }

    pub fn forget_all(&mut self) {
        for held in self.sessions.values_mut() {
            held.standing = Standing::Gone;
        }
    }

    pub fn end_access_tokens(&mut self) {
        self.access.clear();
    }

    pub fn end_logins(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    /// Somebody else takes this many seats.
    pub fn crowd(&mut self, seats: usize) {
        for n in 0..seats {
            let held = Held { hardware_id: format!("other-{n}"), standing: Standing::Live };
            self.sessions.insert(format!("crowd-{n}"), held);
        }
    }

    fn id(&mut self) -> i64 {
        self.count += 1;
        self.count
    }

    fn tokens(&mut self) -> Value {
        let (access, refresh) = (format!("access-{}", self.id()), format!("refresh-{}", self.id()));
        self.access.insert(access.clone());
        self.refresh.insert(refresh.clone(), None);
        json!({"access_token": access, "token_type": "Bearer", "expires_in": self.access_seconds,
               "refresh_token": refresh, "tenant_id": TENANT, "user_id": USER})
    }
}

pub struct Portal {
    pub port: u16,
    world: Arc<Mutex<World>>,
    runtime: Option<tokio::runtime::Runtime>,
}

type Shared = Arc<Mutex<World>>;

impl Portal {
    pub fn start() -> Self {
        let key = TokenKey::new("key-1");
        let world = World {
            seats: 1,
            beat_seconds: 300,
            lease_seconds: 360,
            offline_seconds: 72 * 3600,
            access_seconds: 600,
            down: false,
            retry_after: None,
            refuse: None,
            refuse_acquire: None,
            login_refusal: None,
            lose_acquire: false,
            mangle: |token| token,
            slow_refresh: Duration::ZERO,
            slow_acquire: Duration::ZERO,
            device: None,
            tolerance: None,
            jwks: vec![key.jwk()],
            key,
            sessions: HashMap::new(),
            log: Vec::new(),
            beats: Vec::new(),
            acquires: Vec::new(),
            tracked: Vec::new(),
            access: HashSet::new(),
            refresh: HashMap::new(),
            refresh_reused: false,
            refresh_repeats: 0,
            count: 0,
        };
        let mut portal = Self { port: 0, world: Arc::new(Mutex::new(world)), runtime: None };
        portal.open();
        portal
    }

    /// Listens, on the same port as before.
    pub fn open(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", self.port))).unwrap();
        self.port = listener.local_addr().unwrap().port();
        let app = router(self.world.clone());
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        self.runtime = Some(runtime);
    }

    /// Nothing answers any more; open connections break.
    pub fn close(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.close();
    }
}

fn router(world: Shared) -> Router {
    Router::new()
        .route("/api/v1/auth/login", post(login))
        .route("/api/v1/auth/refresh", post(refresh))
        .route("/api/v1/auth/logout", post(logout))
        .route("/api/v1/auth/me", get(me))
        .route("/api/v1/device/authorize", post(device_authorize))
        .route("/api/v1/device/token", post(device_token))
        .route("/api/v1/licenses/acquire", post(acquire))
        .route("/api/v1/licenses/heartbeat", put(heartbeat))
        .route("/api/v1/licenses/release/{session_id}", delete(release))
        .route("/api/v1/analytics/track", post(track))
        .route("/.well-known/jwks.json", get(jwks))
        .layer(axum::middleware::from_fn_with_state(world.clone(), switches))
        .with_state(world)
}

async fn switches(State(world): State<Shared>, request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let (down, retry_after) = {
        let world = world.lock().unwrap();
        (world.down, world.retry_after)
    };
    let mut response = if down { problem(503, "seats_unavailable", "Redis is away.") } else { next.run(request).await };
    if let Some(seconds) = retry_after.filter(|_| down) {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    // What hyper would add on the way out.
    let now = httpdate::fmt_http_date(SystemTime::now());
    response.headers_mut().insert("date", now.parse().unwrap());
    world.lock().unwrap().log.push((call, response.status().as_u16()));
    response
}

pub fn problem(status: u16, code: &str, detail: &str) -> Response {
    with(
        status,
        json!({"type": format!("https://x/{code}"), "title": code, "status": status, "detail": detail, "code": code, "request_id": "r-1"}),
    )
}

fn with(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn unauthenticated(world: &World, headers: &HeaderMap) -> Option<Response> {
    let token = headers.get("authorization").and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
    if world.access.contains(token) { None } else { Some(problem(401, "unauthenticated", "Sign in first.")) }
}

async fn login(State(world): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    if body["password"] != PASSWORD {
        return problem(401, "invalid_credentials", "Email or password is wrong.");
    }
    if let Some((status, answer)) = world.login_refusal.clone()
        && body.get("tenant").is_none_or(Value::is_null)
        && body.get("totp").is_none_or(Value::is_null)
    {
        return with(status, answer);
    }
    with(200, world.tokens())
}

async fn refresh(State(world): State<Shared>, Json(body): Json<Value>) -> Response {
    let slow = world.lock().unwrap().slow_refresh;
    tokio::time::sleep(slow).await;
    let mut world = world.lock().unwrap();
    let token = body["refresh_token"].as_str().unwrap_or_default().to_owned();
    if matches!(world.refresh.get(&token), Some(Some(_))) {
        world.refresh_repeats += 1;
    }
    match world.refresh.get(&token).cloned() {
        None => problem(401, "refresh_invalid", "This login has ended."),
        // A used token whose successor was never used: the answer was lost.
        Some(Some(successor)) if world.refresh.get(&successor) != Some(&None) => {
            world.refresh_reused = true;
            world.end_logins();
            problem(401, "refresh_reused", "This login was used twice and has been ended.")
        }
        Some(_) => {
            let answer = world.tokens();
            let successor = answer["refresh_token"].as_str().unwrap().to_owned();
            world.refresh.insert(token, Some(successor));
            with(200, answer)
        }
    }
}

async fn logout(State(world): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    if let Some(refusal) = unauthenticated(&world, &headers) {
        return refusal;
    }
    world.refresh.remove(body["refresh_token"].as_str().unwrap());
    StatusCode::NO_CONTENT.into_response()
}

async fn me(State(world): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthenticated(&world.lock().unwrap(), &headers) {
        return refusal;
    }
    with(
        200,
        json!({"user": {"id": USER, "name": "Ingrid Solberg", "email": "ingrid@fjordline.example"},
               "tenant": {"id": TENANT, "name": "Fjordline Studio", "slug": "fjordline"}, "role": "OWNER", "permissions": []}),
    )
}

async fn device_authorize(State(world): State<Shared>, body: String) -> Response {
    if world.lock().unwrap().device.is_none() {
        return problem(404, "not_found", "Not found");
    }
    assert!(["client_id=", "hardware_id=device-1", "hostname="].iter().all(|field| body.contains(field)), "{body}");
    with(
        200,
        json!({"device_code": "dc", "user_code": "WDJB-MJHT", "verification_uri": "https://portal.example/device", "expires_in": 600, "interval": 1}),
    )
}

async fn device_token(State(world): State<Shared>, body: String) -> Response {
    assert!(
        body.contains("device_code=dc") && body.contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"),
        "{body}"
    );
    let mut world = world.lock().unwrap();
    let next = world.device.as_mut().and_then(Vec::pop);
    match next {
        Some(error) => with(400, json!({ "error": error })),
        None => with(200, world.tokens()),
    }
}

fn exhausted(world: &World) -> Response {
    let at =
        |seconds: i64| time::OffsetDateTime::from(SystemTime::now() + Duration::from_secs(300)) - time::Duration::seconds(300 - seconds);
    let text = |seconds| at(seconds).format(&time::format_description::well_known::Rfc3339).unwrap();
    with(
        429,
        json!({"type": "x", "title": "All seats are in use", "status": 429, "detail": "All seats are in use.", "code": "seats_exhausted", "request_id": "r",
               "retry_after": 290, "active": world.live(), "max_seats": world.seats, "next_free_at": text(290),
               "holders": [{"name": "Ola Nordmann", "device": "oslo-7", "since": text(-600), "last_heartbeat_at": text(-10)}],
               "own_sessions": [{"session_id": "0190a000-0000-7000-8000-00000000000a", "device": "oslo-9", "since": text(-600), "end_url": "https://portal.example/orgs/1/sessions?revoke=2"}],
               "buy_url": "https://portal.example/orgs/1/billing"}),
    )
}

async fn track(State(world): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    if let Some(refusal) = unauthenticated(&world, &headers) {
        return refusal;
    }
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    world.tracked.push((key, body));
    with(200, json!({ "enabled": true, "recorded": 1 }))
}

async fn acquire(State(world): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let (answer, slow) = {
        let mut world = world.lock().unwrap();
        (acquired(&mut world, &headers, &body), world.slow_acquire)
    };
    tokio::time::sleep(slow).await;
    answer
}

fn acquired(world: &mut World, headers: &HeaderMap, body: &Value) -> Response {
    if let Some(refusal) = unauthenticated(world, headers) {
        return refusal;
    }
    world.acquires.push(body.clone());
    if let Some((status, code, detail)) = world.refuse.or(world.refuse_acquire) {
        return problem(status, code, detail);
    }
    let hardware_id = body["hardware_id"].as_str().unwrap().to_owned();
    let own = world.sessions.iter().find(|(_, s)| s.standing == Standing::Live && s.hardware_id == hardware_id).map(|(id, _)| id.clone());
    if own.is_none() && world.live() >= world.seats {
        return exhausted(world);
    }
    if let Some(old) = own {
        world.sessions.get_mut(&old).unwrap().standing = Standing::Ended("session_superseded", "Replaced by a newer session.".into());
    }
    let n = world.id();
    let id = format!("019a0000-0000-4000-8000-{n:012}");
    let nonce = body["nonce"].as_str().unwrap_or_default().to_owned();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    world.sessions.insert(id.clone(), Held { hardware_id: hardware_id.clone(), standing: Standing::Live });
    let exp = now + world.offline_seconds;
    let token = (world.mangle)(world.key.sign(&claims(&id, &hardware_id, &nonce, n, now, exp)));
    let until = time::OffsetDateTime::from_unix_timestamp(exp).unwrap().format(&time::format_description::well_known::Rfc3339).unwrap();
    if std::mem::take(&mut world.lose_acquire) {
        return problem(503, "seats_unavailable", "The answer was lost.");
    }
    with(
        201,
        json!({"session_id": id, "token": token, "valid_until": until, "expires_in": world.lease_seconds,
               "heartbeat_interval_seconds": world.beat_seconds, "a_newer_field": true,
               "license": {"id": TENANT, "tier": "FREE", "features": [], "max_seats": world.seats, "active": world.live(), "fingerprint_tolerance": world.tolerance}}),
    )
}

/// Claims of a licence token.
pub fn claims(session: &str, hardware_id: &str, nonce: &str, fence: i64, iat: i64, exp: i64) -> Value {
    json!({"iss": "https://portal.example", "aud": "coditect-license", "sub": USER, "tenant": TENANT, "license": TENANT, "sid": session,
           "hardware_id": hardware_id, "instance_id": "default", "tier": "FREE", "features": [], "nonce": nonce, "fence": fence, "iat": iat, "exp": exp})
}

async fn heartbeat(State(world): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    if let Some(refusal) = unauthenticated(&world, &headers) {
        return refusal;
    }
    world.beats.push(body.clone());
    if let Some((status, code, detail)) = world.refuse {
        return problem(status, code, detail);
    }
    match world.sessions.get(body["session_id"].as_str().unwrap()).map(|s| s.standing.clone()) {
        Some(Standing::Live) => {
            with(200, json!({"state": "active", "expires_in": world.lease_seconds, "heartbeat_interval_seconds": world.beat_seconds}))
        }
        Some(Standing::Ended(code, detail)) => problem(410, code, &detail),
        Some(Standing::Gone) | None => problem(404, "session_not_found", "No such session."),
    }
}

async fn release(State(world): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let mut world = world.lock().unwrap();
    if let Some(refusal) = unauthenticated(&world, &headers) {
        return refusal;
    }
    match world.sessions.get_mut(&id) {
        Some(held) => {
            held.standing = Standing::Gone;
            StatusCode::NO_CONTENT.into_response()
        }
        None => problem(404, "session_not_found", "No such session."),
    }
}

async fn jwks(State(world): State<Shared>) -> Response {
    with(200, json!({ "keys": world.lock().unwrap().jwks }))
}
