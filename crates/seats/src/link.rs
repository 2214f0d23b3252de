//! The connection: one multiplexed connection to a Redis, or one to each master of a Redis Cluster; bounded in time, and
//! reconnecting by itself.

use domain::ports::seats::SeatsError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult, ServerErrorKind};
use std::future::Future;
use std::io;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// A peer that acknowledges nothing for this long is gone, and the connection with it.
const PEER_LOST_AFTER: Duration = Duration::from_secs(2);
/// A connection that does not help is replaced at most this often.
const REPLACE_EVERY: Duration = Duration::from_secs(1);

/// Turns a Redis error into the port's.
pub(crate) fn unavailable(error: RedisError) -> SeatsError {
    SeatsError(error.to_string())
}

/// Most calls that are with Redis at once. A crowd waits here, where it is not yet a call, and not in Redis's queue, where all those behind
/// what Redis does within the deadline would fail, and yet be carried out.
const AT_ONCE: usize = 512;
/// Longest wait for one's turn, in deadlines: whoever has not had it by then would wait for a Redis that does not answer.
const WAIT: u32 = 5;

/// A connection, and the longest that any call on it takes, reconnecting included.
pub(crate) struct Link {
    peer: Peer,
    deadline: Duration,
    turns: Semaphore,
}

enum Peer {
    Node(Box<Node>),
    Cluster(ClusterConnection),
}

impl Link {
    /// `redis://`, `rediss://` or `unix://` for one Redis; `redis+cluster://` or `rediss+cluster://` with one or more
    /// `host:port`, separated by commas, for a cluster.
    pub(crate) async fn connect(url: &str, deadline: Duration) -> RedisResult<Self> {
        let peer = within(deadline, async {
            for (cluster, node) in [("redis+cluster://", "redis://"), ("rediss+cluster://", "rediss://")] {
                if let Some(rest) = url.strip_prefix(cluster) {
                    return connect_cluster(node, rest, deadline).await.map(Peer::Cluster);
                }
            }
            Node::connect(url, deadline).await.map(|node| Peer::Node(Box::new(node)))
        });
        Ok(Self { peer: peer.await?, deadline, turns: Semaphore::new(AT_ONCE) })
    }

    /// Sends one command at once and waits for its answer within the deadline: for what is not there once for every caller.
    pub(crate) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        within(self.deadline, self.send(cmd)).await
    }

    /// Sends one command; whoever calls this bounds it.
    pub(crate) async fn send<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        match &self.peer {
            Peer::Node(node) => node.watch(cmd.query_async(&mut node.current()).await),
            // Boxed, so that the other way is not as large as this one.
            Peer::Cluster(cluster) => Box::pin(async { cmd.query_async(&mut cluster.clone()).await }).await,
        }
    }

    /// Longest that a call takes, with the wait for its turn.
    pub(crate) fn patience(&self) -> Duration {
        self.deadline * (WAIT + 1)
    }

    /// Bounds whatever is waited for inside, once it is its turn.
    pub(crate) async fn in_turn<T>(&self, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let _turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => Box::pin(self.turn()).await?,
        };
        within(self.deadline, call).await
    }

    async fn turn(&self) -> RedisResult<SemaphorePermit<'_>> {
        within(self.deadline * WAIT, async {
            // It is never closed.
            self.turns.acquire().await.map_err(|_| io::Error::from(io::ErrorKind::NotConnected).into())
        })
        .await
    }
}

/// The connection to one Redis, and when it was made.
struct Node {
    client: Client,
    config: ConnectionManagerConfig,
    manager: RwLock<(ConnectionManager, Instant)>,
}

impl Node {
    async fn connect(url: &str, deadline: Duration) -> RedisResult<Self> {
        let client = Client::open(url.into_connection_info()?.set_tcp_settings(tcp_settings()))?;
        // Few and early retries: while Redis is away, callers fail fast and the next call tries again.
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(deadline / 2))
            // Every call is bounded as a whole by `within`.
            .set_response_timeout(None)
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(100))
            .set_pipeline_buffer_size(1024);
        let manager = ConnectionManager::new_with_config(client.clone(), config.clone()).await?;
        Ok(Self { client, config, manager: RwLock::new((manager, Instant::now())) })
    }

    fn current(&self) -> ConnectionManager {
        self.manager.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// The manager reconnects after I/O errors only. Two others need a new one: a refused AUTH (also of a server that is full or
    /// being set up), with which it would stay for ever; and a master that has become a replica, whose name may by now lead to
    /// the new master.
    fn watch<T>(&self, result: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &result
            && matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::ReadOnly))
        {
            let mut manager = self.manager.write().unwrap_or_else(PoisonError::into_inner);
            if manager.1.elapsed() >= REPLACE_EVERY
                && let Ok(new) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone())
            {
                tracing::warn!(%error, "replacing the connection to Redis");
                *manager = (new, Instant::now());
            }
        }
        result
    }
}

fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(PEER_LOST_AFTER);
    settings
}

async fn connect_cluster(scheme: &str, rest: &str, deadline: Duration) -> RedisResult<ClusterConnection> {
    // `user:password@` stands once, in front of the first host, and a path or query once, after the last.
    let (credentials, rest) = rest.rsplit_once('@').map_or(("", rest), |(c, r)| (c, r));
    let (hosts, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let at = if credentials.is_empty() { "" } else { "@" };
    let nodes = hosts.split(',').map(|host| format!("{scheme}{credentials}{at}{host}{tail}"));
    ClusterClientBuilder::new(nodes)
        .connection_timeout(deadline / 2)
        .response_timeout(deadline)
        .tcp_settings(tcp_settings())
        .retries(2)
        .build()?
        .get_async_connection()
        .await
}

async fn within<T>(deadline: Duration, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {deadline:?}")).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use futures::future::{join, join_all};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_crowd_waits_for_its_turn() {
        let client = Client::open("redis://127.0.0.1:1/").unwrap();
        let config = ConnectionManagerConfig::new().set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone()).unwrap();
        let peer = Peer::Node(Box::new(Node { client, config, manager: RwLock::new((manager, Instant::now())) }));
        let link = Link { peer, deadline: Duration::from_secs(60), turns: Semaphore::new(AT_ONCE) };
        let (begun, gate) = (AtomicUsize::new(0), Semaphore::new(0));
        let call = async || {
            begun.fetch_add(1, Ordering::Relaxed);
            gate.acquire().await.unwrap().forget();
            Ok(())
        };
        let crowd = join_all((0..AT_ONCE + 100).map(|_| link.in_turn(call())));
        let open = async {
            assert_eq!(begun.load(Ordering::Relaxed), AT_ONCE);
            // Whoever asks whether Redis answers does not stand in line. (Here nobody listens.)
            assert!(link.query::<redis::Value>(&redis::cmd("PING")).await.is_err());
            gate.add_permits(AT_ONCE + 100);
        };
        let (answers, ()) = join(crowd, open).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(begun.load(Ordering::Relaxed), AT_ONCE + 100);
    }
}
