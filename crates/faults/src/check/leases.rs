//! When leases were certainly live, and when possibly.

use super::{SLACK, Seen, View};
use crate::history::{Kind, Micros};

/// Something that may have ended a session's lease: at one moment of these, or not at all.
#[derive(Clone, Copy, Debug)]
struct End {
    line: usize,
    from: Micros,
    to: Micros,
    /// Redis lost everything.
    loss: bool,
}

/// What is left out of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Except {
    Nothing,
    /// The call of this line, which is being judged.
    Line(usize),
    /// What Redis lost: what is left is what the client believes.
    Losses,
}

/// A time during which a device certainly held a seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certain {
    pub(super) line: usize,
    pub(super) device: usize,
    pub(super) from: Micros,
    pub(super) to: Micros,
    /// The seat was taken at this moment or later, and held since.
    pub(super) taken: Micros,
}

/// A time during which a device may have held a seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Possible {
    pub(super) device: usize,
    pub(super) from: Micros,
    pub(super) to: Micros,
}

impl View<'_> {
    /// Whatever may have ended the session. A lower limit never does.
    fn ends(&self, session: &str) -> Vec<End> {
        let Some(beginning) = self.beginning(session) else { return Vec::new() };
        let end = |seen: Seen<'_>, to| End { line: seen.line, from: seen.call.sent, to, loss: false };
        // A revocation whose answer is lost may be in the database and reach Redis at any time.
        let mut ends: Vec<End> =
            self.endings(session).filter(|seen| seen.call.done() || seen.call.open()).map(|seen| end(seen, Micros::MAX)).collect();
        // Another session of the device on the same seat.
        for seen in self.device(beginning.call.device.unwrap_or(usize::MAX)) {
            let takes_over = seen.call.kind == Kind::Acquire || (seen.call.kind == Kind::Heartbeat && seen.call.with_token);
            if !takes_over || seen.call.about() == Some(session) {
                continue;
            }
            if seen.call.open() {
                ends.push(end(seen, seen.call.sent + self.late));
            } else if seen.call.done() && seen.call.answered > beginning.call.sent {
                ends.push(end(seen, if seen.call.kind == Kind::Acquire { Micros::MAX } else { seen.call.answered }));
            }
        }
        ends.extend(self.losses.iter().map(|(line, fault)| End { line: *line, from: fault.from, to: fault.to, loss: true }));
        ends
    }

    /// Until when the lease that this call gave or extended was certainly live: from its answer on, for as long as nothing can have
    /// ended it. Not later than that, if it was live at all.
    pub(super) fn certain_until(&self, success: Seen<'_>, except: Except) -> Micros {
        let session = success.call.about().unwrap_or_default();
        let full = success.call.sent + self.lease - SLACK;
        self.ends(session)
            .into_iter()
            .filter(|end| match except {
                Except::Nothing => true,
                Except::Line(line) => end.line != line,
                Except::Losses => !end.loss,
            })
            // What can only have happened before the call took effect did the lease no harm.
            .filter(|end| end.to >= success.call.sent)
            .fold(full, |until, end| until.min(end.from.max(success.call.sent)))
    }

    /// The last call before `moment` that gave or extended a lease of the device; of this session, if one is named.
    pub(super) fn last_success(&self, device: usize, session: Option<&str>, moment: Micros) -> Option<Seen<'_>> {
        self.device(device)
            .rev()
            .find(|seen| seen.call.answered <= moment && gives(*seen) && session.is_none_or(|session| seen.call.about() == Some(session)))
    }

    /// All times at which devices certainly held seats, by their beginning.
    pub(super) fn certain(&self) -> Vec<Certain> {
        let mut found = Vec::new();
        for (&device, calls) in &self.of_device {
            // The earliest moment at which the seat that the device holds can have been taken.
            let mut taken = Micros::MIN;
            let mut open_until = Micros::MIN;
            for seen in calls.iter().map(|&i| self.calls[i]) {
                if seen.call.open() && matches!(seen.call.kind, Kind::Acquire | Kind::Heartbeat) {
                    open_until = seen.call.sent + self.late;
                }
                if !gives(seen) {
                    continue;
                }
                let came_back = seen.call.answer.code == "reacquired" && open_until < seen.call.sent;
                if seen.call.answer.status == Some(201) || came_back {
                    taken = seen.call.sent;
                }
                let to = self.certain_until(seen, Except::Nothing);
                if to >= seen.call.answered {
                    found.push(Certain { line: seen.line, device, from: seen.call.answered, to, taken });
                }
            }
        }
        found.sort_by_key(|certain| certain.from);
        found
    }

    /// All times at which devices may have held seats, by their beginning.
    pub(super) fn possible(&self) -> Vec<Possible> {
        let mut found = Vec::new();
        for (&device, calls) in &self.of_device {
            for seen in calls.iter().map(|&i| self.calls[i]) {
                let call = seen.call;
                let may_give = matches!(call.kind, Kind::Acquire | Kind::Heartbeat) && call.open();
                if !gives(seen) && !may_give {
                    continue;
                }
                let effect = if gives(seen) { call.answered } else { call.sent + self.late };
                let full = effect + self.lease + SLACK;
                let to = if gives(seen) { self.surely_over(seen).map_or(full, |over| full.min(over)) } else { full };
                found.push(Possible { device, from: call.sent, to });
            }
        }
        found.sort_by_key(|possible| possible.from);
        found
    }

    /// When the lease that this call gave or extended had certainly ended, if anything but time ended it.
    fn surely_over(&self, success: Seen<'_>) -> Option<Micros> {
        let session = success.call.about().unwrap_or_default();
        let released = self
            .endings(session)
            .filter(|seen| seen.call.kind == Kind::Release && seen.call.done() && seen.call.sent >= success.call.answered);
        let lost = self.losses.iter().filter(|(_, fault)| fault.from >= success.call.answered);
        released.map(|seen| seen.call.answered).chain(lost.map(|(_, fault)| fault.to)).min()
    }
}

/// The call gave or extended a lease.
pub(super) fn gives(seen: Seen<'_>) -> bool {
    seen.call.done() && matches!(seen.call.kind, Kind::Acquire | Kind::Heartbeat)
}
