//! What can be typed.

use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Signs in to the license portal and runs commands that need a seat.
///
/// To begin: `coditect-license login`, then `coditect-license run -- YOUR-COMMAND`.
#[derive(Parser)]
#[command(name = "coditect-license", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Address of the portal [env: CODITECT_SERVER; default: the one you signed in to]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,

    /// Show every call to the server
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Environment:
  CODITECT_SERVER       address of the portal (https; plain http only on this machine)
  CODITECT_HOME         state folder (default: $XDG_STATE_HOME/coditect or ~/.local/state/coditect)
  CODITECT_HARDWARE_ID  takes the place of the fingerprint, for tests and for two \"devices\" on one machine
  CODITECT_CA_FILE      certificates (PEM) to trust beside the machine's own; SSL_CERT_FILE takes their place
  HTTPS_PROXY, NO_PROXY as elsewhere
  CODITECT_PASSWORD     password for login --email, for scripts

Exit codes:
  0  all is well
  1  something else failed; the message says what
  2  the command line is wrong
  3  no seat is free
  4  the license has expired or is suspended, or an administrator ended the session
  5  not signed in
  6  the server cannot be reached, and no valid token allows going on without it
  otherwise the command's own code; 128 + the signal's number if a signal ended it";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in: in a browser, or with --email and a password
    Login(Login),
    /// Sign out on this device
    Logout,
    /// Take a seat, run a command, give the seat back when it ends
    ///
    /// The seat is kept while the command runs, and given back at its end, also on Ctrl-C. Further `run`s of yours on this device
    /// share the seat. If an administrator ends the session, the command is ended, too. Without the network the command goes on for
    /// as long as the license allows.
    #[command(after_help = "Example:\n  coditect-license run -- make release")]
    Run {
        /// Only speak when something is wrong
        #[arg(short, long)]
        quiet: bool,
        /// Take a seat of its own for a second installation on this device
        #[arg(long, value_name = "NAME")]
        instance: Option<String>,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Show who is signed in, where, and the seat of this device
    Status,
    /// Give this device's seat and its right to work offline back
    ///
    /// Useful after a crash, or before somebody else needs the seat. Commands that still run under the seat are ended.
    Release {
        /// Do not ask when commands would be ended
        #[arg(short, long)]
        yes: bool,
    },
    /// Find out what stands between this device and the portal, and what to do
    Doctor,
    /// Show how the portal recognizes this device
    Fingerprint,
    /// Started by `run`: starts the command and ends it if `run` is killed
    #[command(hide = true)]
    Guard {
        #[arg(long)]
        parent: i32,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    },
    /// Started by the guard: becomes the command
    #[command(hide = true)]
    Exec {
        #[arg(long)]
        parent: i32,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args)]
pub(crate) struct Login {
    /// Sign in with this address and a password, without a browser
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "email")]
    pub(crate) password_stdin: bool,
    /// The organization, if you belong to several: the last part of its address in the portal
    #[arg(long, value_name = "SLUG", requires = "email")]
    pub(crate) tenant: Option<String>,
    /// Code of a second factor, of portals that ask for one
    #[arg(long, value_name = "CODE", requires = "email")]
    pub(crate) totp: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_command_keeps_its_own_options() {
        for line in [&["x", "run", "--", "sleep", "--help", "-v"][..], &["x", "run", "sleep", "--help", "-v"]] {
            let Command::Run { command, .. } = Args::try_parse_from(line).unwrap().command else { panic!("not run") };
            assert_eq!(command, ["sleep", "--help", "-v"]);
        }
        assert!(Args::try_parse_from(["x", "run"]).is_err());
    }
}
