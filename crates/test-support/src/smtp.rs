//! A mail server that keeps what it is given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longest message that is taken.
const LONGEST: u64 = 10 * 1024 * 1024;

/// A message as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, with the transport's dots removed.
    pub data: String,
}

/// Listens on a free port of 127.0.0.1 until it is dropped.
pub struct SmtpSink {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl SmtpSink {
    /// Takes every message.
    pub async fn start() -> Self {
        Self::with_answer(None).await
    }

    /// Refuses every recipient with this answer, for example `550 no such mailbox`.
    pub async fn refusing(answer: &'static str) -> Self {
        Self::with_answer(Some(answer)).await
    }

    async fn with_answer(refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let messages = Arc::<Mutex<Vec<Received>>>::default();
        let task = {
            let messages = Arc::clone(&messages);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let messages = Arc::clone(&messages);
                    // A client that hangs up in the middle has delivered nothing.
                    tokio::spawn(async move { drop(converse(stream, &messages, refusal).await) });
                }
            })
        };
        Self { address, messages, task }
    }

    /// For `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// What has come in so far, oldest first.
    pub fn messages(&self) -> Vec<Received> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection (RFC 5321, without extensions).
async fn converse(stream: TcpStream, messages: &Mutex<Vec<Received>>, refusal: Option<&str>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(LONGEST));
    let mut message = Received::default();
    answer(&mut write, "220 sink").await?;
    while let Some(line) = next_line(&mut read).await? {
        let command = line.to_ascii_uppercase();
        if command.starts_with("EHLO") || command.starts_with("HELO") || command == "NOOP" {
            answer(&mut write, "250 sink").await?;
        } else if command.starts_with("MAIL FROM:") {
            message = Received { from: address_in(&line), ..Received::default() };
            answer(&mut write, "250 ok").await?;
        } else if command.starts_with("RCPT TO:") {
            if refusal.is_none() {
                message.to.push(address_in(&line));
            }
            answer(&mut write, refusal.unwrap_or("250 ok")).await?;
        } else if command == "DATA" {
            answer(&mut write, "354 go on").await?;
            message.data = data(&mut read).await?;
            messages.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut message));
            answer(&mut write, "250 kept").await?;
        } else if command == "RSET" {
            message = Received::default();
            answer(&mut write, "250 ok").await?;
        } else if command == "QUIT" {
            return answer(&mut write, "221 bye").await;
        } else {
            answer(&mut write, "502 not here").await?;
        }
    }
    Ok(())
}

async fn answer(write: &mut (impl AsyncWrite + Unpin), text: &str) -> std::io::Result<()> {
    write.write_all(format!("{text}\r\n").as_bytes()).await
}

async fn next_line(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let length = read.read_line(&mut line).await?;
    Ok((length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Lines up to the single dot.
async fn data(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    while let Some(line) = next_line(read).await? {
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

/// `a@b` from `MAIL FROM:<a@b> …`.
fn address_in(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
