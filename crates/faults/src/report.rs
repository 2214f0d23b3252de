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
