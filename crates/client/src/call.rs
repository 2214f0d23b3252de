//! One HTTP call: bounded in time, and its failure sorted into "the server said so" and "try again".

use crate::{ApiProblem, Config, Error, Server, Unreachable, UnreachableKind};
use reqwest::{Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// More than any answer of the API; what is longer comes from something else.
const MAX_ANSWER: usize = 1 << 20;

/// Makes calls to one server.
#[derive(Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    server: Server,
}

/// What a call sends.
pub(crate) enum Body<'a, B: Serialize> {
    None,
    Json(&'a B),
    /// With the caller's own name for it, under which a repeat counts once.
    Keyed(&'a B, &'a str),
    Form(&'a B),
}

// Derived, it would ask for a body that can be copied, not only lent.
impl<B: Serialize> Clone for Body<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Serialize> Copy for Body<'_, B> {}

/// The server's answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// From the `Date` header (RFC 9110 §6.6.1).
    pub(crate) server_time: Option<OffsetDateTime>,
    retry_after: Option<u64>,
    bytes: Vec<u8>,
}

impl Caller {
    pub(crate) fn new(server: Server, config: &Config) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(config.client_version.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect::<String>())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would carry the login to another address. The API never redirects; sign-in pages of networks do.
            .redirect(reqwest::redirect::Policy::none());
        if server.is_loopback() {
            // Plain http is allowed to this machine only; through a proxy it would leave it.
            builder = builder.no_proxy();
            if server.url("/")?.scheme() == "http" {
                // A machine without any certificates will do.
                builder = builder.tls_certs_only([]);
            }
        }
        if let Some(path) = &config.ca_file {
            builder = builder.tls_certs_merge(certificates(path)?);
        }
        let http = builder.build().map_err(|e| {
            let advice = "Install the system's certificates (the package ca-certificates), or name a file of them in CODITECT_CA_FILE.";
            Error::Config(format!("The network cannot be used: {}. {advice}", chain(&e)))
        })?;
        Ok(Self { http, server })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Sends and reads the answer, whatever its status.
    pub(crate) async fn send<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Body<'_, B>,
    ) -> Result<Answer, Error> {
        self.attempt(method, path, token, body).await?.map_err(|error| self.sort(&error).into())
    }

    /// The same, with a failure as it came.
    pub(crate) async fn attempt<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Body<'_, B>,
    ) -> Result<Result<Answer, reqwest::Error>, Error> {
        let url = self.server.url(path)?;
        let mut request = self.http.request(method.clone(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Keyed(value, key) => request.header("idempotency-key", key).json(value),
            Body::Form(value) => request.form(value),
        };
        let started = Instant::now();
        let result = async {
            let mut response = request.send().await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_ANSWER {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((response, bytes))
        }
        .await;
        let ms = started.elapsed().as_millis();
        Ok(match result {
            Ok((response, bytes)) => {
                let text = |name: header::HeaderName| response.headers().get(name).and_then(|v| v.to_str().ok());
                let request_id = response.headers().get("x-request-id").and_then(|v| v.to_str().ok()).unwrap_or("-");
                tracing::debug!("{method} {path}: {} in {ms} ms, request {request_id}", response.status().as_u16());
                Ok(Answer {
                    status: response.status(),
                    server_time: text(header::DATE).and_then(|d| httpdate::parse_http_date(d).ok()).map(OffsetDateTime::from),
                    retry_after: text(header::RETRY_AFTER).and_then(|v| v.trim().parse().ok()),
                    bytes,
                })
            }
            Err(error) => {
                tracing::debug!("{method} {path}: no answer after {ms} ms: {}", chain(&error));
                Err(error)
            }
        })
    }

    /// Sends and reads a JSON answer; an empty one reads as `null`.
    pub(crate) async fn json<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Body<'_, B>,
    ) -> Result<(T, Option<OffsetDateTime>), Error> {
        let answer = self.send(method, path, token, body).await?.success(&self.server)?;
        // 204 has no body at all.
        let bytes = if answer.bytes().is_empty() { b"null" } else { answer.bytes() };
        match serde_json::from_slice(bytes) {
            Ok(value) => Ok((value, answer.server_time)),
            Err(error) => Err(not_the_service(&self.server, &format!("its answer makes no sense ({error})")).into()),
        }
    }

    pub(crate) fn sort(&self, error: &reqwest::Error) -> Unreachable {
        let host = self.server.as_url().host_str().unwrap_or_default();
        let kind = kind(error);
        let what = match kind {
            UnreachableKind::Timeout => "does not answer in time".to_owned(),
            UnreachableKind::Dns => format!("cannot be found: the name {host} has no address here"),
            UnreachableKind::Tls => format!("cannot be reached securely: {}", root_cause(error)),
            UnreachableKind::Proxy => format!("cannot be reached through the proxy: {}", root_cause(error)),
            UnreachableKind::Connect => format!("cannot be reached: {}", root_cause(error)),
            _ => format!("broke off the call: {}", root_cause(error)),
        };
        Unreachable { kind, detail: format!("The license server {} {what}.", self.server), retry_after: None }
    }
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The answer if it is a success; else what the server said about it.
    pub(crate) fn success(self, server: &Server) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let problem: Option<ApiProblem> = serde_json::from_slice(&self.bytes).ok();
        let retry_after = self.retry_after.or(problem.as_ref().and_then(|p| p.retry_after));
        let busy = self.status.is_server_error() || problem.as_ref().is_some_and(|p| p.is(types::Code::RateLimited));
        match problem {
            Some(problem) if busy => {
                let detail = format!("The license server cannot help at the moment: {problem}");
                Err(Unreachable { kind: UnreachableKind::Unavailable, detail, retry_after }.into())
            }
            Some(mut problem) => {
                problem.status = self.status.as_u16();
                problem.retry_after = retry_after;
                problem.server_time = self.server_time;
                Err(Error::Problem(Box::new(problem)))
            }
            None if busy => {
                let detail = format!("The license server {server} cannot help at the moment (it answered {}).", self.status);
                Err(Unreachable { kind: UnreachableKind::Unavailable, detail, retry_after }.into())
            }
            None => Err(not_the_service(server, &format!("it answered {}", self.status)).into()),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, Error> {
    let wrong = |why: String| Error::Config(format!("The certificates in {} cannot be used: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(wrong("it holds none in PEM form.".to_owned())),
        other => other.map_err(|e| wrong(chain(&e))),
    }
}

pub(crate) fn not_the_service(server: &Server, how: &str) -> Unreachable {
    let detail = format!(
        "What answers at {server} is not the license service: {how}. Check the address, and whether this network asks you to sign in first."
    );
    Unreachable { kind: UnreachableKind::NotTheService, detail, retry_after: None }
}

/// Where the trouble lies.
pub(crate) fn kind(error: &reqwest::Error) -> UnreachableKind {
    // The errors of TLS and of the tunnel through a proxy are known by their words alone: their types are not exported, or not to us.
    let causes = causes(error);
    if error.is_timeout() {
        UnreachableKind::Timeout
    } else if ["certificate", "tls", "handshake"].iter().any(|word| causes.contains(word)) {
        UnreachableKind::Tls
    } else if causes.contains("tunnel error") {
        UnreachableKind::Proxy
    } else if error.is_dns() {
        UnreachableKind::Dns
    } else if error.is_connect() {
        UnreachableKind::Connect
    } else {
        UnreachableKind::Other
    }
}

/// The causes of a failed call, in lower case. Without the call's own words: they hold the server's address, and so any word.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    std::error::Error::source(error).map_or_else(String::new, |cause| chain(cause).to_lowercase())
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Answer, Error> {
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), server_time: None, retry_after: Some(7), bytes: body.into() };
        answer.success(&Server::parse("https://p.example").unwrap())
    }

    #[test]
    fn outages_and_strangers_are_worth_a_retry_and_refusals_are_not() {
        let kind = |status, body: &str| match answer(status, body) {
            Err(Error::Unreachable(u)) => Some(u.kind),
            _ => None,
        };
        let unavailable = r#"{"code":"seats_unavailable","detail":"Redis is away."}"#;
        assert_eq!(kind(503, unavailable), Some(UnreachableKind::Unavailable));
        assert_eq!(kind(500, "<html>"), Some(UnreachableKind::Unavailable));
        assert_eq!(kind(429, r#"{"code":"rate_limited"}"#), Some(UnreachableKind::Unavailable));
        assert_eq!(kind(302, ""), Some(UnreachableKind::NotTheService));
        assert_eq!(kind(403, "<html>Sign in to the hotel</html>"), Some(UnreachableKind::NotTheService));
        let Err(Error::Problem(problem)) = answer(429, r#"{"code":"seats_exhausted","detail":"x","active":1}"#) else {
            panic!("not a problem")
        };
        assert_eq!((problem.status, problem.retry_after), (429, Some(7)));
        assert_eq!(problem.extra["active"], 1);
        assert!(answer(204, "").is_ok());
    }

    #[tokio::test]
    async fn the_servers_name_does_not_say_where_the_trouble_lies() {
        let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let http = reqwest::Client::builder().no_proxy().resolve("certificate.example", closed).build().unwrap();
        let error = http.get(format!("http://certificate.example:{}/", closed.port())).send().await.unwrap_err();
        assert!(chain(&error).contains("certificate"), "{}", chain(&error));
        assert_eq!(kind(&error), UnreachableKind::Connect, "{}", chain(&error));
    }
}
