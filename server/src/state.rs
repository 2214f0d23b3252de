//! What every handler can reach.

use axum::extract::FromRef;
use domain::Services;
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use std::path::PathBuf;
use std::sync::Arc;

/// Shared by all requests; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    pub services: Services,
    pub leptos: LeptosOptions,
    pub web: Arc<WebSettings>,
}

/// How the portal meets browsers.
#[derive(Debug)]
pub struct WebSettings {
    /// `https://portal.example.com`; the only origin whose forms are accepted.
    pub origin: String,
    pub product_name: Arc<str>,
    pub trusted_proxies: Vec<IpNet>,
    /// Where mail is kept in the embedded mode.
    pub dev_mailbox: Option<PathBuf>,
    /// The payment provider's origins: forms may end there.
    pub pay_origins: String,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
