//! An organisation that buys at the Stripe sandbox: the real adapter, over HTTP.

use crate::people::{Org, as_user};
use crate::world::World;
use billing::StripeBilling;
use domain::billing::actions::{self, Decided};
use domain::billing::{self as money, plans, quotes};
use domain::ports::billing::{Billing, State};
use domain::{Services, identity, licenses};
use serde_json::{Value, json};
use std::sync::Arc;
use store::OpCtx;
use stripe_sandbox::{Options, Sandbox};
use types::billing::{Interval, SeatQuote};
use types::licenses::License;

pub const PAYS: &str = "4242424242424242";
pub const FAILS_LATER: &str = "4000000000000341";
pub const WEBHOOK_SECRET: &str = "whsec_test";

pub struct Shop {
    pub world: World,
    pub org: Org,
    pub provider: Arc<StripeBilling>,
    pub http: reqwest::Client,
    sandbox: Sandbox,
}

impl Shop {
    pub async fn new() -> Self {
        Self::of(World::new().await).await
    }

    pub async fn of(mut world: World) -> Self {
        let sandbox = stripe_sandbox::start(Options::default()).unwrap();
        let provider = Arc::new(StripeBilling::new("sk_test_1", Some(&sandbox.url()), vec![WEBHOOK_SECRET.to_owned()]).unwrap());
        world.svc.billing = Some(provider.clone());
        plans::sync_catalogue(&world.svc).await.unwrap();
        let org = world.org("Meridian", 1).await;
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { world, org, provider, http, sandbox }
    }

    /// The sandbox's address, with a slash at the end.
    pub fn url(&self) -> String {
        self.sandbox.url()
    }

    pub fn svc(&self) -> &Services {
        &self.world.svc
    }

    /// The owner, in the organisation.
    pub async fn owner(&self) -> OpCtx {
        identity::enter(&as_user(&self.org.owner), self.svc(), &self.org.slug).await.unwrap().0
    }

    /// Presses one of the sandbox's own buttons.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer =
            self.http.post(format!("{}_sandbox/{path}", self.sandbox.url())).json(&body).send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    pub async fn days(&self, days: i64) {
        self.control("advance", json!({ "seconds": days * 86_400 })).await;
    }

    pub async fn events(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{}_sandbox/events", self.sandbox.url())).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["data"].as_array().unwrap().clone()
    }

    /// Opens the page where the first seats are paid.
    pub async fn checkout(&self, seats: u32) -> String {
        let Decided::Checkout(url) = actions::buy(&self.owner().await, self.svc(), seats, Interval::Month).await.unwrap() else {
            panic!("no page to pay on")
        };
        url
    }

    /// Fills in the provider's page; the status is 303 when it was paid.
    pub async fn pay(&self, url: &str, card: &str) -> u16 {
        let form = [("card_number", card), ("exp", "08/40"), ("cvc", "123"), ("name", "Ingrid")];
        self.http.post(url).form(&form).send().await.unwrap().status().as_u16()
    }

    /// Buys and comes back.
    pub async fn buy(&self, seats: u32) {
        let url = self.checkout(seats).await;
        assert_eq!(self.pay(&url, PAYS).await, 303);
        actions::returned(&self.owner().await, self.svc()).await.unwrap();
    }

    pub async fn quote(&self, seats: u32) -> SeatQuote {
        quotes::quote(&self.owner().await, self.svc(), seats, Interval::Month).await.unwrap()
    }

    /// Sees the price and agrees.
    pub async fn change(&self, seats: u32) -> domain::Result<Decided> {
        let quote = self.quote(seats).await;
        actions::update_seats(&self.owner().await, self.svc(), seats, &quote.agreement).await
    }

    pub async fn license(&self) -> License {
        licenses::list(&self.owner().await, self.svc()).await.unwrap().remove(0)
    }

    pub async fn customer(&self) -> String {
        self.world.column("SELECT customer_id FROM billing_accounts").await.remove(0).unwrap()
    }

    /// What Stripe knows.
    pub async fn state(&self) -> State {
        self.provider.state(&self.customer().await).await.unwrap()
    }

    /// The worker, until it finds nothing more to do.
    pub async fn work(&self) {
        while money::step(self.svc()).await.unwrap() {}
        while domain::jobs::flush_copies(self.svc()).await.unwrap() > 0 {}
    }
}
