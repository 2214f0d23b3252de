//! A private Redis.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{alive, last_words, not_started, private_file, private_folder, service_command, stop, stop_stranger, wait_until};
use crate::{Keeper, ServiceError, free_port};

/// SIGTERM makes Redis write its append-only file and end.
const SHUTDOWN: [(Signal, Duration); 1] = [(Signal::TERM, Duration::from_secs(30))];

/// How long a start may take; reading the append-only file is part of it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running Redis. Stops when its [`Keeper`] ends; [`Redis::stop`] also waits.
pub struct Redis {
    child: Child,
    port: u16,
    password: String,
}

impl Redis {
    /// Starts Redis with its data in the folder `home` (made if absent) on a free port of 127.0.0.1: everything written is
    /// appended to a file, and nothing is ever evicted. Whatever an earlier run left behind is ended first.
    pub fn start(keeper: &Keeper, home: &Path, password: &str) -> Result<Self, ServiceError> {
        private_folder(home, None)?;
        let home = fs::canonicalize(home).map_err(|e| ServiceError::io(format_args!("Cannot read {}", home.display()), &e))?;
        let program = find_program()?;
        stop_leftover(&home)?;
        let log = home.join("redis.log");
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = free_port()?;
            private_file(&home.join("redis.conf"), &configuration(&home, port, password), None)?;
            private_file(&log, "", None)?;
            let mut command = service_command(&program, &home, None, "TERM");
            command.arg(home.join("redis.conf")).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            let mut child = keeper.spawn(command).map_err(|e| not_started("redis-server", &e))?;
            let mut ended = false;
            let ready = wait_until(START_LIMIT, || {
                ended = child.try_wait().map_err(|e| ServiceError::io("Cannot watch Redis", &e))?.is_some();
                Ok(ended || answers(port, password))
            })?;
            if ready && !ended {
                return Ok(Self { child, port, password: password.to_owned() });
            }
            let _ = stop(&mut child, &SHUTDOWN);
            let taken = fs::read_to_string(&log).is_ok_and(|text| text.contains("Address already in use"));
            if !(taken && attempts < 5) {
                let said = last_words(&log, &["FATAL", "Fatal", "Failed", "Bad file format"]);
                return Err(ServiceError(format!("Redis does not start ({said}); more in {}", log.display())));
            }
        }
    }

    /// Connection address, with the password.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/", self.password, self.port)
    }

    /// Port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The process, for tests that let it stand still.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash does, without a chance to write anything; a start in the same folder reads what was written before.
    pub fn kill(mut self) -> Result<(), ServiceError> {
        stop(&mut self.child, &[]).map(|_| ())
    }

    /// Lets Redis write everything to disk, and waits for the end.
    pub fn stop(mut self) -> Result<(), ServiceError> {
        stop(&mut self.child, &SHUTDOWN).map(|_| ())
    }
}

fn find_program() -> Result<PathBuf, ServiceError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("redis-server"))
        .find(|program| program.is_file())
        .ok_or_else(|| ServiceError("Redis is not installed: run `apt-get install redis-server`".to_owned()))
}

/// The password stands in a file that only we may read, not on the command line.
fn configuration(home: &Path, port: u16, password: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let dir = quoted(&home.display().to_string());
    let file = |name: &str| quoted(&home.join(name).display().to_string());
    [
        "bind 127.0.0.1".to_owned(),
        format!("port {port}"),
        format!("requirepass {password}"),
        format!("dir {dir}"),
        format!("pidfile {}", file("redis.pid")),
        format!("logfile {}", file("redis.log")),
        "daemonize no".to_owned(),
        "appendonly yes".to_owned(),
        "appendfsync everysec".to_owned(),
        // The append-only file is enough.
        "save \"\"".to_owned(),
        // Seats change often and are few: at the usual 64 MB the log would be rewritten at every fifty thousand starts.
        "auto-aof-rewrite-min-size 256mb".to_owned(),
        "maxmemory-policy noeviction".to_owned(),
        String::new(),
    ]
    .join("\n")
}

/// Whether Redis has read its data and answers a PING.
fn answers(port: u16, password: &str) -> bool {
    let limit = Duration::from_secs(2);
    let Ok(mut stream) = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), limit) else { return false };
    let _ = stream.set_read_timeout(Some(limit));
    // QUIT, so that Redis closes and reading ends.
    if stream.write_all(format!("AUTH {password}\r\nPING\r\nQUIT\r\n").as_bytes()).is_err() {
        return false;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).is_ok() && answer.contains("+PONG")
}

/// Ends the Redis of an earlier run that was killed, if it is still there: the process of `redis.pid` that works in our folder.
fn stop_leftover(home: &Path) -> Result<(), ServiceError> {
    let Some(pid) = fs::read_to_string(home.join("redis.pid")).ok().and_then(|text| text.trim().parse::<i32>().ok()) else {
        return Ok(());
    };
    let is_redis = fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("redis-server"));
    let is_ours = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == home);
    if alive(pid) && is_redis && is_ours && !stop_stranger(pid, &SHUTDOWN)? {
        return Err(ServiceError(format!("A Redis of an earlier run (process {pid}) does not stop: end it, then start again")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_folders_in_the_configuration() {
        let text = configuration(Path::new("/tmp/a \"b\""), 1, "secret");
        assert!(text.contains("dir \"/tmp/a \\\"b\\\"\"\n"), "{text}");
    }
}
