//! A device: a state folder, a hardware id, and the command.

use crate::portal::{PASSWORD, Portal};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// For everything that must happen; far longer than it ever takes.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Device {
    dir: tempfile::TempDir,
    pub hardware_id: String,
    url: String,
}

/// A finished command.
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A command that runs.
pub struct Running {
    pub child: Child,
    err: PathBuf,
}

impl Device {
    pub fn new(portal: &Portal) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), hardware_id: "device-1".into(), url: portal.url() }
    }

    pub fn signed_in(portal: &Portal) -> Self {
        let device = Self::new(portal);
        let done = device.login();
        assert_eq!(done.code, 0, "{}", done.err);
        device
    }

    pub fn login(&self) -> Done {
        finish(self.command(&["login", "--email", "ingrid@fjordline.example"]).env("CODITECT_PASSWORD", PASSWORD))
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// All state files of this machine.
    pub fn files(&self) -> Vec<PathBuf> {
        let list = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().map(|e| e.unwrap().path());
        list(self.home()).filter(|p| p.is_dir()).flat_map(list).collect()
    }

    /// The one whose name begins so and ends with `.json`.
    pub fn file(&self, begins: &str) -> PathBuf {
        self.try_file(begins).unwrap_or_else(|| panic!("no {begins}*.json"))
    }

    pub fn try_file(&self, begins: &str) -> Option<PathBuf> {
        let fits = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(begins) && p.extension().is_some_and(|e| e == "json");
        self.files().into_iter().find(fits)
    }

    /// How many processes use the seat.
    pub fn holders(&self) -> usize {
        let out = self.run(&["status"]).out;
        out.lines().find_map(|l| l.split_once("used by process ")).map_or(0, |(_, pids)| pids.split(',').count())
    }

    /// Takes a seat, dies without giving it back, and so keeps the right to work offline.
    pub fn use_and_crash(&self, portal: &Portal) {
        let running = self.start(&["run", "--", "sleep", "600"]);
        until("the seat", || portal.world().live() == 1 && running.err().contains("Seat taken"));
        running.crash();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coditect-license"));
        command.args(args).stdin(Stdio::null());
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "NO_PROXY",
            "no_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "CODITECT_CA_FILE",
            "CODITECT_PASSWORD",
        ] {
            command.env_remove(name);
        }
        command.env("CODITECT_SERVER", &self.url).env("CODITECT_HOME", self.home()).env("CODITECT_HARDWARE_ID", &self.hardware_id);
        command
    }

    pub fn run(&self, args: &[&str]) -> Done {
        finish(&mut self.command(args))
    }

    /// Starts a command in the background.
    pub fn start(&self, args: &[&str]) -> Running {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let err = self.dir.path().join(format!("err-{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        let file = std::fs::File::create(&err).unwrap();
        let child = self.command(args).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Running { child, err }
    }
}

impl Running {
    pub fn err(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// The process between the client and its command.
    pub fn guard(&self) -> Option<i32> {
        child_of(i32::try_from(self.child.id()).unwrap())
    }

    /// The command that runs under the seat, once it does.
    pub fn command(&self) -> Option<i32> {
        let command = child_of(self.guard()?)?;
        let name = std::fs::read(format!("/proc/{command}/cmdline")).ok()?;
        // Empty is one that is just becoming another program.
        if name.is_empty() || name.starts_with(b"coditect-license") { None } else { Some(command) }
    }

    /// Ends the client so that it cannot do anything about it.
    pub fn crash(mut self) {
        let mut command = None;
        until("the command", || {
            command = self.command();
            command.is_some()
        });
        let command = command.unwrap();
        self.signal(rustix::process::Signal::KILL);
        self.wait();
        until("the command's end", || !is_running(command));
    }

    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "still running; it said: {}", self.err());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Exit code and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.wait().code();
        (code, self.err())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(rustix::process::Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

pub fn finish(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|s| !s.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

fn child_of(pid: i32) -> Option<i32> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?.split_whitespace().next()?.parse().ok()
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
