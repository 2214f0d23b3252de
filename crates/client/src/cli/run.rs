//! `run`: a command that lives as long as it has a seat.

use super::signals::{self, Signal};
use super::{exit_code, guard, refusal_code, text};
use client::{Client, Error, Left, Session, State};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedReceiver;

/// Within this time of the command's end a signal is taken for the one that ended it.
const SAME_PRESS: Duration = Duration::from_millis(500);

pub(crate) async fn run(client: &Client, command: &[OsString], quiet: bool, zone: text::Zone) -> Result<u8, Error> {
    let mut signals = signals::catch().ok_or_else(|| Error::Config("Signals cannot be caught.".into()))?;
    let (session, early) = start(client, &mut signals).await?;
    if let Some(signal) = early {
        leave(session, &mut signals, client, zone).await;
        return Ok(by_signal(signal.number));
    }
    let mut run = Run { session, signals, zone, quiet };
    run.greet();
    guard::adopt_orphans();
    let result = match Command::from(guard::again("guard", command)).spawn() {
        Ok(child) => run.attend(child).await,
        Err(error) => exit_code(&Error::Config(error.to_string())),
    };
    leave(run.session, &mut run.signals, client, zone).await;
    Ok(result)
}

/// A signal during the start waits for the server's answer, so that a seat just granted is given back; a second one does not.
async fn start(client: &Client, signals: &mut UnboundedReceiver<Signal>) -> Result<(Session, Option<Signal>), Error> {
    let starting = client.start();
    tokio::pin!(starting);
    let mut early = None;
    loop {
        tokio::select! {
            session = &mut starting => return session.map(|s| (s, early)),
            Some(signal) = signals.recv() => {
                if early.is_some() {
                    std::process::exit(i32::from(by_signal(signal.number)));
                }
                early = Some(signal);
            }
        }
    }
}

async fn leave(session: Session, signals: &mut UnboundedReceiver<Signal>, client: &Client, zone: text::Zone) {
    tokio::select! {
        left = session.release() => if let Left::Kept { free_at, reason } = left {
            let now = client.now();
            text::say(format!("The seat could not be given back ({}). It is free at {} at the latest.", reason.trim_end_matches('.'), zone.show(free_at, now)));
        },
        () = impatience(signals) => text::say("Not waiting for the seat to be given back; it ends by itself."),
    }
}

/// Ctrl-C ends the command and is heard here too, sometimes later than the command's end: that is still the same key press. Only what
/// comes after it means that somebody does not want to wait.
async fn impatience(signals: &mut UnboundedReceiver<Signal>) {
    let settled = tokio::time::sleep(SAME_PRESS);
    tokio::pin!(settled);
    loop {
        tokio::select! {
            () = &mut settled => break,
            Some(_) = signals.recv() => {}
        }
    }
    if signals.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

struct Run {
    session: Session,
    signals: UnboundedReceiver<Signal>,
    zone: text::Zone,
    quiet: bool,
}

impl Run {
    fn greet(&self) {
        match (self.session.state(), self.session.license()) {
            (state @ State::Grace { .. }, _) => self.tell(&State::Online, &state),
            _ if self.quiet => {}
            _ if self.session.joined() => text::say("Sharing the seat that this device holds."),
            (_, Some(license)) => text::say(format!("Seat taken: {} of {} in use ({}).", license.active, license.max_seats, license.tier)),
            _ => {}
        }
    }

    /// Waits for the command, passing on signals and what becomes of the seat. Returns the exit code.
    async fn attend(&mut self, mut child: Child) -> u8 {
        let mut last = self.session.state();
        loop {
            tokio::select! {
                biased;
                status = child.wait() => return own_code(status),
                Some(signal) = self.signals.recv() => {
                    if let Some(signal) = rustix::process::Signal::from_named_raw(signal.number).filter(|_| !signal.from_terminal) {
                        send(&child, signal);
                    }
                }
                state = self.session.changed() => {
                    self.tell(&last, &state);
                    match &state {
                        State::Refused(refusal) => {
                            self.end(&mut child).await;
                            return refusal_code(refusal);
                        }
                        State::Stopped => return self.end(&mut child).await,
                        _ => {}
                    }
                    last = state;
                }
            }
        }
    }

    /// One line when trouble begins, one when it ends.
    fn tell(&self, before: &State, now: &State) {
        match (before, now) {
            (State::Grace { .. }, State::Grace { .. }) | (State::Online, State::Online) => {}
            (_, State::Grace { left, reason, .. }) => {
                text::say(format!("{} Working offline, {} left.", text::clean(reason), client::span(*left)));
            }
            (_, State::Online) => text::say("The license server answers again."),
            (_, State::Refused(refusal)) => text::say_refusal(refusal, self.zone),
            (_, State::Stopped) => text::say("The seat was given back with `coditect-license release`."),
        }
    }

    /// Asks the command to end, then makes it.
    async fn end(&mut self, child: &mut Child) -> u8 {
        text::say(format!("Ending the command; it has {} s to finish.", guard::GRACE.as_secs()));
        send(child, rustix::process::Signal::TERM);
        let (_, status) = tokio::join!(tokio::task::spawn_blocking(guard::await_end), child.wait());
        own_code(status)
    }
}

/// The guard passes it on. Fails only if it has just ended by itself.
fn send(guard: &Child, signal: rustix::process::Signal) {
    if let Some(pid) = guard.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn own_code(status: std::io::Result<ExitStatus>) -> u8 {
    match status {
        Ok(status) => {
            if status.signal().is_some() {
                // Somebody has killed the guard, and so the command; the rest of it may live.
                guard::signal_descendants(rustix::process::Signal::KILL);
            }
            guard::exit_code(status.code(), status.signal())
        }
        Err(error) => exit_code(&Error::Config(error.to_string())),
    }
}

fn by_signal(number: i32) -> u8 {
    guard::exit_code(None, Some(number))
}
