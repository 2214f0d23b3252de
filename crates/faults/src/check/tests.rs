//! Each rule is kept in a good history and broken in a bad one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod seats;

use super::{Violation, check};
use crate::history::{Answer, Call, Fault, FaultKind, Grant, Kind, LimitChange, Line, Micros, Run, Tenant};

/// Lease of the made-up licence, and how long a call without an answer may still take effect; in ms.
const LEASE: i64 = 4_000;
const LATE: i64 = 10_000;
/// When the made-up history begins: long after the start, which is like a loss of Redis.
const BEGIN: i64 = 100_000;

/// A history in the making. Moments are milliseconds since [`BEGIN`]; each answer comes 10 ms after its call.
struct Made(Vec<Line>);

impl Made {
    /// A licence of so many seats.
    fn licence(seats: u32) -> Self {
        let tenant = Tenant { name: "made-up".into(), seats, overage_percent: 0, lease: LEASE * 1000 };
        Self(vec![Line::Run(Run { seed: 0, late: LATE * 1000, tenants: vec![tenant] })])
    }

    fn call(mut self, at: i64, device: Option<usize>, kind: Kind, session: &str, status: impl Into<Option<u16>>, code: &str) -> Self {
        let answer = Answer { status: status.into(), code: code.into(), ..Answer::default() };
        let session = (!session.is_empty()).then(|| session.to_owned());
        let (sent, answered) = (micros(at), micros(at + 10));
        let with_token = kind == Kind::Heartbeat;
        self.0.push(Line::Call(Call { sent, answered, server: 0, tenant: 0, device, kind, session, with_token, answer }));
        self
    }

    /// Changes the last call.
    fn with(mut self, change: impl FnOnce(&mut Call)) -> Self {
        if let Some(Line::Call(call)) = self.0.last_mut() {
            change(call);
        }
        self
    }

    /// A new seat.
    fn starts(self, at: i64, device: usize, session: &str) -> Self {
        self.acquires(at, device, session, 201, at)
    }

    fn acquires(self, at: i64, device: usize, session: &str, status: u16, fence: i64) -> Self {
        let grant = Some(Grant { session: session.into(), fence, token_seconds: 3_600 });
        self.call(at, Some(device), Kind::Acquire, "", status, "").with(|call| call.answer.grant = grant)
    }

    /// A refusal of acquire that tells how many are owned.
    fn refused(self, at: i64, device: usize, max_seats: u32) -> Self {
        self.call(at, Some(device), Kind::Acquire, "", 429, "seats_exhausted").with(|call| call.answer.max_seats = Some(max_seats))
    }

    fn beats(self, at: i64, device: usize, session: &str, status: u16, code: &str) -> Self {
        self.call(at, Some(device), Kind::Heartbeat, session, status, code)
    }

    fn active(self, at: i64, device: usize, session: &str) -> Self {
        self.beats(at, device, session, 200, "active")
    }

    fn releases(self, at: i64, device: usize, session: &str) -> Self {
        self.call(at, Some(device), Kind::Release, session, 204, "")
    }

    fn revokes(self, at: i64, session: &str) -> Self {
        self.call(at, None, Kind::Revoke, session, 204, "")
    }

    fn seats(mut self, at: i64, seats: u32) -> Self {
        let (sent, answered) = (micros(at), micros(at + 10));
        self.0.push(Line::Limit(LimitChange { sent, answered, tenant: 0, seats, done: true }));
        self
    }

    fn loses_redis(self, at: i64) -> Self {
        self.loses(at, false)
    }

    fn loses_redis_with_all_written(self, at: i64) -> Self {
        self.loses(at, true)
    }

    fn loses(mut self, at: i64, all_written: bool) -> Self {
        let (from, to) = (micros(at), micros(at + 10));
        self.0.push(Line::Fault(Fault { from, to, kind: FaultKind::LoseRedis, all_written, what: String::new() }));
        self
    }

    fn found(&self) -> Vec<Violation> {
        check(&self.0)
    }

    /// Nothing is wrong with it.
    fn is_good(&self) {
        assert_eq!(self.found(), []);
    }

    /// This rule is broken, as its last line shows, and no other.
    fn breaks(&self, rule: &str) {
        let found = self.found();
        assert!(!found.is_empty() && found.iter().all(|violation| violation.rule == rule), "{rule} and no other: {found:#?}");
        assert!(found.iter().any(|violation| violation.lines.contains(&self.0.len())), "the last line shows it: {found:#?}");
    }
}

fn micros(at: i64) -> Micros {
    (BEGIN + at) * 1000
}

#[test]
fn a_history_must_say_what_it_is_of() {
    assert_eq!(check(&[]).len(), 1);
}

#[test]
fn a_line_survives_the_file() {
    let made = Made::licence(1).starts(0, 0, "a").active(1_000, 0, "a").revokes(2_000, "a").seats(3_000, 2).loses_redis(4_000);
    for line in &made.0 {
        let text = serde_json::to_string(line).unwrap();
        assert_eq!(&serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}
