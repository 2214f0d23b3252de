//! Webhook endpoints, and the delivery of events to them.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Answer;
use crate::form::{Params, copy_texts, merge_metadata};
use crate::server::App;
use crate::state::{State, random, text};
use crate::{clock, events, lists};

/// The endpoint that the command line sets.
pub const FIXED: &str = "we_sandbox";

/// Milliseconds before each further attempt; the last one repeats. Real ones are hours.
const BACKOFF: [i64; 6] = [500, 1000, 2000, 5000, 10_000, 10_000];

/// After so many attempts an event is given up.
const ATTEMPTS: usize = 20;

/// An endpoint has this long to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What happens to events on their way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// They are sent at once, in their order.
    #[default]
    Deliver,
    /// They wait until another way is chosen.
    Hold,
    /// They are dropped.
    Lose,
    /// Each is sent twice.
    Duplicate,
    /// They are gathered for a moment and sent last one first.
    Reorder,
}

/// How events are sent.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Mode {
    /// What happens on the way.
    pub mode: Way,
    /// Another secret that signs, too, as while secrets are exchanged.
    pub second_secret: Option<String>,
    /// Whether its signature comes first.
    pub second_first: bool,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    id: String,
    event: String,
    endpoint: String,
    attempts: usize,
    due: i64,
}

/// Queues an event for every endpoint that wants it.
pub fn enqueue(state: &mut State, event: &str, kind: &str) {
    let copies = match state.mode.mode {
        Way::Lose => return,
        Way::Duplicate => 2,
        _ => 1,
    };
    let wants = |endpoint: &&Value| {
        let kinds = endpoint["enabled_events"].as_array().map(Vec::as_slice).unwrap_or_default();
        endpoint["status"] == "enabled" && kinds.iter().any(|one| one == "*" || one == kind)
    };
    let endpoints: Vec<String> = state.all("webhook_endpoint").iter().filter(wants).map(|one| text(one, "id").to_owned()).collect();
    // Reordering needs more than one event at hand.
    let due = clock::real_milliseconds() + if state.mode.mode == Way::Reorder { 200 } else { 0 };
    for endpoint in endpoints {
        for _ in 0..copies {
            let id = state.id("del_");
            state.deliveries.push(Delivery { id, event: event.to_owned(), endpoint: endpoint.clone(), attempts: 0, due });
        }
    }
    state.dirty = true;
}

/// Sends what is due, for as long as the sandbox runs.
pub async fn run(app: Arc<App>) {
    loop {
        for delivery in due(&app) {
            let delivered = send(&app, &delivery).await;
            let mut state = app.state();
            state.dirty = true;
            let attempts = delivery.attempts + 1;
            if delivered || attempts >= ATTEMPTS {
                state.deliveries.retain(|one| one.id != delivery.id);
                if delivered {
                    state.edit("event", &delivery.event, |event| {
                        event["pending_webhooks"] = json!(event["pending_webhooks"].as_i64().unwrap_or(1).saturating_sub(1).max(0));
                    });
                }
            } else if let Some(one) = state.deliveries.iter_mut().find(|one| one.id == delivery.id) {
                one.attempts = attempts;
                one.due = clock::real_milliseconds() + BACKOFF.get(attempts - 1).copied().unwrap_or(10_000);
            }
        }
        tokio::select! {
            () = app.queued.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

fn due(app: &App) -> Vec<Delivery> {
    let state = app.state();
    let now = clock::real_milliseconds();
    let mut due: Vec<Delivery> = match state.mode.mode {
        Way::Hold => Vec::new(),
        _ => state.deliveries.iter().filter(|one| one.due <= now).cloned().collect(),
    };
    if state.mode.mode == Way::Reorder {
        due.reverse();
    }
    due
}

/// One attempt, signed anew.
async fn send(app: &App, delivery: &Delivery) -> bool {
    let prepared = {
        let state = app.state();
        let endpoint = state.find("webhook_endpoint", &delivery.endpoint).map(|one| text(one, "url").to_owned());
        let event = state.find("event", &delivery.event).map(Value::to_string);
        endpoint.zip(event).map(|(url, body)| (url, signature(&state, &delivery.endpoint, &body), body))
    };
    // An endpoint that is gone wants nothing any more.
    let Some((url, signature, body)) = prepared else { return true };
    let request = app.http.post(url).timeout(TIMEOUT);
    let request = request.header("Stripe-Signature", signature).header("Content-Type", "application/json; charset=utf-8");
    request.body(body).send().await.is_ok_and(|answer| answer.status().is_success())
}

/// The header that proves where an event comes from.
fn signature(state: &State, endpoint: &str, body: &str) -> String {
    let at = clock::real_seconds();
    let own = state.secrets.get(endpoint).map(|secret| sign(secret, at, body));
    let second = state.mode.second_secret.as_ref().map(|secret| sign(secret, at, body));
    let (first, last) = if state.mode.second_first { (second, own) } else { (own, second) };
    let signatures: String = first.into_iter().chain(last).map(|one| format!(",v1={one}")).collect();
    format!("t={at}{signatures}")
}

fn sign(secret: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes or changes the endpoint with the fixed id.
pub fn set_fixed(state: &mut State, url: &str, secret: &str) {
    state.secrets.insert(FIXED.to_owned(), secret.to_owned());
    if state.find("webhook_endpoint", FIXED).is_some() {
        state.edit("webhook_endpoint", FIXED, |endpoint| endpoint["url"] = json!(url));
        return;
    }
    let endpoint = endpoint(FIXED, state.now(), url, &["*".to_owned()]);
    state.insert("webhook_endpoint", endpoint);
}

fn endpoint(id: &str, created: i64, url: &str, events: &[String]) -> Value {
    json!({
        "id": id,
        "object": "webhook_endpoint",
        "api_version": events::API_VERSION,
        "application": null,
        "created": created,
        "description": null,
        "enabled_events": events,
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": url,
    })
}

/// `POST /v1/webhook_endpoints`: only this answer shows the secret.
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(&["api_version", "connect", "description", "enabled_events", "metadata", "url"])?;
    let url = params.required("url")?;
    let (id, now) = (state.id("we_"), state.now());
    let mut object = endpoint(&id, now, url, &params.texts("enabled_events"));
    copy_texts(&mut object, params, &["description", "api_version"]);
    merge_metadata(&mut object, params);
    state.insert("webhook_endpoint", object.clone());
    let secret = format!("whsec_{}", random(32));
    object["secret"] = json!(secret);
    state.secrets.insert(id, secret);
    Ok(object)
}

/// `POST /v1/webhook_endpoints/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["description", "disabled", "enabled_events", "metadata", "url"])?;
    state.get("webhook_endpoint", id, "webhook_endpoint")?;
    let disabled = params.flag("disabled")?;
    state.edit("webhook_endpoint", id, |endpoint| {
        copy_texts(endpoint, params, &["description", "url"]);
        if params.has("enabled_events") {
            endpoint["enabled_events"] = json!(params.texts("enabled_events"));
        }
        if let Some(disabled) = disabled {
            endpoint["status"] = json!(if disabled { "disabled" } else { "enabled" });
        }
        merge_metadata(endpoint, params);
    });
    state.get("webhook_endpoint", id, "webhook_endpoint")
}

/// `DELETE /v1/webhook_endpoints/{id}`
pub fn delete(state: &mut State, id: &str) -> Answer {
    state.get("webhook_endpoint", id, "webhook_endpoint")?;
    state.remove("webhook_endpoint", id);
    state.secrets.remove(id);
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}

/// `GET /v1/webhook_endpoints`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&["limit", "starting_after", "ending_before"])?;
    lists::page(state.all("webhook_endpoint").iter(), params, "/v1/webhook_endpoints")
}

/// Sends events that were sent before once more.
pub fn replay(state: &mut State, event: Option<&str>) -> usize {
    let wanted = |one: &&Value| event.is_none_or(|id| one["id"] == id);
    let events: Vec<(String, String)> =
        state.all("event").iter().filter(wanted).map(|one| (text(one, "id").to_owned(), text(one, "type").to_owned())).collect();
    for (id, kind) in &events {
        enqueue(state, id, kind);
    }
    events.len()
}
