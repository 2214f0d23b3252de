//! From what the provider says to what a licence allows. Pure: the same word always gives the same answer, in whatever order it came.

use crate::ports::billing::{Invoice, InvoiceStatus, State, Subscription, SubscriptionStatus};
use time::{Duration, OffsetDateTime};
use types::licenses::LicenseStatus;

/// The subscription that gives seats, how it stands, and what is unpaid.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    pub subscription: &'a Subscription,
    pub status: LicenseStatus,
    pub unpaid: Option<Unpaid<'a>>,
}

/// An invoice that should have been paid.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpaid<'a> {
    pub invoice: &'a Invoice,
    /// From then on nobody new is admitted.
    pub until: OffsetDateTime,
}

impl State {
    /// Subscriptions that were paid at some time and have not ended, oldest first.
    pub fn live(&self) -> impl Iterator<Item = &Subscription> {
        use SubscriptionStatus::{Active, Canceled, Incomplete, IncompleteExpired, PastDue, Unpaid};
        self.subscriptions.iter().filter(|s| match s.status {
            Active | PastDue | Unpaid => true,
            Incomplete | IncompleteExpired | Canceled => false,
        })
    }
}

/// `None` without a subscription that was ever paid and has not ended. Should there be several, the oldest counts: seats are never
/// added up from two purchases that were meant as one.
pub fn standing(state: &State, grace: Duration) -> Option<Standing<'_>> {
    let subscription = state.live().next()?;
    if subscription.status == SubscriptionStatus::Active {
        return Some(Standing { subscription, status: LicenseStatus::Active, unpaid: None });
    }
    let oldest = state
        .invoices
        .iter()
        .filter(|i| i.subscription.as_ref() == Some(&subscription.id))
        .filter(|i| matches!(i.status, InvoiceStatus::Open | InvoiceStatus::Uncollectible))
        .min_by_key(|i| i.finalized_at.unwrap_or(i.created));
    let unpaid = oldest.map(|invoice| Unpaid { invoice, until: invoice.finalized_at.unwrap_or(invoice.created) + grace });
    let in_grace = unpaid.as_ref().is_some_and(|u| state.now < u.until);
    let status = if in_grace { LicenseStatus::PastDue } else { LicenseStatus::Restricted };
    Some(Standing { subscription, status, unpaid })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use types::billing::{Interval, Money};
    use types::licenses::Tier;

    const DUE: OffsetDateTime = datetime!(2026-11-01 00:00 UTC);

    fn subscription(id: &str, status: SubscriptionStatus) -> Subscription {
        Subscription {
            id: id.into(),
            item: format!("si_{id}"),
            status,
            plan: Tier::Pro,
            interval: Interval::Month,
            seats: 5,
            unit_price: Money::new(2800, "usd"),
            created: DUE,
            period_start: DUE,
            period_end: DUE + Duration::days(30),
            cancel_at_period_end: false,
            schedule: None,
            booked: None,
            card: None,
        }
    }

    fn invoice(subscription: &str, status: InvoiceStatus) -> Invoice {
        Invoice {
            id: "in_1".into(),
            number: None,
            subscription: Some(subscription.into()),
            status,
            description: String::new(),
            total: Money::new(14_000, "usd"),
            remaining: Money::new(14_000, "usd"),
            created: DUE,
            finalized_at: Some(DUE),
            attempts: 1,
            next_attempt: None,
            url: None,
            pdf: None,
        }
    }

    fn state(now: OffsetDateTime, subscriptions: Vec<Subscription>, invoices: Vec<Invoice>) -> State {
        State { now, details: Default::default(), subscriptions, invoices, next_charge: None }
    }

    fn status(state: &State) -> Option<LicenseStatus> {
        standing(state, Duration::days(7)).map(|s| s.status)
    }

    #[test]
    fn what_was_never_paid_or_has_ended_gives_nothing() {
        use SubscriptionStatus::{Canceled, Incomplete, IncompleteExpired};
        for s in [Incomplete, IncompleteExpired, Canceled] {
            assert_eq!(status(&state(DUE, vec![subscription("a", s)], vec![])), None);
        }
    }

    #[test]
    fn grace_is_counted_from_the_day_the_oldest_unpaid_invoice_was_due() {
        for s in [SubscriptionStatus::PastDue, SubscriptionStatus::Unpaid] {
            let at = |now| status(&state(now, vec![subscription("a", s)], vec![invoice("a", InvoiceStatus::Open)]));
            assert_eq!(at(DUE + Duration::days(7) - Duration::SECOND), Some(LicenseStatus::PastDue));
            assert_eq!(at(DUE + Duration::days(7)), Some(LicenseStatus::Restricted));
        }
        let foreign = state(DUE, vec![subscription("a", SubscriptionStatus::PastDue)], vec![invoice("b", InvoiceStatus::Open)]);
        assert_eq!(status(&foreign), Some(LicenseStatus::Restricted), "somebody else's invoice gives no grace");
    }

    #[test]
    fn the_oldest_running_subscription_counts() {
        let state = state(
            DUE,
            vec![
                subscription("old", SubscriptionStatus::Canceled),
                subscription("first", SubscriptionStatus::Active),
                subscription("second", SubscriptionStatus::Active),
            ],
            vec![],
        );
        assert_eq!(standing(&state, Duration::ZERO).unwrap().subscription.id, "first");
    }
}
