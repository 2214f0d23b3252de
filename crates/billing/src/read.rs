//! Everything that Stripe knows of one customer, read anew.

use crate::catalogue::PLAN;
use crate::details::details;
use crate::{StripeBilling, write};
use domain::ports::billing::{
    BillingError, BookedSeats, Card, Charge, Checkout, Invoice, InvoiceStatus, State, Subscription, SubscriptionStatus,
};
use stripe_billing::invoice::ListInvoice;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};
use stripe_billing::subscription_schedule::RetrieveSubscriptionSchedule;
use stripe_billing::tax_id::ListCustomerTaxId;
use stripe_billing::test_helpers_test_clock::RetrieveTestHelpersTestClock;
use stripe_checkout::checkout_session::RetrieveCheckoutSession;
use stripe_core::customer::{RetrieveCustomer, RetrieveCustomerReturned};
use stripe_shared::{CheckoutSessionStatus, PaymentMethod, RecurringInterval};
use stripe_types::Expandable;
use time::OffsetDateTime;
use types::billing::{Interval, Money};

impl StripeBilling {
    pub(crate) async fn state(&self, id: &str) -> Result<State, BillingError> {
        let retrieve = RetrieveCustomer::new(id).expand(vec!["invoice_settings.default_payment_method".to_owned()]);
        let subscriptions = ListSubscription::new()
            .customer(id)
            .status(ListSubscriptionStatus::All)
            .limit(100)
            .expand(vec!["data.default_payment_method".to_owned()]);
        let invoices = ListInvoice::new().customer(id).limit(50);
        let tax_ids = ListCustomerTaxId::new(id);
        // First and plainly, because of one that was deleted nothing else can be asked.
        if let RetrieveCustomerReturned::DeletedCustomer(_) = self.send(None, &RetrieveCustomer::new(id)).await? {
            return Err(BillingError::CustomerGone);
        }
        let (customer, subscriptions, invoices, tax_ids) = tokio::try_join!(
            self.send(None, &retrieve),
            self.send(None, &subscriptions),
            self.send(None, &invoices),
            self.send(None, &tax_ids),
        )?;
        let RetrieveCustomerReturned::Customer(customer) = customer else { return Err(BillingError::CustomerGone) };
        self.check_mode(customer.livemode)?;
        let default_card = customer.invoice_settings.as_ref().and_then(|s| s.default_payment_method.as_ref()).and_then(card);
        let mut ours = Vec::new();
        for theirs in &subscriptions.data {
            self.check_mode(theirs.livemode)?;
            if let Some(mut s) = subscription(theirs)? {
                s.card = theirs.default_payment_method.as_ref().and_then(card).or_else(|| default_card.clone());
                if let Some(schedule) = &s.schedule {
                    s.booked = self.booked(schedule, s.period_end, s.seats).await?;
                }
                ours.push(s);
            }
        }
        ours.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        let now = match &customer.test_clock {
            Some(clock) => at(self.send(None, &RetrieveTestHelpersTestClock::new(clock.id().as_str())).await?.frozen_time)?,
            None => now(),
        };
        let running = ours.iter().find(|s| s.status == SubscriptionStatus::Active && !s.cancel_at_period_end);
        let next_charge = match running {
            Some(s) => Some(Charge { amount: self.preview_next(id, s).await?, at: s.period_end }),
            None => None,
        };
        Ok(State {
            now,
            details: details(&customer, &tax_ids.data),
            subscriptions: ours,
            invoices: invoices.data.iter().map(invoice).collect::<Result<_, _>>()?,
            next_charge,
        })
    }

    /// The number of seats in the phase after the present period, if that is another one.
    async fn booked(&self, schedule: &str, period_end: OffsetDateTime, seats: u32) -> Result<Option<BookedSeats>, BillingError> {
        let schedule = self.send(None, &RetrieveSubscriptionSchedule::new(schedule)).await?;
        let next = schedule.phases.iter().find(|p| p.start_date >= period_end.unix_timestamp());
        let quantity = next.and_then(|p| p.items.first()).and_then(|i| i.quantity).and_then(|q| u32::try_from(q).ok());
        Ok(quantity.filter(|q| *q != seats).map(|seats| BookedSeats { seats, at: period_end }))
    }

    pub(crate) async fn checkout(&self, id: &str) -> Result<Checkout, BillingError> {
        let session = self.send(None, &RetrieveCheckoutSession::new(id)).await?;
        self.check_mode(session.livemode)?;
        Ok(write::checkout(&session))
    }
}

pub(crate) fn is(session: &stripe_shared::CheckoutSession, status: &CheckoutSessionStatus) -> bool {
    session.status.as_ref() == Some(status)
}

/// The machine's clock counts where there is no test clock.
#[allow(clippy::disallowed_methods, reason = "Stripe's own clock is not ours to inject; without a test clock it is the world's")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn at(seconds: i64) -> Result<OffsetDateTime, BillingError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| BillingError::Unexpected(format!("a time: {seconds}")))
}

/// `None` for a subscription to something that is not in our catalogue.
fn subscription(s: &stripe_shared::Subscription) -> Result<Option<Subscription>, BillingError> {
    use stripe_shared::SubscriptionStatus as Theirs;
    let Some(item) = s.items.data.first() else { return Ok(None) };
    let Some(plan) = item.price.metadata.get(PLAN).and_then(|plan| plan.parse().ok()) else { return Ok(None) };
    let interval = match item.price.recurring.as_ref().map(|r| &r.interval) {
        Some(RecurringInterval::Month) => Interval::Month,
        Some(RecurringInterval::Year) => Interval::Year,
        other => return Err(BillingError::Unexpected(format!("a price charged by {other:?}"))),
    };
    let status = match &s.status {
        Theirs::Active | Theirs::Trialing => SubscriptionStatus::Active,
        Theirs::PastDue => SubscriptionStatus::PastDue,
        // Paused has no payment either.
        Theirs::Unpaid | Theirs::Paused => SubscriptionStatus::Unpaid,
        Theirs::Canceled => SubscriptionStatus::Canceled,
        Theirs::Incomplete => SubscriptionStatus::Incomplete,
        Theirs::IncompleteExpired => SubscriptionStatus::IncompleteExpired,
        other => return Err(BillingError::Unexpected(format!("a subscription that is {other}"))),
    };
    let unit = item.price.unit_amount.ok_or_else(|| BillingError::Unexpected("a price without an amount".to_owned()))?;
    Ok(Some(Subscription {
        id: s.id.to_string(),
        item: item.id.to_string(),
        status,
        plan,
        interval,
        seats: u32::try_from(item.quantity.unwrap_or(0)).map_err(|_| BillingError::Unexpected("a quantity".to_owned()))?,
        unit_price: Money::new(unit, &item.price.currency.to_string()),
        created: at(s.created)?,
        period_start: at(item.current_period_start)?,
        period_end: at(item.current_period_end)?,
        cancel_at_period_end: s.cancel_at_period_end,
        schedule: s.schedule.as_ref().map(|schedule| schedule.id().to_string()),
        booked: None,
        card: None,
    }))
}

fn card(method: &Expandable<PaymentMethod>) -> Option<Card> {
    let card = method.as_object()?.card.as_ref()?;
    let mut brand = card.display_brand.clone().unwrap_or_else(|| card.brand.clone()).replace('_', " ");
    if let Some(first) = brand.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(Card { label: format!("{brand} ending {}", card.last4), expires: format!("{:02}/{}", card.exp_month, card.exp_year) })
}

fn invoice(i: &stripe_shared::Invoice) -> Result<Invoice, BillingError> {
    use stripe_shared::InvoiceStatus as Theirs;
    let status = match &i.status {
        Some(Theirs::Open) => InvoiceStatus::Open,
        Some(Theirs::Paid) => InvoiceStatus::Paid,
        Some(Theirs::Uncollectible) => InvoiceStatus::Uncollectible,
        Some(Theirs::Void) => InvoiceStatus::Void,
        Some(Theirs::Draft) | None => InvoiceStatus::Draft,
        Some(other) => return Err(BillingError::Unexpected(format!("an invoice that is {other}"))),
    };
    let currency = i.currency.to_string();
    let parent = i.parent.as_ref().and_then(|p| p.subscription_details.as_ref());
    // The last line is the one that was asked for; a credit for what it replaces stands before it.
    let description = i.lines.data.last().and_then(|line| line.description.clone()).or_else(|| i.description.clone()).unwrap_or_default();
    Ok(Invoice {
        id: i.id.as_ref().map(ToString::to_string).unwrap_or_default(),
        number: i.number.clone(),
        subscription: parent.map(|p| p.subscription.id().to_string()),
        status,
        description,
        total: Money::new(i.total, &currency),
        remaining: Money::new(i.amount_remaining, &currency),
        created: at(i.created)?,
        finalized_at: i.status_transitions.finalized_at.map(at).transpose()?,
        attempts: i.attempt_count,
        next_attempt: i.next_payment_attempt.map(at).transpose()?,
        url: i.hosted_invoice_url.clone(),
        pdf: i.invoice_pdf.clone(),
    })
}
