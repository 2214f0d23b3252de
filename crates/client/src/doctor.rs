//! Looks for what can stand between this device and the licence service, in the order in which a call meets it.

use crate::fingerprint::Source;
use crate::{Client, Error, Server, Unreachable, UnreachableKind, call};
use std::time::Duration;
use time::OffsetDateTime;

/// Longest wait for a name or a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// The clock may be this far from the server's before anybody needs to care.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(2);

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Works, but is worth a look.
    Notice,
    Trouble,
    /// Could not be looked at because something before it failed.
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when nothing needs to be done.
    pub advice: String,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, verdict, found: found.into(), advice: advice.into() }
    }

    fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fine, found, "")
    }

    fn skipped(name: &'static str) -> Self {
        Self::new(name, Verdict::Skipped, "not looked at: the call does not get this far", "")
    }
}

/// Runs every check. Takes at most about half a minute.
pub async fn examine(client: &Client) -> Vec<Check> {
    let server = client.server();
    let proxy = proxy_for(server);
    // Before anything else: only a call shows whether the proxy lets it through.
    let reply = client.inner.caller.attempt::<()>(reqwest::Method::GET, ".well-known/jwks.json", None, call::Body::None).await;
    let failure = reply.as_ref().ok().and_then(|answer| answer.as_ref().err());
    let proxy_check = proxy_check(server, proxy.as_ref(), failure);
    let way = match proxy_check.verdict {
        Verdict::Trouble => [Check::skipped("DNS"), Check::skipped("connection")],
        _ => way(server, proxy.as_ref()).await,
    };
    let mut checks = vec![folder(client), device(client), Check::fine("server", server.to_string()), proxy_check];
    checks.extend(way);
    checks.push(tls(client, &reply));
    let on_the_way = |check: &Check| ["proxy", "DNS", "connection", "TLS"].contains(&check.name) && check.verdict == Verdict::Trouble;
    let blocked = checks.iter().any(on_the_way);

    let reply = reply.and_then(|answer| answer.map_err(|error| client.inner.caller.sort(&error).into()));
    let answered_at = reply.as_ref().ok().and_then(|answer| answer.server_time);
    let service = reply
        .and_then(|answer| answer.success(server))
        .and_then(|answer| crate::Keys::from_jwks(answer.bytes()).map_err(|e| call::not_the_service(server, &e.to_string()).into()));
    let reachable = service.is_ok();
    checks.push(match service {
        Ok(_) => Check::fine("service", "the license service answers"),
        Err(Error::Unreachable(Unreachable { kind: UnreachableKind::Unavailable, detail, .. })) => Check::new(
            "service",
            Verdict::Trouble,
            detail,
            "Nothing is wrong here. Try again in a few minutes; running applications go on.",
        ),
        Err(Error::Unreachable(Unreachable { kind: UnreachableKind::NotTheService, detail, .. })) => {
            Check::new("service", Verdict::Trouble, detail, "Open the server's address in a browser: does the portal appear?")
        }
        Err(error) if blocked => Check::new("service", Verdict::Trouble, error.to_string(), "Solve the trouble above first."),
        Err(error) => Check::new(
            "service",
            Verdict::Trouble,
            error.to_string(),
            "Try again in a few minutes. If it stays so, tell the server's operator.",
        ),
    });
    checks.push(answered_at.map_or_else(|| Check::skipped("clock"), |at| clock(client.now(), at)));
    checks.push(login(client, reachable).await);
    checks
}

fn proxy_for(server: &Server) -> Option<http::Uri> {
    if server.is_loopback() {
        return None;
    }
    let destination: http::Uri = server.as_url().as_str().parse().ok()?;
    hyper_util::client::proxy::matcher::Matcher::from_env().intercept(&destination).map(|i| i.uri().clone())
}

fn proxy_port(proxy: &http::Uri) -> u16 {
    proxy.port_u16().unwrap_or(if proxy.scheme_str() == Some("https") { 443 } else { 80 })
}

fn proxy_check(server: &Server, proxy: Option<&http::Uri>, failure: Option<&reqwest::Error>) -> Check {
    let Some(proxy) = proxy else {
        let why =
            if server.is_loopback() { "none: the server is this machine" } else { "none (HTTPS_PROXY, ALL_PROXY and NO_PROXY decide)" };
        return Check::fine("proxy", why);
    };
    // Without user name and password.
    let address = format!("{}:{}", proxy.host().unwrap_or_default(), proxy_port(proxy));
    let found = format!("{}://{address} (from HTTPS_PROXY or ALL_PROXY)", proxy.scheme_str().unwrap_or("http"));
    match failure.and_then(|error| proxy_trouble(server, &address, error)) {
        None => Check::fine("proxy", found),
        Some((what, advice)) => Check::new("proxy", Verdict::Trouble, format!("{found} {what}"), advice),
    }
}

/// What the proxy does instead of letting the call through, and what to do about it.
fn proxy_trouble(server: &Server, address: &str, error: &reqwest::Error) -> Option<(String, String)> {
    let host = server.as_url().host_str().unwrap_or_default();
    let causes = call::causes(error);
    Some(match call::kind(error) {
        // Later, with a connection, it is the server that is slow.
        UnreachableKind::Timeout if error.is_connect() => (
            "does not answer in time".to_owned(),
            format!(
                "Check the proxy's address in the variable. If it is right, ask the network's administrator whether the proxy reaches {host}."
            ),
        ),
        UnreachableKind::Proxy if causes.contains("authorization required") => (
            "asks for a user name and password".to_owned(),
            format!(
                "Put them into the variable, as in http://USER:PASSWORD@{address}. If they are there, ask the network's administrator whether they are right."
            ),
        ),
        UnreachableKind::Proxy if causes.contains("underlying connection") => (
            format!("cannot be reached: {}", call::root_cause(error)),
            "Check the proxy's address in the variable, and whether the proxy runs.".to_owned(),
        ),
        UnreachableKind::Proxy => {
            (format!("does not let the call through to {host}"), format!("Ask the network's administrator to allow {host} at the proxy."))
        }
        _ => return None,
    })
}

/// DNS and connection, to the proxy where there is one.
async fn way(server: &Server, proxy: Option<&http::Uri>) -> [Check; 2] {
    let (host, port) = match proxy {
        Some(proxy) => (proxy.host().unwrap_or_default(), proxy_port(proxy)),
        None => (server.as_url().host_str().unwrap_or_default(), server.as_url().port_or_known_default().unwrap_or(443)),
    };
    // The resolver does not take the brackets of an IPv6 address.
    let host = host.trim_matches(['[', ']']);
    match resolve(host, port).await {
        Ok(addresses) => {
            let shown = addresses.iter().map(|a| a.ip().to_string()).collect::<Vec<_>>().join(", ");
            [Check::fine("DNS", format!("{host} is {shown}")), connect(&addresses).await]
        }
        Err(why) => [
            Check::new(
                "DNS",
                Verdict::Trouble,
                format!("{host} has no address: {why}"),
                "Check the spelling of the server, the network connection, and whether a VPN is needed.",
            ),
            Check::skipped("connection"),
        ],
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<std::net::SocketAddr>, String> {
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<_> = found.collect();
            addresses.dedup();
            if addresses.is_empty() { Err("the answer is empty".to_owned()) } else { Ok(addresses) }
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no name server answers in time".to_owned()),
    }
}

async fn connect(addresses: &[std::net::SocketAddr]) -> Check {
    let mut why = String::new();
    for address in addresses {
        why = match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Check::fine("connection", format!("{address} answers")),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(_) => format!("{address}: no answer in {} s", PATIENCE.as_secs()),
        };
    }
    Check::new(
        "connection",
        Verdict::Trouble,
        why,
        "Is the server running, and does a firewall let this machine out? Behind a company proxy, set HTTPS_PROXY.",
    )
}

fn tls(client: &Client, reply: &Result<Result<call::Answer, reqwest::Error>, Error>) -> Check {
    if client.server().as_url().scheme() == "http" {
        return Check::fine("TLS", "not used: the server is this machine");
    }
    match reply {
        Ok(Ok(_)) => Check::fine("TLS", "the server's certificate is accepted"),
        Ok(Err(error)) if call::kind(error) == UnreachableKind::Tls => {
            Check::new("TLS", Verdict::Trouble, client.inner.caller.sort(error).detail, tls_advice(&call::causes(error)))
        }
        _ => Check::skipped("TLS"),
    }
}

/// By the causes in lower case.
fn tls_advice(causes: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| causes.contains(word));
    // The name comes first: this cause alone holds names of servers, and so any word.
    if says(&["not valid for name", "notvalidforname"]) {
        "The certificate is for another name. Check the server's address."
    } else if says(&["unknownissuer", "unknown issuer", "causedasendentity"]) {
        "The certificate comes from an authority that this machine does not know, usually a proxy that inspects traffic. Install its CA certificate on this machine, or name its file in CODITECT_CA_FILE."
    } else if says(&["expired", "notvalidyet", "not valid yet"]) {
        "The certificate is out of date by this machine's clock. Check the clock first; if it is right, tell the server's operator."
    } else {
        "Something between this machine and the server disturbs the encrypted connection. Try another network, and ask the network's operator."
    }
}

fn clock(here: OffsetDateTime, server: OffsetDateTime) -> Check {
    let ahead = here - server;
    let size = ahead.abs();
    if size <= CLOCK_TOLERANCE {
        return Check::fine("clock", "agrees with the server's");
    }
    let text = if size >= time::Duration::hours(2) { format!("{} h", size.whole_hours()) } else { format!("{} min", size.whole_minutes()) };
    let side = if ahead.is_positive() { "ahead of" } else { "behind" };
    Check::new(
        "clock",
        Verdict::Notice,
        format!("{text} {side} the server's"),
        "Set it right (timedatectl set-ntp true): working offline depends on it.",
    )
}

fn folder(client: &Client) -> Check {
    const PROBE: &str = "doctor.json";
    let folder = &client.inner.folder;
    let place = folder.path().display();
    match folder.write(PROBE, &"probe").and_then(|()| folder.remove(PROBE)) {
        Ok(()) => Check::fine("state folder", place.to_string()),
        Err(error) => {
            Check::new("state folder", Verdict::Trouble, error.to_string(), "Make the folder writable, or set CODITECT_HOME to another.")
        }
    }
}

fn device(client: &Client) -> Check {
    let fingerprint = client.fingerprint();
    match &fingerprint.source {
        Source::Settings => Check::fine("device", format!("{} (set by CODITECT_HARDWARE_ID)", fingerprint.id)),
        Source::Device(components) if components.len() < 3 || components.contains(&"installation") => Check::new(
            "device",
            Verdict::Notice,
            format!("{}, from {} only", fingerprint.id, components.join(", ")),
            "This machine shows little that tells it from others. In a container, mount /etc/machine-id, and keep the state folder on a volume.",
        ),
        Source::Device(components) => Check::fine("device", format!("{}, from {}", fingerprint.id, components.join(", "))),
    }
}

async fn login(client: &Client, reachable: bool) -> Check {
    let account = match client.inner.require_account() {
        Ok(account) => account,
        Err(error) => return Check::new("login", Verdict::Trouble, error.to_string(), ""),
    };
    if !reachable {
        return Check::skipped("login");
    }
    match client.me().await {
        Ok(me) => Check::fine("login", format!("{} in {}, {}", me.user.email, me.tenant.name, me.role.label())),
        // That says nothing of the login.
        Err(error @ Error::Unreachable(_)) => Check::new("service", Verdict::Trouble, error.to_string(), ""),
        Err(error) => Check::new("login", Verdict::Trouble, format!("{}: {error}", account.label()), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_in_words() {
        let t = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(clock(t + CLOCK_TOLERANCE, t).verdict, Verdict::Fine);
        assert_eq!(clock(t + time::Duration::hours(3), t).found, "3 h ahead of the server's");
        assert_eq!(clock(t - time::Duration::minutes(10), t).found, "10 min behind the server's");
    }

    #[test]
    fn the_servers_name_does_not_choose_the_advice() {
        for (causes, advice) in [
            ("certificate not valid for name \"selfservice.expired.example\"; certificate is only valid for other.example", "another name"),
            ("client error (connect): invalid peer certificate: unknownissuer", "CODITECT_CA_FILE"),
            ("invalid peer certificate: other(othererror(causedasendentity))", "CODITECT_CA_FILE"),
            ("invalid peer certificate: certificate expired: verification time 2 (unix)", "Check the clock"),
            ("received fatal alert: handshakefailure", "another network"),
        ] {
            assert!(tls_advice(causes).contains(advice), "{causes}: {}", tls_advice(causes));
        }
    }

    #[test]
    fn the_machine_itself_is_never_asked_through_a_proxy() {
        assert_eq!(proxy_for(&Server::parse("http://127.0.0.1:1").unwrap()), None);
    }
}
