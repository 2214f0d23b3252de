//! The control API below `/_sandbox`: time, outages, webhooks, and changes "from Stripe's side". JSON in and out, no key.
//!
//! | Call | What it does |
//! |---|---|
//! | `GET state`, `GET events` | Everything; all events, oldest first |
//! | `POST reset` | Forgets everything but the webhook endpoint of the start |
//! | `POST advance {seconds}` or `{to}` | Goes on, and does what falls due on the way |
//! | `POST settings {after_dunning}` | `unpaid` or `canceled` after the last failed attempt |
//! | `POST fail {times, path, method, …}` | The next calls meet a [`Fault`] |
//! | `POST hold {on, path}` | Calls hang until they are released |
//! | `POST webhooks {mode, second_secret, second_first}` | How events travel: a [`Mode`] |
//! | `POST replay {event_id}` or `{all: true}` | Sends events once more |
//! | `POST card {customer, number}` | The customer's card from now on |
//! | `POST subscriptions/{id} {quantity, cancel, status}` | Changes a subscription, with events |

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cards::{self, Entry};
use crate::error::ApiError;
use crate::form::Params;
use crate::server::App;
use crate::state::{State, text};
use crate::webhooks::{self, Mode, Way};
use crate::{clock, lifecycle, portal, subscriptions};

/// What tests asked the API to do wrong. Not part of the state: a restart ends it.
#[derive(Debug, Default)]
pub struct Controls {
    faults: Vec<Fault>,
    held: Option<String>,
    /// Idempotency keys of calls that have not ended.
    pub running: BTreeSet<String>,
}

/// An outage of the next calls that match.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    times: Option<u32>,
    path: Option<String>,
    method: Option<String>,
    /// Answer this instead of executing.
    pub status: Option<u16>,
    /// Wait so long, then close the connection without executing.
    pub timeout_ms: Option<u64>,
    /// Execute, then close the connection.
    pub drop_after_commit: bool,
    /// Execute, then answer this.
    pub status_after_commit: Option<u16>,
    /// Send this header, with status 429 unless another is given.
    pub retry_after: Option<u64>,
}

impl Controls {
    /// Whether calls of this path hang.
    pub fn holds(&self, path: &str) -> bool {
        self.held.as_ref().is_some_and(|prefix| path.starts_with(prefix.as_str()))
    }

    /// The outage that this call meets, counted down.
    pub fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let matches = |fault: &Fault| {
            fault.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
                && fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        };
        let index = self.faults.iter().position(matches)?;
        let fault = self.faults.get_mut(index)?;
        let left = fault.times.unwrap_or(1).saturating_sub(1);
        fault.times = Some(left);
        let met = fault.clone();
        if left == 0 {
            self.faults.remove(index);
        }
        Some(met)
    }
}

/// Why a control call was refused.
enum Refused {
    Body(String),
    Api(ApiError),
    NoSuch,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// Answers one call.
pub fn answer(app: &App, method: &str, path: &str, body: &[u8]) -> (StatusCode, Value) {
    match dispatch(app, method, path, body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(Refused::Body(message)) => (StatusCode::BAD_REQUEST, json!({ "error": message })),
        Err(Refused::Api(error)) => (StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), error.body()),
        Err(Refused::NoSuch) => (StatusCode::NOT_FOUND, json!({"error": "no such control"})),
    }
}

fn dispatch(app: &App, method: &str, path: &str, body: &[u8]) -> Result<Value, Refused> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", ["state"]) => Ok(dump(&app.state(), &app.controls())),
        ("GET", ["events"]) => Ok(json!({"object": "list", "data": app.state().all("event")})),
        ("POST", ["reset"]) => reset(app),
        ("POST", ["advance"]) => advance(app, &read(body)?),
        ("POST", ["settings"]) => settings(app, &read(body)?),
        ("POST", ["fail"]) => {
            app.controls().faults.push(read(body)?);
            Ok(json!({"ok": true}))
        }
        ("POST", ["hold"]) => hold(app, read(body)?),
        ("POST", ["webhooks"]) => set_webhooks(app, read(body)?),
        ("POST", ["replay"]) => replay(app, &read(body)?),
        ("POST", ["card"]) => set_card(app, &read(body)?),
        ("POST", ["subscriptions", id]) => change_subscription(app, id, &read(body)?),
        _ => Err(Refused::NoSuch),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refused::Body(error.to_string()))
}

fn dump(state: &State, controls: &Controls) -> Value {
    json!({
        "now": state.now(),
        "offset": state.offset,
        "objects": state.dump(),
        "cards": state.cards,
        "pending_prorations": state.pending,
        "undelivered": state.deliveries,
        "webhooks": state.mode,
        "keys_in_use": controls.running,
        "idempotency_keys": state.saved.keys().collect::<Vec<_>>(),
    })
}

/// Forgets everything but the fixed webhook endpoint.
fn reset(app: &App) -> Result<Value, Refused> {
    let mut state = app.state();
    let endpoint = state.find("webhook_endpoint", webhooks::FIXED).map(|one| text(one, "url").to_owned());
    let secret = state.secrets.get(webhooks::FIXED).cloned();
    *state = State::fresh(&state.base_url);
    if let Some((url, secret)) = endpoint.zip(secret) {
        webhooks::set_fixed(&mut state, &url, &secret);
    }
    let mut controls = app.controls();
    controls.faults.clear();
    controls.held = None;
    app.released.notify_waiters();
    Ok(json!({"ok": true}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<i64>,
    to: Option<i64>,
}

fn advance(app: &App, wanted: &Advance) -> Result<Value, Refused> {
    let mut state = app.state();
    let now = state.now();
    let target = match (wanted.seconds, wanted.to) {
        (Some(seconds), None) => now + seconds,
        (None, Some(to)) => to,
        _ => return Err(Refused::Body("give either `seconds` or `to`".to_owned())),
    };
    if target < now {
        return Err(Refused::Body(format!("the sandbox's time is {now} already; it only goes on")));
    }
    clock::advance_to(&mut state, target);
    Ok(json!({"now": state.now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    after_dunning: String,
}

fn settings(app: &App, wanted: &Settings) -> Result<Value, Refused> {
    app.state().cancel_after_dunning = match wanted.after_dunning.as_str() {
        "unpaid" => false,
        "cancel" | "canceled" => true,
        _ => return Err(Refused::Body("`after_dunning` is `unpaid` or `canceled`".to_owned())),
    };
    Ok(json!({"ok": true}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    on: bool,
    path: Option<String>,
}

fn hold(app: &App, wanted: Hold) -> Result<Value, Refused> {
    app.controls().held = wanted.on.then(|| wanted.path.unwrap_or_default());
    app.released.notify_waiters();
    Ok(json!({"ok": true}))
}

fn set_webhooks(app: &App, mode: Mode) -> Result<Value, Refused> {
    let mut state = app.state();
    if mode.mode == Way::Lose {
        state.deliveries.clear();
    }
    state.mode = mode;
    state.dirty = true;
    Ok(json!({"ok": true, "waiting": state.deliveries.len()}))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Replay {
    event_id: Option<String>,
    all: bool,
}

fn replay(app: &App, wanted: &Replay) -> Result<Value, Refused> {
    let mut state = app.state();
    match &wanted.event_id {
        Some(id) => drop(state.get("event", id, "event_id")?),
        None if wanted.all => {}
        None => return Err(Refused::Body("give `event_id`, or `all: true`".to_owned())),
    }
    Ok(json!({"sent": webhooks::replay(&mut state, wanted.event_id.as_deref())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    customer: String,
    number: String,
}

fn set_card(app: &App, wanted: &Card) -> Result<Value, Refused> {
    let mut state = app.state();
    state.get("customer", &wanted.customer, "customer")?;
    let number = wanted.number.chars().filter(char::is_ascii_digit).collect();
    let entry = Entry { number, month: 12, year: 2040 };
    let method = cards::attach_default(&mut state, &wanted.customer, &entry, None);
    Ok(json!({ "payment_method": method }))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChangeSubscription {
    quantity: Option<i64>,
    /// `true` or `"now"` ends it now, `"at_period_end"` with its period, `false` lets it go on.
    cancel: Option<Value>,
    status: Option<String>,
}

fn change_subscription(app: &App, id: &str, wanted: &ChangeSubscription) -> Result<Value, Refused> {
    let mut state = app.state();
    let found = state.get("subscription", id, "id")?;
    if let Some(quantity) = wanted.quantity {
        let item = json!({"id": found["items"]["data"][0]["id"], "quantity": quantity.to_string()});
        subscriptions::update(&mut state, id, &Params(json!({"items": [item], "proration_behavior": "none"})))?;
    }
    match &wanted.cancel {
        Some(Value::Bool(true)) => lifecycle::end(&mut state, id, "cancellation_requested"),
        Some(Value::String(when)) if when == "now" => lifecycle::end(&mut state, id, "cancellation_requested"),
        Some(Value::String(when)) if when == "at_period_end" => portal::set_cancelled(&mut state, id, true),
        Some(Value::Bool(false)) => portal::set_cancelled(&mut state, id, false),
        Some(_) => return Err(Refused::Body("`cancel` is a boolean, \"now\" or \"at_period_end\"".to_owned())),
        None => {}
    }
    if let Some(status) = &wanted.status {
        state.change("subscription", id, "customer.subscription.updated", |one| one["status"] = json!(status));
    }
    Ok(state.get("subscription", id, "id")?)
}
