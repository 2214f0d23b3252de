//! One keep-alive connection.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// What is sent.
pub struct Request(hyper::Request<Full<Bytes>>);

impl Request {
    fn new(method: &str, path: &str, token: &str, body: Option<Value>) -> Self {
        let mut request = hyper::Request::builder().method(method).uri(path).header("host", "localhost");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(body.map_or_else(Bytes::new, |json| json.to_string().into()));
        // Method, path and token are ours and valid.
        Self(request.body(body).unwrap_or_default())
    }

    pub fn post(path: &str, token: &str, body: Value) -> Self {
        Self::new("POST", path, token, Some(body))
    }

    pub fn put(path: &str, token: &str, body: Value) -> Self {
        Self::new("PUT", path, token, Some(body))
    }

    pub fn delete(path: &str, token: &str) -> Self {
        Self::new("DELETE", path, token, None)
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path, "", None)
    }
}

/// A connection that sends one request at a time.
pub struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Status and body.
    pub async fn send(&mut self, request: Request) -> Result<(u16, Bytes)> {
        self.0.ready().await?;
        let response = self.0.send_request(request.0).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
