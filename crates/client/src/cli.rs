//! The command line: thin on top of the library.

mod args;
mod ask;
mod guard;
mod login;
mod report;
mod run;
mod signals;
mod text;

use args::{Args, Command};
use clap::Parser;
use client::{Client, Config, Error, Refusal, Server};
use std::process::ExitCode;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Exit codes that mean something; a command run under a seat has its own.
pub(crate) mod code {
    pub(crate) const OK: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const NO_SEAT: u8 = 3;
    pub(crate) const LICENSE: u8 = 4;
    pub(crate) const NOT_SIGNED_IN: u8 = 5;
    pub(crate) const OFFLINE: u8 = 6;
}

pub(crate) fn main() -> ExitCode {
    // Before there is a second thread: only then may the time zone be asked for.
    let zone = text::Zone::here();
    let args = Args::parse();
    if args.verbose {
        // Only what this client says itself; the libraries below would add noise.
        let ours = tracing_subscriber::filter::Targets::new().with_target("client", tracing::Level::DEBUG);
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
        // Fails only where one is set already, which nothing here does.
        let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
    }
    match &args.command {
        Command::Guard { parent, command } => return ExitCode::from(guard::guard(*parent, command)),
        Command::Exec { parent, command } => return ExitCode::from(guard::exec(*parent, command)),
        _ => {}
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            text::say(format!("The program cannot start: {error}"));
            return ExitCode::from(code::FAILED);
        }
    };
    let result = runtime.block_on(dispatch(args, zone));
    // Not waiting for a name lookup or a prompt that still hangs in a thread.
    runtime.shutdown_background();
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            text::say_error(&error, zone);
            ExitCode::from(exit_code(&error))
        }
    }
}

async fn dispatch(args: Args, zone: text::Zone) -> Result<u8, Error> {
    let mut config = Config::from_env()?;
    if let Some(server) = &args.server {
        config.server = Some(Server::parse(server)?);
    }
    if let Command::Run { instance, .. } = &args.command {
        config.instance_id.clone_from(instance);
    }
    let client = Client::new(config)?;
    match args.command {
        Command::Login(login) => login::login(&client, login, zone).await,
        Command::Logout => login::logout(&client).await,
        Command::Run { command, quiet, .. } => run::run(&client, &command, quiet, zone).await,
        Command::Status => report::status(&client, zone).await,
        Command::Release { yes } => report::release(&client, yes).await,
        Command::Doctor => report::doctor(&client).await,
        Command::Fingerprint => Ok(report::fingerprint(&client)),
        // Dealt with before there is a client.
        Command::Guard { .. } | Command::Exec { .. } => Ok(code::FAILED),
    }
}

/// The exit code that stands for the error.
pub(crate) fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Refused(refusal) => refusal_code(refusal),
        Error::Unreachable(_) | Error::Token(_) => code::OFFLINE,
        Error::NoDeviceLogin => code::NOT_SIGNED_IN,
        _ => code::FAILED,
    }
}

pub(crate) fn refusal_code(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::NoSeat { .. } => code::NO_SEAT,
        Refusal::License { .. } | Refusal::Ended { .. } => code::LICENSE,
        Refusal::NotSignedIn { .. } => code::NOT_SIGNED_IN,
        Refusal::Offline { .. } => code::OFFLINE,
    }
}
