//! Everything that a use-case needs, real where it can be.

use crate::gate::Gate;
use crate::ports::{Postbox, Seam, TestClock, TestRandom, TestSigner};
use ::seats::RedisSeats;
use domain::limits::Limits;
use domain::passwords::Passwords;
use domain::ports::time::Clock;
use domain::{Error, Services, Settings, jobs};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::{Store, Waits};
use test_support::postgres::TestDatabase;
use test_support::redis::TestRedis;
use types::{Code, Problem};

/// Tests run on busy machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// Key of the access tokens.
pub const ACCESS_KEY: &[u8] = b"a key of thirty-two bytes or more";
pub const BASE_URL: &str = "https://portal.example";

pub struct World {
    pub svc: Services,
    pub database: TestDatabase,
    pub redis: TestRedis,
    pub seats: Arc<Seam>,
    pub clock: Arc<TestClock>,
    pub signer: Arc<TestSigner>,
    pub post: Arc<Postbox>,
}

impl World {
    pub async fn new() -> Self {
        Self::on(TestRedis::start()).await
    }

    /// Whose Redis remembers everything that it has acknowledged, also after a crash.
    pub async fn that_remembers() -> Self {
        Self::on(TestRedis::start_with(&["--appendonly", "yes", "--appendfsync", "always"])).await
    }

    /// With so many connections to PostgreSQL.
    pub async fn with_connections(connections: u32) -> Self {
        Self::on_with(TestRedis::start(), connections).await
    }

    async fn on(redis: TestRedis) -> Self {
        Self::on_with(redis, 6).await
    }

    async fn on_with(redis: TestRedis, connections: u32) -> Self {
        let database = TestDatabase::new().await;
        let seats = RedisSeats::connect_with_deadline(&redis.url(), PATIENCE).await.unwrap();
        let waits = Waits { connection: PATIENCE, statement: PATIENCE, lock: PATIENCE };
        Self::of(Store::connect_with(&database.app_url(), connections, waits).unwrap(), database, redis, seats)
    }

    /// Whose PostgreSQL is reached through a gate that can be shut. The portal waits no longer for it than in production.
    pub async fn behind_a_gate() -> (Self, Gate) {
        let (database, redis) = (TestDatabase::new().await, TestRedis::start());
        let seats = RedisSeats::connect_with_deadline(&redis.url(), PATIENCE).await.unwrap();
        let url = database.app_url();
        let (host, path) = url.rsplit_once('/').unwrap();
        let (host, port) = host.rsplit_once(':').unwrap();
        let gate = Gate::to(port.parse().unwrap()).await;
        let store = Store::connect(&format!("{host}:{}/{path}", gate.port()), 6).unwrap();
        (Self::of(store, database, redis, seats), gate)
    }

    fn of(store: Store, database: TestDatabase, redis: TestRedis, seats: RedisSeats) -> Self {
        static PASSWORDS: OnceLock<Passwords> = OnceLock::new();
        let (clock, signer, seats) = (Arc::new(TestClock::new()), Arc::new(TestSigner::new()), Arc::new(Seam::new(seats)));
        let svc = Services {
            store,
            seats: seats.clone(),
            signer: signer.clone(),
            clock: clock.clone(),
            random: Arc::new(TestRandom::new()),
            passwords: PASSWORDS.get_or_init(|| Passwords::new(2).unwrap()).clone(),
            limits: Arc::new(Limits::default()),
            turns: Arc::default(),
            billing: None,
            settings: Settings {
                base_url: BASE_URL.to_owned(),
                product_name: "CODITECT".to_owned(),
                access_key: ACCESS_KEY.to_vec(),
                billing_grace: time::Duration::days(7),
            },
        };
        Self { svc, database, redis, seats, clock, signer, post: Arc::default() }
    }

    /// PostgreSQL past row-level security: to see what is really there.
    pub async fn pg(&self) -> PgConnection {
        PgConnection::connect(&self.database.superuser_url()).await.unwrap()
    }

    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.pg().await).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    pub async fn count(&self, from: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {from}");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.pg().await).await.unwrap_or_else(|e| panic!("{from}: {e}"))
    }

    /// One column as text.
    pub async fn column(&self, select: &str) -> Vec<Option<String>> {
        let sql = format!("SELECT x::text FROM ({select}) AS s (x)");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.pg().await).await.unwrap_or_else(|e| panic!("{select}: {e}"))
    }

    /// Waits until so many transactions of the portal wait for a lock.
    pub async fn until_blocked(&self, n: i64) {
        let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.count(waiting).await < n {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn redis_connection(&self) -> redis::aio::MultiplexedConnection {
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        redis::Client::open(self.redis.url()).unwrap().get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    /// Redis loses everything, the library included.
    pub async fn flush_redis(&self) {
        let mut connection = self.redis_connection().await;
        for command in ["FLUSHALL", "FUNCTION FLUSH"] {
            let mut words = command.split(' ');
            let mut cmd = redis::cmd(words.next().unwrap());
            words.for_each(|word| {
                cmd.arg(word);
            });
            let () = cmd.query_async(&mut connection).await.unwrap();
        }
    }

    /// Lets time pass in Redis without waiting: every lease ends so much sooner.
    pub async fn pass(&self, seconds: i64) {
        let code = "for _, pattern in ipairs({'*:leases:*', '*:due', '*:rights:*'}) do
            for _, key in ipairs(redis.call('KEYS', pattern)) do
                for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], member) end
            end
        end";
        let () = redis::cmd("EVAL").arg(code).arg(0).arg(seconds * 1000).query_async(&mut self.redis_connection().await).await.unwrap();
    }

    /// Forgets what Redis knows of revocations of one session, as an eviction or the end of its memory would.
    pub async fn forget_key(&self, pattern: &str) {
        let code = "return redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))";
        let gone: usize = redis::cmd("EVAL").arg(code).arg(0).arg(pattern).query_async(&mut self.redis_connection().await).await.unwrap();
        assert!(gone > 0, "no key is like {pattern}");
    }

    /// Starts Redis again, and waits until the portal has found it.
    pub async fn restart_redis(&mut self) {
        self.redis.restart();
        while self.svc.seats.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Carries noted changes to Redis, and returns how many. After one that failed: its transaction may still be on its way back.
    pub async fn carry_copies(&self) -> usize {
        loop {
            let carried = jobs::flush_copies(&self.svc).await.unwrap();
            if carried > 0 {
                return carried;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Tries in vain to carry noted changes to Redis.
    pub async fn fail_to_carry_copies(&self) {
        // The transaction of an earlier failure may still hold the note.
        while jobs::flush_copies(&self.svc).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends all mail that is due.
    pub async fn deliver(&self) {
        while jobs::send_mail(&self.svc, self.post.as_ref()).await.unwrap() {}
    }

    /// The secret in the newest mail to that address that has a link of this kind, such as `/verify-email?token=`.
    pub async fn secret(&self, to: &str, link: &str) -> String {
        self.deliver().await;
        let begin = format!("{BASE_URL}{link}");
        let mail = self.post.sent().into_iter().rev().find(|m| m.to == to && m.text.contains(&begin));
        let mail = mail.unwrap_or_else(|| panic!("no mail to {to} with {link}"));
        mail.text.split_once(&begin).unwrap().1.split_whitespace().next().unwrap().to_owned()
    }

    /// Subjects of what was sent to that address, oldest first.
    pub async fn subjects(&self, to: &str) -> Vec<String> {
        self.deliver().await;
        self.post.sent().into_iter().filter(|m| m.to == to).map(|m| m.subject).collect()
    }

    pub fn now(&self) -> time::OffsetDateTime {
        self.clock.now()
    }
}

/// What the caller is told; the test fails if there was nothing to tell.
pub fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    match result {
        Ok(answer) => panic!("not refused: {answer:?}"),
        Err(error) => error.into_problem(),
    }
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    problem(result).code
}
