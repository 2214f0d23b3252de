//! Stripe down, slow, wrong, or after the fact; crashes in between; webhooks by a hostile hand.

use crate::shop::{PAYS, Shop, WEBHOOK_SECRET};
use crate::world::{World, code};
use billing::StripeBilling;
use domain::billing::actions::{self, Decided};
use domain::billing::{self as money, view};
use domain::ports::billing::{Bell, Billing, BillingError};
use domain::support;
use serde_json::json;
use std::time::Duration as Wait;
use time::Duration;
use types::Code;
use types::licenses::{LicenseSource, Tier};

fn bell(event: &str, customer: &str) -> Bell {
    Bell { event: event.to_owned(), kind: "customer.subscription.updated".to_owned(), customer: Some(customer.to_owned()) }
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_deed_is_no_second_deed() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    for (seats, fault) in [
        (6, json!({ "drop_after_commit": true, "path": "/v1/subscriptions/", "method": "POST" })),
        (7, json!({ "status_after_commit": 500, "path": "/v1/subscriptions/", "method": "POST" })),
        (8, json!({ "status": 429, "times": 1, "path": "/v1/subscriptions/", "method": "POST" })),
        (9, json!({ "status": 503, "times": 2, "path": "/v1/subscriptions/", "method": "POST" })),
    ] {
        let quote = shop.quote(seats).await;
        shop.control("fail", fault).await;
        let decided = actions::update_seats(&shop.owner().await, shop.svc(), seats, &quote.agreement).await;
        assert_eq!(decided.unwrap(), Decided::Added, "{seats}");
        assert_eq!(shop.license().await.max_seats, seats);
    }
    let state = shop.state().await;
    assert_eq!(state.invoices.len(), 5, "one for the purchase and one for each change");
    assert_eq!(shop.world.count("billing_intents WHERE status = 'pending'").await, 0);
}

#[tokio::test]
async fn a_failure_before_the_deed_is_no_deed_and_can_be_tried_again() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let quote = shop.quote(6).await;
    shop.control("fail", json!({ "status": 500, "times": 3, "path": "/v1/subscriptions/", "method": "POST" })).await;
    let owner = shop.owner().await;
    assert_eq!(code(actions::update_seats(&owner, shop.svc(), 6, &quote.agreement).await), Code::BillingUnavailable);
    assert_eq!(shop.license().await.max_seats, 5);
    assert_eq!(shop.change(6).await.unwrap(), Decided::Added);
}

#[tokio::test]
async fn what_a_crash_left_undone_is_done_once_by_the_worker() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let quote = shop.quote(6).await;
    let owner = shop.owner().await;
    shop.control("hold", json!({ "on": true, "path": "/v1/subscriptions/" })).await;
    // The process dies while Stripe has not answered: the call may arrive or not.
    let doomed = tokio::time::timeout(Wait::from_secs(2), actions::update_seats(&owner, shop.svc(), 6, &quote.agreement)).await;
    assert!(doomed.is_err());
    assert_eq!(shop.world.count("billing_intents WHERE status = 'pending'").await, 1);
    assert!(view::view(&owner, shop.svc()).await.unwrap().pending.is_some());
    shop.control("hold", json!({ "on": false })).await;
    // A different wish has to wait; nobody is charged for both.
    let other = shop.quote(9).await;
    assert_eq!(code(actions::update_seats(&owner, shop.svc(), 9, &other.agreement).await), Code::Conflict);
    // The worker finds it within the minute, and again while Stripe says that the first call under this key still runs.
    for _ in 0..5 {
        shop.world.clock.advance(Duration::seconds(61));
        shop.work().await;
        if shop.world.count("billing_intents WHERE status = 'pending'").await == 0 {
            break;
        }
        tokio::time::sleep(Wait::from_millis(500)).await;
    }
    let state = shop.state().await;
    assert_eq!((state.subscriptions[0].seats, state.invoices.len()), (6, 2));
    assert_eq!(shop.license().await.max_seats, 6);
    assert_eq!(shop.world.count("billing_intents WHERE status = 'pending'").await, 0);
}

#[tokio::test]
async fn after_a_day_a_forgotten_wish_is_not_carried_out() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let quote = shop.quote(6).await;
    let owner = shop.owner().await;
    // Never carried out: the provider closes the connection each time.
    shop.control("fail", json!({ "timeout_ms": 1, "times": 3, "path": "/v1/subscriptions/", "method": "POST" })).await;
    assert_eq!(code(actions::update_seats(&owner, shop.svc(), 6, &quote.agreement).await), Code::BillingUnavailable);
    assert_eq!(shop.world.count("billing_intents WHERE status = 'pending'").await, 1);
    shop.world.clock.advance(Duration::hours(25));
    shop.work().await;
    assert_eq!(shop.state().await.subscriptions[0].seats, 5);
    assert_eq!(shop.world.count("billing_intents WHERE status = 'failed'").await, 1);
}

#[tokio::test]
async fn a_provider_that_hangs_holds_no_connection_and_no_page() {
    let shop = Shop::of(World::with_connections(1).await).await;
    shop.buy(5).await;
    let owner = shop.owner().await;
    shop.control("hold", json!({ "on": true, "path": "/v1/" })).await;
    let hanging = tokio::spawn({
        let svc = shop.svc().clone();
        let tenant = shop.org.id;
        async move { money::sync(&svc, tenant).await.map(drop) }
    });
    tokio::time::sleep(Wait::from_millis(300)).await;
    // The one connection is free: the page is read from our own database.
    let view = tokio::time::timeout(Wait::from_secs(5), view::view(&owner, shop.svc())).await.unwrap().unwrap();
    assert_eq!(view.seats, 5);
    assert!(!hanging.is_finished());
    hanging.abort();
    shop.control("hold", json!({ "on": false })).await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_later() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let id = shop.state().await.subscriptions[0].id.clone();
    shop.control(&format!("subscriptions/{id}"), json!({ "quantity": 8 })).await;
    money::ring(shop.svc(), &bell("evt_x", &shop.customer().await)).await.unwrap();
    shop.control("fail", json!({ "status": 503, "times": 3, "path": "/v1/customers/" })).await;
    assert!(money::step(shop.svc()).await.unwrap());
    assert!(!money::step(shop.svc()).await.unwrap(), "not at once");
    assert_eq!(shop.license().await.max_seats, 5);
    assert_eq!(shop.world.count("billing_events WHERE event_id = 'evt_x' AND done_at IS NULL").await, 1);
    shop.world.clock.advance(Duration::hours(1));
    shop.work().await;
    assert_eq!(shop.license().await.max_seats, 8);
    assert_eq!(shop.world.count("billing_events WHERE done_at IS NULL").await, 0);
}

#[tokio::test]
async fn a_bell_counts_once_and_one_that_rings_meanwhile_is_heard() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    shop.work().await;
    let customer = shop.customer().await;
    for _ in 0..3 {
        money::ring(shop.svc(), &bell("evt_1", &customer)).await.unwrap();
    }
    assert_eq!(shop.world.count("billing_events WHERE event_id = 'evt_1'").await, 1);
    assert!(money::step(shop.svc()).await.unwrap());
    assert!(!money::step(shop.svc()).await.unwrap());
    money::ring(shop.svc(), &bell("evt_1", &customer)).await.unwrap();
    assert!(!money::step(shop.svc()).await.unwrap(), "an old bell again");
    // While one reading hangs, Stripe changes and rings: there is a second reading.
    money::ring(shop.svc(), &bell("evt_2", &customer)).await.unwrap();
    shop.control("hold", json!({ "on": true, "path": "/v1/customers" })).await;
    let (reading, ()) = tokio::join!(money::step(shop.svc()), async {
        tokio::time::sleep(Wait::from_millis(400)).await;
        let id = shop.world.column("SELECT state #>> '{subscriptions,0,id}' FROM billing_accounts").await.remove(0).unwrap();
        shop.control(&format!("subscriptions/{id}"), json!({ "quantity": 6 })).await;
        money::ring(shop.svc(), &bell("evt_3", &customer)).await.unwrap();
        shop.control("hold", json!({ "on": false })).await;
    });
    assert!(reading.unwrap());
    shop.work().await;
    assert_eq!(shop.license().await.max_seats, 6);
    assert_eq!(shop.world.count("billing_events WHERE done_at IS NULL").await, 0);
    // Of a stranger: kept, and nothing else.
    money::ring(shop.svc(), &bell("evt_4", "cus_stranger")).await.unwrap();
    assert!(!money::step(shop.svc()).await.unwrap());
}

#[tokio::test]
async fn an_old_reading_does_not_overwrite_a_newer_one() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let id = shop.state().await.subscriptions[0].id.clone();
    // The first reader gets the old quantity and then waits for its invoices; meanwhile a second one reads the new one.
    shop.control("hold", json!({ "on": true, "path": "/v1/invoices" })).await;
    let tenant = shop.org.id;
    let first = tokio::spawn({
        let svc = shop.svc().clone();
        async move { money::sync(&svc, tenant).await }
    });
    tokio::time::sleep(Wait::from_millis(500)).await;
    shop.control(&format!("subscriptions/{id}"), json!({ "quantity": 9 })).await;
    let second = tokio::spawn({
        let svc = shop.svc().clone();
        async move { money::sync(&svc, tenant).await }
    });
    tokio::time::sleep(Wait::from_millis(500)).await;
    shop.control("hold", json!({ "on": false })).await;
    assert!(first.await.unwrap().unwrap().is_none(), "the first was overtaken");
    assert!(second.await.unwrap().unwrap().is_some());
    assert_eq!(shop.license().await.max_seats, 9);
}

#[tokio::test]
async fn objects_of_the_other_mode_are_refused() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    // A live key that is led to test objects, as after a mix-up of addresses; the sandbox itself takes test keys only.
    let live = StripeBilling::new("rk_live_1", Some(&shop.url()), vec![WEBHOOK_SECRET.to_owned()]).unwrap();
    let error = live.state(&shop.customer().await).await.unwrap_err();
    assert!(matches!(error, BillingError::Refused { .. } | BillingError::Unexpected(_)), "{error}");
}

#[tokio::test]
async fn seats_from_a_subscription_are_not_set_by_hand_and_a_grant_stands_above_it() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let change = domain::policy::PolicyChange { max_seats: Some(50), ..Default::default() };
    let set = domain::policy::set(&store::OpCtx::system("operator"), shop.svc(), &shop.org.slug, None, &change).await;
    assert_eq!(code(set), Code::Conflict);
    // Staff cannot grant what would be paid for besides.
    let staff = shop.world.support("Sven").await;
    assert_eq!(code(support::grant_plan(&staff, shop.svc(), shop.org.id, "50", "", "Signed contract").await), Code::Conflict);
    shop.world.run("UPDATE licenses SET source = 'grant', tier = 'ENTERPRISE', max_seats = 50").await;
    money::reconcile(shop.svc(), None).await.unwrap();
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats), (Tier::Enterprise, 50));
    assert_eq!(view::view(&shop.owner().await, shop.svc()).await.unwrap().source, LicenseSource::Grant);
}

#[tokio::test]
async fn staff_grant_a_plan_and_take_it_back() {
    let shop = Shop::new().await;
    let staff = shop.world.support("Sven").await;
    let svc = shop.svc();
    for (seats, until, reason, field) in [
        ("0", "", "Contract", "/seats"),
        ("many", "", "Contract", "/seats"),
        ("50", "2020-01-01", "Contract", "/until"),
        ("50", "tomorrow", "Contract", "/until"),
        ("50", "", " ", "/reason"),
    ] {
        let problem = support::grant_plan(&staff, svc, shop.org.id, seats, until, reason).await.unwrap_err().into_problem();
        assert_eq!(problem.pointer.as_deref(), Some(field));
    }
    assert_eq!(code(support::grant_plan(&shop.owner().await, svc, shop.org.id, "50", "", "For myself").await), Code::NotFound);
    assert_eq!(code(support::end_grant(&staff, svc, shop.org.id, "Nothing there").await), Code::Conflict);
    support::grant_plan(&staff, svc, shop.org.id, "50", "2099-12-31", "Contract 4711").await.unwrap();
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats, license.key), (Tier::Enterprise, 50, shop.org.key.clone()));
    assert_eq!(license.expires_at.unwrap().to_string(), "2100-01-01 0:00:00.0 +00:00:00");
    assert_eq!(
        shop.world.count("audit_log WHERE action = 'license.granted' AND reason = 'Contract 4711' AND actor_kind = 'staff'").await,
        1
    );
    assert_eq!(code(actions::buy(&shop.owner().await, svc, 3, types::billing::Interval::Month).await), Code::Conflict);
    support::end_grant(&staff, svc, shop.org.id, "Contract ended").await.unwrap();
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats, license.expires_at), (Tier::Free, 1, None));
}

#[tokio::test]
async fn a_granted_plan_ends_with_its_day() {
    let shop = Shop::new().await;
    let staff = shop.world.support("Sven").await;
    let svc = shop.svc();
    let other = shop.world.org("Other", 1).await;
    support::grant_plan(&staff, svc, other.id, "30", "", "No end").await.unwrap();
    let day = (svc.now() + time::Duration::days(1)).date();
    support::grant_plan(&staff, svc, shop.org.id, "50", &day.to_string(), "Trial").await.unwrap();
    shop.world.clock.set(day.next_day().unwrap().midnight().assume_utc() - time::Duration::SECOND);
    assert!(!support::end_grants_in_time(svc).await.unwrap());
    assert_eq!(shop.license().await.tier, Tier::Enterprise, "to the end of the day");

    shop.world.clock.advance(time::Duration::SECOND);
    support::end_grants_in_time(svc).await.unwrap();
    support::end_grants_in_time(svc).await.unwrap();
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats, license.expires_at), (Tier::Free, 1, None));
    let noted = "audit_log WHERE action = 'license.grant_ended' AND actor_kind = 'system' AND reason LIKE 'The time%'";
    assert_eq!(shop.world.count(noted).await, 1, "once, and not of the one without an end");
    shop.buy(2).await;
    assert_eq!(shop.license().await.max_seats, 2);
}

#[tokio::test]
async fn a_grant_closes_a_payment_page_that_is_open() {
    let shop = Shop::new().await;
    let staff = shop.world.support("Sven").await;
    let page = shop.checkout(5).await;
    support::grant_plan(&staff, shop.svc(), shop.org.id, "20", "", "Contract").await.unwrap();
    assert_ne!(shop.pay(&page, PAYS).await, 303);
    assert!(shop.state().await.subscriptions.is_empty(), "nobody pays for what he is given");
    // Paid, and not yet read: no grant.
    let other = Shop::new().await;
    let (staff, page) = (other.world.support("Sven").await, other.checkout(5).await);
    assert_eq!(other.pay(&page, PAYS).await, 303);
    assert_eq!(code(support::grant_plan(&staff, other.svc(), other.org.id, "20", "", "Contract").await), Code::Conflict);
    assert_eq!(other.license().await.max_seats, 5);
}

#[tokio::test]
async fn a_customer_who_was_deleted_at_stripe_has_the_free_seat_and_can_buy_again() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let gone = shop.customer().await;
    let deleted = shop.http.delete(format!("{}v1/customers/{gone}", shop.url())).bearer_auth("sk_test_1").send().await.unwrap();
    assert_eq!(deleted.status(), 200);
    money::reconcile(shop.svc(), None).await.unwrap();
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats), (Tier::Free, 1));
    shop.buy(2).await;
    assert_ne!(shop.customer().await, gone);
    assert_eq!(shop.license().await.max_seats, 2);
}

#[tokio::test]
async fn a_free_organization_keeps_what_the_operator_gave_it() {
    let shop = Shop::new().await;
    shop.world.set_seats(&shop.org, 4).await;
    shop.checkout(3).await;
    money::reconcile(shop.svc(), None).await.unwrap();
    assert_eq!(shop.license().await.max_seats, 4, "opening a page buys nothing");
    let url = shop.checkout(2).await;
    assert_eq!(shop.pay(&url, PAYS).await, 303);
    money::reconcile(shop.svc(), None).await.unwrap();
    assert_eq!(shop.license().await.max_seats, 2);
}
