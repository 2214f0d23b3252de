//! Signals to this process, with who sent them: Ctrl-C in a terminal reaches the command by itself, `kill` does not.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;
use tokio::sync::mpsc;

/// A signal that asks for the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) number: i32,
    /// The terminal sent it, and so to the command as well.
    pub(crate) from_terminal: bool,
}

/// Catches the signals from now on. `None` if the system does not let us.
pub(crate) fn catch() -> Option<mpsc::UnboundedReceiver<Signal>> {
    let mut wanted = vec![SIGINT, SIGTERM, SIGQUIT];
    // Under nohup the loss of the terminal must not matter.
    if !is_ignored(SIGHUP) {
        wanted.push(SIGHUP);
    }
    let mut signals = SignalsInfo::<WithOrigin>::new(wanted).ok()?;
    let (send, receive) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for origin in &mut signals {
            let from_terminal = matches!(origin.cause, Cause::Kernel);
            if send.send(Signal { number: origin.signal, from_terminal }).is_err() {
                return;
            }
        }
    });
    Some(receive)
}

/// proc(5): `SigIgn` in `/proc/self/status` is a mask of the ignored signals.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
