//! Stands between the portal and a TCP server, and can be shut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub struct Gate {
    address: SocketAddr,
    target: SocketAddr,
    open: Mutex<Option<JoinHandle<()>>>,
}

impl Gate {
    /// Leads to that port of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, target) = (listener.local_addr().unwrap(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Self { address, target, open: Mutex::new(Some(tokio::spawn(serve(listener, target)))) }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts all connections and refuses new ones.
    pub async fn shut(&self) {
        let task = self.open.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    pub async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.open.lock().unwrap() = Some(tokio::spawn(serve(listener, self.target)));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(task) = self.open.lock().unwrap().take() {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, target: SocketAddr) {
    // Ends with this task, and all connections with it.
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut far) = TcpStream::connect(target).await {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
}
