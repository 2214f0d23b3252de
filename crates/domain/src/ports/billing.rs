//! The provider that takes the money. The portal never computes an amount: it asks, shows, and reads back what is.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;
use types::TenantId;
use types::billing::{Interval, Money};
use types::licenses::Tier;

/// Why the provider did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BillingError {
    /// It cannot be reached, or answered nothing that says whether the call was carried out. The same call with the same key may be
    /// repeated.
    #[error("the billing provider does not answer: {0}")]
    Unavailable(String),
    /// It answered with an error of its own, which it may repeat for ever under the same key. Whether the call was carried out shows in
    /// what it says afterwards.
    #[error("the billing provider failed: {0}")]
    Failed(String),
    /// The card was declined; the text is the provider's, meant for the customer.
    #[error("declined: {0}")]
    Declined(String),
    /// It refused the call; repeating it changes nothing.
    #[error("refused by the billing provider: {code}: {message}")]
    Refused { code: String, message: String },
    /// The customer was deleted at the provider.
    #[error("the customer is gone")]
    CustomerGone,
    /// The answer is of another mode or account than ours, or cannot be understood.
    #[error("unexpected answer of the billing provider: {0}")]
    Unexpected(String),
}

/// Where invoices go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    pub company: String,
    pub email: String,
    pub line1: String,
    pub line2: String,
    pub postal_code: String,
    pub city: String,
    /// ISO 3166-1 alpha-2, upper case; empty while unknown.
    pub country: String,
    /// With its country's prefix, as printed on invoices.
    pub vat_number: String,
    /// Stands on every invoice.
    pub purchase_order: String,
}

/// States of a subscription as Stripe names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionStatus {
    /// The first payment has not come.
    Incomplete,
    /// It never came.
    IncompleteExpired,
    Active,
    PastDue,
    /// All tries have failed.
    Unpaid,
    Canceled,
}

/// A subscription to one of our plans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub item: String,
    pub status: SubscriptionStatus,
    pub plan: Tier,
    pub interval: Interval,
    pub seats: u32,
    pub unit_price: Money,
    #[serde(with = "rfc3339")]
    pub created: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub period_start: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub period_end: OffsetDateTime,
    pub cancel_at_period_end: bool,
    /// A schedule governs the subscription; with it, fewer seats are booked for the end of the period.
    pub schedule: Option<String>,
    pub booked: Option<BookedSeats>,
    pub card: Option<Card>,
}

/// A number of seats from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedSeats {
    pub seats: u32,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// What the subscription is paid with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// "Visa ending 4242".
    pub label: String,
    /// "08/2028".
    pub expires: String,
}

/// States of an invoice as Stripe names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

/// One invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invoice {
    pub id: String,
    pub number: Option<String>,
    pub subscription: Option<String>,
    pub status: InvoiceStatus,
    /// What it is for, in the provider's words.
    pub description: String,
    pub total: Money,
    pub remaining: Money,
    #[serde(with = "rfc3339")]
    pub created: OffsetDateTime,
    /// When it became due.
    #[serde(with = "rfc3339::option")]
    pub finalized_at: Option<OffsetDateTime>,
    pub attempts: u64,
    #[serde(with = "rfc3339::option")]
    pub next_attempt: Option<OffsetDateTime>,
    /// Page where it can be paid and looked at.
    pub url: Option<String>,
    pub pdf: Option<String>,
}

/// Everything that the provider knows of one customer, as of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The provider's own time: with a test clock it is not ours.
    #[serde(with = "rfc3339")]
    pub now: OffsetDateTime,
    pub details: Details,
    /// All of ours, ended ones too, oldest first.
    pub subscriptions: Vec<Subscription>,
    /// The newest fifty, newest first.
    pub invoices: Vec<Invoice>,
    /// What the running subscription is charged next.
    pub next_charge: Option<Charge>,
}

/// An amount that will be charged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    pub amount: Money,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// Another number of seats for a running subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatChange {
    pub subscription: String,
    pub item: String,
    /// What was booked before, which the change replaces, and for how many seats it was.
    pub schedule: Option<String>,
    pub booked: Option<u32>,
    pub interval: Interval,
    #[serde(with = "rfc3339")]
    pub period_end: OffsetDateTime,
    pub from: u32,
    pub to: u32,
    /// The moment whose price was agreed, for more seats.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// What a change would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Due at once.
    pub due_now: Money,
    /// What that is made of.
    pub lines: Vec<(String, Money)>,
    /// Each period from then on.
    pub recurring: Money,
}

/// The first purchase.
#[derive(Clone, Debug)]
pub struct NewCheckout {
    pub tenant: TenantId,
    pub customer: String,
    pub price_key: String,
    pub seats: u32,
    pub success_url: String,
    pub cancel_url: String,
}

/// The provider's page where the customer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub id: String,
    pub url: Option<String>,
    /// Still to be paid; otherwise completed or expired.
    pub open: bool,
    pub complete: bool,
}

/// A price that the catalogue wants.
#[derive(Clone, Debug)]
pub struct CataloguePrice {
    /// Finds the price again (Stripe's lookup key).
    pub key: String,
    pub plan: Tier,
    pub product_name: String,
    pub unit_price: Money,
    pub interval: Interval,
}

/// What a webhook tells: that something has happened, and to whom. Its other contents are never believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bell {
    pub event: String,
    pub kind: String,
    pub customer: Option<String>,
}

/// Why a webhook is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BellError {
    /// No signature of an active secret over exactly this body, or one older than five minutes.
    #[error("the signature does not fit")]
    Signature,
    /// Signed, but not an event.
    #[error("not an event")]
    Malformed,
    /// Of the other mode (test or live), or of another account.
    #[error("an event of another mode or account")]
    Foreign,
}

/// Stripe, or what stands in for it. `key` is the idempotency key, stored before the call; retries and timeouts are the adapter's.
#[async_trait]
pub trait Billing: Send + Sync {
    async fn create_customer(&self, key: &str, tenant: TenantId, name: &str, email: &str) -> Result<String, BillingError>;
    async fn update_details(&self, key: &str, customer: &str, details: &Details) -> Result<(), BillingError>;
    /// Reads all that is known of the customer.
    async fn state(&self, customer: &str) -> Result<State, BillingError>;
    async fn create_checkout(&self, key: &str, new: &NewCheckout) -> Result<Checkout, BillingError>;
    async fn checkout(&self, id: &str) -> Result<Checkout, BillingError>;
    /// Makes sure that nobody can pay it any longer. One that is completed or expired stays so.
    async fn expire_checkout(&self, id: &str) -> Result<(), BillingError>;
    /// A link to the customer's own page at the provider: card, invoices.
    async fn portal_link(&self, customer: &str, return_url: &str) -> Result<String, BillingError>;
    /// The cost of a first purchase.
    async fn preview_purchase(&self, customer: Option<&str>, price_key: &str, seats: u32) -> Result<Preview, BillingError>;
    /// The cost of another number of seats: more are charged from `at` on, fewer cost less from the next period on.
    async fn preview_seats(&self, customer: &str, change: &SeatChange) -> Result<Preview, BillingError>;
    /// More seats, charged now for the rest of the period. If the card is declined, nothing has changed, not even what was booked.
    async fn add_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError>;
    /// Fewer seats from the end of the period on.
    async fn book_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError>;
    /// Takes the booked change back.
    async fn unbook_seats(&self, key: &str, schedule: &str) -> Result<(), BillingError>;
    /// Ends the subscription with its period, or takes that back.
    async fn set_cancel(&self, key: &str, subscription: &str, cancel: bool) -> Result<(), BillingError>;
    /// Creates what the catalogue names and is not there yet; says what it did. Repeatable.
    async fn sync_catalogue(&self, prices: &[CataloguePrice]) -> Result<Vec<String>, BillingError>;
    /// Checks a webhook's signature over its raw body and reads the envelope.
    fn open_webhook(&self, body: &[u8], signature: &str) -> Result<Bell, BellError>;
}
