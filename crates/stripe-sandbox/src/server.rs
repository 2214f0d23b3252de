//! HTTP: from a request to the part that answers it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use base64::Engine;
use serde_json::Value;
use tokio::sync::Notify;

use crate::control::{Controls, Fault};
use crate::error::ApiError;
use crate::form::Params;
use crate::pages::{self, Page};
use crate::state::{State, random};
use crate::{api, control, events, idempotency};

/// Bodies larger than this are refused.
const BODY: usize = 1 << 20;

/// The whole sandbox, shared by its connections.
#[derive(Debug)]
pub struct App {
    state: Mutex<State>,
    controls: Mutex<Controls>,
    /// Rings when there may be events to send.
    pub queued: Notify,
    /// Rings when calls are no longer held.
    pub released: Notify,
    /// Sends events.
    pub http: reqwest::Client,
    /// Where the state is kept.
    pub file: Option<PathBuf>,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the sandbox was told to drop this connection")
    }
}

impl std::error::Error for Dropped {}

impl App {
    /// A sandbox with this state.
    pub fn new(state: State, http: reqwest::Client, file: Option<PathBuf>) -> Self {
        let (state, controls) = (Mutex::new(state), Mutex::default());
        Self { state, controls, queued: Notify::new(), released: Notify::new(), http, file }
    }

    /// The state, locked. Nothing awaits while it holds the lock.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controls, locked.
    pub fn controls(&self) -> MutexGuard<'_, Controls> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One API call.
struct Call {
    method: String,
    path: String,
    params: Params,
    /// What an idempotency key belongs to.
    fingerprint: String,
    key: Option<String>,
}

/// An answer of the API.
struct Reply {
    status: u16,
    body: String,
    replayed: bool,
    retry_after: Option<u64>,
}

impl Reply {
    fn new(status: u16, body: String) -> Self {
        Self { status, body, replayed: false, retry_after: None }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self::new(error.status, error.body().to_string())
    }
}

/// Answers one request.
pub async fn handle(app: Arc<App>, request: Request<Body>) -> Result<Response<Body>, Dropped> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let Ok(body) = to_bytes(body, BODY).await else { return Ok(text_response(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "Too large")) };
    if let Some(rest) = path.strip_prefix("/_sandbox/") {
        if from_a_web_page(&head.headers) {
            return Ok(text_response(StatusCode::FORBIDDEN, "text/plain", "The controls are not for web pages."));
        }
        let (status, answer) = control::answer(&app, head.method.as_str(), rest, &body);
        app.queued.notify_one();
        return Ok(text_response(status, "application/json", answer.to_string()));
    }
    if let Some(rest) = path.strip_prefix("/v1/") {
        // Some clients put the parameters of a DELETE into its address, some into its body.
        let form = [query.as_bytes(), &body].join(&b'&');
        let call = Call {
            method: head.method.to_string(),
            path: rest.to_owned(),
            params: Params::parse(&form),
            fingerprint: format!("{path} {}", String::from_utf8_lossy(&form)),
            key: header_text(&head.headers, "idempotency-key").filter(|_| head.method == Method::POST),
        };
        return api_call(&app, &head.headers, call).await;
    }
    let form = if head.method == Method::POST { &body[..] } else { query.as_bytes() };
    let page = {
        let mut state = app.state();
        state.request = events::Cause::default();
        pages::answer(&mut state, head.method.as_str(), &path, &Params::parse(form))
    };
    app.queued.notify_one();
    Ok(page_response(page))
}

async fn api_call(app: &Arc<App>, headers: &HeaderMap, call: Call) -> Result<Response<Body>, Dropped> {
    let id = format!("req_{}", random(14));
    let reply = match authorize(headers) {
        Ok(()) => reply(app, &id, &call).await?,
        Err(error) => error.into(),
    };
    app.queued.notify_one();
    let mut response = text_response(status(reply.status), "application/json", reply.body);
    let mut header = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    header("request-id", &id);
    header("stripe-version", events::API_VERSION);
    if let Some(key) = &call.key {
        header("idempotency-key", key);
    }
    if reply.replayed {
        header("idempotent-replayed", "true");
    }
    if let Some(seconds) = reply.retry_after {
        header("retry-after", &seconds.to_string());
    }
    Ok(response)
}

/// Idempotency, the outages that a test asked for, and the call itself.
async fn reply(app: &Arc<App>, id: &str, call: &Call) -> Result<Reply, Dropped> {
    let _running = match &call.key {
        None => None,
        Some(key) => match claim(app, key, &call.fingerprint) {
            Ok(Claim::Run(running)) => Some(running),
            Ok(Claim::Replay(saved)) => return Ok(Reply { replayed: true, ..Reply::new(saved.status, saved.body) }),
            Err(error) => return Ok(error.into()),
        },
    };
    wait_while_held(app, &call.path).await;
    let fault = app.controls().take(&call.method, &format!("/v1/{}", call.path));
    match fault {
        Some(Fault { timeout_ms: Some(milliseconds), .. }) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            return Err(Dropped);
        }
        Some(Fault { status: None, retry_after: Some(seconds), .. }) => {
            return Ok(Reply { retry_after: Some(seconds), ..ApiError::outage(429).into() });
        }
        Some(Fault { status: Some(status), retry_after, .. }) => return Ok(Reply { retry_after, ..ApiError::outage(status).into() }),
        _ => {}
    }
    let fault = fault.unwrap_or_default();
    let mut state = app.state();
    state.request = events::Cause { id: Some(id.to_owned()), key: call.key.clone() };
    let answer = api::execute(&mut state, &call.method, &call.path, &call.params);
    state.request = events::Cause::default();
    let mut reply = match answer {
        Ok(body) => Reply::new(200, body.to_string()),
        Err(error) => error.into(),
    };
    if let Some(status) = fault.status_after_commit {
        reply = ApiError::outage(status).into();
    }
    if let Some(key) = &call.key {
        idempotency::keep(&mut state, key, &call.fingerprint, reply.status, &reply.body);
    }
    if fault.drop_after_commit {
        app.queued.notify_one();
        return Err(Dropped);
    }
    Ok(reply)
}

enum Claim {
    Run(Running),
    Replay(idempotency::Saved),
}

/// Marks a key as in use until it is dropped, be it because the client went away.
struct Running(Arc<App>, String);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.controls().running.remove(&self.1);
    }
}

fn claim(app: &Arc<App>, key: &str, fingerprint: &str) -> Result<Claim, ApiError> {
    // Who locks both locks the state first.
    let (state, mut controls) = (app.state(), app.controls());
    if let Some(saved) = idempotency::earlier(&state, &controls.running, key, fingerprint)? {
        return Ok(Claim::Replay(saved));
    }
    controls.running.insert(key.to_owned());
    Ok(Claim::Run(Running(app.clone(), key.to_owned())))
}

async fn wait_while_held(app: &App, path: &str) {
    loop {
        // Asked for before the check, so that a release in between is not missed.
        let released = app.released.notified();
        if !app.controls().holds(&format!("/v1/{path}")) {
            return;
        }
        released.await;
    }
}

/// The controls need no key, so no page that somebody has open in a browser may reach them: neither by a form or a script, which
/// send their origin, nor under a name that was made to point to this machine.
fn from_a_web_page(headers: &HeaderMap) -> bool {
    let host = header_text(headers, "host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).trim_matches(['[', ']']);
    let loopback = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    headers.contains_key("origin") || !loopback
}

fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    let sent = header_text(headers, "authorization").unwrap_or_default();
    let key = match sent.split_once(' ') {
        Some((kind, key)) if kind.eq_ignore_ascii_case("bearer") => key.trim().to_owned(),
        Some((kind, pair)) if kind.eq_ignore_ascii_case("basic") => {
            let pair = base64::engine::general_purpose::STANDARD.decode(pair.trim()).unwrap_or_default();
            String::from_utf8_lossy(&pair).split(':').next().unwrap_or_default().to_owned()
        }
        _ => {
            return Err(ApiError::unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.",
            ));
        }
    };
    match key {
        key if key.starts_with("sk_test_") && key.len() > "sk_test_".len() => Ok(()),
        key if key.starts_with("sk_live_") || key.starts_with("rk_live_") => {
            Err(ApiError::unauthorized("This is a sandbox: it takes no live keys. Do not send a live key anywhere but to Stripe."))
        }
        key => {
            let shown: String = key.chars().take(8).collect();
            Err(ApiError::unauthorized(&format!("Invalid API Key provided: {shown}***")))
        }
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn page_response(page: Page) -> Response<Body> {
    match page {
        Page::Html(code, html) => text_response(status(code), "text/html; charset=utf-8", html),
        Page::Pdf(file) => text_response(StatusCode::OK, "application/pdf", file),
        Page::Redirect(to) => {
            let mut response = text_response(StatusCode::SEE_OTHER, "text/plain", "");
            if let Ok(to) = to.parse() {
                response.headers_mut().insert(header::LOCATION, to);
            }
            response
        }
    }
}

fn text_response(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Writes the state to its file if it changed: to a new file first, so that no half of it ever is read.
pub fn save(app: &App) -> anyhow::Result<()> {
    let Some(file) = &app.file else { return Ok(()) };
    let json = {
        let mut state = app.state();
        if !std::mem::take(&mut state.dirty) {
            return Ok(());
        }
        serde_json::to_vec(&*state)?
    };
    let draft = file.with_extension("new");
    // The signing secrets are in it.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?.write_all(&json)?;
    std::fs::rename(&draft, file)?;
    Ok(())
}

/// Reads a state file. Addresses of pages get the place where the sandbox listens now.
pub fn load(file: &std::path::Path, base_url: &str) -> anyhow::Result<State> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => return Err(error.into()),
    };
    let raw: Value = serde_json::from_str(&text)?;
    let text = match raw["base_url"].as_str() {
        Some(old) if !old.is_empty() && old != base_url => text.replace(old, base_url),
        _ => text,
    };
    Ok(serde_json::from_str(&text)?)
}
