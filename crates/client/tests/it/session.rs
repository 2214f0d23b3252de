//! The library, with a clock that the test moves.

use crate::device::Device;
use crate::portal::Portal;
use client::{
    BootTime, Client, Clock, Config, Error, FeatureUse, FingerprintTolerance, Keys, Left, Random, Refusal, State, SystemClock,
    SystemRandom, TokenError, blocking,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;

/// The machine's clocks, moved forward.
#[derive(Default)]
struct MovedClock {
    seconds: AtomicU64,
    wall_only: Mutex<time::Duration>,
}

impl MovedClock {
    fn pass(&self, hours: u64) {
        self.seconds.fetch_add(hours * 3600, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + Duration::from_secs(self.seconds.load(Ordering::SeqCst)) + *self.wall_only.lock().unwrap()
    }
    fn boot(&self) -> BootTime {
        let mut boot = SystemClock.boot();
        boot.up += Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        boot
    }
}

fn config(device: &Device, portal: &Portal) -> Config {
    Config {
        server: Some(client::Server::parse(&portal.url()).unwrap()),
        home: device.home(),
        hardware_id: Some(device.hardware_id.clone()),
        instance_id: None,
        pinned_keys: None,
        ca_file: None,
        client_version: "test/1".into(),
    }
}

fn client(device: &Device, portal: &Portal, clock: &Arc<MovedClock>) -> Client {
    Client::with(config(device, portal), clock.clone(), Arc::new(SystemRandom)).unwrap()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("it never came: {what}"));
}

/// `Device::signed_in` waits for a process, which must not be done on an async thread.
async fn set_up() -> (Portal, Device, Arc<MovedClock>) {
    tokio::task::spawn_blocking(|| {
        let portal = Portal::start();
        portal.world().beat_seconds = 1;
        let device = Device::signed_in(&portal);
        (portal, device, Arc::new(MovedClock::default()))
    })
    .await
    .unwrap()
}

async fn tear_down(portal: Portal) {
    tokio::task::spawn_blocking(move || drop(portal)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_ends_with_the_token() {
    let (portal, device, clock) = set_up().await;
    let mut session = client(&device, &portal, &clock).start().await.unwrap();
    assert_eq!(session.state(), State::Online);
    portal.world().down = true;
    let State::Grace { until, .. } = session.changed().await else { panic!("{:?}", session.state()) };
    assert!(until - clock.now() > time::Duration::hours(71));
    assert_eq!(session.state().to_string(), "grace (71 h left)");
    let shown = session.watch();
    clock.pass(71);
    let calls = portal.world().log.len();
    self::until("it is tried again", || portal.world().log.len() > calls).await;
    self::until("what is left is shown", || shown.state().to_string() == "grace (59 min left)").await;
    clock.pass(2);
    let State::Refused(Refusal::Offline { detail }) = session.refused().await else { panic!("{:?}", session.state()) };
    assert!(detail.contains("ended at"), "{detail}");
    let text = session.state().to_string();
    assert!(text.starts_with("refused (") && text.contains("coditect-license doctor"), "{text}");
    assert_eq!(session.release().await, Left::Ended);
    assert!(matches!(shown.state(), State::Refused(_)));
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_the_clock_back_does_not_prolong_the_grace() {
    let (portal, device, clock) = set_up().await;
    let mut session = client(&device, &portal, &clock).start().await.unwrap();
    portal.world().down = true;
    assert!(matches!(session.changed().await, State::Grace { .. }));
    clock.pass(73);
    *clock.wall_only.lock().unwrap() = time::Duration::hours(-73);
    assert!(matches!(session.refused().await, State::Refused(Refusal::Offline { .. })));
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sleep_the_heartbeat_comes_at_once() {
    let (portal, device, clock) = set_up().await;
    portal.world().beat_seconds = 300;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    assert!(portal.world().beats.is_empty());
    clock.pass(8);
    until("the heartbeat", || !portal.world().beats.is_empty()).await;
    assert_eq!(session.release().await, Left::Released);
    assert_eq!(portal.world().live(), 0);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sleep_the_network_is_waited_for_where_no_token_helps() {
    let (portal, device, clock) = set_up().await;
    {
        let mut world = portal.world();
        (world.beat_seconds, world.offline_seconds) = (300, world.lease_seconds.cast_signed());
    }
    let session = client(&device, &portal, &clock).start().await.unwrap();
    portal.world().down = true;
    let calls = portal.world().log.len();
    clock.pass(8);
    until("the first attempt", || portal.world().log.len() > calls).await;
    portal.world().down = false;
    until("the one that comes through", || !portal.world().beats.is_empty()).await;
    assert_eq!(session.state(), State::Online);
    assert_eq!(session.release().await, Left::Released);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_that_no_clock_counted_the_heartbeat_comes_at_once() {
    let (portal, device, clock) = set_up().await;
    portal.world().beat_seconds = 300;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    // A virtual machine was stopped and goes on: only its wall clock has been set right.
    *clock.wall_only.lock().unwrap() = time::Duration::hours(8);
    until("the heartbeat", || !portal.world().beats.is_empty()).await;
    assert_eq!(session.state(), State::Online);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_turned_back_stops_offline_work_and_not_online_work() {
    let (portal, device, clock) = set_up().await;
    let client = client(&device, &portal, &clock);
    // Dropped, not released: the token is kept.
    drop(client.start().await.unwrap());
    until("nobody uses the seat", || client.seat().unwrap().unwrap().processes.is_empty()).await;
    portal.world().down = true;
    *clock.wall_only.lock().unwrap() = -time::Duration::hours(2);
    let Err(Error::Refused(refusal)) = client.start().await else { panic!("it started") };
    assert!(refusal.to_string().contains("min behind the license server's last answer"), "{refusal}");
    portal.world().down = false;
    let session = client.start().await.unwrap();
    assert_eq!(session.state(), State::Online);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_licences_tolerance_is_taken_over() {
    let (portal, device, clock) = set_up().await;
    let client = client(&device, &portal, &clock);
    for (said, expected) in [
        (Some("any_two"), FingerprintTolerance::AnyTwo),
        (Some("exact"), FingerprintTolerance::Exact),
        (Some("a newer one"), FingerprintTolerance::Most),
        (Some("any_two"), FingerprintTolerance::AnyTwo),
        (None, FingerprintTolerance::Most),
    ] {
        portal.world().tolerance = said;
        client.start().await.unwrap().release().await;
        assert_eq!(client.tolerance(), expected);
        assert_eq!(self::client(&device, &portal, &clock).tolerance(), expected, "it is remembered");
    }
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_application_brings_along_are_the_only_ones() {
    let (portal, device, clock) = set_up().await;
    let jwks = serde_json::json!({ "keys": portal.world().jwks });
    // The login before this did not know them.
    portal.world().log.clear();
    let mut config = config(&device, &portal);
    config.pinned_keys = Some(Keys::from_jwks(jwks.to_string().as_bytes()).unwrap());
    let pinned = Client::with(config, clock.clone(), Arc::new(SystemRandom)).unwrap();
    pinned.start().await.unwrap().release().await;
    assert_eq!(portal.world().calls("GET /.well-known"), 0);
    {
        let mut world = portal.world();
        world.key = crate::portal::TokenKey::new("key-2");
        world.jwks = vec![world.key.jwk()];
    }
    assert!(matches!(pinned.start().await, Err(Error::Token(TokenError::UnknownKey(_)))));
    assert_eq!(portal.world().live(), 0);
    tear_down(portal).await;
}

#[test]
fn without_asynchrony_it_is_the_same() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let client = blocking::Client::new(config(&device, &portal)).unwrap();
    let session = client.start().unwrap();
    assert_eq!(session.state(), State::Online);
    assert_eq!(session.changed(Duration::from_millis(50)).unwrap(), None);
    let (tell, told) = std::sync::mpsc::channel();
    session.on_change(move |state| tell.send(state).unwrap());
    portal.world().down = true;
    let grace = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(grace.to_string(), "grace (71 h left)");
    let used = FeatureUse { feature: "export.pdf".into(), count: 3, at: None };
    assert!(matches!(client.track("batch 1", vec![used.clone()]), Err(Error::Unreachable(_))), "said, and nothing else happens");
    portal.world().down = false;
    assert!(client.track("batch 1", vec![used]).unwrap());
    assert_eq!(
        portal.world().tracked,
        [("batch 1".to_owned(), serde_json::json!({ "events": [{ "feature": "export.pdf", "count": 3 }] }))]
    );
    crate::device::until("it is online again", || session.changed(Duration::from_secs(1)).unwrap() == Some(State::Online));
    assert_eq!(session.release().unwrap(), Left::Released);
    assert_eq!(told.into_iter().last(), Some(State::Stopped));
    assert_eq!(portal.world().live(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_blocks_within_asynchrony_does_not_panic() {
    let (portal, device, _) = set_up().await;
    let client = blocking::Client::new(config(&device, &portal)).unwrap();
    assert_eq!(client.start().unwrap().release().unwrap(), Left::Released);
    drop(client);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_renewed_at_half_its_life() {
    let (portal, device, clock) = set_up().await;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    let first = session.session_id();
    clock.pass(37);
    until("a second acquire", || portal.world().acquires.len() == 2).await;
    until("the new session", || session.session_id() != first).await;
    let beats = portal.world().beats.len();
    until("heartbeats go on", || portal.world().beats.len() > beats + 1).await;
    assert_eq!(session.state(), State::Online);
    assert_eq!(portal.world().acquires.len(), 2);
    assert_eq!(session.release().await, Left::Released);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_answer_is_lost_does_not_end_the_session() {
    let (portal, device, clock) = set_up().await;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    portal.world().lose_acquire = true;
    clock.pass(37);
    until("the lost one and another", || portal.world().acquires.len() == 3).await;
    let beats = portal.world().beats.len();
    until("heartbeats go on", || portal.world().beats.len() > beats + 1).await;
    assert_eq!(session.state(), State::Online);
    assert_eq!(portal.world().live(), 1);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_renewal_leaves_a_running_session_alone() {
    // An unpaid licence: nobody new, running clients go on.
    let (portal, device, clock) = set_up().await;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    portal.world().refuse_acquire = Some((403, "license_suspended", "Unpaid."));
    clock.pass(37);
    until("the refused one", || portal.world().acquires.len() == 2).await;
    let beats = portal.world().beats.len();
    until("heartbeats go on", || portal.world().beats.len() > beats + 1).await;
    assert_eq!(session.state(), State::Online);
    assert_eq!(portal.world().acquires.len(), 2, "not at every heartbeat");
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_in_one_process_share_the_seat_as_well() {
    let (portal, device, clock) = set_up().await;
    let client = client(&device, &portal, &clock);
    let one = client.start().await.unwrap();
    let two = client.start().await.unwrap();
    assert!(two.joined() && !one.joined());
    assert_eq!(one.release().await, Left::Shared(1));
    assert_eq!(two.release().await, Left::Released);
    assert_eq!(portal.world().acquires.len(), 1);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_was_emptied_does_not_stop_the_work_at_once() {
    let (portal, device, clock) = set_up().await;
    let mut session = client(&device, &portal, &clock).start().await.unwrap();
    std::fs::remove_dir_all(device.home()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!session.state().is_final());
    clock.pass(73);
    assert!(matches!(session.refused().await, State::Refused(Refusal::Offline { .. })));
    tear_down(portal).await;
}

/// From now on nobody can open the file for writing, whoever he is.
fn put_a_folder_in_place_of(file: &std::path::Path) {
    std::fs::remove_file(file).unwrap();
    std::fs::create_dir(file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_works_no_longer_keeps_no_seat_for_ever() {
    let (portal, device, clock) = set_up().await;
    let mut session = client(&device, &portal, &clock).start().await.unwrap();
    put_a_folder_in_place_of(&device.file("seat-").with_extension("lock"));
    // The lease is over, and nobody could send a heartbeat.
    clock.pass(1);
    until("grace", || matches!(session.state(), State::Grace { .. })).await;
    clock.pass(72);
    assert!(matches!(session.refused().await, State::Refused(Refusal::Offline { .. })));
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_word_is_heard_though_its_time_cannot_be_noted() {
    let (portal, device, clock) = set_up().await;
    let mut session = client(&device, &portal, &clock).start().await.unwrap();
    put_a_folder_in_place_of(&device.file("time-"));
    let beats = portal.world().beats.len();
    until("heartbeats go on", || portal.world().beats.len() > beats + 1).await;
    assert_eq!(session.state(), State::Online);
    portal.world().down = true;
    until("grace", || matches!(session.state(), State::Grace { .. })).await;
    portal.world().down = false;
    portal.world().end_all("session_revoked", "Audit");
    assert!(matches!(session.refused().await, State::Refused(Refusal::Ended { .. })));
    tear_down(portal).await;
}

/// From some moment on it makes names of files that cannot be written.
#[derive(Default)]
struct BadNames(AtomicBool);

impl Random for BadNames {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
    }

    fn hex(&self, bytes: usize) -> String {
        let name = SystemRandom.hex(bytes);
        if self.0.load(Ordering::SeqCst) { format!("no-such-folder/{name}") } else { name }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_that_cannot_be_noted_is_not_sent_over_and_over() {
    let (portal, device, clock) = set_up().await;
    let names = Arc::new(BadNames::default());
    let session = Client::with(config(&device, &portal), clock.clone(), names.clone()).unwrap().start().await.unwrap();
    names.0.store(true, Ordering::SeqCst);
    portal.world().beat_seconds = 300;
    let beats = portal.world().beats.len();
    until("a heartbeat", || portal.world().beats.len() > beats).await;
    // Time for two looks after a failed one.
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(portal.world().beats.len(), beats + 1);
    assert_eq!(session.state(), State::Online);
    // The next one is sent when its time has come.
    clock.seconds.fetch_add(301, Ordering::SeqCst);
    until("the next heartbeat", || portal.world().beats.len() > beats + 1).await;
    drop(session);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_comes_while_the_process_leaves_is_given_back() {
    let (portal, device, clock) = set_up().await;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    {
        let mut world = portal.world();
        world.slow_acquire = Duration::from_millis(500);
        world.forget_all();
    }
    until("a new session", || portal.world().acquires.len() == 2).await;
    assert_eq!(portal.world().live(), 1);
    assert_eq!(session.release().await, Left::Released);
    assert_eq!(portal.world().live(), 0);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_answer_does_not_come_in_time_is_given_back_as_well() {
    let (portal, device, clock) = set_up().await;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    {
        let mut world = portal.world();
        // Longer than a process that leaves waits for a call that is under way.
        world.slow_acquire = Duration::from_secs(5);
        world.forget_all();
    }
    until("a new session", || portal.world().acquires.len() == 2).await;
    assert_eq!(session.release().await, Left::Released);
    assert_eq!(portal.world().live(), 0);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_cannot_be_kept_costs_no_seat() {
    let (portal, device, clock) = set_up().await;
    let names = Arc::new(BadNames::default());
    let session = Client::with(config(&device, &portal), clock.clone(), names.clone()).unwrap().start().await.unwrap();
    names.0.store(true, Ordering::SeqCst);
    portal.world().end_access_tokens();
    let beats = portal.world().beats.len();
    until("a heartbeat with a new access token", || portal.world().beats.len() > beats).await;
    names.0.store(false, Ordering::SeqCst);
    portal.world().end_access_tokens();
    let beats = portal.world().beats.len();
    until("another, with the refresh token of before", || portal.world().beats.len() > beats).await;
    assert_eq!(session.state(), State::Online);
    assert_eq!(session.release().await, Left::Released);
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_in_an_outage_that_is_known_waits_for_nothing() {
    let (portal, device, clock) = set_up().await;
    let client = client(&device, &portal, &clock);
    let first = client.start().await.unwrap();
    {
        let mut world = portal.world();
        world.down = true;
        world.retry_after = Some(60);
    }
    until("grace", || matches!(first.state(), State::Grace { .. })).await;
    let calls = portal.world().log.len();
    let second = client.start().await.unwrap();
    assert!(second.joined() && matches!(second.state(), State::Grace { .. }));
    assert_eq!(portal.world().log.len(), calls, "nobody asks before the server's own time");
    portal.world().down = false;
    clock.seconds.fetch_add(61, Ordering::SeqCst);
    until("both are online", || [&first, &second].iter().all(|s| s.state() == State::Online)).await;
    drop((first, second));
    tear_down(portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_does_not_wait_for_a_process_that_hangs() {
    let (portal, device, clock) = set_up().await;
    portal.world().beat_seconds = 300;
    let session = client(&device, &portal, &clock).start().await.unwrap();
    let hanging = std::fs::File::open(device.file("seat-").with_extension("lock")).unwrap();
    hanging.lock().unwrap();
    // Far less than everybody else waits for the lock.
    let left = tokio::time::timeout(Duration::from_secs(20), session.release()).await.unwrap();
    assert!(matches!(left, Left::Kept { .. }), "{left:?}");
    assert_eq!(portal.world().live(), 1);
    drop(hanging);
    tear_down(portal).await;
}
