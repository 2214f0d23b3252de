//! The same for applications that are not asynchronous. Heartbeats run on a thread of the library's own.
//!
//! ```no_run
//! # fn example() -> Result<(), client::Error> {
//! let client = client::blocking::Client::new(client::Config::from_env()?)?;
//! let session = client.start()?;
//! println!("licensed: {:?}", session.license());
//! session.on_change(|state| eprintln!("{state}"));
//! while !session.state().is_final() && work() {}
//! session.release()?;
//! # Ok(()) }
//! # fn work() -> bool { false }
//! ```

use crate::{Config, Error, Left, State};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use types::SessionId;
use types::analytics::FeatureUse;
use types::licenses::AcquiredLicense;

/// One person's access to the licence service from this device. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    thread: Arc<Thread>,
}

/// A held seat. Kept until [`Session::release`]; if it is dropped instead, the seat ends by itself after the lease.
pub struct Session {
    session: crate::Session,
    thread: Arc<Thread>,
}

impl Client {
    /// See [`crate::Client::new`].
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self::from(crate::Client::new(config)?, Thread::start()?))
    }

    fn from(client: crate::Client, thread: Thread) -> Self {
        Self { client, thread: Arc::new(thread) }
    }

    /// What needs no waiting.
    pub fn client(&self) -> &crate::Client {
        &self.client
    }

    /// See [`crate::Client::start`]. Waits for the server, at most about half a minute.
    pub fn start(&self) -> Result<Session, Error> {
        let client = self.client.clone();
        let session = self.thread.wait(async move { client.start().await })??;
        Ok(Session { session, thread: self.thread.clone() })
    }
}

impl Client {
    /// See [`crate::Client::track`]. Waits for the server.
    pub fn track(&self, key: &str, uses: Vec<FeatureUse>) -> Result<bool, Error> {
        let (client, key) = (self.client.clone(), key.to_owned());
        self.thread.wait(async move { client.track(&key, uses).await })?
    }
}

impl TryFrom<crate::Client> for Client {
    type Error = Error;

    fn try_from(client: crate::Client) -> Result<Self, Error> {
        Ok(Self::from(client, Thread::start()?))
    }
}

impl Session {
    /// How the seat stands now. Does not wait.
    pub fn state(&self) -> State {
        self.session.state()
    }

    /// Waits until the seat stands differently, at most so long; `None`: it does not.
    pub fn changed(&self, patience: Duration) -> Result<Option<State>, Error> {
        let mut watch = self.session.watch();
        self.thread.wait(async move { tokio::time::timeout(patience, watch.changed()).await.ok() })
    }

    /// Calls `tell` on a thread of its own whenever the seat stands differently, until it is lost or given back.
    pub fn on_change(&self, mut tell: impl FnMut(State) + Send + 'static) {
        let mut watch = self.session.watch();
        let Some(runtime) = self.thread.handle() else { return };
        std::thread::spawn(move || {
            while !watch.state().is_final() {
                tell(runtime.block_on(watch.changed()));
            }
        });
    }

    /// See [`crate::Session::license`].
    pub fn license(&self) -> Option<&AcquiredLicense> {
        self.session.license()
    }

    /// See [`crate::Session::session_id`].
    pub fn session_id(&self) -> SessionId {
        self.session.session_id()
    }

    /// See [`crate::Session::release`]. Waits for the server, at most some twenty seconds.
    pub fn release(self) -> Result<Left, Error> {
        let Self { session, thread } = self;
        thread.wait(session.release())
    }
}

/// Runs what is asynchronous. Ends with the last who uses it.
struct Thread(Option<tokio::runtime::Runtime>);

impl Thread {
    fn start() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("license").enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|e| Error::Config(format!("The license's thread cannot be started: {e}")))
    }

    fn handle(&self) -> Option<tokio::runtime::Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// Not `block_on`, which panics when the caller happens to be asynchronous after all.
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        if let Some(runtime) = &self.0 {
            runtime.spawn(async move {
                // Fails only when nobody waits any more.
                let _ = send.send(work.await);
            });
        }
        receive.recv().map_err(|_| Error::Config("The license's thread has ended.".into()))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
