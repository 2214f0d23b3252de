//! The accept loop: HTTP/1.1 with a limit on everything that a client could keep open, and an end that loses no request.
//!
//! TLS and HTTP/2 are the load balancer's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Limits of the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// From the first byte of a request, or from the end of the one before, to the end of its headers.
    pub header_timeout: Duration,
    /// How long requests in flight may take after the signal to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 20_000, header_timeout: Duration::from_secs(30), drain: Duration::from_secs(30) }
    }
}

/// How the process is told to stop. The first SIGTERM, SIGINT or SIGHUP begins draining; a second one ends it at once.
///
/// Every request carries a clone in its extensions, so that what streams for ever can end with [`Shutdown::draining`].
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    now: CancellationToken,
}

impl Shutdown {
    /// Stops when the process gets a signal. Must be called inside a Tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Self::default();
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            let mut signals = signal(kind)?;
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    shutdown.signalled();
                }
            });
        }
        Ok(shutdown)
    }

    fn signalled(&self) {
        if self.drain.is_cancelled() {
            self.now.cancel();
        }
        self.drain.cancel();
    }

    /// Begins draining, as the first signal does.
    pub fn begin(&self) {
        self.drain.cancel();
    }

    /// Resolves when draining begins.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Whether draining has begun.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Resolves when somebody has lost patience.
    pub async fn now(&self) {
        self.now.cancelled().await;
    }
}

/// Connections that may wait to be accepted, as far as the system allows (net.core.somaxconn). One that finds no room tries again only after
/// a second, so a whole company that starts work at nine must fit.
const BACKLOG: u32 = 16_384;

/// Takes the address, or says in one sentence why not.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a restart need not wait for the connections of before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "Port {} is in use by another program: stop that, or set PORTAL_LISTEN to another address, for example PORTAL_LISTEN={}:{}.",
            address.port(),
            address.ip(),
            address.port().checked_add(1).unwrap_or(3000)
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("Port {} is reserved for root: set PORTAL_LISTEN to a port above 1023.", address.port())
        }
        _ => anyhow::anyhow!("PORTAL_LISTEN={address} cannot be used: {e}."),
    })
}

/// Raises the limit of open files to what the system allows, and says how many connections fit.
///
/// Databases, logs and files need some of them too.
pub fn connections_allowed(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const OTHERS: u64 = 256;
    /// Fewer than this are worth a warning.
    const FEW: usize = 1_000;
    let before = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum }) {
        tracing::warn!("the limit of open files stays as it is: {e}");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let fit = usize::try_from(files.saturating_sub(OTHERS)).unwrap_or(usize::MAX).max(1);
    if fit < wanted.min(FEW) {
        tracing::warn!("only {fit} connections at once, because the limit of open files (ulimit -n) is {files}");
    }
    fit.min(wanted)
}

/// Serves `app` until `shutdown`, then lets requests in flight finish within `limits.drain`.
///
/// Every request has the peer's address as `ConnectInfo<SocketAddr>` and the [`Shutdown`] in its extensions.
pub async fn serve(listener: TcpListener, app: Router, limits: Limits, shutdown: Shutdown) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    // The semaphore is never closed, so a permit is always had in the end.
    while let Some(Ok(slot)) = or_draining(&shutdown, Arc::clone(&slots).acquire_owned()).await {
        let Some((stream, peer)) = or_draining(&shutdown, accept(&listener)).await else { break };
        let connection = serve_connection(stream, peer, app.clone(), limits.header_timeout, shutdown.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            cut.run_until_cancelled(connection).await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    if !connections.is_empty() {
        tracing::info!("finishing {} connections", connections.len());
    }
    tokio::select! {
        () = connections.wait() => {}
        () = tokio::time::sleep(limits.drain) => tracing::warn!("cutting {} connections that did not finish in time", connections.len()),
        () = shutdown.now() => {}
    }
    cut.cancel();
    connections.wait().await;
}

/// `None` when draining begins first.
async fn or_draining<T>(shutdown: &Shutdown, work: impl Future<Output = T>) -> Option<T> {
    shutdown.drain.run_until_cancelled(work).await
}

/// The next connection. Errors of one connection are skipped; when files or memory have run out, it waits a little for others to end.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(e) => {
                use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
                if !matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
                    tracing::warn!("cannot accept connections for now: {e}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, app: Router, header_timeout: Duration, shutdown: Shutdown) {
    // Small answers go out at once instead of waiting for an acknowledgement.
    if let Err(e) = stream.set_nodelay(true) {
        tracing::debug!(%peer, "TCP_NODELAY: {e}");
    }
    let service = {
        let shutdown = shutdown.clone();
        service_fn(move |request: http::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(shutdown.clone());
            app.clone().oneshot(request)
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.draining() => {
            // An idle connection ends here, a busy one after its answer.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = outcome {
        // Browsers and scanners go away in the middle all the time.
        tracing::debug!(%peer, "connection ended: {e}");
    }
}

#[cfg(test)]
mod tests;
