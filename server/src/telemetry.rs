//! Logs: structured events on standard error, readable in a terminal and one JSON object per line elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged unless `PORTAL_LOG` says otherwise. The libraries' own chatter stays out; of Stripe's client also warnings, since we say
/// ourselves what its errors mean.
const DEFAULT_FILTER: &str = "info,sqlx=warn,hyper=warn,h2=warn,rustls=warn,lettre=warn,stripe=error";

/// Starts logging, once per process. `PORTAL_LOG` is a filter such as `debug`, or `info,store=debug`.
///
/// The error is one sentence for the person who set the variable.
pub fn init(portal_log: Option<&str>) -> Result<(), String> {
    let filter = filter(portal_log)?;
    let registry = tracing_subscriber::registry().with(filter);
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let installed = if std::io::stderr().is_terminal() {
        registry.with(format.with_target(false)).try_init()
    } else {
        registry.with(format.json().flatten_event(true)).try_init()
    };
    installed.map_err(|e| format!("Logging cannot start: {e}."))?;
    log_panics();
    Ok(())
}

fn filter(portal_log: Option<&str>) -> Result<EnvFilter, String> {
    let text = portal_log.unwrap_or(DEFAULT_FILTER);
    EnvFilter::try_new(text).map_err(|e| format!("PORTAL_LOG={text} is not a filter like `info` or `info,store=debug`: {e}."))
}

/// A panic becomes one log event with its place, like every other error, instead of text with a backtrace.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        filter(None).unwrap();
        filter(Some("debug,store=trace")).unwrap();
        let error = filter(Some("info,=nonsense=")).unwrap_err();
        assert!(error.starts_with("PORTAL_LOG=info,=nonsense= is not a filter") && error.ends_with('.'), "{error}");
    }
}
