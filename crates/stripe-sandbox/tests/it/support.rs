//! A running sandbox and the calls that tests make.

use std::time::Duration;

use serde_json::{Value, json};
use stripe_sandbox::{Options, Sandbox};

pub const GOOD: &str = "4242424242424242";
pub const ATTACHES_ONLY: &str = "4000000000000341";
pub const DAY: i64 = 86_400;

/// A sandbox with a product, a monthly and a yearly price.
pub struct Bench {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
    pub monthly: String,
    pub yearly: String,
}

/// A customer who bought a monthly subscription.
pub struct Bought {
    pub customer: String,
    pub subscription: String,
    pub item: String,
}

type Form<'a> = &'a [(&'a str, &'a str)];

pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

impl Bench {
    pub async fn start() -> Self {
        Self::with(stripe_sandbox::start(Options::default()).expect("the sandbox starts")).await
    }

    pub async fn with(sandbox: Sandbox) -> Self {
        let mut bench = Self { sandbox, http: client(), monthly: String::new(), yearly: String::new() };
        bench.post("products", &[("id", "prod_team"), ("name", "Team")]).await;
        bench.monthly = bench.price("2000", "month", "team_month").await;
        bench.yearly = bench.price("20000", "year", "team_year").await;
        bench
    }

    async fn price(&self, amount: &str, interval: &str, key: &str) -> String {
        let form = [
            ("product", "prod_team"),
            ("currency", "usd"),
            ("unit_amount", amount),
            ("recurring[interval]", interval),
            ("lookup_key", key),
            ("nickname", "Team"),
        ];
        id(&self.post("prices", &form).await)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    /// A request with a key, not sent yet.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().expect("a method"), self.url(&format!("v1/{path}"))).bearer_auth("sk_test_123")
    }

    pub async fn try_post(&self, path: &str, form: Form<'_>) -> (u16, Value) {
        answer(self.request("POST", path).form(form)).await
    }

    pub async fn post(&self, path: &str, form: Form<'_>) -> Value {
        succeeded(path, self.try_post(path, form).await)
    }

    pub async fn try_get(&self, path: &str) -> (u16, Value) {
        answer(self.request("GET", path)).await
    }

    pub async fn get(&self, path: &str) -> Value {
        succeeded(path, self.try_get(path).await)
    }

    pub async fn delete(&self, path: &str) -> Value {
        succeeded(path, answer(self.request("DELETE", path)).await)
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(self.url(&format!("_sandbox/{path}"))).body(body.to_string());
        succeeded(path, answer(request).await)
    }

    /// Everything the sandbox knows.
    pub async fn state(&self) -> Value {
        succeeded("state", answer(self.http.get(self.url("_sandbox/state"))).await)
    }

    pub async fn advance(&self, seconds: i64) {
        self.control("advance", json!({ "seconds": seconds })).await;
    }

    pub async fn now(&self) -> i64 {
        self.get("test_helpers/test_clocks/clock_sandbox").await["frozen_time"].as_i64().expect("a time")
    }

    pub async fn customer(&self) -> String {
        id(&self.post("customers", &[("name", "Acme"), ("email", "ada@example.com")]).await)
    }

    pub async fn session(&self, customer: &str, quantity: &str) -> Value {
        let form = [
            ("mode", "subscription"),
            ("customer", customer),
            ("line_items[0][price]", &self.monthly),
            ("line_items[0][quantity]", quantity),
            ("line_items[0][adjustable_quantity][enabled]", "true"),
            ("line_items[0][adjustable_quantity][minimum]", "2"),
            ("line_items[0][adjustable_quantity][maximum]", "50"),
            ("success_url", "http://portal.example/done?session={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "http://portal.example/back"),
            ("client_reference_id", "org-1"),
            ("metadata[order]", "7"),
            ("subscription_data[metadata][org]", "1"),
        ];
        self.post("checkout/sessions", &form).await
    }

    /// Sends a form of a page, with the address as the page has it.
    pub async fn submit(&self, url: &str, form: Form<'_>) -> (u16, String, Option<String>) {
        let answer = self.http.post(url).form(form).send().await.expect("an answer");
        let location = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
        (answer.status().as_u16(), answer.text().await.expect("a page"), location)
    }

    pub async fn page(&self, url: &str) -> String {
        self.http.get(url).send().await.expect("an answer").text().await.expect("a page")
    }

    pub async fn buy(&self, quantity: &str, card: &str) -> Bought {
        let customer = self.customer().await;
        let session = self.session(&customer, quantity).await;
        let (status, page, _) = self.submit(text(&session, "url"), &card_form(card)).await;
        assert_eq!(status, 303, "{page}");
        let session = self.get(&format!("checkout/sessions/{}", id(&session))).await;
        let subscription = text(&session, "subscription").to_owned();
        let found = self.subscription(&subscription).await;
        Bought { customer, subscription, item: id(&found["items"]["data"][0]) }
    }

    pub async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("subscriptions/{id}?expand[]=latest_invoice")).await
    }

    /// All events of a kind, oldest first.
    pub async fn events(&self, kind: &str) -> Vec<Value> {
        let all = self.http.get(self.url("_sandbox/events")).send().await.expect("an answer");
        let all: Value = all.json().await.expect("JSON");
        let all = all["data"].as_array().expect("a list").clone();
        all.into_iter().filter(|event| event["type"] == kind).collect()
    }
}

pub fn card_form(number: &str) -> [(&str, &str); 4] {
    [("card_number", number), ("exp", "12 / 40"), ("cvc", "123"), ("name", "Ada")]
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn succeeded(what: &str, (status, body): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{what}: {body}");
    body
}

pub fn id(object: &Value) -> String {
    text(object, "id").to_owned()
}

pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {object}"))
}
