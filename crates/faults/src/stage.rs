//! The tenants, and the calls that their people make, each of which goes into the history.

use crate::history::{Answer, Call, Grant, Kind, LimitChange, Line, Recorder, Tenant};
use crate::http::{self, Outcome};
use crate::world::{SERVERS, World};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

const PASSWORD: &str = "devices under test have no secrets";
/// How long a token is valid without contact.
const OFFLINE_HOURS: u32 = 1;
/// Sessions of a tenant that others know of.
const KNOWN: usize = 30;

/// A session and its token.
#[derive(Clone, Debug)]
pub struct Held {
    pub session: String,
    pub token: String,
}

/// Where everything meets.
pub struct Stage {
    pub world: Arc<World>,
    pub recorder: Recorder,
    pub tenants: Vec<Tenant>,
    /// Each tenant's access token.
    access: Vec<RwLock<String>>,
    /// Each tenant's last sessions.
    known: Vec<Mutex<Vec<Held>>>,
    over: AtomicBool,
}

/// Who calls, and through which server.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub tenant: usize,
    /// Absent for an administrator.
    pub device: Option<usize>,
    pub server: usize,
}

impl Stage {
    /// Signs the tenants up, and gives each its seats and its policy.
    pub async fn set_up(world: Arc<World>, recorder: Recorder, tenants: Vec<Tenant>) -> Result<Arc<Self>> {
        let access = tenants.iter().map(|_| RwLock::default()).collect();
        let known = tenants.iter().map(|_| Mutex::default()).collect();
        let stage = Arc::new(Self { world, recorder, tenants, access, known, over: AtomicBool::new(false) });
        for (number, tenant) in stage.tenants.iter().enumerate() {
            stage.sign_up(&tenant.name).await?;
            stage.world.run(&["admin", "set-seats", "--tenant", &tenant.name, "--seats", &tenant.seats.to_string()]).await?;
            let lease = tenant.lease / 1_000_000;
            let [lease, beat, offline, overage] =
                [lease.to_string(), (lease / 2).to_string(), OFFLINE_HOURS.to_string(), tenant.overage_percent.to_string()];
            let policy =
                ["--lease-seconds", &lease, "--heartbeat-seconds", &beat, "--offline-hours", &offline, "--overage-percent", &overage];
            stage.world.run(&[&["admin", "set-policy", "--tenant", &tenant.name], &policy[..]].concat()).await?;
            stage.log_in(number).await?;
        }
        Ok(stage)
    }

    async fn expect(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        match http::send(self.world.servers[0], method, path, "", body).await {
            Outcome::Answered(status, body) if status < 400 => Ok(body),
            other => bail!("{method} {path}: {other:?}"),
        }
    }

    async fn sign_up(&self, name: &str) -> Result<()> {
        let body = json!({ "organization_name": name, "name": "Owner", "email": email(name), "password": PASSWORD });
        self.expect("POST", "/api/v1/auth/register", Some(body)).await?;
        for _ in 0..200 {
            if let Some(path) = self.confirmation(&email(name))? {
                self.expect("GET", &path, None).await?;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("no mail arrived")
    }

    /// The path of the link in the mail to this address.
    fn confirmation(&self, to: &str) -> Result<Option<String>> {
        let Ok(entries) = std::fs::read_dir(self.world.folder().join("mail")) else { return Ok(None) };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let mail: Value = serde_json::from_slice(&std::fs::read(path)?)?;
            let link = mail["text"].as_str().unwrap_or_default().split_whitespace().find(|word| word.contains("/verify-email?token="));
            if mail["to"] == to
                && let Some((_, rest)) = link.and_then(|link| link.split_once("/verify-email"))
            {
                return Ok(Some(format!("/verify-email{rest}")));
            }
        }
        Ok(None)
    }

    /// Gets a new access token, from the server whose clock is right.
    pub async fn log_in(&self, tenant: usize) -> Result<()> {
        let body = json!({ "email": email(&self.tenants[tenant].name), "password": PASSWORD });
        let answer = self.expect("POST", "/api/v1/auth/login", Some(body)).await?;
        let token = answer["access_token"].as_str().context("no access token")?;
        token.clone_into(&mut self.access[tenant].write().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Changes the seats, as the operator does.
    pub async fn set_seats(&self, tenant: usize, seats: u32) {
        let sent = self.recorder.now();
        let outcome = self.world.run(&["admin", "set-seats", "--tenant", &self.tenants[tenant].name, "--seats", &seats.to_string()]).await;
        let change = LimitChange { sent, answered: self.recorder.now(), tenant, seats, done: outcome.is_ok() };
        self.recorder.add(Line::Limit(change));
    }

    /// Some session that the tenant has or had.
    pub fn some_session(&self, tenant: usize, choice: usize) -> Option<Held> {
        let known = self.known[tenant].lock().unwrap_or_else(PoisonError::into_inner);
        known.get(choice % known.len().max(1)).cloned()
    }

    /// Nobody begins anything new any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to stop.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Asks for a seat.
    pub async fn acquire(&self, caller: Caller) -> (Answer, Option<Held>) {
        let hardware = format!("device-{}", caller.device.unwrap_or_default());
        let body = json!({ "hardware_id": hardware, "hostname": hardware });
        let (answer, body) = self.call(caller, Kind::Acquire, None, "POST", "/api/v1/licenses/acquire", Some(body)).await;
        let held = body["session_id"].as_str().zip(body["token"].as_str());
        let held = held.map(|(session, token)| Held { session: session.to_owned(), token: token.to_owned() });
        if let Some(held) = &held {
            let mut known = self.known[caller.tenant].lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(0, held.clone());
            known.truncate(KNOWN);
        }
        (answer, held)
    }

    /// Keeps the seat, or, with a foreign kind, tries to keep somebody else's.
    pub async fn heartbeat(&self, caller: Caller, kind: Kind, held: &Held, with_token: bool) -> Answer {
        let token = with_token.then_some(&held.token);
        let body = json!({ "session_id": held.session, "token": token });
        self.call(caller, kind, Some((&held.session, with_token)), "PUT", "/api/v1/licenses/heartbeat", Some(body)).await.0
    }

    /// Gives back or revokes, as the kind says.
    pub async fn delete(&self, caller: Caller, kind: Kind, session: &str) -> Answer {
        let folder = if matches!(kind, Kind::Release | Kind::ForeignRelease) { "licenses/release" } else { "sessions" };
        self.call(caller, kind, Some((session, false)), "DELETE", &format!("/api/v1/{folder}/{session}"), None).await.0
    }

    async fn call(
        &self,
        caller: Caller,
        kind: Kind,
        session: Option<(&str, bool)>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (Answer, Value) {
        let access = self.access[caller.tenant].read().unwrap_or_else(PoisonError::into_inner).clone();
        let address = self.world.servers[caller.server % SERVERS];
        let sent = self.recorder.now();
        let outcome = http::send(address, method, path, &access, body).await;
        let answered = self.recorder.now();
        let (answer, body) = match outcome {
            Outcome::Refused => (Answer { not_sent: true, ..Answer::default() }, Value::Null),
            Outcome::Lost => (Answer::default(), Value::Null),
            Outcome::Answered(status, body) => (read(status, &body), body),
        };
        self.recorder.add(Line::Call(Call {
            sent,
            answered,
            server: caller.server % SERVERS,
            tenant: caller.tenant,
            device: caller.device,
            kind,
            session: session.map(|(session, _)| session.to_owned()),
            with_token: session.is_some_and(|(_, with_token)| with_token),
            answer: answer.clone(),
        }));
        (answer, body)
    }
}

fn email(name: &str) -> String {
    format!("{name}@faults.example")
}

/// What the history keeps of an answer.
fn read(status: u16, body: &Value) -> Answer {
    let code = body["code"].as_str().or(body["state"].as_str()).unwrap_or_default().to_owned();
    let facts = if body["license"].is_object() { &body["license"] } else { body };
    let number = |name: &str| facts[name].as_u64().and_then(|n| u32::try_from(n).ok());
    let grant = body["session_id"].as_str().zip(body["token"].as_str()).and_then(|(session, token)| grant(session, token).ok());
    Answer {
        not_sent: false,
        status: Some(status),
        code,
        expires_in: body["expires_in"].as_u64(),
        active: number("active"),
        max_seats: number("max_seats"),
        grant,
    }
}

/// Reads fence and validity out of a token. Whether it is signed is for others to test.
fn grant(session: &str, token: &str) -> Result<Grant> {
    let payload = token.split('.').nth(1).context("no token")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    ensure!(claims["sid"] == session, "a token of another session");
    let number = |name: &str| claims[name].as_i64().with_context(|| format!("no {name}"));
    Ok(Grant { session: session.to_owned(), fence: number("fence")?, token_seconds: number("exp")? - number("iat")? })
}
