//! Start, stop, restart and crash of the private services, with real processes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use local_services::Keeper;
use local_services::postgres::{Passwords, Postgres, Purpose};
use local_services::redis::Redis;

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portal services {name} {}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn passwords() -> Passwords {
    Passwords { superuser: "one".to_owned(), owner: "two".to_owned(), app: "three".to_owned() }
}

/// What psql answers, or what it complains about.
fn query(url: &str, sql: &str) -> Result<String, String> {
    let psql = fs::read_dir("/usr/lib/postgresql").unwrap().flatten().map(|e| e.path().join("bin/psql")).find(|p| p.exists()).unwrap();
    let output = Command::new(psql).args([url, "-XtA", "-c", sql]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn redis(url: &str, commands: &str) -> String {
    let (password, address) = url.trim_start_matches("redis://:").trim_end_matches('/').split_once('@').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("AUTH {password}\r\n{commands}\r\nQUIT\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn first_number(file: &Path) -> u32 {
    fs::read_to_string(file).unwrap().lines().next().unwrap().trim().parse().unwrap()
}

#[test]
fn postgres_keeps_data_over_stop_and_crash_and_confines_the_portal() {
    let folder = Folder::new("pg");
    // Like a clone under /root: closed to the user that PostgreSQL runs as.
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
    let home = folder.0.join("postgres");

    let keeper = Keeper::new().unwrap();
    let server = Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep).unwrap();
    query(&server.owner_url("portal"), "create table t as select 42 as n").unwrap();
    let refused = query(&server.app_url("portal"), "select n from t").unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    let flags = "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolinherit from pg_roles where rolname = current_user";
    assert_eq!(query(&server.app_url("portal"), flags).unwrap(), "f");
    assert_eq!(query(&server.app_url("portal"), "set role portal_system; select current_user").unwrap(), "SET\nportal_system");
    let wrong = server.app_url("portal").replace("three", "wrong");
    assert!(query(&wrong, "select 1").unwrap_err().contains("password authentication failed"));
    server.stop().unwrap();
    assert!(!home.join("data/postmaster.pid").exists(), "stopped in order");

    // The second run is left without a keeper and without a stop, as after kill -9.
    let server = Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep).unwrap();
    assert_eq!(query(&server.owner_url("portal"), "select n from t").unwrap(), "42");
    let leftover = first_number(&home.join("data/postmaster.pid"));
    let second_keeper = Keeper::new().unwrap();
    let again = Postgres::start(&second_keeper, &home, "portal", passwords(), Purpose::Keep).unwrap();
    assert_ne!(first_number(&home.join("data/postmaster.pid")), leftover);
    assert_eq!(query(&again.owner_url("portal"), "select n from t").unwrap(), "42");
    again.stop().unwrap();
}

#[test]
fn a_stale_pid_file_that_names_another_program_does_not_matter() {
    let folder = Folder::new("stale");
    let home = folder.0.join("postgres");
    let keeper = Keeper::new().unwrap();
    Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep).unwrap().stop().unwrap();
    // A stranger now has the number; it must neither be ended nor stop us from starting.
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(home.join("data/postmaster.pid"), format!("{}\n{}\n1\n1\n\n\n1 1\nready\n", stranger.id(), home.join("data").display()))
        .unwrap();
    let started = Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep);
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger was ended");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    started.unwrap().stop().unwrap();
}

#[test]
fn lost_passwords_and_foreign_versions_are_explained() {
    let folder = Folder::new("lost");
    let home = folder.0.join("postgres");
    let keeper = Keeper::new().unwrap();
    Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep).unwrap().stop().unwrap();
    let lost = Passwords { superuser: "other".to_owned(), ..passwords() };
    let error = Postgres::start(&keeper, &home, "portal", lost, Purpose::Keep).err().unwrap().to_string();
    assert!(error.contains("make clean-data") && !error.contains('\n'), "{error}");
    fs::write(home.join("data/PG_VERSION"), "99\n").unwrap();
    let error = Postgres::start(&keeper, &home, "portal", passwords(), Purpose::Keep).err().unwrap().to_string();
    assert!(error.contains("PostgreSQL 99, which is not installed"), "{error}");
}

#[test]
fn a_throw_away_cluster_leaves_nothing_behind() {
    let folder = Folder::new("tmp");
    let home = folder.0.join("postgres");
    let keeper = Keeper::new().unwrap();
    let server = Postgres::start(&keeper, &home, "portal", passwords(), Purpose::ThrowAway).unwrap();
    assert_eq!(query(&server.superuser_url("portal"), "select 1").unwrap(), "1");
    let pid = first_number(&home.join("data/postmaster.pid"));
    drop(keeper);
    drop(server);
    for _ in 0..1000 {
        if !home.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!home.exists(), "the folder is still there");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "PostgreSQL still runs");
}

#[test]
fn redis_keeps_data_over_stop_and_crash() {
    let folder = Folder::new("redis");
    let home = folder.0.join("redis");
    let keeper = Keeper::new().unwrap();
    let server = Redis::start(&keeper, &home, "secret").unwrap();
    assert!(redis(&server.url(), "SET k v").contains("+OK\r\n+OK"));
    assert!(redis(&server.url().replace("secret", "wrong"), "GET k").contains("NOAUTH"));
    assert!(redis(&server.url(), "INFO memory").contains("maxmemory_policy:noeviction"));
    server.stop().unwrap();

    let server = Redis::start(&keeper, &home, "secret").unwrap();
    assert!(redis(&server.url(), "GET k").contains("$1\r\nv"));
    let leftover = first_number(&home.join("redis.pid"));
    let again = Redis::start(&keeper, &home, "another").unwrap();
    assert_ne!(first_number(&home.join("redis.pid")), leftover);
    assert!(redis(&again.url(), "GET k").contains("$1\r\nv"));
    assert!(again.url().ends_with(&format!(":{}/", again.port())));

    // Written down by the time of the answer, though there is no chance to do so at the end.
    assert!(redis(&again.url(), "CONFIG SET appendfsync always\r\nSET k w").contains("+OK\r\n+OK\r\n+OK"));
    let killed = again.pid();
    assert_eq!(first_number(&home.join("redis.pid")), killed);
    again.kill().unwrap();
    assert!(!Path::new(&format!("/proc/{killed}")).exists());
    let server = Redis::start(&keeper, &home, "secret").unwrap();
    assert!(redis(&server.url(), "GET k").contains("$1\r\nw"));
    server.stop().unwrap();
}
