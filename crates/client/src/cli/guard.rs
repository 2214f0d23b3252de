//! Stands between `run` and its command, so that no command outlives its seat.
//!
//! `run` starts this program once more as a guard, and the guard starts the command. When `run` is killed, the system tells the
//! guard, which ends all that the command has started. When the guard is killed as well, the system kills the command.

use super::{code, signals, text};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process, set_child_subreaper, set_parent_process_death_signal, wait,
};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// How long a command that has lost its seat may take to put its work away.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// Exit codes of shells for commands that cannot be started (POSIX.1-2024, Shell Command Language §2.8.2).
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// This program, to be started once more as `role` under the calling process, with the command.
pub(crate) fn again(role: &str, command: &[OsString]) -> Command {
    // Not the path that it was started by, which an update may have replaced.
    let mut again = Command::new("/proc/self/exe");
    again.arg0("coditect-license").args([role, "--parent", &getpid().as_raw_nonzero().to_string(), "--"]).args(command);
    again
}

/// What a command leaves behind is to come to the calling process, which can then find it.
pub(crate) fn adopt_orphans() {
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        text::say(format!("What the command leaves behind cannot be watched: {error}"));
    }
}

/// Starts the command and ends all of it if `parent` dies first. Returns the command's exit code.
pub(crate) fn guard(parent: i32, command: &[OsString]) -> u8 {
    adopt_orphans();
    // Those that come before there is a command wait for it.
    let Some(mut signals) = signals::catch() else { return code::FAILED };
    if follow(parent, Signal::TERM).is_none() {
        return code::FAILED;
    }
    let child = match again("exec", command).spawn() {
        Ok(child) => Pid::from_child(&child),
        Err(error) => {
            text::say(format!("The command cannot be started: {error}"));
            return code::FAILED;
        }
    };
    std::thread::spawn(move || {
        while let Some(signal) = signals.blocking_recv() {
            if is_gone(parent) {
                end_descendants();
                return;
            }
            if let Some(number) = Signal::from_named_raw(signal.number).filter(|_| !signal.from_terminal) {
                signal_descendants(number);
            }
        }
    });
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                if is_gone(parent) {
                    end_descendants();
                }
                return exit_code(status.exit_status(), status.terminating_signal());
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return code::FAILED,
        }
    }
}

/// Becomes the command.
pub(crate) fn exec(parent: i32, command: &[OsString]) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return code::FAILED };
    if follow(parent, Signal::KILL).is_none() {
        return code::FAILED;
    }
    let error = Command::new(program).args(arguments).exec();
    text::say(format!("{}: {error}", program.display()));
    if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Lets the system send `signal` when the parent dies. `None`: it has died already.
fn follow(parent: i32, signal: Signal) -> Option<()> {
    if let Err(error) = set_parent_process_death_signal(Some(signal)) {
        text::say(format!("The command may outlive its seat: {error}"));
    }
    if is_gone(parent) { None } else { Some(()) }
}

/// Whether the parent has died, or is dying: the system tells of its end when its first thread has ended, and as long as others have not, it
/// still counts as the parent.
fn is_gone(parent: i32) -> bool {
    let another = getppid().is_none_or(|now| now.as_raw_nonzero().get() != parent);
    another || Stat::of(parent).is_some_and(|stat| stat.ended || stat.ending)
}

/// As a shell tells it.
pub(crate) fn exit_code(code: Option<i32>, signal: Option<i32>) -> u8 {
    code.or(signal.map(|number| 128 + number)).and_then(|code| u8::try_from(code).ok()).unwrap_or(code::FAILED)
}

fn end_descendants() {
    signal_descendants(Signal::TERM);
    await_end();
}

/// Waits for the end of all that this process has started, and brings it about after [`GRACE`].
pub(crate) fn await_end() {
    for _ in 0..GRACE.as_millis() / POLL.as_millis() {
        if descendants().is_empty() {
            return;
        }
        std::thread::sleep(POLL);
    }
    // Over again, for those that were started meanwhile.
    for _ in 0..20 {
        if descendants().is_empty() {
            return;
        }
        signal_descendants(Signal::KILL);
        std::thread::sleep(POLL);
    }
}

/// Sends to all that this process has started.
pub(crate) fn signal_descendants(signal: Signal) {
    for pid in descendants() {
        // Fails for one that has just ended, or that runs in another's name.
        let _ = kill_process(pid, signal);
    }
}

/// Processes that this one has started, and those that these have started, as long as they run in its session: what has made
/// itself independent as a service is not the command any more.
fn descendants() -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = entries.filter_map(|entry| Stat::of(entry.file_name().to_str()?.parse().ok()?));
    descendants_of(getpid().as_raw_nonzero().get(), stats.collect()).into_iter().filter_map(Pid::from_raw).collect()
}

fn descendants_of(own: i32, stats: Vec<Stat>) -> Vec<i32> {
    // Not getsid(2), which has no answer where the session was begun outside of the container: there the number is 0.
    let Some(session) = stats.iter().find(|stat| stat.pid == own).map(|stat| stat.session) else { return Vec::new() };
    let mut children: HashMap<i32, Vec<Stat>> = HashMap::new();
    for stat in stats {
        children.entry(stat.parent).or_default().push(stat);
    }
    let mut found = Vec::new();
    let mut next = vec![own];
    while let Some(parent) = next.pop() {
        for stat in children.remove(&parent).unwrap_or_default() {
            next.push(stat.pid);
            if !stat.ended && stat.session == session {
                found.push(stat.pid);
            }
        }
    }
    found
}

/// `include/linux/sched.h`: getting shut down.
const PF_EXITING: u64 = 0x4;

/// From `/proc/PID/stat`, proc(5).
#[derive(Debug, PartialEq)]
struct Stat {
    pid: i32,
    parent: i32,
    /// 0 if its leader is outside of the container.
    session: i32,
    /// Dead, and waits for its parent to notice.
    ended: bool,
    /// Its first thread is on its way out.
    ending: bool,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::read(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(pid: i32, text: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let flags: u64 = fields.nth(2).and_then(|flags| flags.parse().ok()).unwrap_or(0);
        Some(Self { pid, parent, session, ended: matches!(state, "Z" | "X"), ending: flags & PF_EXITING != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let expected = Stat { pid: 7, parent: 3, session: 1, ended: false, ending: false };
        assert_eq!(Stat::read(7, "7 (a) b) (Z) S 3 7 1 34816 7 4194560 0"), Some(expected));
        assert_eq!(Stat::read(7, "7 (sleep) R 3 7 1 34816 7 4194564 0").map(|s| s.ending), Some(true));
        assert_eq!(Stat::read(7, "7 (sleep) Z 3 7 1 0").map(|s| s.ended), Some(true));
        assert_eq!(Stat::read(7, ""), None);
    }

    #[test]
    fn what_was_started_is_found_also_in_a_session_from_outside_of_the_container() {
        let stat = |pid, parent, session, ended| Stat { pid, parent, session, ended, ending: false };
        for session in [0, 5] {
            let stats = vec![
                stat(7, 1, session, false),
                stat(8, 7, session, false),
                stat(9, 8, session, false),
                stat(10, 8, 10, false),
                stat(11, 10, session, true),
                stat(12, 1, session, false),
            ];
            let mut found = descendants_of(7, stats);
            found.sort_unstable();
            assert_eq!(found, [8, 9], "not a service of its own, nor one that has ended, nor a stranger");
        }
    }

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(exit_code(Some(9), None), 9);
        assert_eq!(exit_code(None, Some(15)), 143);
        assert_eq!(exit_code(None, None), code::FAILED);
    }
}
