//! What is bought and changed, and what that would cost.

use crate::StripeBilling;
use crate::read::is;
use domain::ports::billing::{BillingError, Checkout, NewCheckout, Preview, SeatChange, Subscription};
use std::collections::HashMap;
use stripe_billing::billing_portal_session::CreateBillingPortalSession;
use stripe_billing::invoice::{
    CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails, CreatePreviewInvoiceSubscriptionDetailsItems,
    CreatePreviewInvoiceSubscriptionDetailsProrationBehavior as PreviewProration,
};
use stripe_billing::subscription::{
    UpdateSubscription, UpdateSubscriptionItems, UpdateSubscriptionPaymentBehavior, UpdateSubscriptionProrationBehavior,
};
use stripe_billing::subscription_schedule::{
    CreateSubscriptionSchedule, ReleaseSubscriptionSchedule, RetrieveSubscriptionSchedule, UpdateSubscriptionSchedule,
    UpdateSubscriptionSchedulePhases, UpdateSubscriptionSchedulePhasesDuration, UpdateSubscriptionSchedulePhasesDurationInterval,
    UpdateSubscriptionSchedulePhasesEndDate, UpdateSubscriptionSchedulePhasesItems, UpdateSubscriptionSchedulePhasesProrationBehavior,
    UpdateSubscriptionSchedulePhasesStartDate,
};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionCustomerUpdate, CreateCheckoutSessionCustomerUpdateAddress,
    CreateCheckoutSessionCustomerUpdateName, CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
    CreateCheckoutSessionTaxIdCollection, ExpireCheckoutSession,
};
use stripe_shared::{
    CheckoutSession, CheckoutSessionBillingAddressCollection, CheckoutSessionMode, CheckoutSessionStatus, Invoice,
    SubscriptionScheduleEndBehavior,
};
use types::billing::{Interval, Money};

/// What the portal needs to know of Stripe's page.
pub fn checkout(session: &CheckoutSession) -> Checkout {
    Checkout {
        id: session.id.to_string(),
        url: session.url.clone(),
        open: is(session, &CheckoutSessionStatus::Open),
        complete: is(session, &CheckoutSessionStatus::Complete),
    }
}

fn total(invoice: &Invoice) -> Money {
    Money::new(invoice.total, &invoice.currency.to_string())
}

impl StripeBilling {
    pub(crate) async fn create_checkout(&self, key: &str, new: &NewCheckout) -> Result<Checkout, BillingError> {
        let mut line = CreateCheckoutSessionLineItems::new();
        line.price = Some(self.price_id(&new.price_key).await?);
        line.quantity = Some(new.seats.into());
        let metadata = HashMap::from([("tenant_id".to_owned(), new.tenant.to_string())]);
        let mut subscription = CreateCheckoutSessionSubscriptionData::new();
        subscription.metadata = Some(metadata.clone());
        // What the customer enters on Stripe's page is kept for the next time.
        let mut update = CreateCheckoutSessionCustomerUpdate::new();
        update.address = Some(CreateCheckoutSessionCustomerUpdateAddress::Auto);
        update.name = Some(CreateCheckoutSessionCustomerUpdateName::Auto);
        let create = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(new.customer.as_str())
            .customer_update(update)
            .client_reference_id(new.tenant.to_string())
            .line_items(vec![line])
            .billing_address_collection(CheckoutSessionBillingAddressCollection::Required)
            .tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(true))
            .subscription_data(subscription)
            .metadata(metadata)
            .success_url(new.success_url.as_str())
            .cancel_url(new.cancel_url.as_str());
        let session = self.send(Some(key), &create).await?;
        self.check_mode(session.livemode)?;
        Ok(checkout(&session))
    }

    pub(crate) async fn expire_checkout(&self, id: &str) -> Result<(), BillingError> {
        match self.send(None, &ExpireCheckoutSession::new(id)).await {
            Ok(_) => Ok(()),
            // It has ended by itself meanwhile.
            Err(BillingError::Refused { .. }) if !self.checkout(id).await?.open => Ok(()),
            Err(other) => Err(other),
        }
    }

    pub(crate) async fn portal_link(&self, customer: &str, return_url: &str) -> Result<String, BillingError> {
        let create = CreateBillingPortalSession::new().customer(customer).return_url(return_url);
        Ok(self.send(None, &create).await?.url)
    }

    pub(crate) async fn preview_purchase(&self, customer: Option<&str>, price_key: &str, seats: u32) -> Result<Preview, BillingError> {
        let mut item = CreatePreviewInvoiceSubscriptionDetailsItems::new();
        item.price = Some(self.price_id(price_key).await?);
        item.quantity = Some(seats.into());
        let mut details = CreatePreviewInvoiceSubscriptionDetails::new();
        details.items = Some(vec![item]);
        let mut preview = CreatePreviewInvoice::new().subscription_details(details);
        if let Some(customer) = customer {
            preview = preview.customer(customer);
        }
        let invoice = self.send(None, &preview).await?;
        // A credit of the customer's is taken off the first one.
        let due_now = Money::new(invoice.amount_due, &invoice.currency.to_string());
        Ok(Preview { due_now, lines: Vec::new(), recurring: total(&invoice) })
    }

    pub(crate) async fn preview_seats(&self, customer: &str, change: &SeatChange) -> Result<Preview, BillingError> {
        let next = self.preview(customer, change, PreviewProration::None).await?;
        if change.to <= change.from {
            let nothing = Money { minor: 0, ..total(&next) };
            return Ok(Preview { due_now: nothing, lines: Vec::new(), recurring: total(&next) });
        }
        let now = self.preview(customer, change, PreviewProration::AlwaysInvoice).await?;
        let currency = now.currency.to_string();
        let lines = now.lines.data.iter().map(|l| (l.description.clone().unwrap_or_default(), Money::new(l.amount, &currency))).collect();
        Ok(Preview { due_now: Money::new(now.amount_due, &currency), lines, recurring: total(&next) })
    }

    async fn preview(&self, customer: &str, change: &SeatChange, proration: PreviewProration) -> Result<Invoice, BillingError> {
        let mut item = CreatePreviewInvoiceSubscriptionDetailsItems::new();
        item.id = Some(change.item.clone());
        item.quantity = Some(change.to.into());
        let mut details = CreatePreviewInvoiceSubscriptionDetails::new();
        details.items = Some(vec![item]);
        if proration == PreviewProration::AlwaysInvoice {
            details.proration_date = Some(change.at.unix_timestamp());
        }
        details.proration_behavior = Some(proration);
        let preview =
            CreatePreviewInvoice::new().customer(customer).subscription(change.subscription.as_str()).subscription_details(details);
        self.send(None, &preview).await
    }

    /// What the end of the period will cost as things stand, a booked change included.
    pub(crate) async fn preview_next(&self, customer: &str, s: &Subscription) -> Result<Money, BillingError> {
        let mut preview = CreatePreviewInvoice::new().customer(customer);
        preview = match &s.schedule {
            Some(schedule) => preview.schedule(schedule.as_str()),
            None => preview.subscription(s.id.as_str()),
        };
        Ok(total(&self.send(None, &preview).await?))
    }

    pub(crate) async fn add_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError> {
        if let Some(schedule) = &change.schedule {
            self.unbook_seats(&format!("{key}-unbook"), schedule).await?;
        }
        let mut item = UpdateSubscriptionItems::new();
        item.id = Some(change.item.clone());
        item.quantity = Some(change.to.into());
        let update = UpdateSubscription::new(change.subscription.as_str())
            .items(vec![item])
            .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice)
            .proration_date(change.at.unix_timestamp())
            // A declined card changes nothing.
            .payment_behavior(UpdateSubscriptionPaymentBehavior::ErrorIfIncomplete);
        let added = self.send(Some(key), &update).await.map(drop);
        if let (Err(BillingError::Declined(_) | BillingError::Refused { .. }), Some(booked)) = (&added, change.booked) {
            // Nor the booking that had to be taken back for it.
            let again = SeatChange { schedule: None, booked: None, to: booked, ..change.clone() };
            self.book_seats(&format!("{key}-rebook"), &again).await?;
        }
        added
    }

    /// A schedule with two phases: the present period as it is, then the new number, after which the schedule lets go.
    pub(crate) async fn book_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError> {
        let schedule = match &change.schedule {
            Some(schedule) => self.send(None, &RetrieveSubscriptionSchedule::new(schedule.as_str())).await?,
            None => {
                let create = CreateSubscriptionSchedule::new().from_subscription(change.subscription.as_str());
                self.send(Some(&format!("{key}-schedule")), &create).await?
            }
        };
        let unexpected = || BillingError::Unexpected("a schedule without a present phase".to_owned());
        let current = schedule.current_phase.as_ref().ok_or_else(unexpected)?;
        let phase = schedule.phases.iter().find(|p| p.start_date == current.start_date).ok_or_else(unexpected)?;
        let item = phase.items.first().ok_or_else(unexpected)?;
        let items = |seats: u32| {
            let mut i = UpdateSubscriptionSchedulePhasesItems::new();
            i.price = Some(item.price.id().to_string());
            i.quantity = Some(seats.into());
            vec![i]
        };
        let mut present = UpdateSubscriptionSchedulePhases::new(items(change.from));
        present.start_date = Some(UpdateSubscriptionSchedulePhasesStartDate::Timestamp(current.start_date));
        present.end_date = Some(UpdateSubscriptionSchedulePhasesEndDate::Timestamp(change.period_end.unix_timestamp()));
        let mut next = UpdateSubscriptionSchedulePhases::new(items(change.to));
        next.proration_behavior = Some(UpdateSubscriptionSchedulePhasesProrationBehavior::None);
        next.duration = Some(UpdateSubscriptionSchedulePhasesDuration {
            interval: match change.interval {
                Interval::Month => UpdateSubscriptionSchedulePhasesDurationInterval::Month,
                Interval::Year => UpdateSubscriptionSchedulePhasesDurationInterval::Year,
            },
            interval_count: Some(1),
        });
        let update = UpdateSubscriptionSchedule::new(schedule.id.as_str())
            .phases(vec![present, next])
            .end_behavior(SubscriptionScheduleEndBehavior::Release);
        self.send(Some(key), &update).await.map(drop)
    }

    pub(crate) async fn unbook_seats(&self, key: &str, schedule: &str) -> Result<(), BillingError> {
        self.send(Some(key), &ReleaseSubscriptionSchedule::new(schedule)).await.map(drop)
    }

    pub(crate) async fn set_cancel(&self, key: &str, subscription: &str, cancel: bool) -> Result<(), BillingError> {
        self.send(Some(key), &UpdateSubscription::new(subscription).cancel_at_period_end(cancel)).await.map(drop)
    }
}
