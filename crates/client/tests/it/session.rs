//! The library, with a clock that the test moves.

use crate::device::Device;
use crate::portal::Portal;
use client::{BootTime, Client, Clock, Config, Left, Refusal, State, SystemClock, SystemRandom};
use std::sync::atomic::{AtomicU64, Ordering};
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

fn client(device: &Device, portal: &Portal, clock: &Arc<MovedClock>) -> Client {
    let config = Config {
        server: Some(client::Server::parse(&portal.url()).unwrap()),
        home: device.home(),
        hardware_id: Some(device.hardware_id.clone()),
        instance_id: None,
        client_version: "test/1".into(),
    };
    Client::with(config, clock.clone(), Arc::new(SystemRandom)).unwrap()
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
    clock.pass(71);
    let calls = portal.world().log.len();
    self::until("it is tried again", || portal.world().log.len() > calls).await;
    assert!(!session.state().is_final(), "an hour is left");
    clock.pass(2);
    let State::Refused(Refusal::Offline { detail }) = session.refused().await else { panic!("{:?}", session.state()) };
    assert!(detail.contains("ended at"), "{detail}");
    assert_eq!(session.release().await, Left::Ended);
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
