//! The `portal` command.

use anyhow::Context;
use clap::{Parser, Subcommand};
use server::config::{self, Config, Env};
use server::http_server::Shutdown;
use server::{admin, embedded, run, telemetry};
use std::path::PathBuf;
use std::process::ExitCode;

/// Made for what requests do: many small allocations that live briefly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Licence portal: organizations, seats and the licence API.
#[derive(Debug, Parser)]
#[command(name = "portal", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Folder of the embedded mode
    #[arg(long, global = true, default_value = ".portal", env = "PORTAL_FOLDER")]
    folder: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and the licence API, configured by the environment.
    Serve,
    /// Do the background work: mail, events, expired leases, billing, usage, keys, clean-up.
    Worker,
    /// Bring the database to this version, as its owner (DATABASE_OWNER_URL), for the role of DATABASE_URL.
    Migrate,
    /// Serve with whatever is missing started privately: PostgreSQL, Redis, a mail folder.
    Dev,
    /// Administration from the shell; finds a running `portal dev` by itself.
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::from_process();
    if let Err(sentence) = telemetry::init(env.get("PORTAL_LOG")) {
        return fail(&sentence);
    }
    // Server-side rendering blocks for moments, so one thread alone would stall everybody.
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let outcome = runtime.context("the runtime cannot start").and_then(|runtime| runtime.block_on(command(cli, env)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}")),
    }
}

/// Says why, without a backtrace.
fn fail(sentence: &str) -> ExitCode {
    eprintln!("portal: {sentence}");
    ExitCode::FAILURE
}

async fn command(cli: Cli, env: Env) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve => run::serve(Config::from_env(&env)?, None, false, Shutdown::on_signals()?).await,
        Command::Worker => run::work(Config::from_env(&env)?, Shutdown::on_signals()?).await,
        Command::Dev => run::dev(&cli.folder, env, Shutdown::on_signals()?).await,
        Command::Migrate => {
            let owner = config::database_owner_url(&env)?;
            run::migrate(owner.expose(), config::database_url(&env)?.expose()).await
        }
        Command::Admin { command: admin::Command::NewKey { path, algorithm } } => {
            admin::new_key(&path, algorithm, config::portal_secret(&env)?.expose())
        }
        Command::Admin { command } => {
            let env = if env.is_set("DATABASE_URL") {
                env
            } else {
                embedded::running(&cli.folder)?.with_context(|| {
                    format!(
                        "No portal runs in {}: start it with `make run`, or set DATABASE_URL and the other variables.",
                        cli.folder.display()
                    )
                })?
            };
            let services = run::services(&Config::from_env(&env)?).await?;
            admin::run(command, &services).await
        }
    }
}
