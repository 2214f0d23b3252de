//! Signing in and out, and the refresh token that works once.

use crate::device::{Device, finish, until};
use crate::portal::{PASSWORD, Portal};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn password_from_standard_input_then_status_then_logout() {
    let portal = Portal::start();
    let device = Device::new(&portal);
    let mut child = device
        .command(&["login", "--email", "ingrid@fjordline.example", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Ingrid Solberg") && said.contains("Fjordline Studio"), "{said}");

    let mode = std::fs::metadata(device.file("login")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::metadata(device.home()).unwrap().permissions().mode() & 0o777, 0o700);

    let status = device.run(&["status"]);
    assert_eq!(status.code, 0, "{}", status.err);
    for part in ["ingrid@fjordline.example", "fjordline", "Owner", "device-1", "none held"] {
        assert!(status.out.contains(part), "{part} is missing in {}", status.out);
    }

    assert_eq!(device.run(&["logout"]).code, 0);
    assert_eq!(portal.world().calls("POST /api/v1/auth/logout"), 1);
    assert_eq!(device.run(&["status"]).code, 5);
    assert_eq!(device.run(&["logout"]).code, 0);
}

#[test]
fn signing_out_gives_the_seat_and_the_offline_right_back() {
    let mut portal = Portal::start();
    let device = Device::signed_in(&portal);
    let running = device.start(&["run", "--", "sleep", "600"]);
    until("the seat", || portal.world().live() == 1 && running.err().contains("Seat taken"));
    assert_eq!(device.run(&["logout"]).code, 0);
    assert_eq!(portal.world().live(), 0);
    let (code, err) = running.end();
    assert_eq!(code, Some(143), "{err}");
    assert_eq!(device.login().code, 0);
    portal.close();
    assert_eq!(device.run(&["run", "--", "true"]).code, 6);
}

#[test]
fn a_wrong_password_and_an_unconfirmed_address_are_said_and_nothing_is_stored() {
    let portal = Portal::start();
    let device = Device::new(&portal);
    let done = finish(device.command(&["login", "--email", "x@y.example"]).env("CODITECT_PASSWORD", "wrong"));
    assert_eq!(done.code, 5);
    assert!(done.err.contains("Email or password is wrong."), "{}", done.err);
    portal.world().login_refusal = Some((403, json!({"code": "email_unverified", "detail": "Confirm the address first.", "status": 403})));
    let done = device.login();
    assert_eq!(done.code, 5);
    assert!(done.err.contains("Confirm the address first."), "{}", done.err);
    assert!(device.try_file("login").is_none());
    let done = device.run(&["login", "--email", "x@y.example"]);
    assert_eq!(done.code, 1, "without a terminal the password cannot be asked for");
    assert!(done.err.contains("--password-stdin"), "{}", done.err);
}

#[test]
fn organizations_to_choose_from_are_shown() {
    let portal = Portal::start();
    let tenants =
        json!([{"id": "1", "name": "Fjordline Studio", "slug": "fjordline"}, {"id": "2", "name": "Bergen Maps", "slug": "bergen"}]);
    portal.world().login_refusal = Some((409, json!({"code": "tenant_required", "detail": "Choose an organization.", "tenants": tenants})));
    let device = Device::new(&portal);
    let done = device.login();
    assert_eq!(done.code, 5);
    for part in ["fjordline", "Bergen Maps", "--tenant"] {
        assert!(done.err.contains(part), "{part} is missing in {}", done.err);
    }
    let args = ["login", "--email", "ingrid@fjordline.example", "--tenant", "bergen"];
    assert_eq!(finish(device.command(&args).env("CODITECT_PASSWORD", PASSWORD)).code, 0);
}

#[test]
fn a_second_factor_that_this_version_does_not_know_by_name_is_explained() {
    let portal = Portal::start();
    portal.world().login_refusal = Some((401, json!({"code": "mfa_required", "detail": "Enter the code."})));
    let device = Device::new(&portal);
    let done = device.login();
    assert_eq!(done.code, 5);
    assert!(done.err.contains("--totp"), "{}", done.err);
    let args = ["login", "--email", "ingrid@fjordline.example", "--totp", "123456"];
    assert_eq!(finish(device.command(&args).env("CODITECT_PASSWORD", PASSWORD)).code, 0);
}

#[test]
fn sign_in_by_browser_waits_for_the_approval() {
    let portal = Portal::start();
    portal.world().device = Some(vec!["authorization_pending"]);
    let device = Device::new(&portal);
    let done = device.run(&["login"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("WDJB-MJHT") && done.out.contains("https://portal.example/device"), "{}", done.out);
    assert!(done.out.contains("Signed in as Ingrid Solberg"), "{}", done.out);

    portal.world().device = Some(vec!["access_denied"]);
    let done = Device::new(&portal).run(&["login"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("denied"), "{}", done.err);
}

#[test]
fn a_portal_without_sign_in_by_browser_says_what_to_do() {
    let portal = Portal::start();
    let done = Device::new(&portal).run(&["login"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("login --email"), "{}", done.err);
}

#[test]
fn passwords_do_not_go_over_plain_http_to_other_machines() {
    let portal = Portal::start();
    let device = Device::new(&portal);
    let done = device.run(&["login", "--email", "a@b.example", "--server", "http://portal.example.com"]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("https"), "{}", done.err);
}

#[test]
fn a_login_at_another_server_does_not_count_here() {
    let portal = Portal::start();
    let other = Portal::start();
    let device = Device::signed_in(&portal);
    let done = device.run(&["run", "--server", &other.url(), "true"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains(&portal.url()), "{}", done.err);
    // Without any, the one that was signed in to.
    let done = finish(device.command(&["status"]).env_remove("CODITECT_SERVER"));
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains(&portal.url()), "{}", done.out);
}

#[test]
fn processes_never_use_a_refresh_token_twice() {
    let portal = Portal::start();
    // Every access token is about to end, so every process renews.
    portal.world().access_seconds = 1;
    let device = Device::signed_in(&portal);
    portal.world().slow_refresh = Duration::from_millis(100);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let done = device.run(&["status"]);
                assert_eq!(done.code, 0, "{}", done.err);
            });
        }
    });
    assert!(portal.world().calls("POST /api/v1/auth/refresh") >= 6);
    assert_eq!(portal.world().refresh_repeats, 0);
}

#[test]
fn processes_that_need_a_new_access_token_at_once_get_one_together() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    portal.world().slow_refresh = Duration::from_millis(300);
    portal.world().end_access_tokens();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(device.run(&["status"]).code, 0));
        }
    });
    assert_eq!(portal.world().refresh_repeats, 0);
    assert_eq!(device.run(&["status"]).code, 0);
}

#[test]
fn a_lost_answer_to_a_refresh_is_made_good() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let old = std::fs::read(device.file("login")).unwrap();
    portal.world().end_access_tokens();
    assert_eq!(device.run(&["status"]).code, 0);
    // As if the process had been killed before the answer reached the disk.
    std::fs::write(device.file("login"), old).unwrap();
    portal.world().end_access_tokens();
    assert_eq!(device.run(&["status"]).code, 0);
    assert_eq!(portal.world().refresh_repeats, 1);
    assert!(!portal.world().refresh_reused);
}

#[test]
fn a_login_that_the_server_has_ended_is_said_once_and_for_all() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    portal.world().end_logins();
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("This login has ended.") && done.err.contains("coditect-license login"), "{}", done.err);
    let calls = portal.world().log.len();
    assert_eq!(device.run(&["run", "--", "true"]).code, 5);
    assert_eq!(portal.world().log.len(), calls, "the dead login was tried again");
    assert_eq!(device.run(&["status"]).code, 5);
}
