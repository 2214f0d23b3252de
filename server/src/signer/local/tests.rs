use super::*;
use crate::signer::testing::{openssl, token, token_as, verifies, verifies_by_jwks, verifies_by_openssl};
use crate::signer::{KEY_AGE, PUBLISHED_AHEAD};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;
use tempfile::TempDir;
use time::macros::datetime;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const START: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

struct TestClock(Mutex<OffsetDateTime>);

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// A folder with a key file, and the time.
struct World {
    folder: TempDir,
    clock: Arc<TestClock>,
    algorithm: Algorithm,
}

impl World {
    /// RSA keys take seconds to make in a debug build, so all tests begin with copies of the same ones.
    fn new(algorithm: Algorithm) -> Self {
        static ED25519: OnceLock<String> = OnceLock::new();
        static RSA: OnceLock<String> = OnceLock::new();
        let world = Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(TestClock(Mutex::new(START))), algorithm };
        let text = match algorithm {
            Algorithm::EdDSA => &ED25519,
            Algorithm::RS256 => &RSA,
        };
        let text = text.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new/keys.json");
            LocalKeys::create(&path, algorithm, SECRET, START).unwrap();
            assert!(LocalKeys::create(&path, algorithm, SECRET, START).is_err(), "a file is never replaced");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::read_to_string(&path).unwrap()
        });
        world.write(text);
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    /// The file, each time in another version of it.
    fn json(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut value = serde_json::from_str(&self.text()).unwrap();
        change(&mut value);
        value.to_string()
    }

    fn try_open(&self) -> anyhow::Result<Arc<LocalKeys>> {
        LocalKeys::open(&self.path(), self.algorithm, SECRET, self.clock.clone()).map(Arc::new)
    }

    fn open(&self) -> Arc<LocalKeys> {
        self.try_open().unwrap()
    }

    fn advance(&self, by: Duration) {
        *self.clock.0.lock().unwrap() += by;
    }

    /// How many keys of the file can be published, and how many can sign.
    fn counts(&self) -> (usize, usize) {
        let value: Value = serde_json::from_str(&self.text()).unwrap();
        let keys = value["keys"].as_array().unwrap();
        (keys.len(), keys.iter().filter(|key| key["private"].is_string()).count())
    }
}

#[tokio::test]
async fn whoever_has_the_list_of_keys_can_verify() {
    for algorithm in [Algorithm::EdDSA, Algorithm::RS256] {
        let keys = World::new(algorithm).open();
        let token = token(keys.as_ref()).await;
        let jwks = keys.jwks();
        assert!(verifies(keys.as_ref(), &token) && verifies_by_jwks(&jwks, &token), "{algorithm:?}");
        let (kept, last) = token.split_at(token.len() - 8);
        let changed = format!("{kept}{}", if last == "AAAAAAAA" { "BBBBBBBB" } else { "AAAAAAAA" });
        assert!(!verifies(keys.as_ref(), &changed) && !verifies_by_jwks(&jwks, &changed));
        assert!(verifies_by_openssl(&jwks, &token) && !verifies_by_openssl(&jwks, &changed), "{algorithm:?}");
        let published = jwks["keys"][0].as_object().unwrap();
        let names: Vec<&str> = published.keys().map(String::as_str).collect();
        let expected =
            if algorithm == Algorithm::EdDSA { ["alg", "crv", "kid", "kty", "use", "x"] } else { ["alg", "e", "kid", "kty", "n", "use"] };
        assert_eq!(names, expected, "and nothing private");
    }
}

#[tokio::test]
async fn one_algorithm_per_key_and_no_unknown_key() {
    let (ed25519, rsa) = (World::new(Algorithm::EdDSA).open(), World::new(Algorithm::RS256).open());
    for (keys, other) in [(&ed25519, &rsa), (&rsa, &ed25519)] {
        let (kid, algorithm) = (keys.kid(), keys.algorithm().as_str());
        let token = token(keys.as_ref()).await;
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(keys.verify(&kid, algorithm, input.as_bytes(), &signature));
        for wrong in ["none", "HS256", "PS256", "RS512", "", other.algorithm().as_str()] {
            assert!(!keys.verify(&kid, wrong, input.as_bytes(), &signature), "{wrong}");
        }
        for unknown in [other.kid(), String::new(), kid.to_uppercase()] {
            assert!(!keys.verify(&unknown, algorithm, input.as_bytes(), &signature), "{unknown}");
            assert!(token_as(keys.as_ref(), &unknown, algorithm).await.is_err(), "{unknown}");
        }
    }
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_long_after() {
    let world = World::new(Algorithm::EdDSA);
    let keys = world.open();
    let (first, old) = (keys.kid(), token(keys.as_ref()).await);
    assert_eq!(keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap(), None, "not yet");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1, "so the folder may be read-only");

    world.advance(KEY_AGE);
    let new = keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap().unwrap();
    assert_eq!(keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap(), None, "once");
    assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 2);
    assert_eq!(keys.kid(), first);
    world.advance(PUBLISHED_AHEAD - Duration::seconds(1));
    assert_eq!(keys.kid(), first);
    world.advance(Duration::seconds(1));
    assert_eq!((keys.kid(), world.clock.now()), (new.kid.clone(), new.signs_from));
    let young = token(keys.as_ref()).await;
    for token in [&old, &young] {
        assert!(verifies(keys.as_ref(), token) && verifies_by_jwks(&keys.jwks(), token));
    }
    assert!(token_as(keys.as_ref(), &first, "EdDSA").await.is_ok(), "the header was written a moment ago");
    assert_eq!(world.counts(), (2, 2));

    world.advance(Duration::hours(1));
    assert_eq!(keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap(), None);
    assert_eq!(world.counts(), (2, 1), "the private half is gone");
    assert!(token_as(keys.as_ref(), &first, "EdDSA").await.is_err() && verifies(keys.as_ref(), &old));

    // A year of the worker's hours, a week at a time.
    for _ in 0..52 {
        assert!(verifies(keys.as_ref(), &old));
        world.advance(Duration::days(7));
        keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap();
    }
    assert!(verifies(keys.as_ref(), &old), "364 days later");
    assert_eq!(world.counts().0, 6, "every 90 days one");
    world.advance(KEY_AGE);
    keys.clone().rotate(Some(KEY_AGE), PUBLISHED_AHEAD).await.unwrap();
    assert!(!verifies(keys.as_ref(), &old), "no token is valid for so long");
    assert!(verifies(world.open().as_ref(), &young));
}

#[tokio::test]
async fn rsa_keys_rotate_too() {
    let world = World::new(Algorithm::RS256);
    let keys = world.open();
    let old = token(keys.as_ref()).await;
    let new = keys.clone().rotate(None, Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(keys.kid(), new.kid);
    let young = token(keys.as_ref()).await;
    for token in [&old, &young] {
        assert!(verifies(world.open().as_ref(), token) && verifies_by_jwks(&keys.jwks(), token));
        assert!(verifies_by_openssl(&keys.jwks(), token));
    }
}

#[tokio::test]
async fn rotations_at_the_same_time_lose_no_key() {
    let world = World::new(Algorithm::EdDSA);
    // Each like a process of its own.
    let rotations = (0..8).map(|_| world.open().rotate(None, Duration::ZERO));
    let made = futures::future::join_all(rotations).await;
    let ring = world.open();
    for new in made {
        assert!(ring.ring().get(&new.unwrap().unwrap().kid).is_some());
    }
    assert_eq!(world.counts(), (9, 9));
    // Those who see at the same time that a key is due make one together.
    world.advance(KEY_AGE);
    let rotations = (0..8).map(|_| world.open().rotate(Some(KEY_AGE), PUBLISHED_AHEAD));
    let made: Vec<_> = futures::future::join_all(rotations).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().flatten().count(), 1);
    let files = std::fs::read_dir(world.folder.path()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(|name| name.ends_with(".new")).count(), 0);
}

#[tokio::test]
async fn a_running_server_notices_the_next_key() {
    let world = World::new(Algorithm::EdDSA);
    let (server, operator) = (world.open(), world.open());
    server.follow();
    let new = operator.rotate(None, Duration::ZERO).await.unwrap().unwrap();
    let started = std::time::Instant::now();
    while server.kid() != new.kid {
        assert!(started.elapsed() < LOOK_EVERY * 4, "not noticed");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(server.jwks()["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_that_becomes_unusable_changes_nothing() {
    let world = World::new(Algorithm::EdDSA);
    let (keys, good) = (world.open(), world.text());
    for bad in ["", "{", "{\"keys\": []}"] {
        world.write(bad);
        assert!(keys.reload().is_err(), "{bad}");
        assert!(verifies(keys.as_ref(), &token(keys.as_ref()).await));
        assert!(keys.clone().rotate(None, Duration::ZERO).await.is_err(), "nothing is written over it");
        assert_eq!(world.text(), bad);
    }
    std::fs::remove_file(world.path()).unwrap();
    assert!(keys.reload().is_err());
    world.write(&good);
    assert!(keys.reload().is_ok());
}

#[tokio::test]
async fn a_key_in_pem_is_read_and_encrypted_at_its_rotation() {
    let world = World::new(Algorithm::EdDSA);
    let made = openssl(&["genpkey", "-algorithm", "ed25519"], world.folder.path());
    let pem = String::from_utf8(made.stdout).unwrap();
    std::fs::remove_file(world.path()).unwrap();
    world.write(&pem);
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    let keys = world.open();
    let (first, old) = (keys.kid(), token(keys.as_ref()).await);
    keys.clone().rotate(None, PUBLISHED_AHEAD).await.unwrap().unwrap();
    assert_eq!(world.open().jwks()["keys"][1]["kid"], first.as_str());
    assert_eq!(world.counts(), (2, 2));
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(!world.text().contains("PRIVATE KEY") && !world.text().contains(&body[20..]));
    assert!(verifies(world.open().as_ref(), &old));
    assert_eq!(std::fs::metadata(world.path()).unwrap().permissions().mode() & 0o777, 0o600);
    // Without a secret there is nothing to encrypt with, and the file stays.
    world.write(&pem);
    let plain = Arc::new(LocalKeys::open(&world.path(), Algorithm::EdDSA, "", world.clock.clone()).unwrap());
    assert!(plain.rotate(None, Duration::ZERO).await.is_err());
    assert_eq!(world.text(), pem);
}

#[tokio::test]
async fn a_key_that_openssl_made_will_do() {
    for (algorithm, arguments) in [
        (Algorithm::EdDSA, ["genpkey", "-algorithm", "ed25519"].as_slice()),
        (Algorithm::RS256, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"]),
    ] {
        let world = World::new(algorithm);
        let made = openssl(arguments, world.folder.path());
        world.write(std::str::from_utf8(&made.stdout).unwrap());
        let keys = world.open();
        assert!(verifies(keys.as_ref(), &token(keys.as_ref()).await));
    }
}

#[tokio::test]
async fn a_link_to_the_file_stays_a_link() {
    let world = World::new(Algorithm::EdDSA);
    let link = world.folder.path().join("link");
    std::os::unix::fs::symlink(world.path(), &link).unwrap();
    let keys = Arc::new(LocalKeys::open(&link, Algorithm::EdDSA, SECRET, world.clock.clone()).unwrap());
    keys.rotate(None, Duration::ZERO).await.unwrap().unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(world.counts(), (2, 2));
}

/// One sentence that names the file.
fn refusal(world: &World, text: &str) -> String {
    world.write(text);
    let sentence = format!("{:#}", world.try_open().err().unwrap_or_else(|| panic!("accepted: {text}")));
    assert!(sentence.starts_with("SIGNER: ") && sentence.contains(world.path().to_str().unwrap()), "{sentence}");
    assert!(sentence.ends_with('.') && !sentence.contains('\n') && sentence.len() < 300, "{sentence}");
    sentence
}

#[tokio::test]
async fn a_damaged_file_gives_one_sentence() {
    let mut world = World::new(Algorithm::EdDSA);
    let keys = world.open();
    keys.rotate(None, Duration::ZERO).await.unwrap();
    let good = world.text();
    let other = World::new(Algorithm::RS256).json(|_| {});
    let swapped = world.json(|v| {
        let first = v["keys"][0]["private"].take();
        v["keys"][0]["private"] = std::mem::replace(&mut v["keys"][1]["private"], first);
    });
    let renamed = world.json(|v| v["keys"][0]["jwk"]["kid"] = "another".into());
    let changed = world.json(|v| v["keys"][0]["jwk"]["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into());
    let algorithm = world.json(|v| v["keys"][0]["jwk"]["alg"] = "RS256".into());
    let public = world.json(|v| v["keys"].as_array_mut().unwrap().iter_mut().for_each(|k| k["private"] = Value::Null));
    for (text, says) in [
        ("", "neither a private key in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no Ed25519 or RSA key"),
        (&good[..good.len() / 2], "damaged"),
        (&good.replace("private", "secret"), "no private key"),
        (&swapped, "another PORTAL_SECRET"),
        (&renamed, "is damaged"),
        (&changed, "is damaged"),
        (&algorithm, "is damaged"),
        (&public, "no private key"),
        (&other, "a key for RS256, but one for EdDSA"),
    ] {
        let sentence = refusal(&world, text);
        assert!(sentence.contains(says), "{sentence}");
    }
    world.write(&good);
    let other_secret = LocalKeys::open(&world.path(), Algorithm::EdDSA, "another secret, of enough characters", world.clock.clone());
    assert!(other_secret.err().unwrap().to_string().contains("another PORTAL_SECRET"));
    world.algorithm = Algorithm::RS256;
    let short = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let short = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&short).unwrap().as_ref().to_vec();
    assert!(refusal(&world, &pem::encode(&pem::Pem::new("PRIVATE KEY", short))).contains("2048 bits instead of 4096"));
    std::fs::remove_file(world.path()).unwrap();
    assert!(world.try_open().unwrap_err().to_string().contains("new-key"));
}

#[tokio::test]
async fn rsa_never_signs_on_an_async_thread() {
    let (ed25519, rsa) = (World::new(Algorithm::EdDSA).open(), World::new(Algorithm::RS256).open());
    assert!(token_as(ed25519.as_ref(), &ed25519.kid(), "EdDSA").now_or_never().is_some());
    assert!(token_as(rsa.as_ref(), &rsa.kid(), "RS256").now_or_never().is_none(), "it yields while it works");
    // More than there are cores, and a call that gave up leaves no slot taken.
    let tokens = futures::future::join_all((0..20).map(|_| token(rsa.as_ref()))).await;
    assert!(tokens.iter().all(|token| verifies(rsa.as_ref(), token)));
}

#[tokio::test]
async fn in_a_crowd_everybody_gets_the_signature_of_his_own_text() {
    let rsa = World::new(Algorithm::RS256).open();
    let kid = rsa.kid();
    let texts: Vec<_> = (0..60).map(|n| format!("text {n}")).collect();
    let mut waiting: Vec<_> = texts.iter().map(|text| (text, rsa.sign(&kid, text.as_bytes()))).collect();
    for (_, wanted) in &mut waiting {
        assert!(wanted.now_or_never().is_none());
    }
    // Every third goes away; that costs nobody else his signature.
    let mut n = 0;
    waiting.retain(|_| {
        n += 1;
        n % 3 != 0
    });
    assert_eq!(waiting.len(), 40);
    for (text, wanted) in waiting {
        let signature = wanted.await.unwrap();
        assert!(rsa.verify(&kid, "RS256", text.as_bytes(), &signature), "{text}");
    }
    assert!(rsa.wanted.lock().unwrap().is_empty());
}
