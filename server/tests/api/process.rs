//! The `portal` program, as an operator starts it.

use crate::support::{Answer, Portal};
use crate::third_parties::{verifies_by_jwks, verifies_by_openssl};
use axum::http::Method;
use domain::ports::signer::Algorithm;
use domain::ports::time::SystemClock;
use serde_json::{Value, json};
use server::signer::LocalKeys;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use test_support::postgres::TestDatabase;
use test_support::redis::TestRedis;
use tokio::process::Command;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What the program finds when it starts.
struct Surroundings {
    folder: TempDir,
    database: TestDatabase,
    redis: TestRedis,
}

impl Surroundings {
    /// With these arguments for Redis, and a key.
    async fn new(redis: &'static [&'static str]) -> Self {
        let database = TestDatabase::new().await;
        let redis = tokio::task::spawn_blocking(move || TestRedis::start_tcp(redis)).await.unwrap();
        let it = Self { folder: tempfile::tempdir().unwrap(), database, redis };
        let made = it.portal(&["admin", "new-key", it.key().to_str().unwrap()]).await;
        assert!(made.status.success(), "{made:?}");
        assert!(!std::fs::read_to_string(it.key()).unwrap().contains("PRIVATE KEY"), "it is encrypted from the start");
        it
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// Runs the program to its end.
    async fn portal(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portal"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        // Nothing of the tester's own settings.
        command.env_clear().envs([
            ("PORTAL_LISTEN", "127.0.0.1:0".to_owned()),
            ("PORTAL_BASE_URL", "http://localhost:3000".to_owned()),
            ("PORTAL_SECRET", SECRET.to_owned()),
            ("DATABASE_URL", self.database.app_url()),
            ("REDIS_URL", self.redis.url()),
            ("SMTP_URL", format!("file://{}", self.folder.path().join("mail").display())),
            ("MAIL_FROM", "no-reply@portal.localhost".to_owned()),
            ("SIGNER", format!("local-ed25519:{}", self.key().display())),
        ]);
        tokio::time::timeout(Duration::from_secs(60), command.output()).await.expect("it ends by itself").unwrap()
    }
}

#[tokio::test]
async fn it_does_not_start_on_a_redis_that_may_throw_leases_away() {
    let surroundings = Surroundings::new(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    for command in ["serve", "worker"] {
        let refused = surroundings.portal(&[command]).await;
        let says = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{command}");
        assert!(says.contains("allkeys-lru") && says.contains("noeviction"), "{command}: {says}");
    }
}

#[tokio::test]
async fn rotating_the_key_leaves_old_tokens_valid() {
    let surroundings = Surroundings::new(&[]).await;
    let keys = Arc::new(LocalKeys::open(&surroundings.key(), Algorithm::EdDSA, SECRET, Arc::new(SystemClock)).unwrap());
    // As every server does.
    keys.follow();
    let portal = Portal::start_with(|services| services.signer = keys).await;
    let owner = portal.founder("Meridian").await;
    let published = async || portal.call(Method::GET, "/.well-known/jwks.json", None, None).await.json();
    let kids = |jwks: &Value| -> Vec<String> {
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let token = |answer: &Answer| answer.json()["token"].as_str().unwrap().to_owned();
    let held = portal.acquire(&owner, "laptop").await;
    let (first, old) = (kids(&published().await), token(&held));
    assert_eq!(first.len(), 1);

    let rotated = surroundings.portal(&["admin", "rotate-key", "--now"]).await;
    assert!(rotated.status.success(), "{rotated:?}");
    let mut jwks = published().await;
    for _ in 0..300 {
        if kids(&jwks).len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        jwks = published().await;
    }
    let both = kids(&jwks);
    assert_eq!((both.len(), both.last()), (2, first.last()), "the new key and the old one");
    assert!(String::from_utf8_lossy(&rotated.stdout).contains(&both[0]), "{rotated:?}");

    // The portal itself still believes the old token.
    portal.empty_redis().await;
    let body = json!({ "session_id": held.json()["session_id"], "token": old });
    let healed = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(body)).await;
    assert_eq!((healed.status.as_u16(), healed.json()["state"].as_str()), (200, Some("reacquired")), "{}", healed.text);
    // So does whoever has the list of keys; the next token is of the new key.
    let young = token(&portal.acquire(&owner, "laptop").await);
    for (token, kid) in [(&old, &both[1]), (&young, &both[0])] {
        assert_eq!(jsonwebtoken::decode_header(token).unwrap().kid.as_ref(), Some(kid));
        assert!(verifies_by_jwks(&jwks, token) && verifies_by_openssl(&jwks, token));
    }
}
