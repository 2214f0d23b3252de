//! Stripe, behind the billing port. Stripe's types stop here.
//!
//! async-stripe 1.0.0-rc.10 is the client: it speaks the current API and bears unknown values. It has no way to repeat a call under a key
//! of our own, so [`StripeBilling::send`] does that.

mod catalogue;
mod details;
mod read;
mod webhook;
mod write;

use async_trait::async_trait;
use domain::ports::billing::{
    Bell, BellError, Billing, BillingError, CataloguePrice, Checkout, Details, NewCheckout, Preview, SeatChange, State,
};
use std::time::Duration;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use types::TenantId;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Pauses between tries; one more try than pauses.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1200)];

/// The connection to one Stripe account in one mode.
#[derive(Clone)]
pub struct StripeBilling {
    client: Client,
    live: bool,
    webhook_secrets: Vec<String>,
}

impl std::fmt::Debug for StripeBilling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeBilling").field("live", &self.live).finish_non_exhaustive()
    }
}

impl StripeBilling {
    /// `api_base` ends with a slash; `None` is Stripe itself. Any of `webhook_secrets` may sign a webhook (two while one is replaced).
    pub fn new(secret_key: &str, api_base: Option<&str>, webhook_secrets: Vec<String>) -> Result<Self, BillingError> {
        let mut builder = ClientBuilder::new(secret_key).request_strategy(RequestStrategy::Once).timeout(TIMEOUT);
        if let Some(base) = api_base {
            builder = builder.url(base);
        }
        let client = builder.build().map_err(|_| BillingError::Unexpected("the secret key cannot be sent".to_owned()))?;
        let live = secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_");
        Ok(Self { client, live, webhook_secrets })
    }

    /// Sends, under the idempotency key if there is one, and again when nothing or something passing came back.
    async fn send<R: StripeRequest>(&self, key: Option<&str>, request: &R) -> Result<R::Output, BillingError>
    where
        R::Output: miniserde::Deserialize,
    {
        let strategy = match key {
            Some(key) => RequestStrategy::Idempotent(
                IdempotencyKey::new(key).map_err(|_| BillingError::Unexpected("an idempotency key that cannot be sent".to_owned()))?,
            ),
            None => RequestStrategy::Once,
        };
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = request.customize().request_strategy(strategy.clone()).send(&self.client).await;
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => told(error),
            };
            let passing = matches!(error, BillingError::Unavailable(_) | BillingError::Failed(_));
            match pauses.next() {
                Some(pause) if passing => tokio::time::sleep(*pause).await,
                _ => return Err(error),
            }
        }
    }

    fn check_mode(&self, livemode: bool) -> Result<(), BillingError> {
        if livemode == self.live { Ok(()) } else { Err(BillingError::Unexpected("an object of the other mode".to_owned())) }
    }
}

/// What an error means for us. <https://docs.stripe.com/api/errors>
fn told(error: StripeError) -> BillingError {
    match error {
        StripeError::Stripe(e, status) => {
            let message = e.message.clone().unwrap_or_default();
            let code = e.code.as_ref().map(|c| c.as_str().to_owned()).unwrap_or_else(|| status.to_string());
            match status {
                402 => BillingError::Declined(if message.is_empty() { "The card was declined.".to_owned() } else { message }),
                // The first call under this key is still running; or there are too many.
                409 | 424 | 429 => BillingError::Unavailable(format!("{status}: {message}")),
                500.. => BillingError::Failed(format!("{status}: {message}")),
                _ => BillingError::Refused { code, message },
            }
        }
        // The client hides the status of an error that is not JSON: a proxy's page.
        StripeError::JSONDeserialize(text) if text.contains("Stripe error") => BillingError::Unavailable(text),
        StripeError::JSONDeserialize(text) | StripeError::ConfigError(text) => BillingError::Unexpected(text),
        StripeError::ClientError(text) => BillingError::Unavailable(text),
        StripeError::Timeout => BillingError::Unavailable("no answer in time".to_owned()),
    }
}

#[async_trait]
impl Billing for StripeBilling {
    async fn create_customer(&self, key: &str, tenant: TenantId, name: &str, email: &str) -> Result<String, BillingError> {
        self.create_customer(key, tenant, name, email).await
    }

    async fn update_details(&self, key: &str, customer: &str, details: &Details) -> Result<(), BillingError> {
        self.update_details(key, customer, details).await
    }

    async fn state(&self, customer: &str) -> Result<State, BillingError> {
        self.state(customer).await
    }

    async fn create_checkout(&self, key: &str, new: &NewCheckout) -> Result<Checkout, BillingError> {
        self.create_checkout(key, new).await
    }

    async fn checkout(&self, id: &str) -> Result<Checkout, BillingError> {
        self.checkout(id).await
    }

    async fn expire_checkout(&self, id: &str) -> Result<(), BillingError> {
        self.expire_checkout(id).await
    }

    async fn portal_link(&self, customer: &str, return_url: &str) -> Result<String, BillingError> {
        self.portal_link(customer, return_url).await
    }

    async fn preview_purchase(&self, customer: Option<&str>, price_key: &str, seats: u32) -> Result<Preview, BillingError> {
        self.preview_purchase(customer, price_key, seats).await
    }

    async fn preview_seats(&self, customer: &str, change: &SeatChange) -> Result<Preview, BillingError> {
        self.preview_seats(customer, change).await
    }

    async fn add_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError> {
        self.add_seats(key, change).await
    }

    async fn book_seats(&self, key: &str, change: &SeatChange) -> Result<(), BillingError> {
        self.book_seats(key, change).await
    }

    async fn unbook_seats(&self, key: &str, schedule: &str) -> Result<(), BillingError> {
        self.unbook_seats(key, schedule).await
    }

    async fn set_cancel(&self, key: &str, subscription: &str, cancel: bool) -> Result<(), BillingError> {
        self.set_cancel(key, subscription, cancel).await
    }

    async fn sync_catalogue(&self, prices: &[CataloguePrice]) -> Result<Vec<String>, BillingError> {
        self.sync_catalogue(prices).await
    }

    fn open_webhook(&self, body: &[u8], signature: &str) -> Result<Bell, BellError> {
        webhook::open(body, signature, &self.webhook_secrets, self.live)
    }
}
