//! Starting and stopping child processes so that none is left behind.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::ServiceError;

/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(20);

/// The parent of all services.
///
/// The kernel signals a child when the *thread* that started it ends (`PR_SET_PDEATHSIG`), so services are started from one
/// thread that lives as long as this value, never from a pool's worker. When the process dies, however it dies, or this value
/// is dropped, every service that still runs gets its death signal.
pub struct Keeper {
    requests: mpsc::Sender<Request>,
}

struct Request {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

impl Keeper {
    /// Starts the thread. Fails when the system allows no further thread.
    pub fn new() -> Result<Self, ServiceError> {
        let (requests, inbox) = mpsc::channel::<Request>();
        thread::Builder::new()
            .name("services".to_owned())
            .spawn(move || {
                for mut request in inbox {
                    // The caller waits for the answer, so sending cannot fail in a way that matters.
                    let _ = request.reply.send(request.command.spawn());
                }
            })
            .map_err(|e| ServiceError::io("No thread for the services", &e))?;
        Ok(Self { requests })
    }

    /// Starts a command from the keeper's thread. It ends with the keeper only if it asks the kernel for that, as `setpriv --pdeathsig` does.
    pub fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the services' thread has ended");
        let (reply, answer) = mpsc::channel();
        self.requests.send(Request { command, reply }).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

/// The user that a service runs as when we are root and the service refuses that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl RunAs {
    /// `None` unless we are root; else the user `postgres` or, without one, `nobody`.
    pub fn if_root() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Some(user_in(&passwd, "postgres").or_else(|| user_in(&passwd, "nobody")).unwrap_or(Self { uid: 65534, gid: 65534 }))
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(self, path: &Path) -> Result<(), ServiceError> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .map_err(|e| ServiceError::io(format_args!("Cannot give {} to user {}", path.display(), self.uid), &e))
    }
}

/// The user's line in the text of `/etc/passwd`: name, password, uid, gid, …
fn user_in(passwd: &str, name: &str) -> Option<RunAs> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut f| (f.next() == Some(name)).then_some(f))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(RunAs { uid, gid })
}

/// A command in a process group of its own (Ctrl-C reaches only us), with a clean environment, that gets `death_signal`
/// (without `SIG`) when the [`Keeper`] ends. `data` is the folder that it works in.
pub(crate) fn service_command(program: &Path, data: &Path, run_as: Option<RunAs>, death_signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(setpriv_arguments(data, run_as, death_signal)).arg("--").arg(program);
    command.current_dir(data).process_group(0).stdin(std::process::Stdio::null());
    command.env_clear().env("LC_ALL", "C.UTF-8").env("HOME", data);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What `setpriv` must do before it becomes the service.
pub(crate) fn setpriv_arguments(data: &Path, run_as: Option<RunAs>, death_signal: &str) -> Vec<String> {
    let mut arguments = vec!["--pdeathsig".to_owned(), death_signal.to_owned()];
    if let Some(user) = run_as {
        arguments.extend([format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".to_owned()]);
        if !reachable_for_others(data) {
            let capability = passing_capability();
            arguments.extend([format!("--inh-caps=+{capability}"), format!("--ambient-caps=+{capability}")]);
        }
    }
    arguments
}

/// Whether any user may pass through all the folders above `path` (a clone under /root is closed to others).
fn reachable_for_others(path: &Path) -> bool {
    path.ancestors().skip(1).all(|folder| fs::metadata(folder).is_ok_and(|m| m.permissions().mode() & 0o001 != 0))
}

/// The capability that lets a service pass through closed folders. Containers often keep only the second one.
fn passing_capability() -> &'static str {
    const CAP_DAC_READ_SEARCH: u64 = 1 << 2;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if effective.is_some_and(|set| set & CAP_DAC_READ_SEARCH != 0) { "dac_read_search" } else { "dac_override" }
}

/// The sentence for a command that could not be started at all.
pub(crate) fn not_started(program: impl AsRef<OsStr>, error: &io::Error) -> ServiceError {
    let program = Path::new(program.as_ref()).display().to_string();
    if error.kind() == io::ErrorKind::NotFound {
        ServiceError(format!("Cannot start {program}: setpriv (Debian package util-linux) is missing"))
    } else {
        ServiceError::io(format_args!("Cannot start {program}"), error)
    }
}

/// Looks until `ready` says so or `limit` is over; `false` means that it is over.
pub(crate) fn wait_until(limit: Duration, mut ready: impl FnMut() -> Result<bool, ServiceError>) -> Result<bool, ServiceError> {
    let end = Instant::now() + limit;
    loop {
        if ready()? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// Stops a child: the signals one after the other, each with the time that it is given, and SIGKILL at last.
pub(crate) fn stop(child: &mut Child, signals: &[(Signal, Duration)]) -> Result<ExitStatus, ServiceError> {
    let failed = |e: io::Error| ServiceError::io("Cannot wait for a service to end", &e);
    let pid = Pid::from_child(child);
    for (signal, limit) in signals {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        // It may have ended this very moment; the wait below tells.
        let _ = kill_process(pid, *signal);
        if wait_until(*limit, || Ok(child.try_wait().map_err(failed)?.is_some()))? {
            break;
        }
    }
    // No effect on a child that has ended and been waited for.
    let _ = child.kill();
    child.wait().map_err(failed)
}

/// Ends a process that an earlier run of ours left behind (not our child). `false` when it will not go.
pub(crate) fn stop_stranger(pid: i32, signals: &[(Signal, Duration)]) -> Result<bool, ServiceError> {
    let Some(process) = Pid::from_raw(pid) else { return Ok(true) };
    for (signal, limit) in signals {
        let _ = kill_process(process, *signal);
        if wait_until(*limit, || Ok(!alive(pid)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a process of this number exists and is not just waiting to be collected.
pub(crate) fn alive(pid: i32) -> bool {
    let Some(process) = Pid::from_raw(pid) else { return false };
    if test_kill_process(process) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    // "pid (name) state …": the name may contain anything, so look after the last parenthesis.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X'])))
}

/// Makes a folder that only its owner may enter; for another user if `run_as` says so. Refuses one that is not ours.
pub(crate) fn private_folder(path: &Path, run_as: Option<RunAs>) -> Result<(), ServiceError> {
    fs::create_dir_all(path).map_err(|e| ServiceError::io(format_args!("Cannot make {}", path.display()), &e))?;
    if let Some(user) = run_as {
        user.own(path)?;
    }
    let owner = fs::metadata(path).map(|m| m.uid()).map_err(|e| ServiceError::io(format_args!("Cannot read {}", path.display()), &e))?;
    let expected = run_as.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    if owner != expected {
        return Err(ServiceError(format!("{} belongs to another user (id {owner}): run as that user, or remove it", path.display())));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(|e| ServiceError::io(format_args!("Cannot protect {}", path.display()), &e))
}

/// Writes a file that only its owner may read; for another user if `run_as` says so.
pub(crate) fn private_file(path: &Path, text: &str, run_as: Option<RunAs>) -> Result<(), ServiceError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |e: io::Error| ServiceError::io(format_args!("Cannot write {}", path.display()), &e);
    // A file of an earlier run may belong to someone else or be readable by all.
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    run_as.map_or(Ok(()), |user| user.own(path))
}

/// The last line of a service's log that says something, for an error sentence.
pub(crate) fn last_words(log: &Path, wanted: &[&str]) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.clone().rfind(|line| wanted.iter().any(|word| line.contains(word)));
    telling.or_else(|| lines.next_back()).unwrap_or("it said nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:\npostgres:x:101:104:PG,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(user_in(passwd, "postgres"), Some(RunAs { uid: 101, gid: 104 }));
        assert_eq!(user_in(passwd, "nobody"), None);
    }

    #[test]
    fn a_child_ends_with_its_keeper() {
        let keeper = Keeper::new().unwrap();
        let mut command = service_command(Path::new("sleep"), Path::new("/"), None, "TERM");
        command.arg("600");
        let mut child = keeper.spawn(command).unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // Until setpriv has become sleep, the death signal is not set.
        assert!(
            wait_until(Duration::from_secs(20), || Ok(fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c == "sleep\n")))
                .unwrap()
        );
        drop(keeper);
        assert!(wait_until(Duration::from_secs(20), || Ok(child.try_wait().unwrap().is_some())).unwrap(), "the child outlived its keeper");
    }

    #[test]
    fn stopping_goes_on_to_the_next_signal() {
        let keeper = Keeper::new().unwrap();
        let mut command = service_command(Path::new("sh"), Path::new("/"), None, "KILL");
        command.args(["-c", "trap '' TERM; exec sleep 600"]);
        let mut child = keeper.spawn(command).unwrap();
        let status = stop(&mut child, &[(Signal::TERM, Duration::from_millis(100)), (Signal::KILL, Duration::from_secs(20))]).unwrap();
        assert!(!status.success());
    }

    #[test]
    fn a_service_stops_being_alive() {
        let keeper = Keeper::new().unwrap();
        let mut command = service_command(Path::new("sleep"), Path::new("/"), None, "KILL");
        command.arg("600");
        let mut child = keeper.spawn(command).unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(alive(pid));
        // Not collected yet: a zombie does not count as alive.
        assert!(stop_stranger(pid, &[(Signal::KILL, Duration::from_secs(20))]).unwrap());
        child.wait().unwrap();
    }
}
