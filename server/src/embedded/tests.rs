use std::os::unix::fs::PermissionsExt;

use domain::ports::time::SystemRandom;

use super::*;
use crate::config::{Config, MailDelivery};

/// A folder of its own for a test, removed at the end. Closed to others, like a clone under /root.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portal-embedded-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    fn portal(&self) -> PathBuf {
        self.0.join(".portal")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(folder: &Path, variables: &[(&str, &str)]) -> anyhow::Result<(Embedded, Env)> {
    let env = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Embedded::start(folder, env, "127.0.0.1:3456".parse().unwrap(), Arc::new(SystemRandom)).await
}

#[tokio::test]
async fn fills_the_configuration_and_runs_once_per_folder() {
    let folder = Folder::new("once");
    assert!(running(&folder.portal()).unwrap().is_none());
    let (first, env) = start(&folder.portal(), &[]).await.unwrap();

    let config = Config::from_env(&env).unwrap();
    assert_eq!(config.http.base_url.as_str(), "http://localhost:3456");
    assert!(matches!(&config.mail.delivery, MailDelivery::Folder(path) if path.ends_with(".portal/mail") && path.is_dir()));
    let mode = |name: &str| std::fs::metadata(folder.portal().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["secrets.json", "running.json", "keys", "mail", "postgres", "redis"].map(mode), [0o600, 0o600, 0o700, 0o700, 0o700, 0o700]);

    let reached = running(&folder.portal()).unwrap().unwrap();
    assert_eq!(reached.get("DATABASE_URL"), Some(config.database.url.expose()));
    let error = start(&folder.portal(), &[]).await.err().unwrap().to_string();
    assert!(error.contains("already running here") && error.contains("http://localhost:3456") && !error.contains('\n'), "{error}");

    first.stop().await.unwrap();
    assert!(running(&folder.portal()).unwrap().is_none());
    assert!(!folder.portal().join("postgres/data/postmaster.pid").exists());

    // Passwords and keys stay; the second start needs no second set-up.
    let (second, env) = start(&folder.portal(), &[]).await.unwrap();
    assert_eq!(Config::from_env(&env).unwrap().secret, config.secret);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn starts_only_what_no_variable_names() {
    let folder = Folder::new("partly");
    let given = [
        ("DATABASE_URL", "postgres://app:pw@db/portal"),
        ("REDIS_URL_FILE", "/run/redis-url"),
        ("MAIL_FROM", "a@example.com"),
        ("SIGNER", "local-rsa:/keys/rsa.pem"),
        ("PORTAL_SECRET_FILE", "/run/secret"),
    ];
    let (embedded, env) = start(&folder.portal(), &given).await.unwrap();
    assert_eq!(env.get("DATABASE_URL"), Some("postgres://app:pw@db/portal"));
    assert_eq!(env.get("MAIL_FROM"), Some("a@example.com"));
    assert!(env.get("REDIS_URL").is_none() && env.get("DATABASE_OWNER_URL").is_none());
    assert!(!folder.portal().join("postgres").exists() && !folder.portal().join("redis").exists());
    // `portal admin` reads the same keys.
    let reached = running(&folder.portal()).unwrap().unwrap();
    for name in ["SIGNER", "PORTAL_SECRET", "PORTAL_SECRET_FILE"] {
        assert_eq!(reached.get(name), env.get(name), "{name}");
    }
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn damaged_secrets_are_one_sentence() {
    let folder = Folder::new("damaged");
    std::fs::create_dir_all(folder.portal()).unwrap();
    std::fs::write(folder.portal().join("secrets.json"), "{").unwrap();
    let error = start(&folder.portal(), &[]).await.err().unwrap().to_string();
    assert!(error.contains("secrets.json is damaged") && !error.contains('\n'), "{error}");
    // The failed start holds nothing.
    assert!(running(&folder.portal()).unwrap().is_none());
}
