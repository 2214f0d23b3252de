//! A Redis of one test's own: empty, in memory, gone with the test, however the test ends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Becomes Redis. A second process waits for the end of standard input, that is of [`TestRedis`] or of the whole test process,
/// and kills Redis then.
const GUARDED: &str = r#"
exec 3<&0
(cat <&3 >/dev/null; case "$(cat /proc/$$/comm)" in redis*) kill -9 $$;; esac) &
exec redis-server "$@" </dev/null 3<&-
"#;

/// A running `redis-server` on a Unix socket, and on a TCP port if asked for.
pub struct TestRedis {
    home: PathBuf,
    arguments: Vec<String>,
    port: Option<u16>,
    process: Option<Child>,
}

impl TestRedis {
    /// On a Unix socket, nothing persisted.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments, such as `["--maxmemory", "10mb"]`.
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut redis = Self::new(arguments);
        redis.restart();
        redis
    }

    /// Also on a free TCP port of 127.0.0.1.
    pub fn start_tcp(arguments: &[&str]) -> Self {
        let mut redis = Self::new(arguments);
        for _ in 0..10 {
            // Another program may take the port before Redis does.
            redis.port = Some(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port());
            if redis.launch() {
                return redis;
            }
        }
        panic!("no free port for redis-server");
    }

    fn new(arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let home = std::env::temp_dir().join(format!("test-redis-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).unwrap();
        Self { home, arguments: arguments.iter().map(|&a| a.to_owned()).collect(), port: None, process: None }
    }

    /// Connection address: TCP if there is a port, else the Unix socket.
    pub fn url(&self) -> String {
        match self.port {
            Some(port) => format!("redis://127.0.0.1:{port}/"),
            None => format!("unix://{}", self.socket().display()),
        }
    }

    /// The TCP port; panics if there is none.
    pub fn port(&self) -> u16 {
        self.port.unwrap()
    }

    /// The process, for signals; panics while it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Ends Redis as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }

    /// Starts it again at the same address after a [`TestRedis::kill`]: empty, unless the arguments say to persist.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not start; see {}", self.home.join("log").display());
    }

    fn socket(&self) -> PathBuf {
        self.home.join("sock")
    }

    /// `false` when Redis ends instead of answering.
    fn launch(&mut self) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", GUARDED, "sh", "--port", &self.port.unwrap_or(0).to_string(), "--bind", "127.0.0.1"]);
        command.arg("--unixsocket").arg(self.socket()).arg("--dir").arg(&self.home).arg("--logfile").arg(self.home.join("log"));
        command.args(["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]).args(&self.arguments);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        loop {
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            if answers(&self.socket()) {
                self.process = Some(process);
                return true;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "redis-server does not answer");
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn answers(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut answer = [0; 5];
    // One that wants a password answers too.
    stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && [b"+PONG", b"-NOAU"].contains(&&answer)
}
