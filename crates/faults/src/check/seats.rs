//! Rules about numbers: how many hold seats at once, and who may be refused one.

use super::leases::{Certain, Possible, gives};
use super::{SLACK, Seen, View, Violation};
use crate::history::{Kind, Micros};
use std::collections::BTreeSet;

pub(super) fn check(view: &View<'_>, found: &mut Vec<Violation>) {
    let certain = view.certain();
    let possible = view.possible();
    too_many(view, &certain, found);
    for &seen in &view.calls {
        if matches!(seen.call.kind, Kind::Acquire | Kind::Heartbeat) {
            counted(seen, &certain, &possible, found);
            refused(view, seen, &possible, found);
        }
    }
}

/// The items of a list, sorted by their beginning, that may overlap what begins at `from` and ends at `to`.
fn near<T>(list: &[T], from: Micros, to: Micros, span: impl Fn(&T) -> (Micros, Micros)) -> impl Iterator<Item = &T> {
    let end = list.partition_point(|item| span(item).0 <= to);
    list[..end].iter().filter(move |item| span(item).1 >= from)
}

/// How many devices may have held a seat at some moment between the two, without one of them.
pub(super) fn devices(possible: &[Possible], from: Micros, to: Micros, without: Option<usize>) -> usize {
    let held: BTreeSet<usize> = near(possible, from, to, |p| (p.from, p.to)).map(|p| p.device).collect();
    held.iter().filter(|device| Some(**device) != without).count()
}

/// I1, I5, I6: who certainly hold seats at one moment were all admitted, the last of them at a moment when the limit allowed it for all.
///
/// Leases from before a loss of Redis are not counted with those from after it. So there is at most one limit more, for one lease.
fn too_many(view: &View<'_>, certain: &[Certain], found: &mut Vec<Violation>) {
    for one in certain {
        let now = one.from;
        let held: Vec<&Certain> = near(certain, now, now, |c| (c.from, c.to)).collect();
        let count = held.iter().map(|c| c.device).collect::<BTreeSet<_>>().len();
        // The last of them took his seat after all of these moments.
        let taken = held.iter().map(|c| c.taken).max().unwrap_or(now).min(now);
        let limit = view.limits.highest(taken, now);
        if count <= limit {
            continue;
        }
        let after_loss = view.losses.iter().any(|(_, loss)| loss.from <= now && now - view.lease - SLACK <= loss.to);
        let lowered = count <= view.limits.highest(Micros::MIN, now);
        let rule = if after_loss {
            "I5"
        } else if lowered {
            "I6"
        } else {
            "I1"
        };
        let says = format!("{count} devices held seats at once where at most {limit} may");
        found.push(Violation { rule, says, lines: held.iter().map(|c| c.line).collect() });
    }
}

/// I1, I4: the portal's own count lies between what is certain and what is possible.
fn counted(seen: Seen<'_>, certain: &[Certain], possible: &[Possible], found: &mut Vec<Violation>) {
    let Some(active) = seen.call.answer.active.map(|active| active as usize) else { return };
    let (from, to) = (seen.call.sent, seen.call.answered);
    let own = usize::from(gives(seen));
    let most = devices(possible, from, to, seen.call.device) + own;
    if active > most {
        let says = format!("{active} seats were counted where at most {most} devices can have held one");
        found.push(Violation { rule: "I4", says, lines: vec![seen.line] });
    }
    let throughout: BTreeSet<usize> = near(certain, from, to, |c| (c.from, c.to))
        .filter(|c| c.from <= from && c.to >= to && Some(c.device) != seen.call.device)
        .map(|c| c.device)
        .collect();
    if active < throughout.len() + own {
        let says = format!("{active} seats were counted where {} devices held one", throughout.len() + own);
        found.push(Violation { rule: "I1", says, lines: vec![seen.line] });
    }
}

/// I3: where fewer hold seats than the limit, nobody is refused. After a loss, and at the beginning, which is like one, newcomers
/// may have to wait for those who come back.
fn refused(view: &View<'_>, seen: Seen<'_>, possible: &[Possible], found: &mut Vec<Violation>) {
    if seen.call.answer.code != "seats_exhausted" {
        return;
    }
    let (from, to) = (seen.call.sent, seen.call.answered);
    if from < 2 * view.lease || view.lost_between(from - 2 * view.lease, to) {
        return;
    }
    let most = devices(possible, from, to, seen.call.device);
    let limit = view.limits.lowest(from, to);
    if most < limit {
        let says = format!("refused, though at most {most} of {limit} seats can have been taken");
        found.push(Violation { rule: "I3", says, lines: vec![seen.line] });
    }
}
