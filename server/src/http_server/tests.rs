use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// A server under test.
struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

async fn start(app: Router, limits: Limits) -> Running {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::default();
    let task = tokio::spawn(serve(listener, app, limits, shutdown.clone()));
    Running { address, shutdown, task }
}

async fn send(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
}

/// Everything until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Reads until the text comes.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

#[tokio::test]
async fn requests_know_their_peer() {
    let app = Router::new().route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }));
    let server = start(app, Limits::default()).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let own_address = client.local_addr().unwrap().to_string();
    send(&mut client, "/").await;
    read_until(&mut client, &own_address).await;
    server.shutdown.begin();
    server.task.await.unwrap();
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_closes_the_rest() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, go_on) = (Arc::clone(&entered), Arc::clone(&go_on));
        move || async move {
            entered.notify_one();
            go_on.notified().await;
            "finished"
        }
    };
    let server = start(Router::new().route("/slow", get(handler)).route("/", get(|| async { "quick" })), Limits::default()).await;

    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    send(&mut idle, "/").await;
    read_until(&mut idle, "quick").await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    send(&mut busy, "/slow").await;
    entered.notified().await;

    server.shutdown.begin();
    // Neither waits for its timeout: the test would take 30 s and fail below.
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err(), "still accepting");
    assert!(!server.task.is_finished());
    go_on.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.ends_with("finished") && answer.contains("connection: close"), "{answer}");
    server.task.await.unwrap();
}

#[tokio::test]
async fn draining_has_an_end() {
    let entered = Arc::new(Notify::new());
    let app = {
        let entered = Arc::clone(&entered);
        let handler = move || async move {
            entered.notify_one();
            std::future::pending::<()>().await;
        };
        Router::new().route("/", get(handler))
    };
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let server = start(app.clone(), limits).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    send(&mut client, "/").await;
    entered.notified().await;
    server.shutdown.begin();
    server.task.await.unwrap();
    assert_eq!(rest(&mut client).await, "");

    // A second signal does not wait.
    let server = start(app, Limits { drain: Duration::from_secs(3600), ..limits }).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    send(&mut client, "/").await;
    entered.notified().await;
    server.shutdown.signalled();
    server.shutdown.signalled();
    server.task.await.unwrap();
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn streams_can_end_with_the_server() {
    let app = Router::new().route(
        "/",
        get(|axum::Extension(shutdown): axum::Extension<Shutdown>| async move {
            shutdown.draining().await;
            "bye"
        }),
    );
    let server = start(app, Limits::default()).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    send(&mut client, "/").await;
    server.shutdown.begin();
    // Either the request was read before draining began and is answered, or the connection was still silent and is closed.
    let answer = rest(&mut client).await;
    assert!(answer.is_empty() || answer.ends_with("bye"), "{answer}");
    server.task.await.unwrap();
}

#[tokio::test]
async fn slow_headers_are_cut() {
    let limits = Limits { header_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = start(Router::new().route("/", get(|| async { "quick" })), limits).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let answer = rest(&mut slow).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    send(&mut idle, "/").await;
    assert!(rest(&mut idle).await.ends_with("quick"));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let entries = Arc::new(AtomicUsize::new(0));
    let app = {
        let entries = Arc::clone(&entries);
        Router::new().route("/", get(move || async move { (entries.fetch_add(1, Ordering::SeqCst) + 1).to_string() }))
    };
    let server = start(app, Limits { connections: 1, ..Limits::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    send(&mut first, "/").await;
    assert!(read_until(&mut first, "\r\n\r\n").await.ends_with('1'));
    let mut second = TcpStream::connect(server.address).await.unwrap();
    send(&mut second, "/").await;
    // The first still holds the only slot, so the second cannot have been served before this.
    send(&mut first, "/").await;
    assert!(read_until(&mut first, "\r\n\r\n").await.ends_with('2'));
    drop(first);
    assert!(read_until(&mut second, "\r\n\r\n").await.ends_with('3'));
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() {
    let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = bind(taken.local_addr().unwrap()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("Port {port} is in use")) && error.contains("PORTAL_LISTEN") && !error.contains('\n'), "{error}");
}

#[test]
fn connections_fit_the_open_files() {
    assert_eq!(connections_allowed(1), 1);
    let many = connections_allowed(usize::MAX);
    assert!((1..usize::MAX).contains(&many) || rustix::process::getrlimit(rustix::process::Resource::Nofile).current.is_none());
}
