//! The pages on which customers help themselves.

use serde_json::json;

use crate::support::{ATTACHES_ONLY, Bench, DAY, GOOD, card_form, id, text};

async fn portal(bench: &Bench, customer: &str) -> String {
    let form = [("customer", customer), ("return_url", "http://portal.example/billing")];
    text(&bench.post("billing_portal/sessions", &form).await, "url").to_owned()
}

#[tokio::test]
async fn a_new_card_pays_what_is_open() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    bench.advance(31 * DAY).await;
    assert_eq!(bench.subscription(&bought.subscription).await["status"], "past_due");
    let url = portal(&bench, &bought.customer).await;
    let page = bench.page(&url).await;
    for part in ["0341", "Update card", "Cancel subscription", "Return to portal.example", "open", "<h1>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, page, _) = bench.submit(&format!("{url}/card"), &card_form("4000000000000002")).await;
    assert!(status == 200 && page.contains("Your card was declined."), "{page}");
    let (status, _, _) = bench.submit(&format!("{url}/card"), &card_form(GOOD)).await;
    assert_eq!(status, 303);
    let found = bench.subscription(&bought.subscription).await;
    assert_eq!((&found["status"], &found["latest_invoice"]["status"]), (&json!("active"), &json!("paid")));
    assert!(bench.page(&url).await.contains("4242, expires"));
}

#[tokio::test]
async fn a_subscription_is_cancelled_and_renewed() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let url = portal(&bench, &bought.customer).await;
    bench.submit(&format!("{url}/cancel"), &[]).await;
    assert_eq!(bench.subscription(&bought.subscription).await["cancel_at_period_end"], true);
    assert!(bench.page(&url).await.contains("Renew subscription"));
    bench.submit(&format!("{url}/renew"), &[]).await;
    assert_eq!(bench.subscription(&bought.subscription).await["cancel_at_period_end"], false);
}

#[tokio::test]
async fn an_invoice_has_a_page_and_a_pdf() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    bench.advance(31 * DAY).await;
    let invoice = &bench.subscription(&bought.subscription).await["latest_invoice"];
    let url = text(invoice, "hosted_invoice_url");
    assert!(bench.page(url).await.contains(">Pay</button>"));
    let (_, page, _) = bench.submit(&format!("{url}/pay"), &[]).await;
    assert!(page.contains("Your card was declined."), "{page}");
    bench.control("card", json!({"customer": bought.customer, "number": GOOD})).await;
    assert_eq!(bench.submit(&format!("{url}/pay"), &[]).await.0, 303);
    let paid = bench.get(&format!("invoices/{}", id(invoice))).await;
    assert_eq!(paid["status"], "paid");
    assert!(!bench.page(url).await.contains(">Pay</button>"));

    let file = bench.http.get(text(&paid, "invoice_pdf")).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "application/pdf");
    let file = file.text().await.unwrap();
    assert!(file.starts_with("%PDF-1.4") && file.ends_with("%%EOF\n"));
    let start: usize = file.lines().rev().nth(1).unwrap().parse().unwrap();
    assert!(file[start..].starts_with("xref"));
}

#[tokio::test]
async fn texts_of_customers_are_escaped() {
    let bench = Bench::start().await;
    let customer = id(&bench.post("customers", &[("name", "<script>"), ("email", "a@example.com")]).await);
    let session = bench.session(&customer, "7").await;
    let page = bench.page(text(&session, "url")).await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
}
