//! The embedded mode: `portal dev` on a machine where nothing is set up.
//!
//! Everything that no variable names is private to the repository and lives in one folder (`.portal`): PostgreSQL, Redis, the mail
//! folder, keys and passwords. The rest of the portal sees an ordinary configuration, so it is the same program in production.
//!
//! ```text
//! .portal/lock           held while a portal runs here
//! .portal/running.json   how `portal admin` reaches it
//! .portal/secrets.json   generated passwords and keys
//! .portal/postgres/      cluster and log; belongs to another user when we are root
//! .portal/redis/         append-only file and log
//! .portal/keys/          licence signing keys
//! .portal/stripe/        state and log of the Stripe sandbox
//! .portal/mail/          one file per delivered message
//! ```

mod folder;
pub mod mailbox;
mod secrets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use domain::ports::time::Random;
use local_services::postgres::{Passwords, Postgres, Purpose};
use local_services::redis::Redis;
use local_services::stripe_sandbox::StripeSandbox;
use local_services::{Keeper, ServiceError};
use url::Url;

use crate::config::{self, Env};
use folder::RunLock;
use secrets::Secrets;

pub use folder::{mail_folder, running};

/// The database's name.
const DATABASE: &str = "portal";

/// The private services of one running portal. [`Embedded::stop`] ends them in order; if that is missed, they end with the process.
pub struct Embedded {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    sandbox: Option<StripeSandbox>,
    // Dropped in this order: the services end before another portal may start here.
    _keeper: Keeper,
    lock: RunLock,
}

impl Embedded {
    /// Starts what `env` does not name, and returns `env` with the variables that name it. `listen` is where the portal will serve.
    ///
    /// Fails with one sentence: another portal runs here, a program is missing, a service does not start.
    pub async fn start(folder: &Path, env: Env, listen: SocketAddr, random: Arc<dyn Random>) -> anyhow::Result<(Self, Env)> {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || Self::start_blocking(&folder, env, listen, random.as_ref()))
            .await
            .context("start was interrupted")?
    }

    fn start_blocking(folder: &Path, env: Env, listen: SocketAddr, random: &dyn Random) -> anyhow::Result<(Self, Env)> {
        let (folder, lock) = RunLock::take(folder)?;
        let secrets = Secrets::load_or_create(&folder, random)?;
        let keeper = Keeper::new()?;
        let wants_postgres = !env.is_set("DATABASE_URL") && !env.is_set("DATABASE_OWNER_URL");
        let wants_redis = !env.is_set("REDIS_URL");
        let (postgres, redis) = thread::scope(|scope| {
            let postgres = wants_postgres.then(|| scope.spawn(|| start_postgres(&keeper, &folder, &secrets)));
            let redis = wants_redis.then(|| start_redis(&keeper, &folder, &secrets));
            let postgres =
                postgres.map(|thread| thread.join().unwrap_or_else(|_| Err(ServiceError("PostgreSQL: start failed".to_owned()))));
            (postgres.transpose(), redis.transpose())
        });
        let (postgres, redis) = both_or_none(postgres, redis)?;
        let sandbox = start_sandbox(&keeper, &folder, &secrets, &env, listen);
        let (sandbox, (postgres, redis)) = match sandbox {
            Ok(sandbox) => (sandbox, (postgres, redis)),
            Err(error) => {
                redis.map_or(Ok(()), Redis::stop)?;
                postgres.map_or(Ok(()), Postgres::stop)?;
                return Err(error);
            }
        };
        let mut defaults = settings(&folder, &env, listen, &secrets)?;
        if let Some(postgres) = &postgres {
            defaults.push(("DATABASE_URL", postgres.app_url(DATABASE)));
            defaults.push(("DATABASE_OWNER_URL", postgres.owner_url(DATABASE)));
        }
        if let Some(redis) = &redis {
            defaults.push(("REDIS_URL", redis.url()));
        }
        if let Some(sandbox) = &sandbox {
            defaults.push(("STRIPE_API_BASE", sandbox.url().to_owned()));
            defaults.push(("STRIPE_SECRET_KEY", format!("sk_test_{}", secrets.stripe_key)));
            defaults.push(("STRIPE_WEBHOOK_SECRET", format!("whsec_{}", secrets.stripe_webhook)));
        }
        let defaults: Vec<(String, String)> = defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let embedded = Self { postgres, redis, sandbox, _keeper: keeper, lock };
        embedded.lock.publish(&defaults)?;
        Ok((embedded, env.with_defaults(defaults)))
    }

    /// Ends the services, the portal's own connections having been closed, and waits until everything is on disk.
    pub async fn stop(self) -> anyhow::Result<()> {
        tokio::task::spawn_blocking(move || {
            let sandbox = self.sandbox.map_or(Ok(()), StripeSandbox::stop);
            let redis = self.redis.map_or(Ok(()), Redis::stop);
            let postgres = self.postgres.map_or(Ok(()), Postgres::stop);
            self.lock.release();
            sandbox.and(redis).and(postgres)
        })
        .await
        .context("stop was interrupted")?
        .map_err(Into::into)
    }
}

fn start_postgres(keeper: &Keeper, folder: &Path, secrets: &Secrets) -> Result<Postgres, ServiceError> {
    tracing::info!("starting PostgreSQL");
    let passwords = Passwords {
        superuser: secrets.postgres_superuser.clone(),
        owner: secrets.postgres_owner.clone(),
        app: secrets.postgres_app.clone(),
    };
    Postgres::start(keeper, &folder.join("postgres"), DATABASE, passwords, Purpose::Keep)
}

fn start_redis(keeper: &Keeper, folder: &Path, secrets: &Secrets) -> Result<Redis, ServiceError> {
    tracing::info!("starting Redis");
    Redis::start(keeper, &folder.join("redis"), &secrets.redis)
}

/// What stands in for Stripe when no key is set. Its program lies beside ours; where it does not, nothing can be bought.
fn start_sandbox(
    keeper: &Keeper,
    folder: &Path,
    secrets: &Secrets,
    env: &Env,
    portal: SocketAddr,
) -> anyhow::Result<Option<StripeSandbox>> {
    if env.is_set("STRIPE_SECRET_KEY") || env.is_set("STRIPE_SECRET_KEY_FILE") {
        return Ok(None);
    }
    let listen = config::sandbox_listen(env)?;
    let program = std::env::current_exe()?.with_file_name("stripe-sandbox");
    if !program.is_file() {
        tracing::warn!("{} is not there, so nothing can be bought", program.display());
        return Ok(None);
    }
    tracing::info!("starting the Stripe sandbox");
    let hook = format!("http://{portal}/webhooks/stripe");
    let secret = format!("whsec_{}", secrets.stripe_webhook);
    Ok(Some(StripeSandbox::start(keeper, &program, &folder.join("stripe"), listen, &hook, &secret)?))
}

/// When one did not start, the other is ended in order.
fn both_or_none(
    postgres: Result<Option<Postgres>, ServiceError>,
    redis: Result<Option<Redis>, ServiceError>,
) -> Result<(Option<Postgres>, Option<Redis>), ServiceError> {
    match (postgres, redis) {
        (Ok(postgres), Ok(redis)) => Ok((postgres, redis)),
        (Err(e), Ok(redis)) => {
            redis.map_or(Ok(()), Redis::stop)?;
            Err(e)
        }
        (Ok(postgres), Err(e)) => {
            postgres.map_or(Ok(()), Postgres::stop)?;
            Err(e)
        }
        (Err(e), Err(_)) => Err(e),
    }
}

/// Variables that need no service.
fn settings(folder: &Path, env: &Env, listen: SocketAddr, secrets: &Secrets) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mail = Url::from_file_path(mail_folder(folder)).map_err(|()| anyhow::anyhow!("{} is not an absolute path", folder.display()))?;
    let key: PathBuf = folder.join("keys").join("license-signing.json");
    let mut settings = vec![
        // As set, if it is: `portal admin` writes links with it.
        ("PORTAL_BASE_URL", env.get("PORTAL_BASE_URL").map_or_else(|| format!("http://localhost:{}", listen.port()), str::to_owned)),
        ("SMTP_URL", mail.into()),
        ("MAIL_FROM", "no-reply@portal.localhost".to_owned()),
    ];
    // As set, if they are: `portal admin` reads the keys with them.
    for name in ["PORTAL_SECRET", "PORTAL_SECRET_FILE", "SIGNER", "GCP_KMS_ENDPOINT", "GCE_METADATA_HOST"] {
        settings.extend(env.get(name).map(|value| (name, value.to_owned())));
    }
    if !env.is_set("PORTAL_SECRET") {
        settings.push(("PORTAL_SECRET", secrets.portal_secret.clone()));
    }
    if !env.is_set("SIGNER") {
        settings.push(("SIGNER", format!("local-ed25519:{}", key.display())));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests;
