//! Changes of a running subscription: quantities, prices, schedules, its end.

use serde_json::{Value, json};

use crate::support::{ATTACHES_ONLY, Bench, Bought, DAY, GOOD, id, text};

async fn preview(bench: &Bench, bought: &Bought, key: &str, value: &str, at: &str, behavior: &str) -> Value {
    let key = format!("subscription_details[items][0][{key}]");
    let form = [
        ("subscription", bought.subscription.as_str()),
        ("customer", &bought.customer),
        ("subscription_details[items][0][id]", &bought.item),
        (&key, value),
        ("subscription_details[proration_behavior]", behavior),
        ("subscription_details[proration_date]", at),
    ];
    bench.post("invoices/create_preview", &form).await
}

async fn change(bench: &Bench, bought: &Bought, form: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![("items[0][id]", bought.item.as_str()), ("expand[]", "latest_invoice")];
    all.extend(form);
    bench.try_post(&format!("subscriptions/{}", bought.subscription), &all).await
}

fn amounts(invoice: &Value) -> Vec<i64> {
    invoice["lines"]["data"].as_array().unwrap().iter().map(|line| line["amount"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn more_seats_are_billed_at_once_as_previewed() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    bench.advance(10 * DAY + 12_345).await;
    let at = bench.now().await.to_string();
    let before = preview(&bench, &bought, "quantity", "9", &at, "always_invoice").await;
    // The clock goes on between the question and the order.
    bench.advance(1234).await;
    let (_, after) =
        change(&bench, &bought, &[("items[0][quantity]", "9"), ("proration_behavior", "always_invoice"), ("proration_date", &at)]).await;
    let invoice = &after["latest_invoice"];
    assert_eq!(amounts(&before), amounts(invoice));
    assert_eq!((&before["total"], &before["amount_due"]), (&invoice["total"], &invoice["amount_paid"]));
    assert_eq!(invoice["billing_reason"], "subscription_update");
    assert_eq!(after["items"]["data"][0]["id"], bought.item.as_str());
    assert_eq!(after["items"]["data"][0]["quantity"], 9);

    // By hand: what is left of the period, to the second and to the cent.
    let item = &after["items"]["data"][0];
    let (start, end) = (item["current_period_start"].as_i64().unwrap(), item["current_period_end"].as_i64().unwrap());
    let share = |cents: i64| (cents as f64 * (end - at.parse::<i64>().unwrap()) as f64 / (end - start) as f64).round() as i64;
    assert_eq!(amounts(invoice), [-share(14_000), share(18_000)]);

    let updated = bench.events("customer.subscription.updated").await;
    let updated = updated.iter().find(|event| event["data"]["previous_attributes"]["items"].is_object()).expect("the change");
    assert_eq!(updated["data"]["previous_attributes"]["items"]["data"][0]["quantity"], 7);
}

#[tokio::test]
async fn prorations_may_wait_for_the_next_invoice() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    bench.advance(10 * DAY).await;
    let at = bench.now().await.to_string();
    let before = preview(&bench, &bought, "quantity", "9", &at, "create_prorations").await;
    assert_eq!(amounts(&before)[2], 18_000);
    let (_, after) = change(&bench, &bought, &[("items[0][quantity]", "9"), ("proration_date", &at)]).await;
    assert_eq!(after["latest_invoice"]["billing_reason"], "subscription_create");
    bench.advance(25 * DAY).await;
    let renewed = bench.subscription(&bought.subscription).await;
    assert_eq!(amounts(&before), amounts(&renewed["latest_invoice"]));
    assert_eq!(before["total"], renewed["latest_invoice"]["amount_paid"]);
}

#[tokio::test]
async fn without_prorations_only_the_next_period_changes() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    change(&bench, &bought, &[("items[0][quantity]", "3"), ("proration_behavior", "none")]).await;
    let upcoming = bench.post("invoices/create_preview", &[("subscription", bought.subscription.as_str())]).await;
    assert_eq!(amounts(&upcoming), [6_000]);
    assert_eq!(upcoming["billing_reason"], "upcoming");
}

#[tokio::test]
async fn another_interval_starts_a_period_now() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    bench.advance(10 * DAY).await;
    let at = bench.now().await.to_string();
    let before = preview(&bench, &bought, "price", &bench.yearly, &at, "always_invoice").await;
    let (_, after) = change(
        &bench,
        &bought,
        &[("items[0][price]", bench.yearly.as_str()), ("proration_behavior", "always_invoice"), ("proration_date", &at)],
    )
    .await;
    assert_eq!(amounts(&before), amounts(&after["latest_invoice"]));
    assert_eq!(amounts(&before)[1], 140_000);
    let item = &after["items"]["data"][0];
    let year = item["current_period_end"].as_i64().unwrap() - item["current_period_start"].as_i64().unwrap();
    assert!((365 * DAY..=366 * DAY).contains(&year));
    assert_eq!(after["billing_cycle_anchor"], item["current_period_start"]);
}

#[tokio::test]
async fn a_refused_card_leaves_seats_unpaid_or_unchanged() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    let more = [("items[0][quantity]", "9"), ("proration_behavior", "always_invoice")];

    let (status, error) = change(&bench, &bought, &[&more[..], &[("payment_behavior", "error_if_incomplete")]].concat()).await;
    assert_eq!((status, &error["error"]["type"]), (402, &json!("card_error")));
    assert_eq!(error["error"]["decline_code"], "generic_decline");
    let unchanged = bench.subscription(&bought.subscription).await;
    assert_eq!((&unchanged["status"], &unchanged["items"]["data"][0]["quantity"]), (&json!("active"), &json!(7)));
    assert_eq!(unchanged["latest_invoice"]["billing_reason"], "subscription_create");

    let (_, pending) = change(&bench, &bought, &[&more[..], &[("payment_behavior", "pending_if_incomplete")]].concat()).await;
    assert_eq!((&pending["status"], &pending["items"]["data"][0]["quantity"]), (&json!("active"), &json!(7)));
    assert_eq!(pending["pending_update"]["subscription_items"][0]["quantity"], 9);
    bench.control("card", json!({"customer": bought.customer, "number": GOOD})).await;
    bench.post(&format!("invoices/{}/pay", id(&pending["latest_invoice"])), &[]).await;
    let paid = bench.subscription(&bought.subscription).await;
    assert_eq!((&paid["pending_update"], &paid["items"]["data"][0]["quantity"]), (&json!(null), &json!(9)));

    bench.control("card", json!({"customer": bought.customer, "number": ATTACHES_ONLY})).await;
    bench.advance(DAY).await;
    let (_, due) = change(&bench, &bought, &[("items[0][quantity]", "12"), ("proration_behavior", "always_invoice")]).await;
    assert_eq!((&due["status"], &due["items"]["data"][0]["quantity"]), (&json!("past_due"), &json!(12)));
    assert_eq!(due["latest_invoice"]["status"], "open");
}

#[tokio::test]
async fn a_pending_change_is_given_up() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    let form = [("items[0][quantity]", "9"), ("proration_behavior", "always_invoice"), ("payment_behavior", "pending_if_incomplete")];
    change(&bench, &bought, &form).await;
    bench.advance(DAY).await;
    let after = bench.subscription(&bought.subscription).await;
    assert_eq!((&after["pending_update"], &after["latest_invoice"]["status"]), (&json!(null), &json!("void")));
    assert_eq!((&after["status"], &after["items"]["data"][0]["quantity"]), (&json!("active"), &json!(7)));
}

#[tokio::test]
async fn fewer_seats_leave_a_credit() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let (_, after) = change(&bench, &bought, &[("items[0][quantity]", "2"), ("proration_behavior", "always_invoice")]).await;
    assert_eq!((&after["latest_invoice"]["status"], &after["latest_invoice"]["amount_due"]), (&json!("paid"), &json!(0)));
    let customer = bench.get(&format!("customers/{}", bought.customer)).await;
    let credit = -customer["balance"].as_i64().unwrap();
    assert_eq!(credit, -after["latest_invoice"]["total"].as_i64().unwrap());
    // The next invoice of 40 dollars is paid with it.
    bench.advance(31 * DAY).await;
    let renewed = bench.subscription(&bought.subscription).await;
    assert_eq!(renewed["latest_invoice"]["amount_due"], 0);
    assert_eq!(renewed["latest_invoice"]["ending_balance"].as_i64().unwrap(), 4_000 - credit);
}

async fn schedule_fewer(bench: &Bench, bought: &Bought, quantity: &str) -> Value {
    let schedule = bench.post("subscription_schedules", &[("from_subscription", &bought.subscription)]).await;
    let phase = &schedule["phases"][0];
    let (start, end) = (phase["start_date"].to_string(), phase["end_date"].to_string());
    let form = [
        ("end_behavior", "release"),
        ("phases[0][start_date]", start.as_str()),
        ("phases[0][end_date]", &end),
        ("phases[0][items][0][price]", &bench.monthly),
        ("phases[0][items][0][quantity]", "7"),
        ("phases[1][items][0][price]", &bench.monthly),
        ("phases[1][items][0][quantity]", quantity),
        ("phases[1][duration][interval]", "month"),
        ("phases[1][duration][interval_count]", "1"),
        ("phases[1][proration_behavior]", "none"),
    ];
    bench.post(&format!("subscription_schedules/{}", id(&schedule)), &form).await
}

#[tokio::test]
async fn a_schedule_takes_seats_away_at_the_renewal() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let schedule = schedule_fewer(&bench, &bought, "3").await;
    let during = bench.subscription(&bought.subscription).await;
    assert_eq!((&during["schedule"], &during["items"]["data"][0]["quantity"]), (&schedule["id"], &json!(7)));
    let upcoming = bench.post("invoices/create_preview", &[("schedule", text(&schedule, "id"))]).await;

    bench.advance(31 * DAY).await;
    let renewed = bench.subscription(&bought.subscription).await;
    assert_eq!((&renewed["schedule"], &renewed["items"]["data"][0]["quantity"]), (&schedule["id"], &json!(3)));
    assert_eq!(renewed["items"]["data"][0]["id"], bought.item.as_str());
    assert_eq!(amounts(&renewed["latest_invoice"]), [6_000]);
    assert_eq!(amounts(&upcoming), [6_000]);

    bench.advance(31 * DAY).await;
    let later = bench.subscription(&bought.subscription).await;
    assert_eq!((&later["schedule"], &later["items"]["data"][0]["quantity"]), (&json!(null), &json!(3)));
    let ended = bench.get(&format!("subscription_schedules/{}", id(&schedule))).await;
    assert_eq!((&ended["status"], &ended["released_subscription"]), (&json!("released"), &later["id"]));
    assert_eq!(bench.events("subscription_schedule.released").await.len(), 1);
}

#[tokio::test]
async fn a_released_schedule_changes_nothing() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let schedule = schedule_fewer(&bench, &bought, "3").await;
    let path = format!("subscriptions/{}", bought.subscription);
    let (status, error) = bench.try_post(&path, &[("cancel_at_period_end", "true")]).await;
    assert!(status == 400 && text(&error["error"], "message").contains("managed by the subscription schedule"), "{error}");
    bench.post(&format!("subscription_schedules/{}/release", id(&schedule)), &[]).await;
    bench.advance(31 * DAY).await;
    let renewed = bench.subscription(&bought.subscription).await;
    assert_eq!((&renewed["schedule"], &renewed["items"]["data"][0]["quantity"]), (&json!(null), &json!(7)));
    assert_eq!(bench.try_post(&format!("subscription_schedules/{}/release", id(&schedule)), &[]).await.0, 400);
}

#[tokio::test]
async fn seats_added_meanwhile_do_not_undo_the_schedule() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let schedule = schedule_fewer(&bench, &bought, "3").await;
    change(&bench, &bought, &[("items[0][quantity]", "8"), ("proration_behavior", "always_invoice")]).await;
    let found = bench.get(&format!("subscription_schedules/{}", id(&schedule))).await;
    assert_eq!(found["phases"][0]["items"][0]["quantity"], 8);
    assert_eq!(found["phases"][1]["items"][0]["quantity"], 3);
}

#[tokio::test]
async fn the_end_of_the_period_can_be_taken_back() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let path = format!("subscriptions/{}", bought.subscription);
    let ending = bench.post(&path, &[("cancel_at_period_end", "true")]).await;
    assert_eq!(ending["cancel_at"], ending["items"]["data"][0]["current_period_end"]);
    let (status, error) = bench.try_post("invoices/create_preview", &[("subscription", &bought.subscription)]).await;
    assert_eq!((status, &error["error"]["code"]), (404, &json!("invoice_upcoming_none")));
    let going_on = bench.post(&path, &[("cancel_at_period_end", "false")]).await;
    assert_eq!((&going_on["cancel_at"], &going_on["canceled_at"]), (&json!(null), &json!(null)));
    bench.advance(31 * DAY).await;
    assert_eq!(bench.subscription(&bought.subscription).await["status"], "active");

    bench.post(&path, &[("cancel_at_period_end", "true")]).await;
    bench.advance(31 * DAY).await;
    let ended = bench.subscription(&bought.subscription).await;
    assert_eq!((&ended["status"], &ended["ended_at"]), (&json!("canceled"), &ended["cancel_at"]));
    assert_eq!(bench.events("customer.subscription.deleted").await.len(), 1);
    let open = bench.get(&format!("subscriptions?customer={}", bought.customer)).await;
    let all = bench.get(&format!("subscriptions?customer={}&status=all", bought.customer)).await;
    assert_eq!((open["data"].as_array().unwrap().len(), all["data"].as_array().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn an_end_now_ends_now() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let schedule = schedule_fewer(&bench, &bought, "3").await;
    let ended = bench.delete(&format!("subscriptions/{}", bought.subscription)).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(bench.get(&format!("subscription_schedules/{}", id(&schedule))).await["status"], "canceled");
    bench.advance(40 * DAY).await;
    assert_eq!(bench.get(&format!("invoices?subscription={}", bought.subscription)).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_purchase_can_be_previewed() {
    let bench = Bench::start().await;
    let form = [("subscription_details[items][0][price]", bench.monthly.as_str()), ("subscription_details[items][0][quantity]", "4")];
    let invoice = bench.post("invoices/create_preview", &form).await;
    assert_eq!((&invoice["total"], &invoice["customer"]), (&json!(8_000), &json!(null)));
}

#[tokio::test]
async fn an_item_is_changed_by_itself() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let path = format!("subscription_items/{}", bought.item);
    let item = bench.post(&path, &[("quantity", "8"), ("proration_behavior", "always_invoice")]).await;
    assert_eq!((&item["quantity"], &item["id"]), (&json!(8), &json!(bought.item)));
    assert_eq!(bench.get(&path).await, item);
}
