//! Logging the installed application in by a code that somebody approves in a browser.

use crate::people::{Org, Person, acquire, as_user, nobody};
use crate::world::{BASE_URL, World, code, problem};
use domain::device_login::{Poll, approve, authorize, deny, poll, request};
use domain::login::{refresh, sign_out_everywhere};
use domain::{identity, jobs, members, sessions, support};
use store::OpCtx;
use time::Duration;
use types::auth::{DeviceAuthorizationRequest, DeviceAuthorizationResponse, DeviceError, TokenResponse};
use types::{Code, Role};

/// A device that begins to log in.
async fn begin(world: &World) -> DeviceAuthorizationResponse {
    let asks = DeviceAuthorizationRequest { client_id: None, hardware_id: Some("hw-1".to_owned()), hostname: Some("fjord-01".to_owned()) };
    let ctx = OpCtx { client_ip: Some("192.0.2.7".parse().unwrap()), ..nobody() };
    authorize(&ctx, &world.svc, &asks).await.unwrap()
}

async fn ask(world: &World, device: &DeviceAuthorizationResponse) -> Result<TokenResponse, DeviceError> {
    match poll(&nobody(), &world.svc, &device.device_code).await.unwrap() {
        Poll::LoggedIn(tokens) => Ok(*tokens),
        Poll::Not(error) => Err(error),
    }
}

async fn allow(world: &World, device: &DeviceAuthorizationResponse, person: &Person, org: &Org) {
    let name = approve(&as_user(person), &world.svc, &device.user_code, &org.slug).await.unwrap();
    assert_eq!(name.to_lowercase(), org.slug);
}

#[tokio::test]
async fn an_approved_device_logs_in_once() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    assert_eq!((device.expires_in, device.interval), (900, 5));
    assert_eq!(device.verification_uri, format!("{BASE_URL}/device"));
    assert_eq!(device.verification_uri_complete, format!("{BASE_URL}/device?user_code={}", device.user_code));
    assert_eq!(ask(&world, &device).await.unwrap_err(), DeviceError::AuthorizationPending);

    let shown = request(&as_user(&org.owner), &world.svc, &device.user_code).await.unwrap();
    assert_eq!(shown.user_code, device.user_code);
    assert_eq!(shown.asking.hostname.as_deref(), Some("fjord-01"));
    assert_eq!((shown.asking.client_ip.as_deref(), shown.asking.created_at), (Some("192.0.2.7"), world.now()));
    allow(&world, &device, &org.owner, &org).await;

    let tokens = ask(&world, &device).await.unwrap();
    assert_eq!((tokens.user_id, tokens.tenant_id), (org.owner.id, org.id));
    identity::bearer(&nobody(), &world.svc, &tokens.access_token).await.unwrap();
    refresh(&nobody(), &world.svc, &tokens.refresh_token).await.unwrap();
    assert_eq!(ask(&world, &device).await.unwrap_err(), DeviceError::InvalidGrant, "a code is used once");
    assert_eq!(world.column("SELECT hardware_id FROM refresh_families").await, [Some("hw-1".to_owned())]);
    assert_eq!(
        world.column("SELECT concat_ws(' ', actor_name, subject, details->>'hardware_id', details->>'asked_from') FROM audit_log WHERE action = 'device.approved'").await,
        [Some("Owner of Firm fjord-01 hw-1 192.0.2.7".to_owned())]
    );
}

#[tokio::test]
async fn codes_are_readable_and_stored_as_hashes() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    let (first, second) = device.user_code.split_once('-').unwrap();
    let letters = format!("{first}{second}");
    assert!(first.len() == 4 && second.len() == 4 && letters.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c)), "{letters}");
    let row = world.column("SELECT row_to_json(d) FROM device_codes d").await.remove(0).unwrap();
    assert!(!row.contains(&letters) && !row.contains(&device.user_code) && !row.contains(&device.device_code), "{row}");
    for typed in [letters.clone(), letters.to_lowercase(), device.user_code.to_lowercase(), format!(" {first} - {second} ")] {
        request(&as_user(&org.owner), &world.svc, &typed).await.unwrap();
    }
}

#[tokio::test]
async fn every_letter_comes_about_as_often() {
    let world = World::new().await;
    let mut codes = String::new();
    for _ in 0..90 {
        codes.push_str(&begin(&world).await.user_code);
    }
    for letter in "BCDFGHJKLMNPQRSTVWXZ".chars() {
        let times = codes.matches(letter).count();
        assert!((15..=60).contains(&times), "{letter}: {times} of 720");
    }
}

#[tokio::test]
async fn a_denied_device_is_told() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    deny(&as_user(&org.owner), &world.svc, &device.user_code).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&world, &device).await.unwrap_err(), DeviceError::AccessDenied);
    }
    let late = problem(approve(&as_user(&org.owner), &world.svc, &device.user_code, &org.slug).await);
    assert!(late.field("user_code").is_some(), "what is decided stays so");
    assert_eq!(world.count("audit_log WHERE action = 'device.approved'").await, 0);
}

#[tokio::test]
async fn a_code_ends_after_a_quarter_of_an_hour() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let (unused, approved) = (begin(&world).await, begin(&world).await);
    world.clock.advance(Duration::minutes(15) - Duration::SECOND);
    allow(&world, &approved, &org.owner, &org).await;
    world.clock.advance(Duration::SECOND);
    let late = problem(request(&as_user(&org.owner), &world.svc, &unused.user_code).await);
    assert!(late.field("user_code").is_some());
    for device in [&unused, &approved] {
        assert_eq!(ask(&world, device).await.unwrap_err(), DeviceError::ExpiredToken);
    }
    world.clock.advance(Duration::minutes(59));
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!(world.count("device_codes").await, 2);
    world.clock.advance(Duration::minutes(2));
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!(world.count("device_codes").await, 0);
    assert_eq!(ask(&world, &unused).await.unwrap_err(), DeviceError::InvalidGrant);
}

#[tokio::test]
async fn who_asks_too_often_waits_longer() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    let ask_after = async |seconds: i64| {
        world.clock.advance(Duration::seconds(seconds));
        ask(&world, &device).await.unwrap_err()
    };
    assert_eq!(ask_after(0).await, DeviceError::AuthorizationPending, "the first may come at once");
    assert_eq!(ask_after(5).await, DeviceError::AuthorizationPending);
    assert_eq!(ask_after(4).await, DeviceError::SlowDown);
    assert_eq!(ask_after(9).await, DeviceError::SlowDown, "ten by now");
    assert_eq!(ask_after(15).await, DeviceError::AuthorizationPending);
    allow(&world, &device, &org.owner, &org).await;
    ask(&world, &device).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_polls_at_once_one_gets_the_login() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    allow(&world, &device, &org.owner, &org).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (svc, code) = (world.svc.clone(), device.device_code.clone());
        tasks.spawn(async move { matches!(poll(&nobody(), &svc, &code).await.unwrap(), Poll::LoggedIn(_)) });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|logged_in| *logged_in).count(), 1);
    assert_eq!(world.count("refresh_families").await, 1);
}

#[tokio::test]
async fn each_code_leads_to_its_own_device() {
    let world = World::new().await;
    let (one, two) = (world.org("One", 1).await, world.org("Two", 1).await);
    let (first, second) = (begin(&world).await, begin(&world).await);
    allow(&world, &first, &one.owner, &one).await;
    assert_eq!(ask(&world, &second).await.unwrap_err(), DeviceError::AuthorizationPending);
    // What one has approved is no longer anybody's to see, to take or to stop.
    for person in [&one.owner, &two.owner] {
        assert!(problem(request(&as_user(person), &world.svc, &first.user_code).await).field("user_code").is_some());
        assert!(problem(approve(&as_user(person), &world.svc, &first.user_code, "two").await).field("user_code").is_some());
        assert!(problem(deny(&as_user(person), &world.svc, &first.user_code).await).field("user_code").is_some());
    }
    assert_eq!(ask(&world, &first).await.unwrap().user_id, one.owner.id);
}

#[tokio::test]
async fn one_signs_in_only_where_one_belongs_and_only_as_somebody() {
    let world = World::new().await;
    let (one, two, foreign) = (world.org("One", 1).await, world.org("Two", 1).await, world.org("Foreign", 1).await);
    let person = world.member(&one, "Person", Role::Member).await;
    world.enlist(&two, &person, Role::Guest).await;
    let device = begin(&world).await;
    for slug in [foreign.slug.as_str(), "no-such", ""] {
        let refused = problem(approve(&as_user(&person), &world.svc, &device.user_code, slug).await);
        assert_eq!(refused.field("organization"), Some("You belong to no organization of that name."));
    }
    assert_eq!(code(request(&nobody(), &world.svc, &device.user_code).await), Code::NotFound);
    assert_eq!(code(approve(&nobody(), &world.svc, &device.user_code, "one").await), Code::NotFound);
    assert_eq!(code(deny(&nobody(), &world.svc, &device.user_code).await), Code::NotFound);
    allow(&world, &device, &person, &two).await;
    assert_eq!(ask(&world, &device).await.unwrap().tenant_id, two.id);
}

#[tokio::test]
async fn guessing_codes_is_limited_for_a_person() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = begin(&world).await;
    for _ in 0..20 {
        let wrong = problem(request(&as_user(&org.owner), &world.svc, "BBBB-BBBB").await);
        assert!(wrong.field("user_code").is_some());
    }
    // From here on also the right one.
    assert_eq!(code(request(&as_user(&org.owner), &world.svc, &device.user_code).await), Code::RateLimited);
    assert_eq!(code(approve(&as_user(&org.owner), &world.svc, &device.user_code, &org.slug).await), Code::RateLimited);
    let other = world.member(&org, "Other", Role::Member).await;
    allow(&world, &device, &other, &org).await;
}

#[tokio::test]
async fn what_cannot_be_a_code_is_no_guess() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    for typed in ["", "  ", "BBBB", "BBBB-BBBBB", "AEIO-UUUU", "BBBB-BBB1", "ЖЖЖЖ-ЖЖЖЖ"].repeat(5) {
        assert!(problem(request(&as_user(&org.owner), &world.svc, typed).await).field("user_code").is_some(), "{typed:?}");
    }
}

#[tokio::test]
async fn devices_say_nothing_deceptive() {
    let world = World::new().await;
    for (field, hostname, hardware_id) in
        [("hostname", "a\u{202e}b", "h"), ("hostname", " ", "h"), ("hardware_id", "h", "\n"), ("hardware_id", "h", &"x".repeat(129))]
    {
        let asks =
            DeviceAuthorizationRequest { client_id: None, hardware_id: Some(hardware_id.to_owned()), hostname: Some(hostname.to_owned()) };
        assert!(problem(authorize(&nobody(), &world.svc, &asks).await).field(field).is_some(), "{field}");
    }
    assert_eq!(world.count("device_codes").await, 0);
}

#[tokio::test]
async fn a_suspended_organisation_lets_one_log_in_and_start_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let staff = world.support("Staff").await;
    support::set_suspended(&staff, &world.svc, org.id, true, "Asked by the owner").await.unwrap();
    let device = begin(&world).await;
    allow(&world, &device, &org.owner, &org).await;
    let tokens = ask(&world, &device).await.unwrap();
    let ctx = identity::device(&nobody(), &world.svc, &tokens.access_token).unwrap();
    assert_eq!(code(sessions::acquire(&ctx, &world.svc, &acquire("hw-1")).await), Code::TenantSuspended, "as after a login by password");
}

#[tokio::test]
async fn whoever_is_removed_or_signs_out_everywhere_leaves_no_login_behind() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let (removed, signed_out) = (begin(&world).await, begin(&world).await);
    allow(&world, &removed, &member, &org).await;
    members::remove(&world.at(&org, &org.owner).await, &world.svc, member.id).await.unwrap();
    assert_eq!(ask(&world, &removed).await.unwrap_err(), DeviceError::InvalidGrant);
    allow(&world, &signed_out, &org.owner, &org).await;
    sign_out_everywhere(&as_user(&org.owner), &world.svc).await.unwrap();
    assert_eq!(ask(&world, &signed_out).await.unwrap_err(), DeviceError::InvalidGrant);
    // Whose membership is gone in any other way.
    let gone = begin(&world).await;
    allow(&world, &gone, &org.owner, &org).await;
    world.run("DELETE FROM memberships").await;
    assert_eq!(ask(&world, &gone).await.unwrap_err(), DeviceError::AccessDenied);
    assert_eq!(world.count("refresh_families").await, 0);
}
