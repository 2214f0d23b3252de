//! The portal's client library with its own way to write parameters, on the calls that the portal makes.

use std::collections::HashMap;

use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_billing::invoice::{
    CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails, CreatePreviewInvoiceSubscriptionDetailsItems,
    CreatePreviewInvoiceSubscriptionDetailsProrationBehavior as PreviewProration, ListInvoice,
};
use stripe_billing::subscription::{
    CancelSubscription, ListSubscription, ListSubscriptionStatus, UpdateSubscription, UpdateSubscriptionItems,
    UpdateSubscriptionPaymentBehavior, UpdateSubscriptionProrationBehavior,
};
use stripe_billing::subscription_schedule::{
    CreateSubscriptionSchedule, ReleaseSubscriptionSchedule, UpdateSubscriptionSchedule, UpdateSubscriptionSchedulePhases,
    UpdateSubscriptionSchedulePhasesDuration, UpdateSubscriptionSchedulePhasesDurationInterval, UpdateSubscriptionSchedulePhasesEndDate,
    UpdateSubscriptionSchedulePhasesItems, UpdateSubscriptionSchedulePhasesStartDate,
};
use stripe_billing::tax_id::{CreateCustomerTaxId, CreateCustomerTaxIdType, DeleteCustomerTaxId, ListCustomerTaxId};
use stripe_billing::test_helpers_test_clock::RetrieveTestHelpersTestClock;
use stripe_core::customer::{
    CreateCustomer, CustomFieldParams, OptionalFieldsCustomerAddress, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer,
    UpdateCustomerInvoiceSettings,
};
use stripe_product::price::ListPrice;
use stripe_shared::SubscriptionScheduleEndBehavior;

use crate::support::{ATTACHES_ONLY, Bench, Bought, DAY, GOOD};

fn client(bench: &Bench) -> Client {
    ClientBuilder::new("sk_test_1").url(bench.sandbox.url()).build().unwrap()
}

fn seats(bought: &Bought, quantity: u64) -> UpdateSubscription {
    let mut item = UpdateSubscriptionItems::new();
    item.id = Some(bought.item.clone());
    item.quantity = Some(quantity);
    UpdateSubscription::new(bought.subscription.as_str())
        .items(vec![item])
        .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice)
        .payment_behavior(UpdateSubscriptionPaymentBehavior::ErrorIfIncomplete)
}

#[tokio::test]
async fn customers_and_their_details() {
    let bench = Bench::start().await;
    let client = client(&bench);
    let metadata = HashMap::from([("tenant_id".to_owned(), "t 1&2".to_owned())]);
    let customer = CreateCustomer::new().name("Ada & Co").email("ada@example.com").metadata(metadata);
    let keyed = customer.customize().request_strategy(RequestStrategy::Idempotent(IdempotencyKey::new("key-1").unwrap()));
    let customer = keyed.send(&client).await.unwrap();
    assert_eq!(customer.metadata.unwrap()["tenant_id"], "t 1&2");

    let mut settings = UpdateCustomerInvoiceSettings::new();
    settings.custom_fields = Some(vec![CustomFieldParams::new("Purchase order", "4711")]);
    let mut address = OptionalFieldsCustomerAddress::new();
    (address.line1, address.line2) = (Some("1 Main St".to_owned()), Some(String::new()));
    let update = UpdateCustomer::new(&customer.id).address(address).invoice_settings(settings);
    let updated = update.send(&client).await.unwrap();
    assert_eq!(updated.address.unwrap().line2, None);
    assert_eq!(updated.invoice_settings.unwrap().custom_fields.unwrap()[0].value, "4711");
    let mut settings = UpdateCustomerInvoiceSettings::new();
    settings.custom_fields = Some(Vec::new());
    UpdateCustomer::new(&customer.id).invoice_settings(settings).send(&client).await.unwrap();
    let read = RetrieveCustomer::new(&customer.id).expand(vec!["invoice_settings.default_payment_method".to_owned()]);
    let RetrieveCustomerReturned::Customer(read) = read.send(&client).await.unwrap() else { panic!("deleted") };
    assert_eq!(read.invoice_settings.unwrap().custom_fields, None);
    let clock = RetrieveTestHelpersTestClock::new(read.test_clock.unwrap().id().as_str()).send(&client).await.unwrap();
    assert!(clock.frozen_time >= customer.created);

    let tax_id = CreateCustomerTaxId::new(&customer.id, CreateCustomerTaxIdType::EuVat, "DE123456789").send(&client).await.unwrap();
    assert_eq!(ListCustomerTaxId::new(&customer.id).send(&client).await.unwrap().data.len(), 1);
    DeleteCustomerTaxId::new(&customer.id, tax_id.id.as_str()).send(&client).await.unwrap();
    let wrong = CreateCustomerTaxId::new(&customer.id, CreateCustomerTaxIdType::EuVat, "1").send(&client).await.unwrap_err();
    let StripeError::Stripe(error, 400) = wrong else { panic!("{wrong}") };
    assert_eq!(error.code.unwrap().as_str(), "tax_id_invalid");

    let keys = ListPrice::new().lookup_keys(vec!["team_year".to_owned()]).active(true).send(&client).await.unwrap();
    assert_eq!(keys.data[0].unit_amount, Some(20_000));
}

#[tokio::test]
async fn seats_as_the_portal_changes_them() {
    let bench = Bench::start().await;
    let client = client(&bench);
    let bought = bench.buy("7", GOOD).await;
    bench.advance(3 * DAY).await;
    let at = bench.now().await;
    let mut item = CreatePreviewInvoiceSubscriptionDetailsItems::new();
    item.id = Some(bought.item.clone());
    item.quantity = Some(9);
    let mut details = CreatePreviewInvoiceSubscriptionDetails::new();
    details.items = Some(vec![item]);
    details.proration_date = Some(at);
    details.proration_behavior = Some(PreviewProration::AlwaysInvoice);
    let preview = CreatePreviewInvoice::new().customer(&bought.customer).subscription(&bought.subscription).subscription_details(details);
    let preview = preview.send(&client).await.unwrap();
    seats(&bought, 9).proration_date(at).send(&client).await.unwrap();
    let invoices = ListInvoice::new().customer(&bought.customer).limit(50).send(&client).await.unwrap();
    assert_eq!((preview.amount_due, invoices.data[0].total), (invoices.data[0].amount_paid, preview.total));

    let schedule = CreateSubscriptionSchedule::new().from_subscription(&bought.subscription).send(&client).await.unwrap();
    let items = |quantity: u64| {
        let mut item = UpdateSubscriptionSchedulePhasesItems::new();
        item.price = Some(schedule.phases[0].items[0].price.id().to_string());
        item.quantity = Some(quantity);
        vec![item]
    };
    let mut present = UpdateSubscriptionSchedulePhases::new(items(9));
    present.start_date = Some(UpdateSubscriptionSchedulePhasesStartDate::Timestamp(schedule.phases[0].start_date));
    present.end_date = Some(UpdateSubscriptionSchedulePhasesEndDate::Timestamp(schedule.phases[0].end_date));
    let mut next = UpdateSubscriptionSchedulePhases::new(items(3));
    next.duration = Some(UpdateSubscriptionSchedulePhasesDuration {
        interval: UpdateSubscriptionSchedulePhasesDurationInterval::Month,
        interval_count: Some(1),
    });
    let update = UpdateSubscriptionSchedule::new(schedule.id.as_str())
        .phases(vec![present, next])
        .end_behavior(SubscriptionScheduleEndBehavior::Release);
    let updated = update.send(&client).await.unwrap();
    assert_eq!(updated.phases.iter().map(|phase| phase.items[0].quantity).collect::<Vec<_>>(), [Some(9), Some(3)]);
    let next = CreatePreviewInvoice::new().customer(&bought.customer).schedule(schedule.id.as_str()).send(&client).await.unwrap();
    assert_eq!(next.total, 6_000);
    ReleaseSubscriptionSchedule::new(schedule.id.as_str()).send(&client).await.unwrap();

    let all = ListSubscription::new().customer(&bought.customer).status(ListSubscriptionStatus::All).limit(100);
    let all = all.expand(vec!["data.default_payment_method".to_owned()]).send(&client).await.unwrap();
    let card = all.data[0].default_payment_method.as_ref().unwrap().as_object().unwrap().card.as_ref().unwrap();
    assert_eq!((card.last4.as_str(), all.data[0].schedule.is_none()), ("4242", true));
    CancelSubscription::new(bought.subscription.as_str()).prorate(false).send(&client).await.unwrap();
}

#[tokio::test]
async fn a_refused_card_as_the_portal_sees_it() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    let refused = seats(&bought, 9).send(&client(&bench)).await.unwrap_err();
    let StripeError::Stripe(error, 402) = refused else { panic!("{refused}") };
    assert_eq!(error.message.as_deref(), Some("Your card was declined."));
    assert_eq!(bench.subscription(&bought.subscription).await["items"]["data"][0]["quantity"], 7);
}
