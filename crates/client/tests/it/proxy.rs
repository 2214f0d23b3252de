//! Company networks: a proxy on the way, and certificates of an authority of one's own.

use crate::device::{Device, finish};
use crate::portal::{PASSWORD, Portal};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};

const SERVER: &str = "https://portal.test";

/// A portal behind TLS, and the proxy that is the only way to it.
struct Network {
    runtime: Option<tokio::runtime::Runtime>,
    dir: tempfile::TempDir,
    proxy: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Network {
    fn before(portal: &Portal) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30";
        openssl(dir.path(), &format!("{request} -keyout ca.key -out ca.pem -subj /CN=Authority"));
        let end = "-addext subjectAltName=DNS:portal.test -addext basicConstraints=critical,CA:FALSE";
        openssl(dir.path(), &format!("{request} -CA ca.pem -CAkey ca.key -keyout key.pem -out cert.pem -subj /CN=portal.test {end}"));
        let chain = vec![CertificateDer::from_pem_file(dir.path().join("cert.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(dir.path().join("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, port) = (asked.clone(), portal.port);
        runtime.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (acceptor, noted) = (acceptor.clone(), noted.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await?);
                    }
                    noted.lock().unwrap().push(String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned());
                    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { runtime: Some(runtime), dir, proxy, asked }
    }

    fn command(&self, device: &Device, args: &[&str]) -> Command {
        let mut command = device.command(args);
        command.env("CODITECT_SERVER", SERVER).env("HTTPS_PROXY", &self.proxy).env("CODITECT_PASSWORD", PASSWORD);
        command
    }

    fn authority(&self) -> std::path::PathBuf {
        self.dir.path().join("ca.pem")
    }
}

const LOGIN: [&str; 3] = ["login", "--email", "ingrid@fjordline.example"];

#[test]
fn the_way_leads_through_the_proxy_with_an_authority_of_ones_own() {
    let portal = Portal::start();
    let network = Network::before(&portal);
    for variable in ["SSL_CERT_FILE", "CODITECT_CA_FILE"] {
        let device = Device::new(&portal);
        let run = |args: &[&str]| finish(network.command(&device, args).env(variable, network.authority()));
        let done = run(&LOGIN);
        assert_eq!(done.code, 0, "{variable}: {}", done.err);
        let done = run(&["run", "--", "true"]);
        assert_eq!(done.code, 0, "{variable}: {}", done.err);
        let done = run(&["doctor"]);
        assert!(done.out.contains(&network.proxy) && done.out.contains("certificate is accepted"), "{}", done.out);
    }
    assert!(network.asked.lock().unwrap().iter().all(|line| line == "CONNECT portal.test:443 HTTP/1.1"));
    assert_eq!(portal.world().live(), 0);

    // NO_PROXY keeps it off the proxy, where there is no such name.
    let before = network.asked.lock().unwrap().len();
    let device = Device::new(&portal);
    let done = finish(network.command(&device, &LOGIN).env("NO_PROXY", "portal.test").env("SSL_CERT_FILE", network.authority()));
    assert_eq!(done.code, 6, "{}", done.err);
    assert_eq!(network.asked.lock().unwrap().len(), before);
}

#[test]
fn an_unknown_authority_is_told_apart_from_a_bad_licence() {
    let portal = Portal::start();
    let network = Network::before(&portal);
    let device = Device::new(&portal);
    let done = finish(&mut network.command(&device, &LOGIN));
    assert_eq!(done.code, 6, "{}", done.err);
    assert!(done.err.contains("cannot be reached securely"), "{}", done.err);
    let done = finish(&mut network.command(&device, &["doctor"]));
    assert_eq!(done.code, 6);
    let line = done.out.lines().find(|l| l.contains("TLS")).unwrap();
    assert!(line.starts_with("FIX") && line.contains("CODITECT_CA_FILE"), "{}", done.out);
    assert!(!done.out.to_lowercase().contains("invalid licen"), "{}", done.out);
}

/// Somebody who gives everybody this answer: a proxy, or a server.
pub fn answers_everybody(answer: String) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            // With the request unread, the end of the connection would be a reset.
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_proxy_that_does_not_let_the_call_through_is_named() {
    let portal = Portal::start();
    let device = Device::new(&portal);
    // Connections wait in its queue for ever.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let sign_in = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n";
    for (proxy, found, advice) in [
        (answers_everybody(sign_in.to_owned()), "asks for a user name and password", "http://USER:PASSWORD@127.0.0.1:"),
        (
            answers_everybody("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_owned()),
            "does not let the call through",
            "allow portal.test",
        ),
        (format!("http://{}", silent.local_addr().unwrap()), "does not answer in time", "Check the proxy's address"),
        (format!("http://{closed}"), "cannot be reached: ", "Check the proxy's address"),
    ] {
        let done = finish(device.command(&["doctor"]).env("CODITECT_SERVER", SERVER).env("HTTPS_PROXY", &proxy));
        assert_eq!(done.code, 6, "{}", done.out);
        let line = |name: &str| done.out.lines().find(|l| l.split_whitespace().nth(1) == Some(name)).unwrap();
        let named = line("proxy");
        assert!(named.starts_with("FIX") && [proxy.as_str(), found, advice].iter().all(|part| named.contains(part)), "{}", done.out);
        for name in ["DNS", "connection", "TLS"] {
            assert!(line(name).starts_with('-'), "{}", done.out);
        }
        assert!(line("service").starts_with("FIX") && line("service").contains("trouble above"), "{}", done.out);
    }
}

#[test]
fn a_file_without_certificates_is_said() {
    let portal = Portal::start();
    let device = Device::new(&portal);
    let file = tempfile::NamedTempFile::new().unwrap();
    let done = finish(device.command(&["doctor"]).env("CODITECT_CA_FILE", file.path()));
    assert_eq!(done.code, 1);
    assert!(done.err.contains("The certificates in"), "{}", done.err);
}
