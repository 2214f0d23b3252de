//! One keep-alive connection, made to cost the machine as little as possible: server and generator share its cores.

use anyhow::{Context, Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request as it goes over the wire (RFC 9112).
#[derive(Clone)]
pub struct Request(Bytes);

impl Request {
    fn new(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Self {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text.push_str("content-type: application/json\r\n");
        }
        text.push_str("\r\n");
        text.push_str(&body);
        Self(text.into())
    }

    fn with_token(method: &str, path: &str, token: &str, body: Option<&Value>) -> Self {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        Self::new(method, path, if token.is_empty() { &[] } else { &headers }, body)
    }

    pub fn post(path: &str, token: &str, body: &Value) -> Self {
        Self::with_token("POST", path, token, Some(body))
    }

    /// As if it came through a load balancer, from this address.
    pub fn post_from(address: &str, path: &str, body: &Value) -> Self {
        Self::new("POST", path, &[("x-forwarded-for", address)], Some(body))
    }

    pub fn put(path: &str, token: &str, body: &Value) -> Self {
        Self::with_token("PUT", path, token, Some(body))
    }

    pub fn delete(path: &str, token: &str) -> Self {
        Self::with_token("DELETE", path, token, None)
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path, &[], None)
    }
}

/// A connection that sends one request at a time.
pub struct Client {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(2048) })
    }

    /// Status and body.
    pub async fn send(&mut self, request: &Request) -> Result<(u16, Bytes)> {
        self.stream.write_all(&request.0).await?;
        let (status, length) = loop {
            if let Some((status, head, length)) = self.head()? {
                self.buffer.advance(head);
                break (status, length);
            }
            self.fill().await?;
        };
        let Some(length) = length else {
            // Of a page, which comes in chunks, only the status is of interest.
            while !self.buffer.ends_with(b"0\r\n\r\n") {
                self.fill().await?;
            }
            self.buffer.clear();
            return Ok((status, Bytes::new()));
        };
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok((status, self.buffer.split_to(length).freeze()))
    }

    /// Status, length of the head, and length of the body; `None` for the last when it comes in chunks. `None` until the head is whole.
    fn head(&self) -> Result<Option<(u16, usize, Option<usize>)>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(&self.buffer)? else { return Ok(None) };
        let status = response.code.context("an answer without a status")?;
        let named = |name: &str| response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value);
        let length = match named("content-length") {
            Some(text) => Some(std::str::from_utf8(text)?.parse()?),
            None if status == 204 => Some(0),
            None if named("transfer-encoding").is_some() => None,
            None => bail!("an answer of unknown length"),
        };
        Ok(Some((status, head, length)))
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.reserve(1024);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the portal closed the connection");
        }
        Ok(())
    }
}
