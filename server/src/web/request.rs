//! Every request gets an id, the caller's real address, a log line and a count.

use crate::state::AppState;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Instant;
use store::OpCtx;

/// Header that names the request in answers, logs and problems.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Put into the extensions of every request.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    pub id: String,
    pub ip: Option<IpAddr>,
}

impl RequestInfo {
    pub(super) fn new(state: &AppState, request: &Request) -> Self {
        let mut random = [0; 16];
        state.services.random.fill(&mut random);
        let id = uuid::Builder::from_random_bytes(random).into_uuid().simple().to_string();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
        let ip = peer.map(|peer| client_ip(peer, request.headers(), &state.web.trusted_proxies));
        Self { id, ip }
    }

    /// The context of a request of which nothing is known yet.
    pub fn anonymous(&self) -> OpCtx {
        OpCtx { client_ip: self.ip, ..OpCtx::anonymous(self.id.clone()) }
    }
}

/// What is logged and counted of a request.
pub(super) struct Answered {
    pub(super) id: String,
    pub(super) method: Method,
    matched: Option<MatchedPath>,
    begun: Instant,
}

impl Answered {
    pub(super) fn new(info: &RequestInfo, request: &Request) -> Self {
        let matched = request.extensions().get().cloned();
        Self { id: info.id.clone(), method: request.method().clone(), matched, begun: Instant::now() }
    }

    /// The pattern that the address fits, since addresses are without number.
    pub(super) fn route(&self) -> &str {
        self.matched.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    /// Logs and counts, and names the request in its answer.
    pub(super) fn done(self, response: &mut Response) {
        let took = self.begun.elapsed();
        let status = response.status();
        let (id, millis) = (&self.id, took.as_micros() as f64 / 1000.0);
        if status.is_server_error() {
            tracing::error!(request_id = id, method = %self.method, route = self.route(), status = status.as_u16(), millis, "answered");
        } else {
            tracing::debug!(request_id = id, method = %self.method, route = self.route(), status = status.as_u16(), millis, "answered");
        }
        // Thirty-two hexadecimal digits are a valid header value.
        if let Ok(value) = HeaderValue::from_str(id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        meter(self.route(), &self.method, status.as_u16(), |meter| {
            meter.count.increment(1);
            meter.seconds.record(took);
        });
    }
}

/// Where answers of one kind are counted.
struct Meter {
    method: &'static str,
    status: u16,
    count: metrics::Counter,
    seconds: metrics::Histogram,
}

/// By route. Kept, since to find them by their labels takes longer than all the rest of this layer.
static METERS: LazyLock<RwLock<HashMap<String, Vec<Meter>>>> = LazyLock::new(RwLock::default);

fn meter(route: &str, method: &Method, status: u16, record: impl Fn(&Meter)) {
    // What callers make up must not make a series each.
    let method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].into_iter().find(|m| m == method).unwrap_or("other");
    let of_route = |meters: &HashMap<String, Vec<Meter>>| {
        let found = meters.get(route).and_then(|meters| meters.iter().find(|m| m.method == method && m.status == status));
        found.map(&record).is_some()
    };
    if of_route(&METERS.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    let new = Meter {
        method,
        status,
        count: metrics::counter!("http_requests_total", &labels),
        seconds: metrics::histogram!("http_request_seconds", "route" => route.to_owned()),
    };
    record(&new);
    METERS.write().unwrap_or_else(PoisonError::into_inner).entry(route.to_owned()).or_default().push(new);
}

/// The address nearest to us that no trusted proxy stands for: what a client writes into `X-Forwarded-For` himself is left of it.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if !is_trusted(&peer) {
        return peer;
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let hops: Vec<IpAddr> = hops.map_while(|hop| hop.trim().parse().ok()).collect();
    hops.iter().rev().find(|ip| !is_trusted(ip)).or(hops.first()).copied().unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for f in forwarded {
            headers.append("x-forwarded-for", f.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        client_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_can_pretend_another_address() {
        assert_eq!(ip("192.0.2.7", &["203.0.113.1"], &[]), "192.0.2.7");
        assert_eq!(ip("10.0.0.1", &["203.0.113.1"], &["10.0.0.0/8"]), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["1.1.1.1, 203.0.113.1"], &["10.0.0.0/8"]), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["1.1.1.1", "203.0.113.1, 10.0.0.2"], &["10.0.0.0/8"]), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
