//! The smallest client: one request, one connection, one limit for how long it may take.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a caller waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Nobody listened.
    Refused,
    /// It went out, and no answer came back whole.
    Lost,
    Answered(u16, Value),
}

/// Sends one request; an empty token is left out.
pub async fn send(address: SocketAddr, method: &str, path: &str, token: &str, body: Option<Value>) -> Outcome {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    // Method, path and token are ours and valid.
    let request = request.body(Full::new(body.map_or_else(Bytes::new, |json| json.to_string().into()))).unwrap_or_default();
    match exchange(address, request).await {
        Ok(Some((answer, body))) => Outcome::Answered(answer.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default()),
        Ok(None) => Outcome::Lost,
        Err(()) => Outcome::Refused,
    }
}

/// The day that it is for the server, as its answers say.
pub async fn day(address: SocketAddr) -> Option<String> {
    let request = Request::builder().uri("/healthz").header("host", "localhost").body(Full::default()).ok()?;
    let (answer, _) = exchange(address, request).await.ok()??;
    // "Thu, 26 Nov 2026 23:30:00 GMT"
    Some(answer.headers.get("date")?.to_str().ok()?.get(..16)?.to_owned())
}

/// An error means that nothing was sent; none that no answer came.
async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Option<(hyper::http::response::Parts, Bytes)>, ()> {
    let connecting = async {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        http1::handshake(TokioIo::new(stream)).await.ok()
    };
    let (mut sender, connection) = tokio::time::timeout(PATIENCE, connecting).await.ok().flatten().ok_or(())?;
    let connection = tokio::spawn(connection);
    let exchange = async {
        let (answer, body) = sender.send_request(request).await.ok()?.into_parts();
        Some((answer, body.collect().await.ok()?.to_bytes()))
    };
    let outcome = tokio::time::timeout(PATIENCE, exchange).await;
    connection.abort();
    Ok(outcome.ok().flatten())
}
