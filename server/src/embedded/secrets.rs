//! Generated passwords and keys. There are no default ones.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use domain::ports::time::Random;
use serde::{Deserialize, Serialize};

use super::folder::write_private;

#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    pub(super) postgres_superuser: String,
    pub(super) postgres_owner: String,
    pub(super) postgres_app: String,
    pub(super) redis: String,
    /// `PORTAL_SECRET`.
    pub(super) portal_secret: String,
    /// The part of the sandbox's secret key after `sk_test_`, and of its webhook secret after `whsec_`.
    #[serde(default)]
    pub(super) stripe_key: String,
    #[serde(default)]
    pub(super) stripe_webhook: String,
}

impl Secrets {
    /// From `secrets.json`, which is made at the first start.
    pub(super) fn load_or_create(folder: &Path, random: &dyn Random) -> anyhow::Result<Self> {
        let path = folder.join("secrets.json");
        let secret = || -> String {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        match fs::read(&path) {
            Ok(text) => {
                let mut secrets: Self = serde_json::from_slice(&text).with_context(|| {
                    format!("{} is damaged: restore it, or remove all data of this portal with `make clean-data`", path.display())
                })?;
                // A folder from before there was a sandbox.
                if secrets.stripe_key.is_empty() || secrets.stripe_webhook.is_empty() {
                    (secrets.stripe_key, secrets.stripe_webhook) = (secret(), secret());
                    write_private(&path, &serde_json::to_string_pretty(&secrets)?)?;
                }
                Ok(secrets)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let secrets = Self {
                    postgres_superuser: secret(),
                    postgres_owner: secret(),
                    postgres_app: secret(),
                    redis: secret(),
                    portal_secret: secret(),
                    stripe_key: secret(),
                    stripe_webhook: secret(),
                };
                write_private(&path, &serde_json::to_string_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(e) => Err(e).with_context(|| format!("Cannot read {}", path.display())),
        }
    }
}
