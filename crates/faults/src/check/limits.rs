//! Which limits may have been in force when.

use super::Seen;
use crate::history::{Line, Micros, Tenant};

/// Seats that may be held, and when that may have been the limit.
#[derive(Debug)]
struct Window {
    /// As bought; answers tell this number.
    seats: u32,
    admits: usize,
    from: Micros,
    to: Micros,
}

/// All limits of one licence.
#[derive(Debug)]
pub(super) struct Limits(Vec<Window>);

impl Limits {
    /// A change may work from when it was sent. What was before it may work until an answer shows the new number, and only if that number
    /// could not be an older one.
    pub(super) fn new(history: &[Line], tenant: &Tenant, number: usize, calls: &[Seen<'_>]) -> Self {
        let window =
            |seats: u32, from| Window { seats, admits: (seats + seats * tenant.overage_percent / 100) as usize, from, to: Micros::MAX };
        let mut windows = vec![window(tenant.seats, Micros::MIN)];
        let mut changes: Vec<_> = history
            .iter()
            .filter_map(|line| match line {
                Line::Limit(change) if change.tenant == number => Some(change),
                _ => None,
            })
            .collect();
        changes.sort_by_key(|change| change.sent);
        for change in changes {
            let could_be_older = windows.iter().any(|w| w.seats == change.seats && w.to > change.sent);
            let shown = calls
                .iter()
                .filter(|seen| seen.call.sent >= change.sent && seen.call.answer.max_seats == Some(change.seats))
                .map(|seen| seen.call.answered)
                .min();
            if let (Some(shown), false) = (shown, could_be_older) {
                for earlier in &mut windows {
                    earlier.to = earlier.to.min(shown);
                }
            }
            windows.push(window(change.seats, change.sent));
        }
        Self(windows)
    }

    fn during(&self, from: Micros, to: Micros) -> impl Iterator<Item = usize> {
        self.0.iter().filter(move |w| w.from <= to && from <= w.to).map(|w| w.admits)
    }

    /// The highest that may have been in force.
    pub(super) fn highest(&self, from: Micros, to: Micros) -> usize {
        self.during(from, to).max().unwrap_or(usize::MAX)
    }

    /// The lowest that may have been in force.
    pub(super) fn lowest(&self, from: Micros, to: Micros) -> usize {
        self.during(from, to).min().unwrap_or(0)
    }

    /// Whether the limit may have become lower between the two moments.
    pub(super) fn may_have_fallen(&self, from: Micros, to: Micros) -> bool {
        let lowest = self.lowest(from, to);
        self.0.iter().any(|w| w.admits > lowest && w.from <= to && from <= w.to)
    }
}
