//! Dependencies point one way only, and SQL stands in one crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate may use of ours, beside dev-dependencies. A line here is a decision: see `docs/ARCHITECTURE.md`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("client", &["types"]),
    ("store", &["types"]),
    ("domain", &["store", "types"]),
    ("seats", &["domain", "types"]),
    ("app", &["domain", "store", "types"]),
    ("local-services", &[]),
    ("server", &["app", "domain", "local-services", "seats", "store", "types"]),
    ("test-support", &["local-services"]),
    ("bench", &["types"]),
];

/// What the browser's half of `app` may use of ours.
const IN_THE_BROWSER: &[&str] = &["types"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn packages() -> Vec<serde_json::Value> {
    let output =
        Command::new(env!("CARGO")).args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let may = allowed.get(name).unwrap_or_else(|| panic!("{name} is new: say in ALLOWED what it may use"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if ours.contains(used) && !for_tests {
                assert!(may.contains(used), "{name} must not depend on {used}");
            }
            assert!(!(used == "test-support" && !for_tests), "{name}: test-support is a dev-dependency only");
        }
    }
}

#[test]
fn the_browser_gets_nothing_of_the_server() {
    let packages = packages();
    let app = packages.iter().find(|p| p["name"] == "app").unwrap();
    for dependency in app["dependencies"].as_array().unwrap() {
        let used = dependency["name"].as_str().unwrap();
        if ["domain", "store", "seats", "axum", "leptos_axum", "sqlx", "redis", "tower-sessions"].contains(&used) {
            assert_eq!(dependency["optional"], true, "{used} must only come with `ssr`");
        }
    }
    let hydrate: Vec<&str> = app["features"]["hydrate"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    for feature in hydrate {
        let of_ours = feature.strip_prefix("dep:").is_some_and(|d| ["domain", "store", "seats", "server"].contains(&d));
        assert!(!of_ours, "`hydrate` must not bring {feature}; allowed is {IN_THE_BROWSER:?}");
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !["target", "node_modules", ".git", ".portal"].iter().any(|skip| path.ends_with(skip)) {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn sql_and_redis_stand_in_one_crate_each() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["app", "server", "crates"] {
        rust_files(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    for file in files {
        let path = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let is_test = path.contains("/tests/") || path.contains("test-support");
        if !is_test && !path.starts_with("crates/store/") {
            assert!(!text.contains("sqlx::"), "{path}: SQL belongs into crates/store");
        }
        if !is_test && !path.starts_with("crates/seats/") {
            assert!(!text.contains("use redis::") && !text.contains("redis::cmd"), "{path}: Redis commands belong into crates/seats");
        }
    }
}
