//! Events: what happened, kept for the API and queued for the webhooks.

use serde_json::{Map, Value, json};

use crate::error::Answer;
use crate::form::Params;
use crate::state::State;
use crate::{lists, webhooks};

/// The API version of every event: the one that the client library speaks.
pub const API_VERSION: &str = "2026-09-30.endive";

/// The request that causes events.
#[derive(Debug, Default, Clone)]
pub struct Cause {
    /// The id of the request; none for what happens by itself.
    pub id: Option<String>,
    /// Its idempotency key.
    pub key: Option<String>,
}

/// Keeps an event and queues it for every webhook endpoint.
pub fn emit(state: &mut State, kind: &str, object: Value, previous: Option<Value>) {
    let mut data = json!({ "object": object });
    if let (Some(previous), true) = (previous, kind.ends_with(".updated")) {
        data["previous_attributes"] = previous;
    }
    let id = state.id("evt_");
    let event = json!({
        "id": id,
        "object": "event",
        "api_version": API_VERSION,
        "created": state.now(),
        "data": data,
        "livemode": false,
        "pending_webhooks": state.count("webhook_endpoint"),
        "request": {"id": state.request.id, "idempotency_key": state.request.key},
        "type": kind,
    });
    state.insert("event", event);
    webhooks::enqueue(state, &id, kind);
}

/// The values that keys had before a change: maps key by key, lists as a whole. None if nothing changed.
pub fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return None };
    let mut changed = Map::new();
    for (key, value) in new {
        let was = old.get(key).unwrap_or(&Value::Null);
        if was == value {
            continue;
        }
        let inner = if was.is_object() { difference(was, value) } else { None };
        changed.insert(key.clone(), inner.unwrap_or_else(|| was.clone()));
    }
    // A key that is gone, such as one of the metadata, had a value too.
    for (key, was) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        changed.insert(key.clone(), was.clone());
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

/// `GET /v1/events`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&["type", "types", "created", "delivery_success", "limit", "starting_after", "ending_before"])?;
    let mut kinds = params.texts("types");
    kinds.extend(params.text("type").map(str::to_owned));
    // `type` may end in a star.
    let wanted = |event: &&Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        kinds.is_empty() || kinds.iter().any(|one| one == kind || one.strip_suffix('*').is_some_and(|start| kind.starts_with(start)))
    };
    lists::page(state.all("event").iter().filter(wanted), params, "/v1/events")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_attributes_hold_what_changed() {
        let before = json!({"status": "active", "items": {"data": [1], "url": "u"}, "metadata": {"a": "1"}, "same": null});
        let after = json!({"status": "past_due", "items": {"data": [2], "url": "u"}, "metadata": {}, "same": null});
        let previous = json!({"status": "active", "items": {"data": [1]}, "metadata": {"a": "1"}});
        assert_eq!(difference(&before, &after), Some(previous));
        assert_eq!(difference(&before, &before), None);
    }
}
