//! The smallest client: one request, one connection, one limit for how long it may take.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
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
    let connecting = async {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        http1::handshake(TokioIo::new(stream)).await.ok()
    };
    let Ok(Some((mut sender, connection))) = tokio::time::timeout(PATIENCE, connecting).await else { return Outcome::Refused };
    let connection = tokio::spawn(connection);
    let mut request = hyper::Request::builder().method(method).uri(path).header("host", "localhost");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    // Method, path and token are ours and valid.
    let request = request.body(Full::new(body.map_or_else(Bytes::new, |json| json.to_string().into()))).unwrap_or_default();
    let exchange = async {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    };
    let outcome = tokio::time::timeout(PATIENCE, exchange).await;
    connection.abort();
    match outcome {
        Ok(Some((status, body))) => Outcome::Answered(status, body),
        _ => Outcome::Lost,
    }
}
