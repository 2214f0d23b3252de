//! What an HTTP answer costs on this machine when nothing is done for it.

use crate::http::{Client, Request};
use crate::machine;
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::get;
use futures::future::try_join_all;
use std::cell::Cell;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Names this program's other life, in which it is the server.
pub const FLAG: &str = "--answer-empty";

/// Much longer than it is needed: the server ends by itself if whoever began it was killed.
const SERVES_FOR: Duration = Duration::from_secs(30);

/// Answers every `GET /` with nothing, by the portal's HTTP library. Prints its address.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let serving = axum::serve(listener, Router::new().route("/", get(async || ""))).into_future();
    tokio::time::timeout(SERVES_FOR, serving).await.map_or(Ok(()), |ended| Ok(ended?))
}

/// CPU time of the server for one answer, in µs, with so many connections that send without pause for a second.
pub async fn cpu_per_answer(connections: usize) -> Result<f64> {
    // A process of its own, so that its CPU time is known apart from the generator's.
    let mut server = Command::new(std::env::current_exe()?).arg(FLAG).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let pid = server.id().context("the server has ended")?;
    let mut lines = BufReader::new(server.stdout.take().context("no output")?).lines();
    let address = lines.next_line().await?.context("the server says no address")?.parse()?;
    let clients = try_join_all((0..connections).map(|_| Client::connect(address))).await?;
    let (request, answers) = (Request::get("/"), Cell::new(0));
    let (cpu, begun) = (machine::cpu_time(&[pid]), Instant::now());
    try_join_all(clients.into_iter().map(async |mut client| {
        while begun.elapsed() < machine::SECOND {
            let (status, _) = client.send(&request).await?;
            ensure!(status == 200, "an empty answer was {status}");
            answers.set(answers.get() + 1);
        }
        Ok(())
    }))
    .await?;
    let cpu = machine::cpu_time(&[pid]).saturating_sub(cpu);
    server.kill().await?;
    Ok(cpu.as_secs_f64() * 1e6 / f64::from(answers.get()))
}
