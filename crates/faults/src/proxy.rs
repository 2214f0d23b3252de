//! The network between the portal and Redis, which can be made slow, swallow everything, and break.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// What the portal sends arrives so much later.
    Slow(Duration),
    /// Nothing arrives any more, in neither direction; it does once this is over.
    Hang,
}

/// A listener of its own, forwarding to wherever Redis is.
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Counts the cuts: a connection of an earlier count ends.
    cut: watch::Sender<u64>,
    target: watch::Sender<SocketAddr>,
}

impl Proxy {
    /// Starts forwarding.
    pub async fn start(target: SocketAddr) -> std::io::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Arc::new(Self {
            address: listener.local_addr()?,
            mode: watch::Sender::new(Mode::Pass),
            cut: watch::Sender::new(0),
            target: watch::Sender::new(target),
        });
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().forward(stream));
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the network is like this.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Breaks every connection; what was under way in them is lost.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Redis is here now.
    pub fn point_at(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    async fn forward(self: Arc<Self>, client: TcpStream) {
        let mut cut = self.cut.subscribe();
        let target = *self.target.borrow();
        let Ok(server) = TcpStream::connect(target).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = self.carry(from_client, to_server, true) => {}
            () = self.carry(from_server, to_client, false) => {}
            _ = cut.changed() => {}
        }
    }

    async fn carry(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, slowed: bool) {
        let mut mode = self.mode.subscribe();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            let now = *mode.borrow_and_update();
            if let Mode::Slow(delay) = now
                && slowed
            {
                tokio::time::sleep(delay).await;
            }
            if mode.wait_for(|mode| *mode != Mode::Hang).await.is_err() || to.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream) -> std::io::Result<[u8; 2]> {
        let mut heard = [0; 2];
        stream.write_all(b"hi").await?;
        stream.read_exact(&mut heard).await.map(|_| heard)
    }

    #[tokio::test]
    async fn forwards_until_it_is_cut_and_again_afterwards() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&say(&mut stream).await.unwrap(), b"hi");
        proxy.cut();
        assert!(say(&mut stream).await.is_err());
        let mut again = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(&say(&mut again).await.unwrap(), b"hi");
    }

    #[tokio::test]
    async fn what_was_swallowed_arrives_when_the_hang_is_over() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        say(&mut stream).await.unwrap();
        proxy.set(Mode::Hang);
        let waiting = tokio::spawn(async move { say(&mut stream).await });
        // The only thing that could wake it is the end of the hang; without a hang it would be done by then.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        proxy.set(Mode::Pass);
        assert_eq!(&waiting.await.unwrap().unwrap(), b"hi");
    }
}
