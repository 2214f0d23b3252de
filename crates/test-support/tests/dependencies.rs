//! Dependencies point one way only (docs/ARCHITECTURE.md). Whoever needs another arrow changes the design first.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of them may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("store", &["types"]),
    ("domain", &["store", "types"]),
    ("seats", &["domain", "types"]),
    ("billing", &["domain", "types"]),
    ("stripe-sandbox", &[]),
    ("app", &["domain", "store", "types"]),
    ("server", &["app", "billing", "domain", "local-services", "seats", "store", "types"]),
    ("client", &["types"]),
    ("bench", &[]),
    ("faults", &["local-services"]),
    ("local-services", &[]),
    ("test-support", &["local-services"]),
];

/// Libraries that belong to one crate: the only one that speaks SQL, the only one that speaks to Redis, and so on.
const OWNED: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "test-support"]),
    ("redis", &["seats", "test-support"]),
    ("leptos", &["app", "server"]),
    // Stripe's types stop in one crate; its stand-in knows them in tests only.
    ("async-stripe", &["billing"]),
    ("async-stripe-shared", &["billing"]),
    ("reqwest", &["client", "server", "stripe-sandbox"]),
];

/// What must never be compiled for the browser.
const NOT_IN_THE_BROWSER: &[&str] = &["domain", "store", "seats", "server", "sqlx", "axum", "redis", "tokio"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).args(["--locked", "--offline"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The dependencies of each crate of the workspace, without those for its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version=1", "--no-deps"])).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let not_for_tests = |package: &Value| {
        package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(name)
            .collect::<BTreeSet<_>>()
    };
    packages.iter().map(|package| (name(package), not_for_tests(package))).collect()
}

#[test]
fn our_crates_depend_one_way() {
    let found = dependencies();
    let ours: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, known, "a crate is not in the table, or no longer there");
    for (name, allowed) in ALLOWED {
        let used: Vec<&str> = found[*name].iter().map(String::as_str).filter(|used| ours.contains(used)).collect();
        let wrong: Vec<&&str> = used.iter().filter(|used| !allowed.contains(used)).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn libraries_stay_with_their_crate() {
    for (name, used) in dependencies() {
        for (library, owners) in OWNED {
            assert!(!used.contains(*library) || owners.contains(&name.as_str()), "{name} must not depend on {library}");
        }
    }
}

#[test]
fn the_browser_gets_none_of_the_server() {
    let tree = cargo(&[
        "tree",
        "--package=app",
        "--no-default-features",
        "--features=hydrate",
        "--target=wasm32-unknown-unknown",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]);
    let used: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(used.contains("types") && used.contains("leptos"), "{tree}");
    for name in NOT_IN_THE_BROWSER {
        assert!(!used.contains(name), "{name} would be compiled for the browser");
    }
}
