//! A portal of one test's own, and people in it.

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::limits::Limits;
use domain::passwords::Passwords;
use domain::ports::mail::{Mail, MailError, MailTransport};
use domain::ports::signer::Algorithm;
use domain::ports::time::{Clock, SystemClock, SystemRandom};
use domain::{Services, Settings, jobs};
use leptos::config::LeptosOptions;
use seats::RedisSeats;
use serde_json::{Value, json};
use server::signer::LocalKeys;
use server::state::{AppState, WebSettings};
use sqlx::Connection;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use store::{OpCtx, Store};
use test_support::postgres::TestDatabase;
use test_support::redis::TestRedis;
use tower::ServiceExt;

pub const BASE: &str = "http://localhost:3000";
pub const PASSWORD: &str = "the ferry leaves at nine";

/// Keeps what it is given.
#[derive(Default)]
pub struct Sink(Mutex<Vec<Mail>>);

#[async_trait]
impl MailTransport for Sink {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

pub struct Portal {
    pub services: Services,
    pub router: Router,
    pub redis: TestRedis,
    database: TestDatabase,
    sink: Sink,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text))
    }

    /// The code of a problem document; panics when it is none.
    pub fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        for member in ["type", "title", "status", "detail", "code", "request_id"] {
            assert!(!problem[member].is_null(), "{member} is missing in {problem}");
        }
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"].as_str().unwrap(), self.headers["x-request-id"]);
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Somebody logged in at the API.
#[derive(Clone, Debug)]
pub struct Login {
    pub email: String,
    pub access: String,
    pub refresh: String,
    pub user: String,
}

impl Portal {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With some service exchanged.
    pub async fn start_with(change: impl FnOnce(&mut Services)) -> Self {
        let database = TestDatabase::new().await;
        let redis = tokio::task::spawn_blocking(TestRedis::start).await.unwrap();
        let keys = tempfile::tempdir().unwrap();
        let key = keys.path().join("keys");
        LocalKeys::create(&key, Algorithm::EdDSA, "secret", SystemClock.now()).unwrap();
        let mut services = Services {
            store: Store::connect(&database.app_url(), 8).unwrap(),
            seats: Arc::new(RedisSeats::connect(&redis.url()).await.unwrap()),
            signer: Arc::new(LocalKeys::open(&key, Algorithm::EdDSA, "secret", Arc::new(SystemClock)).unwrap()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            passwords: Passwords::new(2).unwrap(),
            limits: Arc::new(Limits::default()),
            turns: Arc::default(),
            billing: None,
            settings: Settings {
                base_url: BASE.into(),
                product_name: "CODITECT".into(),
                access_key: b"0123456789abcdef0123456789abcdef".to_vec(),
                billing_grace: time::Duration::days(7),
            },
        };
        change(&mut services);
        let leptos = LeptosOptions::builder().output_name("portal").site_root("does-not-exist").build();
        let web = WebSettings {
            origin: BASE.into(),
            product_name: "CODITECT".into(),
            trusted_proxies: Vec::new(),
            pay_origins: String::new(),
            dev_mailbox: None,
        };
        let state = AppState::new(services.clone(), leptos, web);
        Self { services, router: server::run::router(state), redis, database, sink: Sink::default() }
    }

    /// Rows of a table, past row-level security.
    pub async fn count(&self, table: &str) -> i64 {
        let mut db = sqlx::PgConnection::connect(&self.database.superuser_url()).await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut db).await.unwrap()
    }

    pub async fn run(&self, sql: &'static str) {
        let mut db = sqlx::PgConnection::connect(&self.database.superuser_url()).await.unwrap();
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }

    /// Redis loses everything.
    pub async fn empty_redis(&self) {
        let mut connection = redis::Client::open(self.redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))));
        request.extensions_mut().insert(server::http_server::Shutdown::default());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// A call of the API with a JSON body.
    pub async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, Some(token), None).await
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// The newest link in a mail to this address.
    pub async fn link(&self, to: &str, contains: &str) -> String {
        while jobs::send_mail(&self.services, &self.sink).await.unwrap() {}
        let mails = self.sink.0.lock().unwrap();
        let text = &mails.iter().rev().find(|m| m.to == to && m.text.contains(contains)).unwrap_or_else(|| panic!("no mail to {to}")).text;
        text.split_whitespace().find(|w| w.contains(contains)).unwrap().to_owned()
    }

    /// An organisation with its owner, confirmed and logged in.
    pub async fn founder(&self, name: &str) -> Login {
        let email = format!("owner@{}.example", name.to_lowercase().replace(' ', "-"));
        let body = json!({ "organization_name": name, "name": "Olga Owner", "email": email, "password": PASSWORD });
        assert_eq!(self.post("/api/v1/auth/register", None, body).await.status, 201);
        let link = self.link(&email, "/verify-email?token=").await;
        let token = link.split("token=").nth(1).unwrap();
        domain::signup::confirm(&OpCtx::anonymous("test"), &self.services, token).await.unwrap();
        self.login(&email).await
    }

    pub async fn login(&self, email: &str) -> Login {
        let answer = self.post("/api/v1/auth/login", None, json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Login { email: email.to_owned(), access: text("access_token"), refresh: text("refresh_token"), user: text("user_id") }
    }

    /// A further member, invited by `owner`.
    pub async fn member(&self, owner: &Login, role: &str) -> Login {
        let email = format!("{}-{}", role.to_lowercase(), owner.email);
        let body = json!({ "email": email, "role": role });
        let answer = self.post("/api/v1/members/invitations", Some(&owner.access), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let link = self.link(&email, "/invitations/").await;
        let token = link.rsplit('/').next().unwrap();
        domain::members::accept(&OpCtx::anonymous("test"), &self.services, token, "Mia Member", PASSWORD).await.unwrap();
        self.login(&email).await
    }

    pub async fn acquire(&self, login: &Login, hardware: &str) -> Answer {
        self.post(
            "/api/v1/licenses/acquire",
            Some(&login.access),
            json!({ "hardware_id": hardware, "hostname": format!("host-{hardware}") }),
        )
        .await
    }

    pub async fn set_seats(&self, slug: &str, seats: u32) {
        let change = domain::policy::PolicyChange { max_seats: Some(seats), ..Default::default() };
        domain::policy::set(&OpCtx::system("test"), &self.services, slug, None, &change).await.unwrap();
    }
}
