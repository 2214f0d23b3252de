//! Any shuffle, duplication, loss and delay of an event history, with crashes in between, ends in what Stripe's state demands.

use crate::shop::{FAILS_LATER, PAYS, Shop};
use domain::billing::standing::standing;
use domain::billing::{self as money, plans};
use domain::ports::billing::Bell;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::time::Duration as Wait;
use time::Duration;
use types::licenses::{LicenseStatus, Tier};

/// One step at Stripe's side or in its time.
async fn something_happens(shop: &Shop, random: &mut StdRng) {
    let state = shop.state().await;
    let Some(s) = standing(&state, shop.svc().settings.billing_grace) else {
        return shop.days(random.random_range(1..20)).await;
    };
    let id = s.subscription.id.clone();
    let customer = shop.customer().await;
    match random.random_range(0..7) {
        0 | 1 => drop(shop.control(&format!("subscriptions/{id}"), json!({ "quantity": random.random_range(1..20) })).await),
        2 => drop(shop.control("card", json!({ "customer": customer, "number": FAILS_LATER })).await),
        3 => drop(shop.control("card", json!({ "customer": customer, "number": PAYS })).await),
        4 => {
            if let Some(open) = state.invoices.iter().find(|i| i.remaining.minor > 0) {
                let url = format!("{}v1/invoices/{}/pay", shop.url(), open.id);
                drop(shop.http.post(url).bearer_auth("sk_test_1").send().await.unwrap());
            }
        }
        5 if random.random_bool(0.2) => drop(shop.control(&format!("subscriptions/{id}"), json!({ "cancel": true })).await),
        _ => shop.days(random.random_range(1..40)).await,
    }
}

/// The worker, which dies at any moment.
async fn work_and_die(shop: &Shop, random: &mut StdRng) {
    let moment = Wait::from_millis(random.random_range(0..40));
    _ = tokio::time::timeout(moment, money::step(shop.svc())).await;
}

#[tokio::test]
async fn history_in_any_order_ends_in_the_same_row() {
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(seed);
        let shop = Shop::new().await;
        shop.buy(5).await;
        let mut told = 0;
        for _ in 0..12 {
            something_happens(&shop, &mut random).await;
            let events = shop.events().await;
            // What is new, and what is old, once or twice, in any order; a third is lost.
            let mut bells: Vec<Bell> = events
                .iter()
                .filter_map(|e| {
                    let object = &e["data"]["object"];
                    let customer = object["customer"].as_str().or_else(|| object["id"].as_str());
                    Some(Bell { event: e["id"].as_str()?.into(), kind: e["type"].as_str()?.into(), customer: customer.map(Into::into) })
                })
                .collect();
            bells.retain(|_| random.random_bool(0.66));
            bells.extend(bells.clone().into_iter().filter(|_| random.random_bool(0.3)).collect::<Vec<_>>());
            bells.shuffle(&mut random);
            for bell in bells.into_iter().take(8) {
                money::ring(shop.svc(), &bell).await.unwrap();
                told += 1;
                if random.random_bool(0.3) {
                    work_and_die(&shop, &mut random).await;
                }
            }
            shop.world.clock.advance(Duration::minutes(random.random_range(0..50)));
        }
        assert!(told > 20, "a history without events proves nothing");
        // No bell at all any more: the clock alone brings it in line. (A dead worker's claim runs out first.)
        shop.world.clock.advance(Duration::hours(2));
        shop.work().await;
        let state = shop.state().await;
        let license = shop.license().await;
        let (tier, seats, status) = match standing(&state, shop.svc().settings.billing_grace) {
            Some(s) => (s.subscription.plan, s.subscription.seats, s.status),
            None => (Tier::Free, plans::plan(Tier::Free).seats, LicenseStatus::Active),
        };
        assert_eq!((license.tier, license.max_seats, license.status), (tier, seats, status), "seed {seed}");
        assert_eq!(shop.world.count("billing_events WHERE done_at IS NULL").await, 0, "seed {seed}");
    }
}
