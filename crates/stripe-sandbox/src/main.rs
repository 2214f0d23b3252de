//! The sandbox as a program.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use stripe_sandbox::Options;
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for Stripe. No money moves.
#[derive(Debug, Parser)]
struct Arguments {
    /// A loopback address; port 0 picks a free one
    #[arg(long, env = "SANDBOX_LISTEN", default_value = "127.0.0.1:12111")]
    listen: SocketAddr,
    /// The file that keeps the state
    #[arg(long, env = "SANDBOX_STATE")]
    state: Option<PathBuf>,
    /// Where events go
    #[arg(long, env = "SANDBOX_WEBHOOK_URL")]
    webhook_url: Option<String>,
    /// The secret that signs events; better given by the environment, where `ps` does not show it
    #[arg(long, env = "SANDBOX_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// End when the program that started this one ends
    #[arg(long)]
    exit_with_parent: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let parent = std::os::unix::process::parent_id();
    let arguments = Arguments::parse();
    let webhook = match (arguments.webhook_url, arguments.webhook_secret) {
        (Some(url), Some(secret)) => Some((url, secret)),
        (None, None) => None,
        _ => bail!("--webhook-url and --webhook-secret go together"),
    };
    // Before the first line is printed, so that a signal right after it is not missed.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let sandbox = stripe_sandbox::start(Options { listen: arguments.listen, state: arguments.state, webhook })?;
    writeln!(std::io::stdout().lock(), "listening on http://{}", sandbox.address()).context("nobody reads the address")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = parent_gone(parent), if arguments.exit_with_parent => {}
    }
    // Writes the state.
    drop(sandbox);
    Ok(())
}

/// Another process takes over the children of one that ended.
async fn parent_gone(parent: u32) {
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
