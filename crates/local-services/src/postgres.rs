//! A private PostgreSQL cluster.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{
    alive, last_words, not_started, private_file, private_folder, service_command, setpriv_arguments, stop, stop_stranger, wait_until,
};
use crate::{Keeper, RunAs, ServiceError, free_port};

/// The oldest major version that the migrations work with.
const OLDEST: u32 = 15;

/// The cluster's superuser. Only the set-up in this file uses it.
const SUPERUSER: &str = "portal_admin";

/// SIGINT is PostgreSQL's fast shutdown (clients are cut off, all is written), SIGQUIT the immediate one (recovery at the next
/// start).
const SHUTDOWN: [(Signal, Duration); 2] = [(Signal::INT, Duration::from_secs(30)), (Signal::QUIT, Duration::from_secs(5))];

/// How long a start may take; recovery after a crash is part of it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Removes the folder of a throw-away cluster when PostgreSQL has ended, also when we were killed.
/// $1 is the folder; the rest starts PostgreSQL.
const REMOVE_AFTERWARDS: &str = r#"
folder=$1; shift
"$@" & server=$!
trap 'kill -QUIT "$server"' TERM
while kill -0 "$server" 2>/dev/null; do wait "$server"; done
rm -rf "$folder"
"#;

/// Passwords of the three login roles.
#[derive(Clone)]
pub struct Passwords {
    pub superuser: String,
    /// `portal_owner`, who applies migrations.
    pub owner: String,
    /// `portal_app`, the portal itself.
    pub app: String,
}

/// What a cluster is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The data must survive anything.
    Keep,
    /// For tests: nothing is synced to disk, and the folder disappears with the cluster.
    ThrowAway,
}

/// A running cluster. Stops when its [`Keeper`] ends; [`Postgres::stop`] also waits.
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    home: PathBuf,
    port: u16,
    passwords: Passwords,
}

impl Postgres {
    /// Starts the cluster in the folder `home` (made if absent, with a new cluster in it) on a free port of 127.0.0.1, with the
    /// portal's roles and an empty database of this name if it is not there yet. Whatever an earlier run left behind is ended first.
    pub fn start(keeper: &Keeper, home: &Path, database: &str, passwords: Passwords, purpose: Purpose) -> Result<Self, ServiceError> {
        let run_as = RunAs::if_root();
        private_folder(home, run_as)?;
        let home = fs::canonicalize(home).map_err(|e| ServiceError::io(format_args!("Cannot read {}", home.display()), &e))?;
        let data = home.join("data");
        let programs = find_programs(&data)?;
        if data.join("PG_VERSION").exists() {
            stop_leftover(&data)?;
        } else {
            initialise(keeper, &programs, &home, &passwords.superuser, purpose, run_as)?;
        }
        let (child, port) = launch(keeper, &programs, &home, purpose, run_as)?;
        let server = Self { child, programs, home, port, passwords };
        server.create_roles(database)?;
        Ok(server)
    }

    /// Port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Connection address of the role that owns the database and applies migrations.
    pub fn owner_url(&self, database: &str) -> String {
        self.url("portal_owner", &self.passwords.owner, database)
    }

    /// Connection address of the portal's own role.
    pub fn app_url(&self, database: &str) -> String {
        self.url("portal_app", &self.passwords.app, database)
    }

    /// Connection address of the superuser: for tests that make and drop databases.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, &self.passwords.superuser, database)
    }

    fn url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Cuts off clients, writes everything to disk, and waits for the end.
    pub fn stop(mut self) -> Result<(), ServiceError> {
        stop(&mut self.child, &SHUTDOWN).map(|_| ())
    }

    /// Makes roles and database what `roles.sql` says.
    fn create_roles(&self, database: &str) -> Result<(), ServiceError> {
        let failed = |e: &std::io::Error| ServiceError::io("Cannot run psql", e);
        // On standard input, so that no password stands in the process list.
        let script = format!(
            "\\set ON_ERROR_STOP on\n\\set owner_password {}\n\\set app_password {}\n\\set database {database}\n{}",
            self.passwords.owner,
            self.passwords.app,
            include_str!("roles.sql"),
        );
        let mut psql = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-password", "--host=127.0.0.1", "--dbname=postgres"])
            .args([format!("--port={}", self.port), format!("--username={SUPERUSER}")])
            .env_clear()
            .env("PGPASSWORD", &self.passwords.superuser)
            .env("PGCONNECT_TIMEOUT", "10")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(&e))?;
        if let Some(mut input) = psql.stdin.take() {
            // A psql that gave up early explains itself on standard error.
            let _ = input.write_all(script.as_bytes());
        }
        let output = psql.wait_with_output().map_err(|e| failed(&e))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("password authentication failed") {
            return Err(ServiceError(format!(
                "The passwords of the database in {} are lost: `make clean-data` removes it, and the next start makes a new one",
                self.home.display()
            )));
        }
        Err(ServiceError(format!("Cannot set up the database roles: {}", said.lines().next().unwrap_or("psql failed"))))
    }
}

/// The folder with `postgres`, `initdb` and `psql`: of the data's own version if there is data, else of the newest version.
fn find_programs(data: &Path) -> Result<PathBuf, ServiceError> {
    let wanted = fs::read_to_string(data.join("PG_VERSION")).ok().map(|v| v.trim().to_owned());
    let mut found = installed_programs();
    found.sort_unstable();
    let fitting = |version: &u32| wanted.as_ref().is_none_or(|w| *w == version.to_string());
    match (found.into_iter().rev().find(|(version, _)| fitting(version)), wanted) {
        (Some((version, _)), _) if version < OLDEST => {
            Err(ServiceError(format!("PostgreSQL {version} is too old: install PostgreSQL {OLDEST} or newer")))
        }
        (Some((_, folder)), _) => Ok(folder),
        (None, Some(version)) => Err(ServiceError(format!(
            "The data in {} was written by PostgreSQL {version}, which is not installed: install postgresql-{version}, or remove the data with `make clean-data`",
            data.display()
        ))),
        (None, None) => Err(ServiceError("PostgreSQL is not installed: run `apt-get install postgresql`".to_owned())),
    }
}

/// Every installation: Debian's versioned folders, and what is on PATH.
fn installed_programs() -> Vec<(u32, PathBuf)> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .filter(|folder| ["postgres", "initdb", "psql"].iter().all(|program| folder.join(program).is_file()))
        .filter_map(|folder| major_version(&folder).map(|version| (version, folder)))
        .collect()
}

/// From "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)".
fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(2)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Makes a new cluster. It gets its final name only when it is whole, so an interrupted attempt leaves nothing that counts.
fn initialise(
    keeper: &Keeper,
    programs: &Path,
    home: &Path,
    superuser_password: &str,
    purpose: Purpose,
    run_as: Option<RunAs>,
) -> Result<(), ServiceError> {
    let partial = home.join("data.partial");
    let password_file = home.join("password.tmp");
    let log = home.join("initdb.log");
    let failed = |e: &std::io::Error| ServiceError::io(format_args!("Cannot set up PostgreSQL in {}", home.display()), e);
    match fs::remove_dir_all(&partial) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&e)),
        _ => {}
    }
    private_file(&password_file, superuser_password, run_as)?;
    private_file(&log, "", None)?;
    let mut initdb = service_command(&programs.join("initdb"), home, run_as, "KILL");
    initdb
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"])
        .args([format!("--username={SUPERUSER}"), format!("--pwfile={}", password_file.display())])
        .args(if purpose == Purpose::ThrowAway { &["--no-sync"][..] } else { &["--data-checksums"] })
        .arg("--pgdata")
        .arg(&partial);
    log_to(&mut initdb, &log)?;
    let status = keeper.spawn(initdb).map_err(|e| not_started("initdb", &e))?.wait().map_err(|e| failed(&e))?;
    fs::remove_file(&password_file).map_err(|e| failed(&e))?;
    if !status.success() {
        let said = last_words(&log, &["error", "FATAL", "could not", "setpriv"]);
        return Err(ServiceError(format!("Cannot set up PostgreSQL ({said}); more in {}", log.display())));
    }
    fs::rename(&partial, home.join("data")).map_err(|e| failed(&e))
}

/// Both outputs of the command go to the end of this file.
fn log_to(command: &mut Command, log: &Path) -> Result<(), ServiceError> {
    let failed = |e: std::io::Error| ServiceError::io(format_args!("Cannot write {}", log.display()), &e);
    let file = fs::OpenOptions::new().append(true).open(log).map_err(failed)?;
    command.stdout(file.try_clone().map_err(failed)?).stderr(file);
    Ok(())
}

/// Starts the server and waits until it takes connections. Another program may grab the port first, so it is tried again.
fn launch(keeper: &Keeper, programs: &Path, home: &Path, purpose: Purpose, run_as: Option<RunAs>) -> Result<(Child, u16), ServiceError> {
    let log = home.join("postgres.log");
    let mut attempts = 0;
    loop {
        attempts += 1;
        let port = free_port()?;
        // A new log for each start: the reason of a failure is then at its end.
        private_file(&log, "", None)?;
        let mut command = server_command(programs, home, purpose, run_as, port);
        log_to(&mut command, &log)?;
        let mut child = keeper.spawn(command).map_err(|e| not_started("postgres", &e))?;
        let status_file = home.join("data/postmaster.pid");
        let mut ended = false;
        let ready = wait_until(START_LIMIT, || {
            ended = child.try_wait().map_err(|e| ServiceError::io("Cannot watch PostgreSQL", &e))?.is_some();
            Ok(ended || is_ready(&fs::read_to_string(&status_file).unwrap_or_default(), port))
        })?;
        if ready && !ended {
            return Ok((child, port));
        }
        let _ = stop(&mut child, &SHUTDOWN);
        let taken = fs::read_to_string(&log).is_ok_and(|text| text.contains("could not bind"));
        if !(taken && attempts < 5) {
            let said = last_words(&log, &["FATAL", "PANIC", "setpriv", "could not"]);
            return Err(ServiceError(format!("PostgreSQL does not start ({said}); more in {}", log.display())));
        }
    }
}

/// Line 4 of `postmaster.pid` is the port, line 8 the state.
fn is_ready(status_file: &str, port: u16) -> bool {
    let mut lines = status_file.lines().map(str::trim);
    lines.nth(3) == Some(port.to_string().as_str()) && lines.nth(3) == Some("ready")
}

/// The command that becomes the server.
fn server_command(programs: &Path, home: &Path, purpose: Purpose, run_as: Option<RunAs>, port: u16) -> Command {
    let data = home.join("data");
    let program = programs.join("postgres");
    let mut command = match purpose {
        Purpose::Keep => service_command(&program, &data, run_as, "INT"),
        Purpose::ThrowAway => {
            // The shell stays root to be able to remove the folder; its own end ends PostgreSQL.
            let mut shell = service_command(Path::new("sh"), home, None, "TERM");
            shell.args(["-c", REMOVE_AFTERWARDS, "sh"]).arg(home);
            shell.arg("setpriv").args(setpriv_arguments(&data, run_as, "QUIT")).arg("--").arg(&program);
            shell
        }
    };
    command.arg("-D").arg(&data);
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // A socket's path is limited to about 100 bytes, a repository's is not.
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        "logging_collector=off".to_owned(),
    ];
    if purpose == Purpose::ThrowAway {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"].map(str::to_owned));
    }
    for setting in settings {
        command.args(["-c".to_owned(), setting]);
    }
    command
}

/// Ends the server of an earlier run that was killed, if it is still there; and makes sure that a stale `postmaster.pid`, whose
/// number another program has got since, does not stand in the way.
fn stop_leftover(data: &Path) -> Result<(), ServiceError> {
    let file = data.join("postmaster.pid");
    let Some(pid) = fs::read_to_string(&file).ok().and_then(|text| text.lines().next()?.trim().parse::<i32>().ok()) else {
        return Ok(());
    };
    if is_server_of(pid, data) {
        if !stop_stranger(pid, &SHUTDOWN)? {
            return Err(ServiceError(format!("A PostgreSQL of an earlier run (process {pid}) does not stop: end it, then start again")));
        }
    } else if alive(pid) {
        fs::remove_file(&file).map_err(|e| ServiceError::io(format_args!("Cannot remove {}", file.display()), &e))?;
    }
    Ok(())
}

/// Whether this process is a `postgres` that was started with this data folder.
fn is_server_of(pid: i32, data: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments: Vec<&[u8]> = command_line.split(|byte| *byte == 0).collect();
    alive(pid)
        && arguments.first().is_some_and(|program| program.ends_with(b"/postgres"))
        && arguments.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == data.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_state_of_a_server() {
        let text = "4711\n/data\n1700000000\n40123\n\n127.0.0.1\n  1234 5\nready   \n";
        assert!(is_ready(text, 40123));
        assert!(!is_ready(text, 40124));
        assert!(!is_ready(&text.replace("ready", "starting"), 40123));
        assert!(!is_ready("4711\n", 40123));
    }

    #[test]
    fn another_process_is_not_taken_for_a_server() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(alive(own));
        assert!(!is_server_of(own, Path::new("/")));
    }
}
