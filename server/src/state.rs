//! What every handler can reach.

use axum::extract::FromRef;
use domain::Services;
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

/// Shared by all requests; every layer clones it for each of them, so it is one pointer.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

/// What is behind the pointer.
#[derive(Debug)]
pub struct Shared {
    pub services: Services,
    pub leptos: LeptosOptions,
    pub web: WebSettings,
}

impl AppState {
    pub fn new(services: Services, leptos: LeptosOptions, web: WebSettings) -> Self {
        Self(Arc::new(Shared { services, leptos, web }))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
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
