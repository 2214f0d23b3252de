//! What `doctor` says of the troubles that lie between a device and the service, other than a proxy's.

use crate::device::{Device, finish};
use crate::portal::Portal;
use crate::proxy::answers_everybody;
use time::OffsetDateTime;
use time::macros::format_description;

/// The line of one check.
fn line<'a>(out: &'a str, name: &str) -> &'a str {
    out.lines().find(|l| l.split_whitespace().nth(1) == Some(name)).unwrap_or_else(|| panic!("{name} is missing in {out}"))
}

/// What doctor says when that is the server, and how it ends.
fn doctor(device: &Device, server: &str) -> (i32, String) {
    let done = finish(device.command(&["doctor"]).env("CODITECT_SERVER", server).env_remove("HTTPS_PROXY").env_remove("ALL_PROXY"));
    (done.code, done.out)
}

#[test]
fn a_name_that_nobody_knows_is_told() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let (code, out) = doctor(&device, "https://licenses.invalid");
    assert_eq!(code, 6, "{out}");
    let dns = line(&out, "DNS");
    assert!(dns.starts_with("FIX") && dns.contains("licenses.invalid has no address") && dns.contains("spelling"), "{out}");
    assert!(line(&out, "connection").starts_with('-') && line(&out, "TLS").starts_with('-'), "{out}");
    assert!(line(&out, "service").contains("trouble above"), "{out}");
}

#[test]
fn a_page_in_place_of_the_service_is_told() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    // As hotels and guest networks answer, whatever is asked.
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 21\r\nconnection: close\r\n\r\n<h1>Please pay.</h1>\n";
    for answer in [page, "HTTP/1.1 302 Found\r\nlocation: https://wifi.invalid/login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"] {
        let (code, out) = doctor(&device, &answers_everybody(answer.to_owned()));
        assert_eq!(code, 6, "{out}");
        assert!(line(&out, "connection").starts_with("ok"), "{out}");
        let service = line(&out, "service");
        assert!(service.starts_with("FIX") && service.contains("in a browser"), "{out}");
        assert!(!out.to_lowercase().contains("invalid licen"), "{out}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let http_date = format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    for (hours, side) in [(-5, "5 h ahead of"), (5, "4 h behind")] {
        let date = (OffsetDateTime::now_utc() + time::Duration::hours(hours)).format(http_date).unwrap();
        let keys = r#"{"keys":[]}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{keys}",
            keys.len()
        );
        let (_, out) = doctor(&device, &answers_everybody(answer));
        let clock = line(&out, "clock");
        assert!(clock.contains(side) && clock.contains("timedatectl"), "{out}");
        assert!(!clock.starts_with("ok"), "{out}");
    }
}
