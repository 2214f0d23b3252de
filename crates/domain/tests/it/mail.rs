//! Mail goes out after the commit, once, and again later when it could not.

use crate::people::{as_user, nobody};
use crate::world::World;
use async_trait::async_trait;
use domain::ports::mail::{Mail, MailError, MailTransport};
use domain::{jobs, members};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::mail::{Message, enqueue};
use store::{OpCtx, SystemTx};
use time::Duration;
use tokio::sync::Notify;

fn message(to: &str) -> Message {
    Message { to: to.to_owned(), subject: "Subject".to_owned(), text: "a secret link".to_owned(), html: "<p>a secret link".to_owned() }
}

async fn put(world: &World, to: &str) {
    let mut tx = SystemTx::begin(&nobody(), &world.svc.store).await.unwrap();
    enqueue(&mut tx, None, &message(to), world.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn send(world: &World) -> bool {
    jobs::send_mail(&world.svc, world.post.as_ref()).await.unwrap()
}

#[tokio::test]
async fn nothing_is_sent_before_its_transaction_has_committed() {
    let world = World::new().await;
    let mut tx = SystemTx::begin(&nobody(), &world.svc.store).await.unwrap();
    enqueue(&mut tx, None, &message("a@b.example"), world.now()).await.unwrap();
    assert!(!send(&world).await);
    drop(tx);
    assert!(!send(&world).await, "taken back");
    put(&world, "a@b.example").await;
    assert!(send(&world).await);
    assert!(!send(&world).await);
    let sent = world.post.sent();
    assert_eq!((sent.len(), sent[0].to.as_str(), sent[0].text.as_str()), (1, "a@b.example", "a secret link"));
}

#[tokio::test]
async fn a_use_case_that_fails_sends_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    world.run("REVOKE INSERT ON audit_log FROM portal_tenant").await;
    members::invite(&ctx, &world.svc, "anna@firm.example", "MEMBER").await.unwrap_err();
    assert!(world.subjects("anna@firm.example").await.is_empty());
    assert_eq!((world.count("mail_outbox").await, world.count("invitations").await), (0, 0));
}

#[tokio::test]
async fn what_was_sent_is_forgotten() {
    let world = World::new().await;
    put(&world, "a@b.example").await;
    assert!(send(&world).await);
    assert_eq!(world.count("mail_outbox WHERE sent_at IS NOT NULL AND body_text = '' AND body_html = ''").await, 1);
    assert_eq!(world.count("mail_outbox WHERE mail_outbox::text LIKE '%secret%'").await, 0);
    world.clock.advance(Duration::days(3) + Duration::SECOND);
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!(world.count("mail_outbox").await, 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_tried_later_and_later() {
    let world = World::new().await;
    put(&world, "a@b.example").await;
    world.post.refuses.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert!(send(&world).await);
        assert!(!send(&world).await, "not at once again");
        let select = format!("SELECT extract(epoch FROM due_at)::bigint - {} FROM mail_outbox", world.now().unix_timestamp());
        let wait: i64 = world.column(&select).await[0].as_ref().unwrap().parse().unwrap();
        world.clock.advance(Duration::seconds(wait - 1));
        assert!(!send(&world).await, "not before its time");
        world.clock.advance(Duration::SECOND);
        waits.push(wait);
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    assert_eq!(world.column("SELECT last_error FROM mail_outbox").await, [Some("mail not delivered: 421 come back later".to_owned())]);
    world.post.refuses.store(false, Ordering::Relaxed);
    assert!(send(&world).await);
    assert_eq!(world.post.sent().len(), 1);
    assert_eq!(world.column("SELECT last_error FROM mail_outbox").await, [None]);
}

#[tokio::test]
async fn one_that_cannot_be_sent_holds_up_no_others() {
    let world = World::new().await;
    put(&world, "first@b.example").await;
    world.post.refuses.store(true, Ordering::Relaxed);
    assert!(send(&world).await);
    world.post.refuses.store(false, Ordering::Relaxed);
    put(&world, "second@b.example").await;
    world.deliver().await;
    assert_eq!(world.post.sent().iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), ["second@b.example"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_at_once_send_each_mail_once() {
    let world = World::new().await;
    for n in 0..20 {
        put(&world, &format!("a{n}@b.example")).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (svc, post) = (world.svc.clone(), world.post.clone());
        workers.spawn(async move {
            let mut sent = 0;
            while jobs::send_mail(&svc, post.as_ref()).await.unwrap() {
                sent += 1;
            }
            sent
        });
    }
    assert_eq!(workers.join_all().await.into_iter().sum::<i32>(), 20);
    let mut to: Vec<String> = world.post.sent().into_iter().map(|m| m.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), world.post.sent().len()), (20, 20));
}

/// Never comes to an end.
#[derive(Default)]
struct Stuck(Notify);

#[async_trait]
impl MailTransport for Stuck {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_sending_is_made_up_for() {
    let world = World::new().await;
    put(&world, "a@b.example").await;
    let stuck = Arc::new(Stuck::default());
    let worker = tokio::spawn({
        let (svc, stuck) = (world.svc.clone(), stuck.clone());
        async move { jobs::send_mail(&svc, stuck.as_ref()).await }
    });
    stuck.0.notified().await;
    assert_eq!(
        world.count("pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'").await,
        0,
        "sending holds no transaction"
    );
    assert!(!send(&world).await, "the other may still be at it");
    worker.abort();
    world.clock.advance(Duration::minutes(2));
    assert!(send(&world).await);
    assert_eq!(world.post.sent().len(), 1);
}

#[tokio::test]
async fn mail_of_a_tenant_is_his_and_mail_to_a_person_is_nobodys() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    members::invite(&world.at(&org, &org.owner).await, &world.svc, "anna@firm.example", "MEMBER").await.unwrap();
    domain::login::request_reset(&as_user(&org.owner), &world.svc, &org.owner.email).await.unwrap();
    let owners = world.column("SELECT tenant_id FROM mail_outbox ORDER BY id").await;
    assert_eq!(owners, [Some(org.id.to_string()), None]);
    let _: OpCtx = nobody();
}
