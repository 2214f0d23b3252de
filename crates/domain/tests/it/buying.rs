//! Buying seats, changing them, paying late: what the customer sees, against the sandbox.

use crate::people::as_user;
use crate::shop::{FAILS_LATER, PAYS, Shop};
use crate::world::code;
use domain::billing::actions::{self, Decided};
use domain::billing::{self as money, quotes, view};
use domain::identity;
use serde_json::json;
use time::Duration;
use types::billing::Interval;
use types::licenses::{LicenseSource, LicenseStatus, Tier};
use types::{Code, Role};

#[tokio::test]
async fn seats_are_there_when_one_comes_back_webhook_or_not() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats, license.status), (Tier::Pro, 5, LicenseStatus::Active));
    assert_eq!(license.key, shop.org.key, "the key stays");
    let view = view::view(&shop.owner().await, shop.svc()).await.unwrap();
    assert_eq!(view.source, LicenseSource::Subscription);
    assert_eq!(view.next_charge.unwrap().amount.to_string(), "$140.00");
    assert_eq!(view.card.unwrap().label, "Visa ending 4242");
    assert_eq!(view.invoices.len(), 1);
}

#[tokio::test]
async fn more_seats_cost_what_was_shown_and_count_at_once() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    shop.days(10).await;
    actions::returned(&shop.owner().await, shop.svc()).await.unwrap();
    let quote = shop.quote(7).await;
    assert!(quote.sentence.contains("for 2 more seats until") && quote.sentence.contains("$196.00 a month"), "{}", quote.sentence);
    let decided = actions::update_seats(&shop.owner().await, shop.svc(), 7, &quote.agreement).await.unwrap();
    assert_eq!(decided, Decided::Added);
    assert_eq!(shop.license().await.max_seats, 7);
    let invoice = shop.state().await.invoices.remove(0);
    assert!(quote.sentence.starts_with(&format!("{} today", invoice.total)), "{} is not {}", quote.sentence, invoice.total);
}

#[tokio::test]
async fn fewer_seats_wait_for_the_end_of_the_period_and_can_be_taken_back() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    assert_eq!(shop.change(2).await.unwrap(), Decided::Booked);
    assert_eq!(shop.license().await.max_seats, 5, "nothing is taken away now");
    assert_eq!(shop.state().await.subscriptions[0].booked.unwrap().seats, 2);
    actions::keep_seats(&shop.owner().await, shop.svc()).await.unwrap();
    assert_eq!(shop.state().await.subscriptions[0].booked, None);
    shop.days(32).await;
    shop.world.clock.advance(Duration::hours(2));
    shop.work().await;
    assert_eq!(shop.license().await.max_seats, 5);

    assert_eq!(shop.change(2).await.unwrap(), Decided::Booked);
    assert_eq!(shop.change(3).await.unwrap(), Decided::Booked, "decided anew");
    shop.days(32).await;
    shop.world.clock.advance(Duration::hours(2));
    shop.work().await;
    assert_eq!(shop.license().await.max_seats, 3);
    assert_eq!(shop.state().await.invoices[0].total.to_string(), "$84.00");
}

#[tokio::test]
async fn a_yearly_plan_is_reduced_at_the_year_s_end_again_and_again() {
    let shop = Shop::new().await;
    let Decided::Checkout(url) = actions::buy(&shop.owner().await, shop.svc(), 10, Interval::Year).await.unwrap() else { panic!() };
    assert_eq!(shop.pay(&url, PAYS).await, 303);
    actions::returned(&shop.owner().await, shop.svc()).await.unwrap();
    let pass = async |days| {
        shop.days(days).await;
        shop.world.clock.advance(Duration::hours(2));
        shop.work().await;
        shop.license().await.max_seats
    };
    shop.change(8).await.unwrap();
    assert_eq!(pass(366).await, 8);
    assert_eq!(pass(35).await, 8);
    // In the first month of the second year, while the first booking's schedule may still be there, and after it.
    shop.change(2).await.unwrap();
    let s = shop.state().await.subscriptions.remove(0);
    assert_eq!(s.booked.map(|b| (b.seats, b.at)), Some((2, s.period_end)), "shown, and at the year's end");
    assert_eq!(pass(200).await, 8, "what is paid for a year stays a year");
    assert_eq!(pass(140).await, 2);
    shop.change(1).await.unwrap();
    assert_eq!(pass(40).await, 2);
}

#[tokio::test]
async fn a_second_click_on_what_is_done_is_no_error_and_no_charge() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let (quote, owner) = (shop.quote(7).await, shop.owner().await);
    for _ in 0..2 {
        assert_eq!(actions::update_seats(&owner, shop.svc(), 7, &quote.agreement).await.unwrap(), Decided::Added);
    }
    assert_eq!(shop.state().await.invoices.len(), 2);
    // A stale page does not take back what a colleague has booked since.
    shop.change(4).await.unwrap();
    assert_eq!(actions::update_seats(&owner, shop.svc(), 7, &quote.agreement).await.unwrap(), Decided::Added);
    assert_eq!(actions::update_seats(&owner, shop.svc(), 7, "").await.unwrap(), Decided::ShowPrice);
    assert_eq!(shop.state().await.subscriptions[0].booked.unwrap().seats, 4);
}

#[tokio::test]
async fn a_page_that_was_paid_a_moment_ago_is_not_paid_again() {
    let shop = Shop::new().await;
    let first = shop.checkout(3).await;
    // The second click has read that nothing is bought, and then waits for the provider; meanwhile the first page is paid.
    shop.control("hold", json!({ "on": true, "path": "/v1/checkout/sessions" })).await;
    let owner = shop.owner().await;
    let (second, paid) = tokio::join!(actions::buy(&owner, shop.svc(), 5, Interval::Month), async {
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        let paid = shop.pay(&first, PAYS).await;
        shop.control("hold", json!({ "on": false })).await;
        paid
    });
    assert_eq!(paid, 303);
    assert_eq!(code(second), Code::Conflict);
    assert_eq!(shop.state().await.subscriptions.len(), 1);
    assert_eq!(shop.license().await.max_seats, 3);
}

#[tokio::test]
async fn a_suspended_organization_buys_nothing() {
    let shop = Shop::new().await;
    let staff = shop.world.support("Sven").await;
    let page = shop.checkout(3).await;
    domain::support::set_suspended(&staff, shop.svc(), shop.org.id, true, "Fraud").await.unwrap();
    assert_ne!(shop.pay(&page, PAYS).await, 303, "the open page has been closed");
    assert_eq!(code(actions::buy(&shop.owner().await, shop.svc(), 3, Interval::Month).await), Code::TenantSuspended);
}

#[tokio::test]
async fn adding_after_booking_fewer_replaces_the_booking() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    shop.change(2).await.unwrap();
    assert_eq!(shop.change(6).await.unwrap(), Decided::Added);
    let s = shop.state().await.subscriptions.remove(0);
    assert_eq!((s.seats, s.booked), (6, None));
}

#[tokio::test]
async fn a_price_that_was_not_shown_is_shown_first() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let owner = shop.owner().await;
    let quote = shop.quote(7).await;
    for (seats, agreement) in [(7, ""), (7, "nonsense"), (8, quote.agreement.as_str())] {
        assert_eq!(actions::update_seats(&owner, shop.svc(), seats, agreement).await.unwrap(), Decided::ShowPrice);
    }
    shop.world.clock.advance(Duration::minutes(31));
    assert_eq!(actions::update_seats(&owner, shop.svc(), 7, &quote.agreement).await.unwrap(), Decided::ShowPrice, "the price is old");
    assert_eq!(shop.license().await.max_seats, 5);
    // Of another organisation.
    let other = shop.world.org("Fjordline", 1).await;
    let theirs = identity::enter(&as_user(&other.owner), shop.svc(), &other.slug).await.unwrap().0;
    assert_eq!(code(actions::update_seats(&theirs, shop.svc(), 7, &quote.agreement).await), Code::Conflict);
}

#[tokio::test]
async fn of_two_tabs_the_second_is_told_that_things_have_changed() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let (first, second) = (shop.quote(6).await, shop.quote(9).await);
    let owner = shop.owner().await;
    assert_eq!(actions::update_seats(&owner, shop.svc(), 6, &first.agreement).await.unwrap(), Decided::Added);
    assert_eq!(code(actions::update_seats(&owner, shop.svc(), 9, &second.agreement).await), Code::Conflict);
    assert_eq!(shop.state().await.subscriptions[0].seats, 6);
}

#[tokio::test]
async fn many_clicks_at_once_charge_once() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let quote = shop.quote(8).await;
    let owner = shop.owner().await;
    let click = || actions::update_seats(&owner, shop.svc(), 8, &quote.agreement);
    let (a, b, c, d) = tokio::join!(click(), click(), click(), click());
    let won = [&a, &b, &c, &d].into_iter().filter(|r| matches!(r, Ok(Decided::Added))).count();
    assert!(won >= 1, "{a:?} {b:?} {c:?} {d:?}");
    let state = shop.state().await;
    assert_eq!(state.subscriptions[0].seats, 8);
    assert_eq!(state.invoices.len(), 2, "the purchase, and one for the three more");
}

#[tokio::test]
async fn only_one_of_two_payment_pages_can_be_paid() {
    let shop = Shop::new().await;
    let (first, second) = (shop.checkout(3).await, shop.checkout(5).await);
    assert_ne!(shop.pay(&first, PAYS).await, 303);
    assert_eq!(shop.pay(&second, PAYS).await, 303);
    actions::returned(&shop.owner().await, shop.svc()).await.unwrap();
    assert_eq!(shop.state().await.subscriptions.len(), 1);
    assert_eq!(shop.license().await.max_seats, 5);
    assert_eq!(code(actions::buy(&shop.owner().await, shop.svc(), 2, Interval::Month).await), Code::Conflict);
}

#[tokio::test]
async fn a_declined_card_changes_nothing() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    shop.control("card", json!({ "customer": shop.customer().await, "number": FAILS_LATER })).await;
    assert_eq!(code(shop.change(9).await), Code::PaymentDeclined);
    assert_eq!(shop.state().await.subscriptions[0].seats, 5);
    shop.change(2).await.unwrap();
    assert_eq!(code(shop.change(9).await), Code::PaymentDeclined);
    assert_eq!(shop.state().await.subscriptions[0].booked.unwrap().seats, 2, "what was booked stays booked");
    assert_eq!(shop.license().await.max_seats, 5);
    assert_eq!(shop.license().await.status, LicenseStatus::Active);
    // With a good card it works.
    shop.control("card", json!({ "customer": shop.customer().await, "number": PAYS })).await;
    assert_eq!(shop.change(9).await.unwrap(), Decided::Added);
}

#[tokio::test]
async fn unpaid_is_grace_then_refusal_then_all_again() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let customer = shop.customer().await;
    shop.control("card", json!({ "customer": customer, "number": FAILS_LATER })).await;
    let pass = async |days| {
        shop.days(days).await;
        shop.world.clock.advance(Duration::hours(2));
        shop.work().await;
        shop.license().await.status
    };
    assert_eq!(pass(32).await, LicenseStatus::PastDue);
    let owner = shop.owner().await;
    assert_eq!(code(quotes::quote(&owner, shop.svc(), 6, Interval::Month).await), Code::InvalidRequest, "pay first");
    let mails = shop.world.column("SELECT subject FROM mail_outbox WHERE subject LIKE 'Payment of%' ORDER BY id").await;
    assert_eq!(mails, [Some("Payment of $140.00 for Meridian failed".to_owned())]);
    assert!(view::owed(&owner, shop.svc()).await.unwrap().is_some());
    assert_eq!(pass(8).await, LicenseStatus::Restricted);
    assert_eq!(shop.license().await.max_seats, 5);
    assert_eq!(shop.world.count("mail_outbox WHERE subject LIKE 'New starts are refused%'").await, 1);

    shop.control("card", json!({ "customer": customer, "number": PAYS })).await;
    let open = shop.state().await.invoices.into_iter().find(|i| i.remaining.minor > 0).unwrap();
    let paid = shop.http.post(format!("{}v1/invoices/{}/pay", shop.url(), open.id)).bearer_auth("sk_test_1").send().await.unwrap();
    assert_eq!(paid.status(), 200);
    actions::returned(&owner, shop.svc()).await.unwrap();
    assert_eq!(shop.license().await.status, LicenseStatus::Active);
    assert!(view::owed(&owner, shop.svc()).await.unwrap().is_none());
    assert_eq!(shop.world.count("mail_outbox WHERE subject LIKE '%is paid up'").await, 1);
}

#[tokio::test]
async fn a_canceled_plan_runs_to_its_end_and_can_be_resumed() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let owner = shop.owner().await;
    shop.change(3).await.unwrap();
    actions::set_canceled(&owner, shop.svc(), true).await.unwrap();
    actions::set_canceled(&owner, shop.svc(), true).await.unwrap();
    assert_eq!(shop.license().await.max_seats, 5);
    actions::set_canceled(&owner, shop.svc(), false).await.unwrap();
    assert!(!shop.state().await.subscriptions[0].cancel_at_period_end);
    actions::set_canceled(&owner, shop.svc(), true).await.unwrap();
    shop.days(32).await;
    shop.world.clock.advance(Duration::hours(2));
    shop.work().await;
    let license = shop.license().await;
    assert_eq!((license.tier, license.max_seats, license.status), (Tier::Free, 1, LicenseStatus::Active));
    // And buys again.
    shop.buy(2).await;
    assert_eq!(shop.license().await.max_seats, 2);
}

#[tokio::test]
async fn what_is_changed_at_stripe_is_read() {
    let shop = Shop::new().await;
    shop.buy(5).await;
    let id = shop.state().await.subscriptions[0].id.clone();
    shop.control(&format!("subscriptions/{id}"), json!({ "quantity": 11 })).await;
    assert_eq!(money::reconcile(shop.svc(), Some(&shop.org.slug)).await.unwrap(), 1);
    assert_eq!(shop.license().await.max_seats, 11);
    shop.control(&format!("subscriptions/{id}"), json!({ "cancel": true })).await;
    assert_eq!(money::reconcile(shop.svc(), None).await.unwrap(), 1);
    assert_eq!(shop.license().await.tier, Tier::Free);
}

#[tokio::test]
async fn who_may_buy() {
    let shop = Shop::new().await;
    let enter = async |role: Role| {
        let person = shop.world.person(&format!("A {role}")).await;
        shop.world.enlist(&shop.org, &person, role).await;
        identity::enter(&as_user(&person), shop.svc(), &shop.org.slug).await.unwrap().0
    };
    let (admin, billing, member, guest) =
        (enter(Role::Admin).await, enter(Role::Billing).await, enter(Role::Member).await, enter(Role::Guest).await);
    for allowed in [&admin, &billing] {
        assert!(quotes::quote(allowed, shop.svc(), 3, Interval::Year).await.unwrap().sentence.contains("$840.00 a year"));
    }
    assert_eq!(code(actions::set_admins_may_buy(&admin, shop.svc(), false).await), Code::Forbidden);
    actions::set_admins_may_buy(&shop.owner().await, shop.svc(), false).await.unwrap();
    for refused in [&admin, &member, &guest] {
        assert_eq!(code(quotes::quote(refused, shop.svc(), 3, Interval::Month).await), Code::Forbidden);
        assert_eq!(code(actions::buy(refused, shop.svc(), 3, Interval::Month).await), Code::Forbidden);
        assert_eq!(code(actions::portal_link(refused, shop.svc()).await), Code::Forbidden);
        assert_eq!(code(actions::set_canceled(refused, shop.svc(), true).await), Code::Forbidden);
    }
    assert!(quotes::quote(&billing, shop.svc(), 3, Interval::Month).await.is_ok());
    let seen = view::view(&admin, shop.svc()).await.unwrap();
    assert!(!seen.may_change && seen.whom_to_ask.contains("Owner of Meridian"), "{}", seen.whom_to_ask);
    for blind in [&member, &guest] {
        let problem = view::view(blind, shop.svc()).await.unwrap_err().into_problem();
        assert_eq!(problem.code, Code::Forbidden);
        assert!(problem.detail.contains("Owner of Meridian"), "{}", problem.detail);
    }
    // Somebody from outside does not learn that there is anything.
    let stranger = shop.world.org("Fjordline", 1).await;
    let mut outside = as_user(&stranger.owner);
    outside.tenant = Some(shop.org.id);
    assert_eq!(code(view::view(&outside, shop.svc()).await), Code::NotFound);
    assert_eq!(code(actions::buy(&outside, shop.svc(), 3, Interval::Month).await), Code::NotFound);
}

#[tokio::test]
async fn numbers_that_are_none() {
    let shop = Shop::new().await;
    let owner = shop.owner().await;
    for seats in [0, 10_001, u32::MAX] {
        let problem = quotes::quote(&owner, shop.svc(), seats, Interval::Month).await.unwrap_err().into_problem();
        assert_eq!(problem.pointer.as_deref(), Some("/seats"));
        assert_eq!(code(actions::buy(&owner, shop.svc(), seats, Interval::Month).await), Code::InvalidRequest);
    }
    assert_eq!(code(actions::update_seats(&owner, shop.svc(), 3, "").await), Code::Conflict, "there is no plan to change");
    assert_eq!(shop.world.count("billing_intents").await, 0);
}
