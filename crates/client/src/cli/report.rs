//! `status`, `release`, `doctor`, `fingerprint`.

use super::{ask, code, text};
use client::doctor::{Check, Verdict};
use client::fingerprint::Source;
use client::{Client, Error, Released, State};

fn line(label: &str, value: impl AsRef<str>) {
    text::print(format!("{label:<13} {}", text::clean(value.as_ref())));
}

pub(crate) async fn status(client: &Client, zone: text::Zone) -> Result<u8, Error> {
    line("Device", &client.fingerprint().id);
    let Some(account) = client.account()? else {
        line("Server", client.server().to_string());
        text::print("Nobody is signed in. Sign in with: coditect-license login");
        return Ok(code::NOT_SIGNED_IN);
    };
    match client.me().await {
        Ok(me) => {
            line("Server", client.server().to_string());
            line("Signed in as", format!("{} <{}>", me.user.name, me.user.email));
            line("Organization", format!("{} ({}), {}", me.tenant.name, me.tenant.slug, me.role.label()));
        }
        Err(error @ Error::Unreachable(_)) => {
            line("Server", format!("{} (no answer)", client.server()));
            line("Signed in as", account.label());
            text::say(error.to_string());
        }
        Err(error) => return Err(error),
    }
    let now = client.now();
    match client.seat()?.filter(|seat| !seat.processes.is_empty()) {
        None => line("Seat", "none held on this device"),
        Some(seat) => {
            let pids: Vec<String> = seat.processes.iter().map(u32::to_string).collect();
            line("Seat", format!("held since {}, used by process {}", zone.show(seat.since, now), pids.join(", ")));
            line("Session", seat.session_id.to_string());
            let why = if let State::Grace { reason, .. } = &seat.state { format!(": {reason}") } else { String::new() };
            line("State", format!("{}{why}", seat.state));
        }
    }
    match client.offline_until()? {
        None => line("Offline", "not possible: no token on this device"),
        Some(Ok(until)) => line("Offline", format!("possible until {} ({} left)", zone.show(until, now), client::span(until - now))),
        Some(Err(error)) => line("Offline", format!("not possible: {error}")),
    }
    Ok(code::OK)
}

pub(crate) async fn release(client: &Client, yes: bool) -> Result<u8, Error> {
    let users = client.seat()?.map(|seat| seat.processes).unwrap_or_default();
    if !users.is_empty() && !yes && ask::is_interactive() {
        let pids: Vec<String> = users.iter().map(u32::to_string).collect();
        if !ask::confirm(&format!("The seat is in use by process {}. Its command will be ended. Go on?", pids.join(", "))) {
            text::say("Nothing was changed.");
            return Ok(code::FAILED);
        }
    }
    match client.give_back().await {
        Ok(Released::Given) => text::print("The seat is free."),
        Ok(Released::Nothing) => text::print("This device holds no seat."),
        Err(error @ Error::Unreachable(_)) => {
            text::say(format!("{error} The seat becomes free by itself when its time is over."));
            return Ok(super::exit_code(&error));
        }
        Err(error) => return Err(error),
    }
    Ok(code::OK)
}

pub(crate) async fn doctor(client: &Client) -> Result<u8, Error> {
    let checks = client::doctor::examine(client).await;
    for check in &checks {
        text::print(text::clean(&doctor_line(check)));
    }
    let failed = |name: &str| checks.iter().any(|c| c.name == name && c.verdict == Verdict::Trouble);
    Ok(if ["DNS", "connection", "TLS", "service"].into_iter().any(failed) {
        code::OFFLINE
    } else if failed("login") {
        code::NOT_SIGNED_IN
    } else if checks.iter().any(|c| c.verdict == Verdict::Trouble) {
        code::FAILED
    } else {
        code::OK
    })
}

fn doctor_line(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Fine => "ok",
        Verdict::Notice => "note",
        Verdict::Trouble => "FIX",
        Verdict::Skipped => "-",
    };
    let advice = if check.advice.is_empty() { String::new() } else { format!(" -> {}", check.advice) };
    format!("{mark:<5}{:<13} {}{advice}", check.name, check.found)
}

pub(crate) fn fingerprint(client: &Client) -> u8 {
    let fingerprint = client.fingerprint();
    text::print(&fingerprint.id);
    match &fingerprint.source {
        Source::Settings => text::say("Set by CODITECT_HARDWARE_ID."),
        Source::Device(components) => {
            text::say(format!("A hash made from: {}. The values themselves are never shown or sent.", components.join(", ")));
        }
    }
    code::OK
}
