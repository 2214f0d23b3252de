//! A portal of the benchmark's own, in a folder that disappears.

use crate::http::{Client, Request};
use crate::machine;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "a benchmark has no secrets";

pub struct Portal {
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
    process: Child,
}

impl Portal {
    /// Starts it, with the signer's algorithm as `SIGNER` calls it, and waits until it serves.
    pub async fn start(program: &Path, signer: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        // As root PostgreSQL runs as another user, who must be able to enter.
        rustix::fs::chmod(folder.path(), rustix::fs::Mode::from_raw_mode(0o755))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(program)
            .arg("--folder")
            .arg(folder.path().join(".portal"))
            .arg("dev")
            .env("PORTAL_LISTEN", address.to_string())
            .env("PORTAL_LOG", "error")
            .env("STRIPE_SANDBOX_LISTEN", "127.0.0.1:0")
            .env("SIGNER", format!("{signer}:{}", folder.path().join("license-keys").display()))
            // A flood of logins comes from many addresses.
            .env("PORTAL_TRUSTED_PROXIES", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut portal = Self { program: program.to_owned(), folder, address, process };
        for _ in 0..600 {
            if let Ok(mut client) = Client::connect(address).await
                && let Ok((200, _)) = client.send(&Request::get("/readyz")).await
            {
                return Ok(portal);
            }
            if let Some(status) = portal.process.try_wait()? {
                bail!("the portal ended with {status}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the portal was not ready within a minute")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Server, Redis and PostgreSQL.
    pub fn processes(&self) -> Vec<u32> {
        machine::family(self.process.id())
    }

    fn dev_folder(&self) -> PathBuf {
        self.folder.path().join(".portal")
    }

    pub fn admin(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(&self.program).arg("--folder").arg(self.dev_folder()).arg("admin").args(arguments).output()?;
        ensure!(output.status.success(), "admin: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn send(&self, request: Request) -> Result<Value> {
        let (status, body) = Client::connect(self.address).await?.send(&request).await?;
        ensure!(status < 400, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// An organisation with its owner; the answer is his access token.
    pub async fn founder(&self, name: &str) -> Result<String> {
        let email = email(name);
        let body = json!({ "organization_name": name, "name": "Bench Owner", "email": email, "password": PASSWORD });
        self.send(Request::post("/api/v1/auth/register", "", &body)).await?;
        for _ in 0..200 {
            let mails = self.send(Request::get(&format!("/dev/mailbox.json?to={email}"))).await?;
            let link = mails[0]["text"].as_str().and_then(|t| t.split_whitespace().find(|w| w.contains("/verify-email?token=")));
            if let Some(path) = link.and_then(|l| l.find("/verify-email").map(|i| l[i..].to_owned())) {
                self.send(Request::get(&path)).await?;
                return self.login(name).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("no mail arrived")
    }

    pub async fn login(&self, name: &str) -> Result<String> {
        let answer = self.send(Request::post("/api/v1/auth/login", "", &json!({ "email": email(name), "password": PASSWORD }))).await?;
        Ok(answer["access_token"].as_str().context("no access token")?.to_owned())
    }

    /// Port and password of its Redis.
    fn redis(&self) -> Result<(String, String)> {
        let running: Value = serde_json::from_slice(&std::fs::read(self.dev_folder().join("running.json"))?)?;
        let variables = running["variables"].as_array().context("running.json names no variables")?;
        let url =
            variables.iter().find(|pair| pair[0] == "REDIS_URL").and_then(|pair| pair[1].as_str()).context("REDIS_URL is not there")?;
        let rest = url.strip_prefix("redis://").context("REDIS_URL")?;
        let (login, host) = rest.split_once('@').unwrap_or(("", rest));
        let password = login.rsplit(':').next().unwrap_or_default();
        let (_, port) = host.trim_end_matches('/').split_once(':').context("REDIS_URL names no port")?;
        Ok((port.to_owned(), password.to_owned()))
    }

    /// Calls per second of a small script that extends a lease, by Redis's own benchmark.
    pub fn redis_script_rate(&self) -> Result<f64> {
        let (port, password) = self.redis()?;
        let script = "redis.call('ZADD', KEYS[1], ARGV[1], 'm') return redis.call('ZSCORE', KEYS[1], 'm')";
        // It does not read REDISCLI_AUTH, and what follows the command's name it sends.
        let output = Command::new("redis-benchmark")
            .args(["-p", &port, "-a", &password, "-c", "64", "-n", "200000", "--csv"])
            .args(["eval", script, "1", "bench:z", "1"])
            .output()
            .context("redis-benchmark (Debian: redis-tools)")?;
        ensure!(output.status.success(), "redis-benchmark: {}", String::from_utf8_lossy(&output.stderr).trim());
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().context("redis-benchmark printed nothing")?;
        let rate = line.split("\",\"").nth(1).context("redis-benchmark's line")?;
        rate.trim_matches('"').parse().with_context(|| format!("redis-benchmark said: {line}"))
    }

    /// Bytes that its Redis has in use, and how many entries of events the worker has not yet dropped.
    pub fn redis_use(&self) -> Result<(u64, u64)> {
        let (port, password) = self.redis()?;
        let ask = |command: &[&str]| -> Result<String> {
            let output = Command::new("redis-cli").args(["-p", &port]).args(command).env("REDISCLI_AUTH", &password).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let memory = ask(&["INFO", "memory"])?;
        let used = memory.lines().find_map(|l| l.strip_prefix("used_memory:")).context("INFO memory names no used_memory")?;
        let count = "local n = 0 for _, key in ipairs(redis.call('KEYS', '*:events')) do n = n + redis.call('XLEN', key) end return n";
        Ok((used.trim().parse()?, ask(&["EVAL", count, "0"])?.trim().parse()?))
    }

    /// Waits until the worker has caught up.
    pub async fn settle(&self) -> Result<()> {
        while self.redis_use()?.1 > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Ends it as an operator does, and waits.
    pub fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the portal ended with {status}");
        Ok(())
    }
}

fn email(name: &str) -> String {
    format!("{}@bench.example", name.to_lowercase())
}
