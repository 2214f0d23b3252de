use super::*;

/// A configuration without mistakes.
fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("PORTAL_BASE_URL", "https://portal.example.com"),
        ("DATABASE_URL", "postgres://portal_app:pw@db/portal"),
        ("REDIS_URL", "redis://:pw@redis:6379/"),
        ("SMTP_URL", "smtps://user:pw@smtp.example.com"),
        ("MAIL_FROM", "CODITECT <no-reply@example.com>"),
        ("SIGNER", "local-ed25519:/keys/license.pem"),
        ("PORTAL_SECRET", "0123456789abcdef0123456789abcdef"),
    ]
}

/// The good configuration with some variables replaced or added; an empty value removes.
fn env(changes: &[(&str, &str)]) -> Env {
    good().into_iter().chain(changes.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn mistakes(changes: &[(&str, &str)]) -> Vec<String> {
    Config::from_env(&env(changes)).err().map(|e| e.0).unwrap_or_default()
}

/// The one mistake, which must name the variable and be one sentence.
fn mistake(name: &str, value: &str) -> String {
    let found = mistakes(&[(name, value)]);
    assert_eq!(found.len(), 1, "{name}={value}: {found:?}");
    assert!(found[0].starts_with(name) && found[0].ends_with('.') && !found[0].contains('\n'), "{found:?}");
    found[0].clone()
}

#[test]
fn defaults() {
    let config = Config::from_env(&env(&[])).unwrap();
    assert_eq!(config.http.listen, DEFAULT_LISTEN);
    assert_eq!(config.http.base_url.join("/signup"), "https://portal.example.com/signup");
    assert!(config.http.base_url.is_https() && config.http.trusted_proxies.is_empty() && config.http.metrics_listen.is_none());
    assert_eq!(config.product_name, "CODITECT");
    assert_eq!(config.signer, Signer::LocalEd25519("/keys/license.pem".into()));
    assert!(config.database.owner_url.is_none());
    assert!(matches!(config.mail.delivery, MailDelivery::Smtp(_)));
}

#[test]
fn every_mistake_is_named_at_once() {
    let found = Config::from_env(&Env::default()).unwrap_err();
    for name in ["PORTAL_BASE_URL", "DATABASE_URL", "REDIS_URL", "SMTP_URL", "MAIL_FROM", "SIGNER", "PORTAL_SECRET"] {
        assert_eq!(found.0.iter().filter(|m| m.starts_with(&format!("{name} "))).count(), 1, "{name}: {found}");
    }
    assert_eq!(found.0.len(), 7);
    assert_eq!(found.to_string().lines().count(), 7);
}

#[test]
fn listen_addresses() {
    let config = Config::from_env(&env(&[("PORTAL_LISTEN", "0.0.0.0:8080"), ("PORTAL_METRICS_LISTEN", "[::1]:9000")])).unwrap();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.http.metrics_listen.unwrap().to_string(), "[::1]:9000");
    mistake("PORTAL_LISTEN", "3000");
    mistake("PORTAL_METRICS_LISTEN", "127.0.0.1:3000");
    assert_eq!(listen_address(&Env::default()).unwrap(), DEFAULT_LISTEN);
    assert!(listen_address(&env(&[("PORTAL_LISTEN", "nowhere")])).is_err());
}

#[test]
fn base_url_is_https_or_loopback_and_bare() {
    let accepted = |text| parse_base_url(text).map(|url| url.0);
    assert_eq!(accepted("https://portal.example.com/").as_deref(), Some("https://portal.example.com"));
    assert_eq!(accepted("http://localhost:3000").as_deref(), Some("http://localhost:3000"));
    assert_eq!(accepted("http://127.0.0.1:3000").as_deref(), Some("http://127.0.0.1:3000"));
    assert_eq!(accepted("http://[::1]:3000").as_deref(), Some("http://[::1]:3000"));
    for bad in [
        "http://portal.example.com",
        "https://example.com/portal",
        "https://u:p@example.com",
        "https://example.com/?a",
        "portal",
        "ftp://localhost",
    ] {
        assert_eq!(accepted(bad), None, "{bad}");
    }
    mistake("PORTAL_BASE_URL", "http://portal.example.com");
}

#[test]
fn trusted_proxies_are_addresses_or_networks() {
    let config = Config::from_env(&env(&[("PORTAL_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,fd00::/8")])).unwrap();
    let text: Vec<String> = config.http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
    assert!(mistake("PORTAL_TRUSTED_PROXIES", "10.0.0.0/8,proxy").contains("proxy is not an address"));
}

#[test]
fn databases_have_two_roles() {
    let owner = "postgres://portal_owner:pw@db/portal";
    let config = Config::from_env(&env(&[("DATABASE_OWNER_URL", owner)])).unwrap();
    assert_eq!(config.database.owner_url.unwrap().expose(), owner);
    assert_eq!(database_owner_url(&env(&[("DATABASE_OWNER_URL", owner)])).unwrap().expose(), owner);
    assert!(database_owner_url(&env(&[])).unwrap_err().0[0].starts_with("DATABASE_OWNER_URL "));
    assert!(database_owner_url(&env(&[("DATABASE_OWNER_URL", "db")])).is_err());
    let same = mistakes(&[("DATABASE_OWNER_URL", "postgres://portal_app:other@db/portal")]);
    assert!(same.len() == 1 && same[0].contains("same role"), "{same:?}");
    for bad in ["mysql://a:b@c/d", "postgres://db/portal", "postgres://a:b@db/", "db"] {
        mistake("DATABASE_URL", bad);
    }
}

#[test]
fn redis_addresses() {
    for good in
        ["redis://host", "redis+cluster://u:p@a:1/", "rediss://host:6380/", "redis+cluster://a:1,b:2", "rediss+cluster://u:p,q@a:1,b:2/"]
    {
        assert!(mistakes(&[("REDIS_URL", good)]).is_empty(), "{good}");
    }
    for bad in ["http://host", "redis:", "host:6379", "redis+cluster://a:1,", "http+cluster://a:1", "redis://a:1,b:2"] {
        mistake("REDIS_URL", bad);
    }
}

#[test]
fn mail_goes_by_tls_or_to_loopback_or_into_a_folder() {
    for good in [
        "smtp://a:b@host?tls=required",
        "smtp://host:25?tls=opportunistic",
        "smtp://localhost:1025",
        "smtp://127.0.0.1:1025",
        "smtp://[::1]:25",
    ] {
        assert!(mistakes(&[("SMTP_URL", good)]).is_empty(), "{good}");
    }
    for bad in ["smtp://host", "smtp://host?tls=no", "smtps:", "mail.example.com", "http://host"] {
        mistake("SMTP_URL", bad);
    }
    mistake("MAIL_FROM", "not an address");
    let config = Config::from_env(&env(&[("SMTP_URL", "file:///a%20b/mail")])).unwrap();
    assert!(matches!(config.mail.delivery, MailDelivery::Folder(path) if path == std::path::Path::new("/a b/mail")));
}

#[test]
fn signers_and_secrets() {
    for bad in ["local-ed25519:", "local-rsa:", "local-rsa", "vault", "gcp-kms:", "gcp-kms:projects/p/../x", "gcp-kms:a,b"] {
        mistake("SIGNER", bad);
    }
    let signer = |text: &str, more: &[(&str, &str)]| Config::from_env(&env(&[&[("SIGNER", text)], more].concat())).unwrap().signer;
    assert_eq!(signer("local-rsa:/keys/a:b", &[]), Signer::LocalRsa("/keys/a:b".into()));
    let (a, b) = (
        "projects/p-1/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2",
        "projects/example.com:p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
    );
    let Signer::GcpKms(kms) = signer(&format!("gcp-kms:{a}, {b}"), &[]) else { panic!() };
    assert_eq!(
        (kms.versions, kms.endpoint, kms.metadata_host.as_str()),
        (vec![a.to_owned(), b.to_owned()], None, "metadata.google.internal")
    );
    let text = format!("gcp-kms:{a}");
    let Signer::GcpKms(kms) = signer(&text, &[("GCP_KMS_ENDPOINT", "http://127.0.0.1:9020")]) else { panic!() };
    assert!(kms.is_emulator());
    let Signer::GcpKms(kms) = signer(&text, &[("GCP_KMS_ENDPOINT", "https://kms.example.com")]) else { panic!() };
    assert!(!kms.is_emulator());
    let plain = mistakes(&[("SIGNER", &text), ("GCP_KMS_ENDPOINT", "http://kms.example.com")]);
    assert!(plain.len() == 1 && plain[0].starts_with("GCP_KMS_ENDPOINT"), "{plain:?}");
    mistake("PORTAL_SECRET", "short");
}

#[test]
fn secrets_come_from_files_too() {
    let path = std::env::temp_dir().join(format!("portal-secret-{}", std::process::id()));
    std::fs::write(&path, "fedcba9876543210fedcba9876543210\n").unwrap();
    let text = path.to_str().unwrap();
    let config = Config::from_env(&env(&[("PORTAL_SECRET", ""), ("PORTAL_SECRET_FILE", text)])).unwrap();
    assert_eq!(config.secret.expose(), "fedcba9876543210fedcba9876543210");
    let both = mistakes(&[("PORTAL_SECRET_FILE", text)]);
    assert!(both.len() == 1 && both[0].contains("both set"), "{both:?}");
    std::fs::write(&path, "\n").unwrap();
    let empty = mistakes(&[("PORTAL_SECRET", ""), ("PORTAL_SECRET_FILE", text)]);
    assert!(empty.len() == 1 && empty[0].contains("is empty"), "{empty:?}");
    std::fs::remove_file(&path).unwrap();
    let missing = mistakes(&[("PORTAL_SECRET", ""), ("PORTAL_SECRET_FILE", text)]);
    assert!(missing.len() == 1 && missing[0].contains("cannot be read"), "{missing:?}");
}

#[test]
fn no_secret_in_messages_or_debug() {
    let secrets = [
        ("DATABASE_URL", "mysql://app:hunter2@db/x"),
        ("REDIS_URL", "http://:hunter2@r"),
        ("SMTP_URL", "smtp://u:hunter2@h"),
        ("PORTAL_SECRET", "hunter2"),
    ];
    for mistake in mistakes(&secrets) {
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
    let config = Config::from_env(&env(&[("REDIS_URL", "redis://:hunter2@r")])).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn stripe_is_there_as_a_whole_or_not_at_all() {
    assert!(Config::from_env(&env(&[])).unwrap().stripe.is_none());
    let key = ("STRIPE_SECRET_KEY", "sk_test_1");
    let hook = ("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old");
    let stripe = Config::from_env(&env(&[key, hook])).unwrap().stripe.unwrap();
    assert_eq!(stripe.webhook_secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["whsec_new", "whsec_old"]);
    assert!(stripe.api_base.is_none());
    assert!(Config::from_env(&env(&[key, hook, ("STRIPE_API_BASE", "http://127.0.0.1:12111/")])).is_ok());
    assert_eq!(mistakes(&[key]).len(), 1, "no webhook without its secret");
    for wrong in [
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_SECRET_KEY", "sk_test_\u{e9}"),
        ("STRIPE_WEBHOOK_SECRET", "secret"),
        ("STRIPE_API_BASE", "http://stripe.example/"),
        ("STRIPE_API_BASE", "https://stripe.example/v1"),
    ] {
        let found = mistakes(&[key, hook, wrong]);
        assert_eq!(found.len(), 1, "{wrong:?}: {found:?}");
        assert!(found[0].starts_with(wrong.0) && !found[0].contains("sk_test_1"), "{found:?}");
    }
    let live = mistakes(&[("STRIPE_SECRET_KEY", "sk_live_1"), hook, ("STRIPE_API_BASE", "http://localhost:12111/")]);
    assert_eq!(live.len(), 1, "{live:?}");
}

#[test]
fn grace_and_sandbox() {
    assert_eq!(Config::from_env(&env(&[])).unwrap().billing_grace_days, 7);
    assert_eq!(Config::from_env(&env(&[("BILLING_GRACE_DAYS", "0")])).unwrap().billing_grace_days, 0);
    mistake("BILLING_GRACE_DAYS", "91");
    mistake("BILLING_GRACE_DAYS", "-1");
    assert_eq!(sandbox_listen(&env(&[])).unwrap().to_string(), "127.0.0.1:12111");
    assert!(sandbox_listen(&env(&[("STRIPE_SANDBOX_LISTEN", "0.0.0.0:12111")])).is_err());
    assert!(sandbox_listen(&env(&[("STRIPE_SANDBOX_LISTEN", "12111")])).is_err());
}
