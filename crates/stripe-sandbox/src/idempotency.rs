//! Idempotency keys: the first answer of a key is kept and given again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::calendar::{DAY, Seconds};
use crate::error::ApiError;
use crate::state::State;

/// Answers are kept this long, in the sandbox's time.
const KEPT: Seconds = 30 * DAY;

/// A kept answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    /// What was asked: the place and the form.
    request: String,
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub body: String,
    at: Seconds,
}

/// The answer that a key already has. `running` holds the keys of requests that have not ended.
pub fn earlier(state: &State, running: &BTreeSet<String>, key: &str, request: &str) -> Result<Option<Saved>, ApiError> {
    if key.len() > 255 {
        return Err(ApiError::invalid("Idempotency keys can be at most 255 characters long.", None));
    }
    if running.contains(key) {
        return Err(ApiError::in_flight(key));
    }
    match state.saved.get(key) {
        Some(saved) if saved.request != request => Err(ApiError::other_parameters(key)),
        saved => Ok(saved.cloned()),
    }
}

/// Keeps an answer, unless the request was refused before anything was done.
pub fn keep(state: &mut State, key: &str, request: &str, status: u16, body: &str) {
    let now = state.now();
    state.saved.retain(|_, saved| saved.at + KEPT > now);
    if !matches!(status, 400 | 401 | 404 | 409 | 429) {
        state.saved.insert(key.to_owned(), Saved { request: request.to_owned(), status, body: body.to_owned(), at: now });
        state.dirty = true;
    }
}
