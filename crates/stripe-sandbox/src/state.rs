//! Everything the sandbox remembers: its objects, its clock, its webhook queue.

use std::collections::BTreeMap;

use rand::Rng;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calendar::Seconds;
use crate::composition::Line;
use crate::error::ApiError;
use crate::idempotency::Saved;
use crate::webhooks::{Delivery, Mode};
use crate::{clock, events};

/// The state of the sandbox; all of it goes to the state file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How far the sandbox's time is ahead of real time.
    pub offset: Seconds,
    /// The instant that is being processed while time is advanced.
    #[serde(skip)]
    pub instant: Option<Seconds>,
    /// Makes ids unique and sorts them.
    sequence: u64,
    /// Objects by kind, oldest first, rendered in full.
    objects: BTreeMap<String, Vec<Value>>,
    /// Card numbers by payment method: the number decides what happens to a charge.
    pub cards: BTreeMap<String, String>,
    /// Signing secrets by webhook endpoint.
    pub secrets: BTreeMap<String, String>,
    /// Prorations that wait for the next invoice of their subscription.
    pub pending: Vec<Line>,
    /// Answers by idempotency key.
    pub saved: BTreeMap<String, Saved>,
    /// Events that are still to be sent.
    pub deliveries: Vec<Delivery>,
    /// What happens to events on their way.
    pub mode: Mode,
    /// Whether a subscription ends, instead of turning `unpaid`, after the last failed attempt.
    pub cancel_after_dunning: bool,
    /// Where the sandbox listens, for the addresses of its pages.
    pub base_url: String,
    /// The request that is being executed, for the events it causes.
    #[serde(skip)]
    pub request: events::Cause,
    /// Whether something changed since the state was last written to its file.
    #[serde(skip)]
    pub dirty: bool,
}

impl State {
    /// An empty state for a sandbox at this place.
    pub fn fresh(base_url: &str) -> Self {
        Self { base_url: base_url.to_owned(), dirty: true, ..Self::default() }
    }

    /// The sandbox's time.
    pub fn now(&self) -> Seconds {
        self.instant.unwrap_or_else(|| clock::real_seconds() + self.offset)
    }

    /// A new id, such as `cus_0003fk2…`.
    pub fn id(&mut self, prefix: &str) -> String {
        self.sequence += 1;
        format!("{prefix}{:05}{}", self.sequence, random(12))
    }

    /// The next number of a kind, for invoice numbers and the like.
    pub fn count(&self, kind: &str) -> usize {
        self.objects.get(kind).map_or(0, Vec::len)
    }

    /// All objects of a kind, oldest first.
    pub fn all(&self, kind: &str) -> &[Value] {
        self.objects.get(kind).map_or(&[], Vec::as_slice)
    }

    /// All objects by kind.
    pub fn dump(&self) -> &BTreeMap<String, Vec<Value>> {
        &self.objects
    }

    /// The objects of a kind that have a text at a key.
    pub fn of<'a>(&'a self, kind: &str, key: &'a str, value: &'a str) -> impl Iterator<Item = &'a Value> {
        self.all(kind).iter().filter(move |object| object[key] == value)
    }

    /// The object with this id, if there is one.
    pub fn find(&self, kind: &str, id: &str) -> Option<&Value> {
        // New objects are asked for most.
        self.all(kind).iter().rev().find(|object| object["id"] == id)
    }

    /// A copy of the object with this id, or a 404 that names the parameter.
    pub fn get(&self, kind: &str, id: &str, param: &str) -> Result<Value, ApiError> {
        // Errors write the kind without its namespace.
        let name = kind.rsplit('.').next().unwrap_or(kind);
        self.find(kind, id).cloned().ok_or_else(|| ApiError::missing(name, id, param))
    }

    /// Keeps a new object.
    pub fn insert(&mut self, kind: &str, object: Value) {
        self.dirty = true;
        self.objects.entry(kind.to_owned()).or_default().push(object);
    }

    /// Removes an object.
    pub fn remove(&mut self, kind: &str, id: &str) {
        self.dirty = true;
        if let Some(objects) = self.objects.get_mut(kind) {
            objects.retain(|object| object["id"] != id);
        }
    }

    /// Edits an object without an event.
    pub fn edit(&mut self, kind: &str, id: &str, edit: impl FnOnce(&mut Value)) {
        self.dirty = true;
        if let Some(object) = self.objects.get_mut(kind).and_then(|all| all.iter_mut().rev().find(|object| object["id"] == id)) {
            edit(object);
        }
    }

    /// Edits every object of a kind without an event.
    pub fn edit_all(&mut self, kind: &str, edit: impl FnMut(&mut Value)) {
        self.dirty = true;
        self.objects.entry(kind.to_owned()).or_default().iter_mut().for_each(edit);
    }

    /// Edits an object and tells of it in an event, unless nothing changed.
    pub fn change(&mut self, kind: &str, id: &str, event: &str, edit: impl FnOnce(&mut Value)) {
        let Some(before) = self.find(kind, id).cloned() else { return };
        self.edit(kind, id, edit);
        let Some(after) = self.find(kind, id).cloned() else { return };
        if let Some(previous) = events::difference(&before, &after) {
            events::emit(self, event, after, Some(previous));
        }
    }
}

/// So many random letters and digits.
pub fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// A text of an object, empty where there is none.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// A number of an object, 0 where there is none.
pub fn int(object: &Value, key: &str) -> i64 {
    object[key].as_i64().unwrap_or_default()
}
