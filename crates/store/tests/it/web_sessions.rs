//! Browser sessions: what was ended stays ended.

use crate::{run, superuser};
use serde_json::json;
use sqlx::PgConnection;
use store::web_sessions::{self, USER_KEY, WebSessions};
use store::{OpCtx, Store, SystemTx};
use test_support::postgres::TestDatabase;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::SessionStore;
use types::UserId;
use uuid::Uuid;

const ALICE: Uuid = Uuid::from_u128(0xA);
const BOB: Uuid = Uuid::from_u128(0xB);

struct Scene {
    _database: TestDatabase,
    superuser: PgConnection,
    store: Store,
    sessions: WebSessions,
    now: OffsetDateTime,
}

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let mut superuser = superuser(&database).await;
        for (id, name) in [(ALICE, "alice"), (BOB, "bob")] {
            run(
                &mut superuser,
                format!("INSERT INTO users (id, email, name, created_at) VALUES ('{id}', '{name}@a.example', '{name}', now())"),
            )
            .await;
        }
        let now = sqlx::query_scalar("SELECT now()").fetch_one(&mut superuser).await.unwrap();
        let store = Store::connect(&database.app_url(), 4).unwrap();
        Self { _database: database, superuser, sessions: WebSessions::new(store.clone()), store, now }
    }

    fn record(&self, user: Option<Uuid>, lasts: Duration) -> Record {
        let mut record = Record { id: Id::default(), data: Default::default(), expiry_date: self.now + lasts };
        if let Some(user) = user {
            record.data.insert(USER_KEY.to_owned(), json!(user));
        }
        record
    }

    async fn created(&self, user: Option<Uuid>) -> Record {
        let mut record = self.record(user, Duration::HOUR);
        self.sessions.create(&mut record).await.unwrap();
        record
    }

    async fn loaded(&self, record: &Record) -> Option<Record> {
        self.sessions.load(&record.id).await.unwrap()
    }

    async fn user_column(&mut self, record: &Record) -> Option<Uuid> {
        sqlx::query_scalar("SELECT user_id FROM web_sessions WHERE id = $1")
            .bind(record.id.to_string())
            .fetch_one(&mut self.superuser)
            .await
            .unwrap()
    }

    async fn rows(&mut self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM web_sessions").fetch_one(&mut self.superuser).await.unwrap()
    }

    async fn end_all(&self, user: Uuid) -> u64 {
        let mut tx = SystemTx::begin(&OpCtx::system("test"), &self.store).await.unwrap();
        let ended = web_sessions::end_all(&mut tx, UserId(user)).await.unwrap();
        tx.commit().await.unwrap();
        ended
    }
}

#[tokio::test]
async fn a_session_is_kept_changed_and_deleted() {
    let mut scene = Scene::new().await;
    let mut record = scene.created(None).await;
    assert_eq!(scene.loaded(&record).await, Some(record.clone()));
    record.data.insert("theme".to_owned(), json!({"dark": [1, null]}));
    record.expiry_date += Duration::HOUR;
    scene.sessions.save(&record).await.unwrap();
    assert_eq!(scene.loaded(&record).await, Some(record.clone()));
    scene.sessions.delete(&record.id).await.unwrap();
    assert_eq!(scene.loaded(&record).await, None);
    scene.sessions.delete(&record.id).await.unwrap();
    assert_eq!(scene.rows().await, 0);
}

#[tokio::test]
async fn an_id_that_is_taken_is_not_taken_over() {
    let mut scene = Scene::new().await;
    let first = scene.created(Some(ALICE)).await;
    let mut second = Record { id: first.id, ..scene.record(Some(BOB), Duration::HOUR) };
    scene.sessions.create(&mut second).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(scene.loaded(&first).await, Some(first.clone()));
    assert_eq!(scene.loaded(&second).await, Some(second));
    assert_eq!(scene.rows().await, 2);
}

#[tokio::test]
async fn saving_does_not_bring_an_ended_session_back() {
    let mut scene = Scene::new().await;
    let mut record = scene.created(Some(ALICE)).await;
    // A request has loaded the session and is still busy while its owner signs out.
    let held = scene.loaded(&record).await.unwrap();
    scene.sessions.delete(&record.id).await.unwrap();
    scene.sessions.save(&held).await.unwrap();
    assert_eq!(scene.loaded(&record).await, None);

    record = scene.created(Some(ALICE)).await;
    let held = scene.loaded(&record).await.unwrap();
    assert_eq!(scene.end_all(ALICE).await, 1);
    scene.sessions.save(&held).await.unwrap();
    assert_eq!(scene.loaded(&record).await, None);
    assert_eq!(scene.rows().await, 0);

    // One that was never created is not made by saving either.
    scene.sessions.save(&scene.record(None, Duration::HOUR)).await.unwrap();
    assert_eq!(scene.rows().await, 0);
}

#[tokio::test]
async fn savers_and_an_end_at_once_leave_nothing() {
    let mut scene = Scene::new().await;
    for _ in 0..10 {
        let record = scene.created(Some(ALICE)).await;
        let savers = futures(&scene, &record);
        tokio::join!(savers, async { scene.sessions.delete(&record.id).await.unwrap() });
        assert_eq!(scene.rows().await, 0);
    }
}

/// Several requests of one browser that all save.
async fn futures(scene: &Scene, record: &Record) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..4 {
        let (sessions, mut record) = (scene.sessions.clone(), record.clone());
        record.data.insert("n".to_owned(), json!(n));
        tasks.spawn(async move { sessions.save(&record).await.unwrap() });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn an_expired_session_is_not_loaded_and_is_purged() {
    let mut scene = Scene::new().await;
    let mut over = scene.record(Some(ALICE), -Duration::SECOND);
    scene.sessions.create(&mut over).await.unwrap();
    assert_eq!(scene.loaded(&over).await, None);
    let live = scene.created(Some(ALICE)).await;
    let mut tx = SystemTx::begin(&OpCtx::system("test"), &scene.store).await.unwrap();
    assert_eq!(web_sessions::purge(&mut tx, scene.now).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(scene.rows().await, 1);
    assert!(scene.loaded(&live).await.is_some());
}

#[tokio::test]
async fn the_column_says_whose_session_it_is() {
    let mut scene = Scene::new().await;
    let mut record = scene.created(None).await;
    assert_eq!(scene.user_column(&record).await, None);
    for user in [ALICE, BOB] {
        record.data.insert(USER_KEY.to_owned(), json!(user));
        scene.sessions.save(&record).await.unwrap();
        assert_eq!(scene.user_column(&record).await, Some(user));
    }
    for nobody in [json!("no id"), json!(7), json!(null)] {
        record.data.insert(USER_KEY.to_owned(), nobody);
        scene.sessions.save(&record).await.unwrap();
        assert_eq!(scene.user_column(&record).await, None);
    }
    let of_alice = scene.created(Some(ALICE)).await;
    assert_eq!(scene.user_column(&of_alice).await, Some(ALICE));
}

#[tokio::test]
async fn ending_all_of_one_person_leaves_others() {
    let scene = Scene::new().await;
    let (one, two, bob, nobody) =
        (scene.created(Some(ALICE)).await, scene.created(Some(ALICE)).await, scene.created(Some(BOB)).await, scene.created(None).await);
    assert_eq!(scene.end_all(ALICE).await, 2);
    assert_eq!(scene.end_all(ALICE).await, 0);
    for ended in [one, two] {
        assert_eq!(scene.loaded(&ended).await, None);
    }
    for live in [bob, nobody] {
        assert!(scene.loaded(&live).await.is_some());
    }
}
