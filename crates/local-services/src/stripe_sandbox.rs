//! The program that stands in for Stripe.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{last_words, not_started, private_folder, service_command, stop, wait_until};
use crate::{Keeper, ServiceError};

/// SIGTERM makes it write its state and end.
const SHUTDOWN: [(Signal, Duration); 1] = [(Signal::TERM, Duration::from_secs(10))];
const START_LIMIT: Duration = Duration::from_secs(15);

/// A running sandbox. Stops when its [`Keeper`] ends; [`StripeSandbox::stop`] also waits.
pub struct StripeSandbox {
    child: Child,
    url: String,
}

impl StripeSandbox {
    /// Starts `program` with its state in the folder `home` (made if absent). It rings `webhook_url` with events signed by
    /// `webhook_secret`.
    pub fn start(
        keeper: &Keeper,
        program: &Path,
        home: &Path,
        listen: SocketAddr,
        webhook_url: &str,
        webhook_secret: &str,
    ) -> Result<Self, ServiceError> {
        private_folder(home, None)?;
        let home = fs::canonicalize(home).map_err(|e| ServiceError::io(format_args!("Cannot read {}", home.display()), &e))?;
        if listen.port() != 0 && std::net::TcpListener::bind(listen).is_err() {
            return Err(ServiceError(format!(
                "Port {} is in use by another program, and the Stripe sandbox wants it: stop that, or set STRIPE_SANDBOX_LISTEN to another address, for example STRIPE_SANDBOX_LISTEN={}:0",
                listen.port(),
                listen.ip()
            )));
        }
        let (said, log) = (home.join("listening"), home.join("stripe-sandbox.log"));
        let file = |path: &Path| fs::File::create(path).map_err(|e| ServiceError::io(format_args!("Cannot write {}", path.display()), &e));
        let mut command = service_command(program, &home, None, "TERM");
        command
            .args(["--listen", &listen.to_string(), "--webhook-url", webhook_url])
            .arg("--state")
            .arg(home.join("state.json"))
            // Not on the command line, where everybody could read it.
            .env("SANDBOX_WEBHOOK_SECRET", webhook_secret)
            .stdout(Stdio::from(file(&said)?))
            .stderr(Stdio::from(file(&log)?));
        let mut child = keeper.spawn(command).map_err(|e| not_started("stripe-sandbox", &e))?;
        let mut ended = false;
        let mut url = None;
        wait_until(START_LIMIT, || {
            ended = child.try_wait().map_err(|e| ServiceError::io("Cannot watch the Stripe sandbox", &e))?.is_some();
            url = fs::read_to_string(&said).ok().and_then(|text| text.lines().find_map(listening));
            Ok(ended || url.is_some())
        })?;
        match url {
            Some(url) if !ended => Ok(Self { child, url }),
            _ => {
                let _ = stop(&mut child, &SHUTDOWN);
                Err(ServiceError(format!("The Stripe sandbox does not start ({}); more in {}", last_words(&log, &[""]), log.display())))
            }
        }
    }

    /// Where it is reached, with a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets it write its state, and waits for the end.
    pub fn stop(mut self) -> Result<(), ServiceError> {
        stop(&mut self.child, &SHUTDOWN).map(|_| ())
    }
}

/// The address in "listening on http://127.0.0.1:12111".
fn listening(line: &str) -> Option<String> {
    let url = line.strip_prefix("listening on ")?.trim_end_matches('/');
    Some(format!("{url}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_it_says() {
        assert_eq!(listening("listening on http://127.0.0.1:12111").as_deref(), Some("http://127.0.0.1:12111/"));
        assert_eq!(listening("something else"), None);
    }
}
