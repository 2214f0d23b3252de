//! What all endpoints have in common, and the small ones.

use serde_json::json;

use crate::support::{Bench, GOOD, id, text};

#[tokio::test]
async fn only_test_keys_are_let_in() {
    let bench = Bench::start().await;
    let get = |auth: &'static str| bench.http.get(bench.url("v1/customers")).header("Authorization", auth).send();
    for auth in ["", "Bearer pk_test_1", "Bearer sk_live_1", "Bearer sk_test_", "Basic c2tfbGl2ZV8xOg=="] {
        let answer = get(auth).await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{auth}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    for auth in ["Bearer sk_test_1", "Basic c2tfdGVzdF8xOg=="] {
        assert_eq!(get(auth).await.unwrap().status().as_u16(), 200, "{auth}");
    }
}

#[tokio::test]
async fn unknown_things_are_refused() {
    let bench = Bench::start().await;
    let (status, body) = bench.try_post("customers", &[("nmae", "Acme")]).await;
    let error = &body["error"];
    assert_eq!((status, &error["code"], &error["param"]), (400, &json!("parameter_unknown"), &json!("nmae")));
    let (_, body) = bench.try_post("customers", &[("address[town]", "Paris")]).await;
    assert_eq!((&body["error"]["code"], &body["error"]["param"]), (&json!("parameter_unknown"), &json!("address[town]")));
    let (_, body) = bench.try_post("customers", &[("source", "tok_visa")]).await;
    assert_eq!(body["error"]["message"], "The sandbox does not know `source`.");
    assert_eq!(bench.try_get("customers?emial=x").await.1["error"]["code"], "parameter_unknown");
    let (status, body) = bench.try_get("subscriptions/sub_none").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("resource_missing")));
    assert_eq!(bench.try_get("nothing/here").await.0, 404);
    assert_eq!(bench.try_post("prices", &[("currency", "usd")]).await.1["error"]["code"], "parameter_missing");
    assert_eq!(bench.try_get("customers?expand[]=data.nothing").await.0, 200, "an empty list has nothing to expand");
    bench.customer().await;
    let (status, body) = bench.try_get("customers?expand[]=data.nothing").await;
    assert!(status == 400 && text(&body["error"], "message").contains("cannot be expanded"), "{body}");
}

#[tokio::test]
async fn lists_have_pages() {
    let bench = Bench::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, bench.customer().await);
    }
    let ids = |page: &serde_json::Value| page["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    let first = bench.get("customers?limit=2").await;
    assert_eq!((ids(&first), &first["has_more"], &first["url"]), (made[..2].to_vec(), &json!(true), &json!("/v1/customers")));
    let second = bench.get(&format!("customers?limit=2&starting_after={}", made[1])).await;
    assert_eq!((ids(&second), &second["has_more"]), (made[2..4].to_vec(), &json!(true)));
    let rest = bench.get(&format!("customers?limit=2&starting_after={}", made[2])).await;
    assert_eq!((ids(&rest), &rest["has_more"]), (made[3..].to_vec(), &json!(false)), "the page is full, and nothing comes after it");
    let last = bench.get(&format!("customers?limit=2&starting_after={}", made[3])).await;
    assert_eq!((ids(&last), &last["has_more"]), (made[4..].to_vec(), &json!(false)));
    let back = bench.get(&format!("customers?limit=2&ending_before={}", made[4])).await;
    assert_eq!((ids(&back), &back["has_more"]), (made[2..4].to_vec(), &json!(true)));
    assert_eq!(bench.try_get("customers?limit=101").await.0, 400);
}

#[tokio::test]
async fn customers_are_kept_and_found() {
    let bench = Bench::start().await;
    let form = [
        ("name", "Acme"),
        ("email", "ada@example.com"),
        ("address[line1]", "1 Main St"),
        ("address[country]", "US"),
        ("metadata[org]", "1"),
        ("invoice_settings[custom_fields][0][name]", "PO"),
        ("invoice_settings[custom_fields][0][value]", "4711"),
    ];
    let customer = bench.post("customers", &form).await;
    assert_eq!(customer["address"]["line1"], "1 Main St");
    assert_eq!(customer["invoice_settings"]["custom_fields"], json!([{"name": "PO", "value": "4711"}]));
    let path = format!("customers/{}", id(&customer));
    let form = [("name", "Acme Inc"), ("metadata[org]", ""), ("address", ""), ("invoice_settings[custom_fields]", "")];
    let changed = bench.post(&path, &form).await;
    assert_eq!((&changed["metadata"], &changed["address"]), (&json!({}), &json!(null)));
    assert_eq!(changed["invoice_settings"]["custom_fields"], json!(null));
    let updated = bench.events("customer.updated").await;
    assert_eq!(updated[0]["data"]["previous_attributes"]["name"], "Acme");
    assert_eq!(updated[0]["data"]["previous_attributes"]["metadata"], json!({"org": "1"}));
    assert_eq!(bench.get("customers?email=ada@example.com").await["data"][0]["id"], customer["id"]);
    assert_eq!(bench.get("customers?email=eve@example.com").await["data"], json!([]));
    assert_eq!(bench.try_post(&path, &[("email", "nobody")]).await.1["error"]["code"], "email_invalid");
}

#[tokio::test]
async fn tax_ids_are_checked() {
    let bench = Bench::start().await;
    let path = format!("customers/{}/tax_ids", bench.customer().await);
    for (kind, value, country) in [
        ("eu_vat", "DE123456789", "DE"),
        ("gb_vat", "GB123456789", "GB"),
        ("ch_vat", "CHE-123.456.789 MWST", "CH"),
        ("us_ein", "12-3456789", "US"),
    ] {
        assert_eq!(bench.post(&path, &[("type", kind), ("value", value)]).await["country"], country);
    }
    for (kind, value) in [("eu_vat", "1"), ("gb_vat", "DE123456789"), ("us_ein", "12")] {
        assert_eq!(bench.try_post(&path, &[("type", kind), ("value", value)]).await.1["error"]["code"], "tax_id_invalid");
    }
    assert_eq!(bench.try_post(&path, &[("type", "xx"), ("value", "DE123456789")]).await.0, 400);
    let expanded = bench.get(&format!("{}?expand[]=tax_ids", path.trim_end_matches("/tax_ids"))).await;
    assert_eq!(expanded["tax_ids"]["data"].as_array().unwrap().len(), 4);
    let first = id(&expanded["tax_ids"]["data"][0]);
    assert_eq!(bench.delete(&format!("{path}/{first}")).await["deleted"], true);
    assert_eq!(bench.get(&path).await["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn lookup_keys_move_only_when_asked() {
    let bench = Bench::start().await;
    let found = bench.get("prices?lookup_keys[]=team_month&lookup_keys[]=team_year&expand[]=data.product").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 2);
    assert_eq!(found["data"][0]["product"]["name"], "Team");
    let form = [
        ("product", "prod_team"),
        ("currency", "usd"),
        ("unit_amount", "2500"),
        ("recurring[interval]", "month"),
        ("lookup_key", "team_month"),
    ];
    assert_eq!(bench.try_post("prices", &form).await.0, 400);
    let bought = bench.buy("7", GOOD).await;
    let price = bench.post("prices", &[&form[..], &[("transfer_lookup_key", "true")]].concat()).await;
    assert_eq!(bench.get("prices?lookup_keys[]=team_month").await["data"][0]["id"], price["id"]);
    // Who bought at the old price keeps it, without the key.
    let item = bench.get(&format!("subscription_items/{}", bought.item)).await;
    assert_eq!((&item["price"]["unit_amount"], &item["price"]["lookup_key"]), (&json!(2000), &json!(null)));
    assert_eq!(bench.try_post("products", &[("id", "prod_team"), ("name", "Team")]).await.1["error"]["code"], "resource_already_exists");
}

#[tokio::test]
async fn payments_leave_their_trace() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let path =
        format!("subscriptions/{}?expand[]=latest_invoice.payments&expand[]=customer&expand[]=default_payment_method", bought.subscription);
    let found = bench.get(&path).await;
    let payment = &found["latest_invoice"]["payments"]["data"][0];
    let intent = bench.get(&format!("payment_intents/{}", text(&payment["payment"], "payment_intent"))).await;
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(14_000)));
    assert_eq!(found["customer"]["email"], "ada@example.com");
    assert_eq!(found["default_payment_method"]["card"]["last4"], "4242");
    let methods = bench.get(&format!("payment_methods?customer={}&type=card", bought.customer)).await;
    let method = id(&methods["data"][0]);
    bench.post(&format!("payment_methods/{method}/detach"), &[]).await;
    assert_eq!(bench.subscription(&bought.subscription).await["default_payment_method"], json!(null));
    let more = [("items[0][id]", bought.item.as_str()), ("items[0][quantity]", "9"), ("proration_behavior", "always_invoice")];
    let more = [&more[..], &[("payment_behavior", "error_if_incomplete")]].concat();
    let (status, error) = bench.try_post(&format!("subscriptions/{}", bought.subscription), &more).await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("resource_missing")), "no card is left");
    let attached = bench.post(&format!("payment_methods/{method}/attach"), &[("customer", &bought.customer)]).await;
    assert_eq!(attached["customer"], bought.customer.as_str());
}

#[tokio::test]
async fn web_pages_do_not_reach_the_controls() {
    let bench = Bench::start().await;
    for (name, value) in [("origin", "http://evil.example"), ("host", "evil.example"), ("host", "evil.example:80")] {
        let answer = bench.http.post(bench.url("_sandbox/reset")).header(name, value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{name}: {value}");
    }
    let answer = bench.http.get(bench.url("_sandbox/state")).header("host", "localhost:1").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(bench.get("prices").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_reset_forgets() {
    let bench = Bench::start().await;
    bench.sandbox.set_webhook("http://127.0.0.1:9/", "whsec_1");
    bench.buy("7", GOOD).await;
    bench.advance(1000).await;
    bench.control("reset", json!({})).await;
    assert_eq!(bench.get("customers").await["data"], json!([]));
    assert_eq!(bench.get("webhook_endpoints").await["data"][0]["id"], "we_sandbox");
}
