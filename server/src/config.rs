//! Configuration: one struct per topic, read from the environment and checked as a whole at start.
//!
//! There are no default secrets. A secret `NAME` may also be given as `NAME_FILE`, the path of a file that holds it (a mounted
//! Kubernetes or Docker secret). An empty variable counts as absent.

mod env;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::{Host, Url};

use env::Reader;
pub use env::{ConfigError, Env, Secret};

/// Where the portal listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

/// Where the Stripe sandbox of `portal dev` listens unless told otherwise.
pub const DEFAULT_SANDBOX: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 12111);

/// Shortest accepted `PORTAL_SECRET`: 256 bits as hexadecimal digits are 64 characters, as base64 43.
const SHORTEST_SECRET: usize = 32;

/// Everything that the portal is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub database: Database,
    pub redis: Redis,
    pub mail: Mail,
    pub signer: Signer,
    /// Nothing is sold without it.
    pub stripe: Option<Stripe>,
    /// `BILLING_GRACE_DAYS`: how long an unpaid invoice changes nothing. Default: 7.
    pub billing_grace_days: u32,
    /// `PORTAL_SECRET`: the key of the access tokens (HMAC-SHA256), at least 32 characters. All replicas share it.
    pub secret: Secret,
    /// `PRODUCT_NAME`: how the product is called in pages and mails. Default: CODITECT.
    pub product_name: String,
}

/// How the portal is reached.
#[derive(Clone, Debug)]
pub struct Http {
    /// `PORTAL_LISTEN`: address and port. Default: 127.0.0.1:3000.
    pub listen: SocketAddr,
    /// `PORTAL_BASE_URL`: how browsers and clients reach the portal, without a path. https, except for loopback.
    pub base_url: BaseUrl,
    /// `PORTAL_TRUSTED_PROXIES`: addresses or networks, comma-separated, whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// `PORTAL_METRICS_LISTEN`: address and port of `/metrics`. Default: not served.
    pub metrics_listen: Option<SocketAddr>,
}

/// PostgreSQL.
#[derive(Clone, Debug)]
pub struct Database {
    /// `DATABASE_URL`: connects as the application role, which is subject to row-level security.
    pub url: Secret,
    /// `DATABASE_OWNER_URL`: connects as the role that owns the tables. Only `portal migrate` needs it.
    pub owner_url: Option<Secret>,
}

/// Redis.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `REDIS_URL`: `redis://[user:password@]host:port/` or, for Redis Cluster, `redis+cluster://…`.
    pub url: Secret,
}

/// Mail that the portal sends.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `SMTP_URL`.
    pub delivery: MailDelivery,
    /// `MAIL_FROM`: the sender, as `Name <address>` or an address alone.
    pub from: Mailbox,
}

/// Where mail goes, by the form of `SMTP_URL`.
#[derive(Clone, Debug)]
pub enum MailDelivery {
    /// `smtps://user:password@host[:465]`, or `smtp://user:password@host[:587]?tls=required` (or `tls=opportunistic`). Only to
    /// loopback may mail go without TLS.
    Smtp(Secret),
    /// `file:///FOLDER`: one file per message, for the embedded mode.
    Folder(PathBuf),
}

/// What signs licence tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// `SIGNER=local-ed25519:PATH`: Ed25519 keys in a file.
    LocalEd25519(PathBuf),
    /// `SIGNER=local-rsa:PATH`: RSA-4096 keys in a file (RS256).
    LocalRsa(PathBuf),
    /// `SIGNER=gcp-kms:RESOURCE`: an RSA-4096 key in Google Cloud KMS (RS256).
    GcpKms(GcpKms),
}

/// Keys in Google Cloud KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcpKms {
    /// `projects/…/cryptoKeyVersions/N`. The first signs; the others, separated by commas, are keys from before.
    pub versions: Vec<String>,
    /// `GCP_KMS_ENDPOINT`: another address than Google's own. A loopback address is an emulator, which needs no access token.
    pub endpoint: Option<Url>,
    /// `GCE_METADATA_HOST`: where access tokens come from. Default: metadata.google.internal.
    pub metadata_host: String,
}

/// The payment provider.
#[derive(Clone, Debug)]
pub struct Stripe {
    /// `STRIPE_SECRET_KEY`: `sk_test_…` or `sk_live_…` (or a restricted key, `rk_…`).
    pub secret_key: Secret,
    /// `STRIPE_API_BASE`: another address than Stripe's own, with a slash at the end.
    pub api_base: Option<Url>,
    /// `STRIPE_WEBHOOK_SECRET`: `whsec_…`; two, separated by a comma, while one is replaced by the other.
    pub webhook_secrets: Vec<Secret>,
}

/// The portal's own address: scheme and authority, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Browsers send cookies marked `Secure` and call the page trustworthy. Loopback counts as that too, without https.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The address of a page; `path` starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl Config {
    /// Reads and checks everything. The error names every mistake, one sentence each, and never the value of a secret.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(env);
        let http = Http::read(&mut reader);
        let database = Database::read(&mut reader);
        let redis = Redis::read(&mut reader);
        let mail = Mail::read(&mut reader);
        let signer = Signer::read(&mut reader);
        let stripe = Stripe::read(&mut reader);
        let billing_grace_days = read_grace(&mut reader);
        let secret = read_secret(&mut reader);
        let product_name = reader.text("PRODUCT_NAME").unwrap_or_else(|| "CODITECT".to_owned());
        // A part is missing only if the reader has noted why.
        match (http, database, redis, mail, signer, secret, reader.finish()) {
            (Some(http), Some(database), Some(redis), Some(mail), Some(signer), Some(secret), Ok(())) => {
                Ok(Self { http, database, redis, mail, signer, stripe, billing_grace_days, secret, product_name })
            }
            (.., outcome) => Err(outcome.err().unwrap_or_default()),
        }
    }
}

/// `PORTAL_LISTEN` alone, for what must be checked before anything else is started.
pub fn listen_address(env: &Env) -> Result<SocketAddr, ConfigError> {
    let mut reader = Reader::new(env);
    let listen = read_listen(&mut reader);
    reader.finish().map(|()| listen.unwrap_or(DEFAULT_LISTEN))
}

/// `DATABASE_OWNER_URL`, for `portal migrate`, which needs nothing else but the next one.
pub fn database_owner_url(env: &Env) -> Result<Secret, ConfigError> {
    one_database_url(env, "DATABASE_OWNER_URL", "the role that owns the tables: postgres://ROLE:PASSWORD@HOST/DATABASE")
}

/// `DATABASE_URL`, for `portal migrate`: it names the role that gets the rights.
pub fn database_url(env: &Env) -> Result<Secret, ConfigError> {
    one_database_url(env, "DATABASE_URL", "the role of the portal, which gets the rights: postgres://ROLE:PASSWORD@HOST/DATABASE")
}

fn one_database_url(env: &Env, name: &'static str, hint: &str) -> Result<Secret, ConfigError> {
    let mut reader = Reader::new(env);
    let url = reader.required_secret(name, hint);
    let url = url.filter(|url| check_database_url(&mut reader, name, url).is_some());
    let outcome = reader.finish();
    match (url, outcome) {
        (Some(url), Ok(())) => Ok(url),
        (_, outcome) => Err(outcome.err().unwrap_or_default()),
    }
}

/// `PORTAL_SECRET` alone, for `portal admin new-key`, which needs nothing else.
pub fn portal_secret(env: &Env) -> Result<Secret, ConfigError> {
    let mut reader = Reader::new(env);
    let secret = read_secret(&mut reader);
    match (secret, reader.finish()) {
        (Some(secret), Ok(())) => Ok(secret),
        (_, outcome) => Err(outcome.err().unwrap_or_default()),
    }
}

/// `STRIPE_SANDBOX_LISTEN`: where `portal dev` lets the Stripe sandbox listen; port 0 is any free one. Default: 127.0.0.1:12111.
pub fn sandbox_listen(env: &Env) -> Result<SocketAddr, ConfigError> {
    let mut reader = Reader::new(env);
    let listen: Option<SocketAddr> = reader.parsed("STRIPE_SANDBOX_LISTEN", "an address and a port, for example 127.0.0.1:12111");
    if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        reader.mistake("STRIPE_SANDBOX_LISTEN must be a loopback address: the sandbox believes everybody.");
    }
    reader.finish().map(|()| listen.unwrap_or(DEFAULT_SANDBOX))
}

fn read_grace(reader: &mut Reader<'_>) -> u32 {
    let days = reader.parsed("BILLING_GRACE_DAYS", "a number of days").unwrap_or(7);
    if days > 90 {
        reader.mistake("BILLING_GRACE_DAYS is at most 90.");
    }
    days
}

fn read_listen(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    reader.parsed("PORTAL_LISTEN", "an address and a port, for example 127.0.0.1:3000")
}

impl Http {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let listen = read_listen(reader).unwrap_or(DEFAULT_LISTEN);
        let metrics_listen = reader.parsed("PORTAL_METRICS_LISTEN", "an address and a port, for example 127.0.0.1:9000");
        if metrics_listen == Some(listen) {
            reader.mistake("PORTAL_METRICS_LISTEN must differ from PORTAL_LISTEN.");
        }
        let trusted_proxies = read_networks(reader);
        let base_url = reader.required("PORTAL_BASE_URL", "how the portal is reached, for example https://portal.example.com");
        let base_url = base_url.and_then(|text| {
            let parsed = parse_base_url(&text);
            if parsed.is_none() {
                reader.mistake(format!(
                    "PORTAL_BASE_URL={text} is not an https address without path (http only for localhost), for example https://portal.example.com."
                ));
            }
            parsed
        });
        Some(Self { listen, base_url: base_url?, trusted_proxies, metrics_listen })
    }
}

fn read_networks(reader: &mut Reader<'_>) -> Vec<IpNet> {
    let text = reader.text("PORTAL_TRUSTED_PROXIES").unwrap_or_default();
    let mut networks = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => reader.mistake(format!("PORTAL_TRUSTED_PROXIES: {part} is not an address or a network like 10.0.0.0/8.")),
        }
    }
    networks
}

fn parse_base_url(text: &str) -> Option<BaseUrl> {
    let url = Url::parse(text).ok()?;
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (bare && safe).then(|| BaseUrl(url.origin().ascii_serialization()))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // In a scheme that it does not know, `url` leaves an IPv4 address as text.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Database {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.required_secret("DATABASE_URL", "the application role: postgres://ROLE:PASSWORD@HOST/DATABASE");
        let owner_url = reader.secret("DATABASE_OWNER_URL");
        let role = url.as_ref().and_then(|url| check_database_url(reader, "DATABASE_URL", url));
        let owner = owner_url.as_ref().and_then(|url| check_database_url(reader, "DATABASE_OWNER_URL", url));
        if role.is_some() && role == owner {
            reader.mistake("DATABASE_URL and DATABASE_OWNER_URL name the same role, which row-level security would not hold: use two.");
        }
        Some(Self { url: url?, owner_url })
    }
}

/// The role that the address names.
fn check_database_url(reader: &mut Reader<'_>, name: &str, url: &Secret) -> Option<String> {
    let role = Url::parse(url.expose())
        .ok()
        .filter(|url| matches!(url.scheme(), "postgres" | "postgresql") && !url.username().is_empty() && url.path().len() > 1)
        .map(|url| url.username().to_owned());
    if role.is_none() {
        reader.mistake(format!("{name} is not of the form postgres://ROLE:PASSWORD@HOST/DATABASE."));
    }
    role
}

impl Redis {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const FORM: &str = "redis://[USER:PASSWORD@]HOST:PORT/ or redis+cluster://HOST:PORT,HOST:PORT";
        let url = reader.required_secret("REDIS_URL", FORM)?;
        let is_node = |url: &str| Url::parse(url).is_ok_and(|url| ["redis", "rediss"].contains(&url.scheme()) && url.has_host());
        let fits = match url.expose().split_once("+cluster://") {
            Some((scheme, nodes)) => {
                // Name and password, which may have commas, stand before all of them.
                let nodes = nodes.rsplit_once('@').map_or(nodes, |(_, nodes)| nodes);
                nodes.split(',').all(|node| is_node(&format!("{scheme}://{node}")))
            }
            None => is_node(url.expose()),
        };
        if !fits {
            reader.mistake(format!("REDIS_URL is not of the form {FORM}."));
        }
        fits.then_some(Self { url })
    }
}

impl Mail {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const FORM: &str = "smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST?tls=required";
        let url = reader.required_secret("SMTP_URL", FORM);
        let from = reader.required("MAIL_FROM", "the sender of mails, for example CODITECT <no-reply@example.com>");
        let from = from.and_then(|text| {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                reader.mistake(format!("MAIL_FROM={text} is not a mail address like CODITECT <no-reply@example.com>."));
            }
            parsed
        });
        let url = url?;
        let delivery = match Url::parse(url.expose()) {
            Ok(parsed) if parsed.scheme() == "file" => parsed.to_file_path().ok().map(MailDelivery::Folder),
            Ok(parsed) if parsed.scheme() == "smtps" && parsed.has_host() => Some(MailDelivery::Smtp(url)),
            Ok(parsed) if parsed.scheme() == "smtp" && parsed.has_host() => {
                let tls = parsed.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
                match tls.as_deref() {
                    Some("required" | "opportunistic") => Some(MailDelivery::Smtp(url)),
                    None if is_loopback(&parsed) => Some(MailDelivery::Smtp(url)),
                    _ => None,
                }
            }
            _ => None,
        };
        if delivery.is_none() {
            reader.mistake(format!("SMTP_URL is not of the form {FORM}."));
        }
        Some(Self { delivery: delivery?, from: from? })
    }
}

impl Stripe {
    /// Absent as a whole without a key.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let secret_key = reader.secret("STRIPE_SECRET_KEY")?;
        let known = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"].iter().any(|prefix| secret_key.expose().starts_with(prefix));
        if !known || !secret_key.expose().bytes().all(|b| b.is_ascii_graphic()) {
            reader.mistake("STRIPE_SECRET_KEY is not of the form sk_test_… or sk_live_….");
        }
        let api_base = reader.text("STRIPE_API_BASE").and_then(|text| {
            let url = Url::parse(&text)
                .ok()
                .filter(|url| url.path().ends_with('/') && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))));
            if url.is_none() {
                reader
                    .mistake(format!("STRIPE_API_BASE={text} is not an https address with a slash at the end (http only for localhost)."));
            }
            url
        });
        if api_base.as_ref().is_some_and(is_loopback) && secret_key.expose().contains("_live_") {
            reader.mistake("STRIPE_API_BASE is this machine, but STRIPE_SECRET_KEY is a live key: use a test key.");
        }
        let secrets = reader.required_secret("STRIPE_WEBHOOK_SECRET", "what signs Stripe's webhooks: whsec_…");
        let webhook_secrets: Vec<Secret> =
            secrets.iter().flat_map(|s| s.expose().split(',')).map(str::trim).filter(|s| !s.is_empty()).map(Secret::new).collect();
        if secrets.is_some() && webhook_secrets.iter().any(|s| !s.expose().starts_with("whsec_")) {
            reader.mistake("STRIPE_WEBHOOK_SECRET is not of the form whsec_…, or two of these with a comma in between.");
        }
        Some(Self { secret_key, api_base, webhook_secrets })
    }
}

impl Signer {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const FORM: &str = "local-ed25519:PATH, local-rsa:PATH or gcp-kms:RESOURCE, what signs licence tokens";
        let text = reader.required("SIGNER", FORM)?;
        match text.split_once(':') {
            Some(("local-ed25519", path)) if !path.is_empty() => Some(Self::LocalEd25519(PathBuf::from(path))),
            Some(("local-rsa", path)) if !path.is_empty() => Some(Self::LocalRsa(PathBuf::from(path))),
            Some(("gcp-kms", resources)) => GcpKms::read(reader, resources).map(Self::GcpKms),
            _ => {
                reader.mistake(format!("SIGNER is not of the form {FORM}."));
                None
            }
        }
    }
}

impl GcpKms {
    fn read(reader: &mut Reader<'_>, resources: &str) -> Option<Self> {
        let versions: Vec<String> = resources.split(',').map(|part| part.trim().to_owned()).collect();
        let endpoint = reader.text("GCP_KMS_ENDPOINT").and_then(|text| {
            let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)));
            if url.is_none() {
                reader.mistake(format!("GCP_KMS_ENDPOINT={text} is not an https address (http only for localhost)."));
            }
            url
        });
        let metadata_host = reader.text("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
        if !versions.iter().all(|version| is_key_version(version)) {
            reader.mistake(
                "SIGNER=gcp-kms: names no key versions, projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N, with commas in between.",
            );
            return None;
        }
        Some(Self { versions, endpoint, metadata_host })
    }

    /// Whether the endpoint is an emulator on this machine.
    pub fn is_emulator(&self) -> bool {
        self.endpoint.as_ref().is_some_and(is_loopback)
    }
}

fn is_key_version(text: &str) -> bool {
    const NAMES: [&str; 5] = ["projects", "locations", "keyRings", "cryptoKeys", "cryptoKeyVersions"];
    let parts: Vec<&str> = text.split('/').collect();
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    parts.len() == 10 && parts.chunks(2).zip(NAMES).all(|(pair, name)| pair[0] == name && plain(pair[1]))
}

fn read_secret(reader: &mut Reader<'_>) -> Option<Secret> {
    let secret = reader.required_secret("PORTAL_SECRET", "at least 32 unguessable characters, for example from `openssl rand -hex 32`")?;
    if secret.expose().chars().count() < SHORTEST_SECRET {
        reader.mistake(format!("PORTAL_SECRET is shorter than {SHORTEST_SECRET} characters."));
        return None;
    }
    Some(secret)
}

#[cfg(test)]
mod tests;
