//! What a person reads at the end.

use crate::check::{Violation, check};
use crate::history::{Call, FaultKind, Kind, Line};
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeMap;

/// Violations that are shown in full.
const SHOWN: usize = 20;

/// The name as it stands in the history.
fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Prints calls, faults and violations. `true` if there is no violation and nothing has been left out.
pub fn print(lines: &[Line]) -> Result<bool> {
    let mut missing = calls(lines);
    missing.extend(faults(lines));
    let violations = check(lines);
    println!();
    for violation in violations.iter().take(SHOWN) {
        show(violation, lines)?;
    }
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in &violations {
        *by_rule.entry(violation.rule).or_default() += 1;
    }
    let counts: Vec<String> = by_rule.iter().map(|(rule, n)| format!("{n}×{rule}")).collect();
    if violations.is_empty() {
        println!("No rule was broken.");
    } else {
        println!("{} violations: {}.", violations.len(), counts.join(" "));
    }
    for what in &missing {
        println!("Never happened: {what}. Run longer, or with another seed.");
    }
    Ok(violations.is_empty() && missing.is_empty())
}

/// The calls by kind and outcome; the answer names kinds of which there was none.
fn calls(lines: &[Line]) -> Vec<String> {
    let mut table: BTreeMap<Kind, BTreeMap<String, usize>> = BTreeMap::new();
    for line in lines {
        if let Line::Call(call) = line {
            *table.entry(call.kind).or_default().entry(outcome(call)).or_default() += 1;
        }
    }
    println!("\n{:<18} {:>7}  answers", "call", "count");
    for (kind, outcomes) in &table {
        let answers: Vec<String> = outcomes.iter().map(|(outcome, n)| format!("{n}×{outcome}")).collect();
        println!("{:<18} {:>7}  {}", name(kind), outcomes.values().sum::<usize>(), answers.join(", "));
    }
    Kind::ALL.iter().filter(|kind| !table.contains_key(kind)).map(name).collect()
}

fn outcome(call: &Call) -> String {
    match call.answer.status {
        None if call.answer.not_sent => "no connection".to_owned(),
        None => "no answer".to_owned(),
        Some(status) => format!("{status} {}", call.answer.code).trim_end().to_owned(),
    }
}

/// The faults by kind; the answer names kinds of which there was none, except jumps of the clock, which not every machine can do.
fn faults(lines: &[Line]) -> Vec<String> {
    let mut table: BTreeMap<FaultKind, (usize, i64)> = BTreeMap::new();
    for line in lines {
        if let Line::Fault(fault) = line {
            let entry = table.entry(fault.kind).or_default();
            *entry = (entry.0 + 1, entry.1 + fault.to - fault.from);
        }
    }
    println!("\n{:<18} {:>7}  seconds in all", "fault", "count");
    for (kind, (count, micros)) in &table {
        println!("{:<18} {count:>7}  {:.1}", name(kind), *micros as f64 / 1e6);
    }
    FaultKind::ALL.iter().filter(|kind| !table.contains_key(kind) && **kind != FaultKind::ClockJump).map(name).collect()
}

fn show(violation: &Violation, lines: &[Line]) -> Result<()> {
    println!("{}: {}", violation.rule, violation.says);
    for number in &violation.lines {
        if let Some(line) = lines.get(number - 1) {
            println!("  {number}: {}", serde_json::to_string(line)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Fault, Run, Tenant};

    /// Every kind of call, answered like this, and every fault but a jump of the clock.
    fn history(status: u16) -> Vec<Line> {
        let tenant = Tenant { name: "made-up".into(), seats: 1, overage_percent: 0, lease: 1 };
        let answer = Answer { status: Some(status), ..Answer::default() };
        let call = |kind| Call {
            sent: 0,
            answered: 1,
            server: 0,
            tenant: 0,
            device: Some(0),
            kind,
            session: None,
            with_token: false,
            answer: answer.clone(),
        };
        let fault = |kind| Fault { from: 0, to: 1, kind, all_written: false, what: String::new() };
        let mut lines = vec![Line::Run(Run { seed: 0, late: 1, tenants: vec![tenant] })];
        lines.extend(Kind::ALL.map(|kind| Line::Call(call(kind))));
        lines.extend(FaultKind::ALL.iter().filter(|kind| **kind != FaultKind::ClockJump).map(|kind| Line::Fault(fault(*kind))));
        lines
    }

    #[test]
    fn only_a_whole_run_without_violations_is_a_success() {
        let whole = history(503);
        assert!(print(&whole).unwrap());
        assert!(!print(&history(500)).unwrap());
        for left_out in 1..whole.len() {
            let mut lines = whole.clone();
            lines.remove(left_out);
            assert!(!print(&lines).unwrap(), "without {:?}", whole[left_out]);
        }
    }
}
