//! Errors as the API answers them.

use serde_json::{Value, json};

use crate::cards::{Decline, NO_CARD};

/// What every handler returns: the body of a 200, or an error.
pub type Answer = Result<Value, ApiError>;

/// An error answer of the API.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    kind: &'static str,
    code: Option<String>,
    decline_code: Option<String>,
    message: String,
    param: Option<String>,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, code: Option<&str>, message: impl Into<String>, param: Option<&str>) -> Self {
        Self { status, kind, code: code.map(str::to_owned), decline_code: None, message: message.into(), param: param.map(str::to_owned) }
    }

    /// A request that is wrong in a way that has no code of its own.
    pub fn invalid(message: impl Into<String>, param: Option<&str>) -> Self {
        Self::new(400, "invalid_request_error", None, message, param)
    }

    /// A request that is wrong in a way that has a code.
    pub fn coded(code: &str, message: impl Into<String>, param: Option<&str>) -> Self {
        Self::new(400, "invalid_request_error", Some(code), message, param)
    }

    /// No object with this id.
    pub fn missing(what: &str, id: &str, param: &str) -> Self {
        Self::new(404, "invalid_request_error", Some("resource_missing"), format!("No such {what}: '{id}'"), Some(param))
    }

    /// There is nothing to preview.
    pub fn upcoming_none() -> Self {
        let message = "No upcoming invoices for customer";
        Self::new(404, "invalid_request_error", Some("invoice_upcoming_none"), message, None)
    }

    /// No endpoint at this place.
    pub fn no_endpoint(method: &str, path: &str) -> Self {
        Self::new(404, "invalid_request_error", None, format!("Unrecognized request URL ({method}: {path})."), None)
    }

    /// A key is absent or of the wrong kind.
    pub fn unauthorized(message: &str) -> Self {
        Self::new(401, "invalid_request_error", None, message, None)
    }

    /// The key was used before for another request.
    pub fn other_parameters(key: &str) -> Self {
        let message =
            format!("Keys for idempotent requests can only be used with the same parameters they were first used with. Key: {key}");
        Self::new(400, "idempotency_error", None, message, None)
    }

    /// A request with the same key has not ended yet.
    pub fn in_flight(key: &str) -> Self {
        let message = format!("There is currently another in-progress request using this idempotency key: {key}");
        Self::new(409, "idempotency_error", Some("idempotency_key_in_use"), message, None)
    }

    /// An outage that a test asked for.
    pub fn outage(status: u16) -> Self {
        let (kind, code) = match status {
            429 => ("invalid_request_error", Some("rate_limit")),
            400..=499 => ("invalid_request_error", None),
            _ => ("api_error", None),
        };
        Self::new(status, kind, code, "The sandbox was told to fail this request.", None)
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        for (name, value) in [("code", &self.code), ("decline_code", &self.decline_code), ("param", &self.param)] {
            if let Some(value) = value {
                error[name] = json!(value);
            }
        }
        json!({"error": error})
    }
}

impl From<Decline> for ApiError {
    fn from(decline: Decline) -> Self {
        // Nothing was declined where there is no card.
        if decline == NO_CARD {
            return Self::coded(decline.code, decline.message, None);
        }
        let mut error = Self::new(402, "card_error", Some(decline.code), decline.message, None);
        error.decline_code = decline.decline_code.map(str::to_owned);
        error
    }
}
