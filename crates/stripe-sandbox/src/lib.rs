//! Stands in for Stripe in development and in tests: customers, prices, checkout, subscriptions, invoices, events and webhooks
//! over HTTP on the loopback interface, with a clock that can be advanced. It is never linked into the portal.

// `json!` of an object with some fifty keys.
#![recursion_limit = "512"]

mod api;
mod calendar;
mod cards;
mod checkout;
mod checkout_page;
mod clock;
mod composition;
mod control;
mod customers;
mod error;
mod events;
mod expand;
mod form;
mod html;
mod idempotency;
mod invoice_page;
mod invoices;
mod lifecycle;
mod lists;
mod pages;
mod payments;
mod phases;
mod portal;
mod previews;
mod prices;
mod proration;
mod purchase;
mod schedules;
mod server;
mod state;
mod subscriptions;
mod webhooks;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use server::App;

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen: a loopback address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The file that keeps the state; without one it ends with the sandbox.
    pub state: Option<PathBuf>,
    /// Where events go, and the secret that signs them.
    pub webhook: Option<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), state: None, webhook: None }
    }
}

/// A running sandbox. It has a thread of its own, and stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    app: Arc<App>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a sandbox. It answers as soon as this returns.
pub fn start(options: Options) -> anyhow::Result<Sandbox> {
    if !options.listen.ip().is_loopback() {
        bail!("the sandbox listens on loopback addresses only, not on {}", options.listen.ip());
    }
    let listener = TcpListener::bind(options.listen).with_context(|| format!("cannot listen on {}", options.listen))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let base_url = format!("http://{address}");
    let mut state = match &options.state {
        Some(file) => server::load(file, &base_url).with_context(|| format!("cannot read the state file {}", file.display()))?,
        None => state::State::default(),
    };
    state.base_url = base_url;
    if let Some((url, secret)) = &options.webhook {
        webhooks::set_fixed(&mut state, url, secret);
    }
    state.dirty = true;
    // A proxy of the environment must not see what stays on this machine.
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let app = Arc::new(App::new(state, http, options.state));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let shared = app.clone();
    let thread = std::thread::Builder::new().name("stripe-sandbox".to_owned()).spawn(move || {
        runtime.block_on(run(shared, listener, stopped));
    })?;
    Ok(Sandbox { app, address, stop: Some(stop), thread: Some(thread) })
}

impl Sandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address for a client, with the slash at its end that clients need.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Sends events to this address from now on, signed with this secret.
    pub fn set_webhook(&self, url: &str, secret: &str) {
        webhooks::set_fixed(&mut self.app.state(), url, secret);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The other end sees that this one is gone.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn run(app: Arc<App>, listener: TcpListener, mut stopped: oneshot::Receiver<Infallible>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut tasks = JoinSet::new();
    tasks.spawn(webhooks::run(app.clone()));
    tasks.spawn(go_on(app.clone()));
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tasks.spawn(serve(app.clone(), stream));
                }
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    tasks.shutdown().await;
    let _saved = server::save(&app);
}

async fn serve(app: Arc<App>, stream: tokio::net::TcpStream) {
    let _sent_at_once = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| server::handle(app.clone(), request.map(Body::new)));
    // An error is a client that went away, or a connection that a test wanted dropped.
    let _ended = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Lets time go on: what falls due by itself is done, and the state is written.
async fn go_on(app: Arc<App>) {
    loop {
        {
            let mut state = app.state();
            let now = state.now();
            clock::advance_to(&mut state, now);
        }
        app.queued.notify_one();
        for _ in 0..4 {
            // A full disk must not stop the sandbox; the next change is written again.
            let _saved = server::save(&app);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}
