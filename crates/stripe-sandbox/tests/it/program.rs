//! The sandbox as a program, and its state file.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use stripe_sandbox::Options;

use crate::support::{Bench, GOOD, client};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stripe-sandbox"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn file(name: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("stripe-sandbox-{}-{name}.json", std::process::id()));
    let _none = std::fs::remove_file(&file);
    file
}

#[tokio::test]
async fn a_restart_keeps_the_state() {
    let file = file("restart");
    let options =
        Options { state: Some(file.clone()), webhook: Some(("http://127.0.0.1:9/".into(), "whsec_1".into())), ..Options::default() };
    let bench = Bench::with(stripe_sandbox::start(options.clone()).unwrap()).await;
    let bought = bench.buy("7", GOOD).await;
    bench.advance(86_400).await;
    let (before, now) = (bench.subscription(&bought.subscription).await, bench.now().await);
    let request = bench.request("POST", "customers").header("Idempotency-Key", "key-1").form(&[("name", "Acme")]);
    let made: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let Bench { sandbox, monthly, yearly, .. } = bench;
    drop(sandbox);

    let bench = Bench { sandbox: stripe_sandbox::start(options).unwrap(), http: client(), monthly, yearly };
    let after = bench.subscription(&bought.subscription).await;
    assert_eq!((&after["items"], &after["status"], &after["metadata"]), (&before["items"], &before["status"], &before["metadata"]));
    assert!((now..now + 60).contains(&bench.now().await));
    let request = bench.request("POST", "customers").header("Idempotency-Key", "key-1").form(&[("name", "Acme")]);
    assert_eq!(request.send().await.unwrap().json::<serde_json::Value>().await.unwrap(), made);
    // Addresses of pages are those of the new place.
    let page = after["latest_invoice"]["hosted_invoice_url"].as_str().unwrap();
    assert!(page.starts_with(&bench.sandbox.url()), "{page}");
    assert_ne!(bench.state().await["undelivered"], json!([]));
    drop(bench);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_ends_when_told() {
    let file = file("program");
    let name = file.display().to_string();
    let mut command = program(&["--listen", "127.0.0.1:0", "--state", &name, "--webhook-url", "http://127.0.0.1:9/"]);
    let mut running = Program(command.env("SANDBOX_WEBHOOK_SECRET", "whsec_1").spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").expect("the address").to_owned();
    let answer = client().get(format!("{url}/v1/webhook_endpoints/we_sandbox")).bearer_auth("sk_test_1").send().await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["api_version"], "2026-09-30.endive");
    let told = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(std::fs::read_to_string(&file).unwrap().contains("we_sandbox"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn other_machines_are_not_served() {
    let mut refused = Program(program(&["--listen", "0.0.0.0:0"]).stdout(Stdio::null()).spawn().unwrap());
    let mut message = String::new();
    let mut stderr = refused.0.stderr.take().unwrap();
    for _ in 0..500 {
        if refused.0.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(refused.0.try_wait().unwrap().and_then(|status| status.code()), Some(1), "it does not run");
    stderr.read_to_string(&mut message).unwrap();
    assert!(message.contains("the sandbox listens on loopback addresses only, not on 0.0.0.0"), "{message}");
    let options = Options { listen: "192.0.2.1:0".parse().unwrap(), ..Options::default() };
    assert!(stripe_sandbox::start(options).is_err());
}
