//! Everything that can go wrong, in words for a person, with stable codes.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::str::FromStr;
use time::OffsetDateTime;
use types::Code;
use types::licenses::{Holder, OwnSession};

/// What a call of this library may fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no seat, and the text says why and what to do.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server did not answer, or not in a way that settles anything. Trying again makes sense.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The server answered with an error that has no meaning of its own here.
    #[error("{0}")]
    Problem(Box<ApiProblem>),
    /// The server's answer cannot be trusted: its token failed the check.
    #[error("The server's answer could not be verified: {0}.")]
    Token(#[from] crate::TokenError),
    /// A setting is wrong.
    #[error("{0}")]
    Config(String),
    /// The state folder cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Another process holds a lock of the state folder for too long.
    #[error("Another process has been holding {path} for {seconds} s. If it hangs, end it and try again.", path = path.display())]
    Locked { path: PathBuf, seconds: u64 },
    /// This portal does not offer sign-in by browser.
    #[error("This portal does not offer sign-in by browser. Sign in with: coditect-license login --email YOU@EXAMPLE.COM")]
    NoDeviceLogin,
}

/// Why there is no seat. Written to the state folder, so that every process that shared the seat can tell its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// Every seat is in use.
    #[error("{facts}")]
    NoSeat { facts: SeatFacts },
    /// The licence, the organisation or the person's role does not allow a seat.
    #[error("{detail}")]
    License { code: String, detail: String },
    /// The session was ended by somebody or something else.
    #[error("{detail}")]
    Ended { code: String, detail: String },
    /// Nobody is signed in, or the login has ended.
    #[error("{detail}")]
    NotSignedIn { detail: String },
    /// The server cannot be reached, and no valid token allows going on without it.
    #[error("{detail}")]
    Offline { detail: String },
}

impl Refusal {
    /// A stable name: the server's code, or `not_signed_in`, `offline`.
    pub fn code(&self) -> &str {
        match self {
            Self::NoSeat { .. } => Code::SeatsExhausted.as_str(),
            Self::License { code, .. } | Self::Ended { code, .. } => code,
            Self::NotSignedIn { .. } => "not_signed_in",
            Self::Offline { .. } => "offline",
        }
    }

    /// What the person can do about it; empty where the text itself says so.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoSeat { .. } => "Close the application on another device, or ask an owner of your organization for more seats.",
            Self::License { code, .. } => match code.parse() {
                Ok(Code::LicenseExpired) => "Ask an owner of your organization to renew it.",
                Ok(Code::RoleHoldsNoSeat) => "Ask an administrator of your organization for a role that holds a seat.",
                _ => "Ask an owner of your organization, who sees the reason in the portal.",
            },
            Self::Ended { code, .. } if code.parse() == Ok(Code::SessionSuperseded) => "Start the application again.",
            Self::Ended { .. } => "Ask an administrator of your organization.",
            Self::NotSignedIn { .. } => "",
            Self::Offline { .. } => "Connect to the network and start again; `coditect-license doctor` finds what stands in the way.",
        }
    }

    /// The server's answer as a refusal; `None` when it refuses nothing for good.
    pub(crate) fn from_problem(problem: &ApiProblem) -> Option<Self> {
        let code = problem.code.clone();
        let detail = problem.detail.clone();
        Some(match problem.known()? {
            Code::SeatsExhausted => Self::NoSeat { facts: SeatFacts::from_problem(problem) },
            Code::LicenseExpired
            | Code::LicenseSuspended
            | Code::TenantSuspended
            | Code::RoleHoldsNoSeat
            | Code::LicenseNotFound
            | Code::Forbidden => Self::License { code, detail },
            Code::SessionRevoked => Self::Ended { code, detail: revoked_text(problem) },
            Code::SessionSuperseded => {
                Self::Ended { code, detail: "This session was replaced by a newer one of yours on the same device.".to_owned() }
            }
            _ => return None,
        })
    }

    pub(crate) fn signed_out(why: &str) -> Self {
        Self::NotSignedIn { detail: format!("{why} Sign in with: coditect-license login") }
    }
}

/// The reason is what somebody typed, or one of the portal's own sentences about who it was.
fn revoked_text(problem: &ApiProblem) -> String {
    const START: &str = "This session was ended";
    let reason = problem.extra.get("reason").and_then(|r| r.as_str()).unwrap_or(&problem.detail).trim().trim_end_matches('.');
    match reason {
        "" => format!("{START} by an administrator."),
        "You ended it yourself" => format!("{START}: you ended it yourself."),
        "An administrator of your organization ended it" => format!("{START} by an administrator of your organization."),
        reason if reason.starts_with(START) => format!("{reason}."),
        // "CODITECT support: …"
        reason if reason.split_once(": ").is_some_and(|(who, _)| who.ends_with(" support")) => format!("{START} by {reason}."),
        reason => format!("{START} by an administrator: {reason}."),
    }
}

/// The facts of a refusal for want of a seat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatFacts {
    /// Seats in use.
    pub active: Option<u64>,
    pub max_seats: Option<u64>,
    /// When the earliest hold ends, unless its holder keeps it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub next_free_at: Option<OffsetDateTime>,
    /// From the server's answer until `next_free_at`.
    pub next_free_in_seconds: Option<u64>,
    /// As far as the organisation's policy shows them.
    pub holders: Vec<Holder>,
    /// Seats that the same person holds on other devices, each with the page on which he can end it.
    #[serde(default)]
    pub own_sessions: Vec<OwnSession>,
    /// Where the organization buys seats.
    #[serde(default)]
    pub buy_url: Option<String>,
}

impl SeatFacts {
    fn from_problem(problem: &ApiProblem) -> Self {
        let number = |name: &str| problem.extra.get(name).and_then(serde_json::Value::as_u64);
        let next_free_at = problem
            .extra
            .get("next_free_at")
            .and_then(|v| v.as_str())
            .and_then(|text| OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok());
        let until = next_free_at.zip(problem.server_time).and_then(|(at, now)| u64::try_from((at - now).whole_seconds()).ok());
        let text = |name: &str| problem.extra.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        Self {
            active: number("active"),
            max_seats: number("max_seats"),
            next_free_at,
            next_free_in_seconds: until.or(problem.retry_after),
            holders: listed(problem, "holders"),
            own_sessions: listed(problem, "own_sessions"),
            buy_url: text("buy_url"),
        }
    }
}

/// What can be read of a list; a newer server may list what this version does not know.
fn listed<T: serde::de::DeserializeOwned>(problem: &ApiProblem, name: &str) -> Vec<T> {
    let list = problem.extra.get(name).and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|entry| serde_json::from_value(entry.clone()).ok()).collect()
}

impl std::fmt::Display for SeatFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.active, self.max_seats) {
            (Some(active), Some(max)) => write!(f, "No seat is free: {active} of {max} in use."),
            _ => f.write_str("No seat is free."),
        }
    }
}

/// Why the server did not settle the matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Unreachable {
    pub kind: UnreachableKind,
    /// What happened, for a person.
    pub detail: String,
    /// Seconds after which the server asks to be tried again.
    pub retry_after: Option<u64>,
}

/// Where the trouble lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreachableKind {
    /// The name has no address.
    Dns,
    /// Nothing answers at the address.
    Connect,
    /// The proxy on the way cannot be reached, or does not let the call through.
    Proxy,
    /// The encrypted connection was refused by one side.
    Tls,
    Timeout,
    /// Something answered, but not the licence service.
    NotTheService,
    /// The service answered that it cannot help at the moment.
    Unavailable,
    Other,
}

/// The server's error document (RFC 9457). Codes that this version does not know are kept as text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ApiProblem {
    pub code: String,
    #[serde(default)]
    pub status: u16,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub request_id: String,
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// When the server wrote it.
    #[serde(skip)]
    pub server_time: Option<OffsetDateTime>,
    /// Facts that go with the code.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl ApiProblem {
    /// The code, if this version knows it.
    pub fn known(&self) -> Option<Code> {
        Code::from_str(&self.code).ok()
    }

    pub fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }
}

impl std::fmt::Display for ApiProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.detail.is_empty() { &self.title } else { &self.detail })?;
        if self.request_id.is_empty() { Ok(()) } else { write!(f, " (request {})", self.request_id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(value: serde_json::Value) -> ApiProblem {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_revocation_says_its_reason_once() {
        for (detail, expected) in [
            ("Left the company", "This session was ended by an administrator: Left the company."),
            ("Left the company.", "This session was ended by an administrator: Left the company."),
            ("CODITECT support: Asked by the owner.", "This session was ended by CODITECT support: Asked by the owner."),
            ("This session was ended by an administrator: gone.", "This session was ended by an administrator: gone."),
            ("", "This session was ended by an administrator."),
            ("You ended it yourself.", "This session was ended: you ended it yourself."),
            ("An administrator of your organization ended it.", "This session was ended by an administrator of your organization."),
        ] {
            let refusal = Refusal::from_problem(&problem(serde_json::json!({"code": "session_revoked", "detail": detail})));
            assert_eq!(refusal.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn facts_survive_a_holder_of_unknown_shape() {
        let mut problem = problem(serde_json::json!({
            "code": "seats_exhausted", "active": 1, "max_seats": 1, "next_free_at": "1970-01-01T00:05:00Z",
            "holders": [{"nickname": "x"}, {"name": "Ingrid", "device": "fjord", "since": "1970-01-01T00:00:00Z", "last_heartbeat_at": "1970-01-01T00:00:00Z"}]
        }));
        problem.server_time = Some(OffsetDateTime::UNIX_EPOCH);
        let Some(Refusal::NoSeat { facts }) = Refusal::from_problem(&problem) else { panic!("not a refusal") };
        assert_eq!(facts.next_free_in_seconds, Some(300));
        assert_eq!(facts.holders.len(), 1);
        assert_eq!(facts.to_string(), "No seat is free: 1 of 1 in use.");
    }

    #[test]
    fn a_code_of_a_newer_server_is_kept() {
        let problem = problem(serde_json::json!({"code": "moon_phase", "detail": "Full moon.", "request_id": "r1"}));
        assert_eq!(problem.known(), None);
        assert_eq!(problem.to_string(), "Full moon. (request r1)");
    }
}
