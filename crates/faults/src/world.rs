//! Everything that runs: PostgreSQL, Redis behind its proxy, two servers and a worker.

use crate::http::{self, Outcome};
use crate::proxy::Proxy;
use anyhow::{Context, Result, bail, ensure};
use local_services::postgres::{Passwords, Postgres, Purpose};
use local_services::redis::Redis;
use local_services::{Keeper, free_port};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// Servers that share everything.
pub const SERVERS: usize = 2;
/// The server whose clock can be wrong.
pub const CLOCK_SERVER: usize = 1;
/// Longest that a server or the worker may take to come up again.
const START_LIMIT: Duration = Duration::from_secs(30);
const DATABASE: &str = "portal";
/// Of services that only this process reaches and that end with it.
const PASSWORD: &str = "faults-need-no-secrets-but-portal-asks-for-some";

/// A process of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Server(usize),
    Worker,
}

/// The running system.
pub struct World {
    portal: PathBuf,
    folder: TempDir,
    keeper: Keeper,
    postgres: Mutex<Option<Postgres>>,
    redis: Mutex<Option<Redis>>,
    pub proxy: Arc<Proxy>,
    pub servers: Vec<SocketAddr>,
    parts: Mutex<Vec<(Part, Child)>>,
    variables: Vec<(String, String)>,
    faketime: Option<PathBuf>,
    /// Whether it has been seen to work.
    fakes_time: AtomicBool,
}

impl World {
    /// Starts all of it, and waits until it serves.
    pub async fn start(portal: &Path) -> Result<Arc<Self>> {
        let folder = TempDir::new()?;
        // As root PostgreSQL runs as another user, who must be able to enter.
        rustix::fs::chmod(folder.path(), rustix::fs::Mode::from_raw_mode(0o755))?;
        let keeper = Keeper::new()?;
        let passwords = Passwords { superuser: PASSWORD.into(), owner: PASSWORD.into(), app: PASSWORD.into() };
        let postgres = Postgres::start(&keeper, &folder.path().join("postgres"), DATABASE, passwords, Purpose::ThrowAway)?;
        let redis = start_redis(&keeper, folder.path())?;
        let proxy = Proxy::start(redis_address(&redis)).await?;
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        }
        let key = folder.path().join("key.pem");
        let variables = [
            ("PORTAL_BASE_URL", "http://localhost:3000".to_owned()),
            ("PORTAL_SECRET", PASSWORD.to_owned()),
            ("PORTAL_LOG", "warn".to_owned()),
            ("DATABASE_URL", postgres.app_url(DATABASE)),
            ("DATABASE_OWNER_URL", postgres.owner_url(DATABASE)),
            ("REDIS_URL", format!("redis://:{PASSWORD}@{}/", proxy.address())),
            ("SMTP_URL", format!("file://{}", folder.path().join("mail").display())),
            ("MAIL_FROM", "no-reply@portal.localhost".to_owned()),
            ("SIGNER", format!("local-ed25519:{}", key.display())),
        ];
        let world = Arc::new(Self {
            portal: portal.to_owned(),
            folder,
            keeper,
            postgres: Mutex::new(Some(postgres)),
            redis: Mutex::new(Some(redis)),
            proxy,
            servers,
            parts: Mutex::new(Vec::new()),
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            faketime: faketime(),
            fakes_time: AtomicBool::new(false),
        });
        world.set_clock(0)?;
        world.run(&["admin", "new-key", &key.display().to_string()]).await?;
        world.run(&["migrate"]).await?;
        for part in [Part::Server(0), Part::Server(1), Part::Worker] {
            world.bring_up(part).await?;
        }
        let fakes_time = world.faketime.is_some() && world.day_can_change().await?;
        world.fakes_time.store(fakes_time, Ordering::Relaxed);
        Ok(world)
    }

    /// The folder that disappears with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a server's clock can be faked.
    pub fn can_fake_time(&self) -> bool {
        self.fakes_time.load(Ordering::Relaxed)
    }

    /// Sets the clock forward by a day, looks whether the server notices, and sets it right again. (The `date` of answers goes forward
    /// only.)
    async fn day_can_change(&self) -> Result<bool> {
        self.set_clock(86_400)?;
        let mut seen = false;
        for _ in 0..100 {
            seen = http::day(self.servers[CLOCK_SERVER]).await != http::day(self.servers[0]).await;
            if seen {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.set_clock(0)?;
        // The library looks once a second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(seen)
    }

    /// Runs a command of the portal to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut command = tokio::process::Command::new(&self.portal);
        command.args(arguments).envs(self.variables.iter().cloned()).current_dir(self.folder()).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(START_LIMIT, command.output()).await.context("the command hangs")??;
        ensure!(output.status.success(), "portal {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }

    /// Lets the clock of [`CLOCK_SERVER`] be off by so many seconds.
    pub fn set_clock(&self, seconds: i64) -> Result<()> {
        // Replaced as a whole: it is read at any moment.
        let (new, file) = (self.folder().join("clock.new"), self.folder().join("clock"));
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(new, file)?)
    }

    fn spawn(&self, part: Part) -> Result<Child> {
        // From the keeper's thread, whose end ends the process too, however we end.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.portal);
        command.envs(self.variables.iter().cloned()).current_dir(self.folder()).stdin(Stdio::null());
        match part {
            Part::Server(number) => command.arg("serve").env("PORTAL_LISTEN", self.servers[number].to_string()),
            Part::Worker => command.arg("worker"),
        };
        if part == Part::Server(CLOCK_SERVER)
            && let Some(library) = &self.faketime
        {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.folder().join("clock"));
            // Only the time of day jumps, and within a second.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder().join(format!("{part:?}.log")))?;
        command.stdout(log.try_clone()?).stderr(log);
        self.keeper.spawn(command).context("setpriv (Debian: util-linux) cannot be started")
    }

    /// Starts a part, again if it gives up because Redis does not answer, and waits until it works.
    pub async fn bring_up(&self, part: Part) -> Result<()> {
        let starting = async {
            loop {
                let child = self.spawn(part)?;
                self.parts.lock().unwrap_or_else(PoisonError::into_inner).push((part, child));
                while self.lives(part)? {
                    match part {
                        // It has nothing to say; what lives a moment has connected.
                        Part::Worker => {
                            tokio::time::sleep(Duration::from_millis(1500)).await;
                            if self.lives(part)? {
                                return Ok(());
                            }
                        }
                        Part::Server(number) => {
                            if matches!(http::send(self.servers[number], "GET", "/healthz", "", None).await, Outcome::Answered(200, _)) {
                                return Ok(());
                            }
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        match tokio::time::timeout(START_LIMIT, starting).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("{part:?} does not come up again: {}", self.last_words(part)),
        }
    }

    fn last_words(&self, part: Part) -> String {
        let log = fs::read_to_string(self.folder().join(format!("{part:?}.log"))).unwrap_or_default();
        log.lines().next_back().unwrap_or("it said nothing").to_owned()
    }

    /// Whether it runs; one that has ended is forgotten.
    fn lives(&self, part: Part) -> Result<bool> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = parts.iter().position(|(p, _)| *p == part) else { return Ok(false) };
        if parts[index].1.try_wait()?.is_some() {
            parts.remove(index);
            return Ok(false);
        }
        Ok(true)
    }

    /// `kill -9`.
    pub fn kill(&self, part: Part) -> Result<()> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = parts.iter().position(|(p, _)| *p == part) {
            let (_, mut child) = parts.remove(index);
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// `kill -9` of Redis.
    pub fn kill_redis(&self) -> Result<()> {
        let redis = self.redis.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(redis.map_or(Ok(()), Redis::kill)?)
    }

    /// Starts Redis again from what it has written down.
    pub fn restart_redis(&self) -> Result<()> {
        let redis = start_redis(&self.keeper, self.folder())?;
        self.proxy.point_at(redis_address(&redis));
        *self.redis.lock().unwrap_or_else(PoisonError::into_inner) = Some(redis);
        Ok(())
    }

    /// Loses everything that is in Redis.
    pub fn lose_redis(&self) -> Result<()> {
        let redis = self.redis.lock().unwrap_or_else(PoisonError::into_inner);
        say(redis_address(redis.as_ref().context("Redis is not there")?), "FLUSHALL", "+OK")
    }

    /// The same, if all events have been written to PostgreSQL and acknowledged: looked at and lost in one step. Whether it was so.
    pub fn lose_redis_when_all_is_written(&self) -> bool {
        const SCRIPT: &str = "local n = 0 for _, key in ipairs(redis.call('KEYS', '*:events')) do n = n + redis.call('XLEN', key) end if n == 0 then redis.call('FLUSHALL') end return n";
        let redis = self.redis.lock().unwrap_or_else(PoisonError::into_inner);
        redis.as_ref().is_some_and(|redis| say(redis_address(redis), &format!("EVAL \"{SCRIPT}\" 0"), ":0").is_ok())
    }

    /// Lets the process of Redis stand still, or go on.
    pub fn signal_redis(&self, signal: Signal) -> Result<()> {
        let redis = self.redis.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = redis.as_ref().and_then(|redis| Pid::from_raw(i32::try_from(redis.pid()).ok()?)).context("Redis is not there")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Ends everything and waits.
    pub fn stop(&self) -> Result<()> {
        for (_, mut child) in self.parts.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            child.kill()?;
            child.wait()?;
        }
        // It may stand still, if we were interrupted.
        let _ = self.signal_redis(Signal::CONT);
        self.redis.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Redis::stop)?;
        Ok(self.postgres.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Postgres::stop)?)
    }
}

/// Starts Redis on what its folder holds. Everything that it acknowledges is on the disk, so that killing it must lose nothing; with the
/// default, a second's worth could be missing, and nobody could tell that from a defect of the portal.
fn start_redis(keeper: &Keeper, folder: &Path) -> Result<Redis> {
    let redis = Redis::start(keeper, &folder.join("redis"), PASSWORD)?;
    say(redis_address(&redis), "CONFIG SET appendfsync always", "+OK")?;
    Ok(redis)
}

fn redis_address(redis: &Redis) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, redis.port()).into()
}

/// Sends one command past the proxy; another answer is an error.
fn say(redis: SocketAddr, command: &str, expected: &str) -> Result<()> {
    let mut stream = TcpStream::connect(redis)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("AUTH {PASSWORD}\r\n{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer == format!("+OK\r\n{expected}\r\n+OK\r\n"), "Redis answered {command} with {answer:?}");
    Ok(())
}

/// The library that fakes the time of day, for programs with threads.
fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
    folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|library| library.is_file())
}
