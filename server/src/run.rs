//! Wiring: from the configuration to something that serves.

use crate::api;
use crate::config::{Config, Env, Signer as SignerConfig};
use crate::embedded::{self, Embedded};
use crate::http_server::{self, Limits, Shutdown};
use crate::signer::{GcpKms, LocalKeys};
use crate::state::{AppState, WebSettings};
use crate::web::{files, outer, pages};
use crate::{config, mail, ops, webhooks, worker};
use anyhow::{Context, bail};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use billing::StripeBilling;
use domain::limits::Limits as AttemptLimits;
use domain::passwords::Passwords;
use domain::ports::billing::Billing;
use domain::ports::signer::{Algorithm, Signer};
use domain::ports::time::{Clock, SystemClock, SystemRandom};
use domain::{Services, Settings};
use leptos::config::LeptosOptions;
use seats::RedisSeats;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// Database connections of one process.
const DATABASE_CONNECTIONS: u32 = 16;

/// Connects to everything that use-cases need. Redis must answer once; PostgreSQL may come later.
pub async fn services(config: &Config) -> anyhow::Result<Services> {
    let store = Store::connect(config.database.url.expose(), DATABASE_CONNECTIONS).context("DATABASE_URL cannot be used")?;
    let seats = RedisSeats::connect(config.redis.url.expose()).await.context("REDIS_URL: Redis cannot be used")?;
    let signer = signer(config).await?;
    let billing = config.stripe.as_ref().map(billing).transpose()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Services {
        store,
        seats: Arc::new(seats),
        signer,
        billing,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        passwords: Passwords::new(cores.saturating_sub(1)).map_err(|e| anyhow::anyhow!("passwords cannot be hashed: {e}"))?,
        limits: Arc::new(AttemptLimits::default()),
        turns: Arc::default(),
        settings: Settings {
            base_url: config.http.base_url.as_str().to_owned(),
            product_name: config.product_name.clone(),
            access_key: config.secret.expose().as_bytes().to_vec(),
            billing_grace: time::Duration::days(config.billing_grace_days.into()),
        },
    })
}

/// The file of local keys and what they are for.
fn key_file(signer: &SignerConfig) -> Option<(&Path, Algorithm)> {
    match signer {
        SignerConfig::LocalEd25519(path) => Some((path, Algorithm::EdDSA)),
        SignerConfig::LocalRsa(path) => Some((path, Algorithm::RS256)),
        SignerConfig::GcpKms(_) => None,
    }
}

async fn signer(config: &Config) -> anyhow::Result<Arc<dyn Signer>> {
    if let SignerConfig::GcpKms(kms) = &config.signer {
        return Ok(Arc::new(GcpKms::connect(kms).await?));
    }
    let (path, algorithm) = key_file(&config.signer).context("SIGNER names no keys")?;
    let keys = Arc::new(LocalKeys::open(path, algorithm, config.secret.expose(), Arc::new(SystemClock))?);
    keys.follow();
    Ok(keys)
}

fn billing(stripe: &config::Stripe) -> anyhow::Result<Arc<dyn Billing>> {
    let secrets = stripe.webhook_secrets.iter().map(|s| s.expose().to_owned()).collect();
    let base = stripe.api_base.as_ref().map(url::Url::as_str);
    Ok(Arc::new(StripeBilling::new(stripe.secret_key.expose(), base, secrets).context("STRIPE_SECRET_KEY cannot be used")?))
}

/// Refuses to run on a database whose role could bypass row-level security, or on a Redis that may throw leases away.
async fn check(config: &Config, services: &Services) -> anyhow::Result<()> {
    store::schema::check_role(&services.store).await.context("the database does not answer")??;
    let policy = RedisSeats::connect(config.redis.url.expose()).await?.eviction_policy().await?;
    if !policy.keeps_leases() {
        bail!(
            "Redis may evict keys when its memory is full (maxmemory-policy {}), which would hand out seats twice: set it to noeviction.",
            policy.policy
        );
    }
    Ok(())
}

/// The whole application as one service.
pub fn router(state: AppState) -> Router {
    // Events are pushed one by one; compressing would hold them back.
    let compress = CompressionLayer::new().br(true).gzip(true).compress_when(DefaultPredicate::new().and(NotForContentType::SSE));
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(30));
    Router::new()
        .merge(ops::probes())
        .merge(api::v1::router())
        .merge(files::router(&state.leptos.site_root))
        .fallback_service(pages::router(&state).with_state(state.clone()))
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(api::extract::BODY_LIMIT))
        .layer(RequestBodyLimitLayer::new(api::extract::BODY_LIMIT))
        .merge(webhooks::router())
        .layer(timeout)
        .layer(compress)
        .layer(middleware::from_fn_with_state(state.clone(), outer::layer))
        // What every installed application calls all the time: these answers are too small to compress, and the body's size is bounded where
        // it is read.
        .merge(api::v1::seat_calls().layer(timeout).layer(middleware::from_fn_with_state(state.clone(), outer::seat_call)))
        .with_state(state)
}

fn leptos_options(listen: SocketAddr) -> LeptosOptions {
    // Where the build put stylesheet, WebAssembly and images.
    let site = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".to_owned());
    LeptosOptions::builder().output_name("portal").site_root(site).site_pkg_dir("pkg").site_addr(listen).build()
}

/// Where the payment provider's pages are.
fn pay_origins(config: &Config) -> String {
    match &config.stripe {
        Some(stripe) => match &stripe.api_base {
            Some(base) => base.origin().ascii_serialization(),
            None => "https://checkout.stripe.com https://billing.stripe.com https://invoice.stripe.com".to_owned(),
        },
        None => String::new(),
    }
}

/// Serves pages and the licence API until a signal; with the background work in the same process if `with_worker`.
pub async fn serve(config: Config, dev_mailbox: Option<PathBuf>, with_worker: bool, shutdown: Shutdown) -> anyhow::Result<()> {
    let listener = http_server::bind(config.http.listen).await?;
    let services = services(&config).await?;
    check(&config, &services).await?;
    let metrics = ops::install_metrics()?;
    if let Some(address) = config.http.metrics_listen {
        let listener = http_server::bind(address).await?;
        tokio::spawn(http_server::serve(
            listener,
            ops::metrics(metrics),
            Limits { connections: 16, ..Limits::default() },
            shutdown.clone(),
        ));
    }
    let web = WebSettings {
        origin: config.http.base_url.as_str().to_owned(),
        product_name: config.product_name.as_str().into(),
        trusted_proxies: config.http.trusted_proxies.clone(),
        dev_mailbox,
        pay_origins: pay_origins(&config),
    };
    let state = AppState::new(services.clone(), leptos_options(config.http.listen), web);
    let work = if with_worker {
        let transport = mail::transport(&config.mail, services.clock.clone(), services.random.clone())?;
        Some(tokio::spawn(worker::run(services.clone(), transport, shutdown.clone())))
    } else {
        None
    };
    let attempts = services.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            attempts.limits.tidy();
        }
    });
    let limits = Limits { connections: http_server::connections_allowed(Limits::default().connections), ..Limits::default() };
    tracing::info!(address = %config.http.listen, url = config.http.base_url.as_str(), "serving");
    http_server::serve(listener, router(state), limits, shutdown).await;
    if let Some(work) = work {
        work.await?;
    }
    services.store.close().await;
    Ok(())
}

/// The background work alone.
pub async fn work(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let services = services(&config).await?;
    check(&config, &services).await?;
    let transport = mail::transport(&config.mail, services.clock.clone(), services.random.clone())?;
    worker::run(services.clone(), transport, shutdown).await;
    services.store.close().await;
    Ok(())
}

/// Brings the database to this version, as its owner.
pub async fn migrate(owner_url: &str, app_url: &str) -> anyhow::Result<()> {
    let app = url::Url::parse(app_url).context("DATABASE_URL cannot be read")?;
    Ok(store::schema::migrate(owner_url, app.username()).await?)
}

/// `portal dev`: whatever no variable names is private to `folder`.
pub async fn dev(folder: &Path, env: Env, shutdown: Shutdown) -> anyhow::Result<()> {
    let listen = config::listen_address(&env)?;
    // Before anything is started: a taken port is the likeliest mistake.
    drop(http_server::bind(listen).await?);
    let (embedded, env) = Embedded::start(folder, env, listen, Arc::new(SystemRandom)).await?;
    let outcome = dev_on(folder, env, shutdown).await;
    let stopped = embedded.stop().await;
    outcome.and(stopped)
}

async fn dev_on(folder: &Path, env: Env, shutdown: Shutdown) -> anyhow::Result<()> {
    let config = Config::from_env(&env)?;
    if let Some((path, algorithm)) = key_file(&config.signer)
        && !path.exists()
    {
        LocalKeys::create(path, algorithm, config.secret.expose(), SystemClock.now())?;
    }
    if let Some(owner) = &config.database.owner_url {
        migrate(owner.expose(), config.database.url.expose()).await?;
    }
    if config.stripe.as_ref().is_some_and(|s| s.api_base.is_some()) {
        // The sandbox begins empty; what is there already stays.
        domain::billing::plans::sync_catalogue(&services(&config).await?).await.map_err(|e| anyhow::anyhow!("the Stripe sandbox: {e}"))?;
    }
    let in_folder = matches!(config.mail.delivery, config::MailDelivery::Folder(_));
    let mailbox = in_folder.then(|| embedded::mail_folder(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned())));
    let url = config.http.base_url.as_str().to_owned();
    let sandbox = config.stripe.as_ref().and_then(|s| s.api_base.as_ref()).map(ToString::to_string);
    let ready = announce(config.http.listen, url, mailbox.is_some(), sandbox);
    let announced = tokio::spawn(ready);
    let outcome = serve(config, mailbox, true, shutdown).await;
    announced.abort();
    outcome
}

/// Tells the person at the terminal where to go, once it works.
async fn announce(listen: SocketAddr, url: String, mailbox: bool, sandbox: Option<String>) {
    while tokio::net::TcpStream::connect(listen).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mail = if mailbox { format!("\n  Mail:   {url}/dev/mailbox") } else { String::new() };
    let stripe = sandbox.map_or_else(String::new, |at| format!("\n  Stripe: a sandbox at {at}, where the card 4242 4242 4242 4242 pays"));
    #[allow(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
    {
        println!("\n  Portal: {url}{mail}{stripe}\n  Stop:   Ctrl-C\n");
    }
}
