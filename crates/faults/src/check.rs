//! Judges a history, from nothing but the history.
//!
//! A call takes effect at one moment between being sent and being answered; one without a clear answer takes effect within
//! [`Run::late`](crate::history::Run) after it was sent, or never. So some leases were *certainly* live at a moment, and some more
//! *possibly* ([`leases`]), and each limit was in force at the earliest from when its change was sent, at the latest until a later one was
//! seen ([`limits`]). A rule is broken only if no choice of those moments explains the history: what is reported is a defect of the portal.

mod answers;
mod leases;
mod limits;
mod seats;
#[cfg(test)]
mod tests;

use crate::history::{Call, Fault, FaultKind, Kind, Line, Micros, Run};
use limits::Limits;
use std::collections::{BTreeMap, HashMap};

/// Times of Redis are whole milliseconds, and its clock is not ours.
const SLACK: Micros = 50_000;

/// A rule that is broken, and the numbers of the lines that show it (the first is 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    pub says: String,
    pub lines: Vec<usize>,
}

/// All violations, in the order of the rules and then of time.
pub fn check(history: &[Line]) -> Vec<Violation> {
    let Some(Line::Run(run)) = history.first() else {
        return vec![Violation { rule: "history", says: "the first line does not describe the run".into(), lines: vec![1] }];
    };
    let mut found = Vec::new();
    for tenant in 0..run.tenants.len() {
        let view = View::new(history, run, tenant);
        answers::check(&view, &mut found);
        seats::check(&view, &mut found);
    }
    found.sort_by(|a, b| (a.rule, &a.lines).cmp(&(b.rule, &b.lines)));
    found
}

/// A call and the number of its line.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    line: usize,
    call: &'a Call,
}

/// What happened in one tenant, in the order of sending.
struct View<'a> {
    late: Micros,
    lease: Micros,
    /// Of the tenant's own people on its own sessions.
    calls: Vec<Seen<'a>>,
    /// Of the tenant's people on sessions of others.
    foreign: Vec<Seen<'a>>,
    /// Indices of `calls`.
    of_device: BTreeMap<usize, Vec<usize>>,
    /// The acquire that began each session, as an index of `calls`.
    began: HashMap<&'a str, usize>,
    /// The releases and revocations of each session, as indices of `calls`.
    ended: HashMap<&'a str, Vec<usize>>,
    losses: Vec<(usize, &'a Fault)>,
    limits: Limits,
}

impl<'a> View<'a> {
    fn new(history: &'a [Line], run: &Run, tenant: usize) -> Self {
        let mut calls = Vec::new();
        let mut foreign = Vec::new();
        let mut losses = Vec::new();
        for (i, line) in history.iter().enumerate() {
            match line {
                Line::Call(call) if call.tenant == tenant => {
                    let seen = Seen { line: i + 1, call };
                    if call.kind.is_foreign() { foreign.push(seen) } else { calls.push(seen) }
                }
                Line::Fault(fault) if fault.kind == FaultKind::LoseRedis => losses.push((i + 1, fault)),
                _ => {}
            }
        }
        calls.sort_by_key(|seen| seen.call.sent);
        let mut of_device: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut began = HashMap::new();
        let mut ended: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, seen) in calls.iter().enumerate() {
            if let Some(device) = seen.call.device {
                of_device.entry(device).or_default().push(i);
            }
            if let (Kind::Acquire, Some(grant)) = (seen.call.kind, &seen.call.answer.grant) {
                began.insert(grant.session.as_str(), i);
            }
            if let (Kind::Release | Kind::Revoke, Some(session)) = (seen.call.kind, &seen.call.session) {
                ended.entry(session).or_default().push(i);
            }
        }
        let limits = Limits::new(history, &run.tenants[tenant], tenant, &calls);
        Self { late: run.late, lease: run.tenants[tenant].lease, calls, foreign, of_device, began, ended, losses, limits }
    }

    /// The calls of one device.
    fn device(&self, device: usize) -> impl DoubleEndedIterator<Item = Seen<'a>> {
        self.of_device.get(&device).into_iter().flatten().map(|&i| self.calls[i])
    }

    /// The acquire that began the session.
    fn beginning(&self, session: &str) -> Option<Seen<'a>> {
        self.began.get(session).map(|&i| self.calls[i])
    }

    /// The releases and revocations of the session, whatever came of them.
    fn endings(&self, session: &str) -> impl Iterator<Item = Seen<'a>> {
        self.ended.get(session).into_iter().flatten().map(|&i| self.calls[i])
    }

    /// Whether Redis may have lost something between the two moments.
    fn lost_between(&self, from: Micros, to: Micros) -> bool {
        self.losses.iter().any(|(_, fault)| fault.from <= to && from <= fault.to)
    }
}
