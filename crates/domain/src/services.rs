//! What every use-case needs: the database, the world outside, and the settings.

use crate::copies::Turns;
use crate::limits::Limits;
use crate::passwords::Passwords;
use crate::ports::billing::Billing;
use crate::ports::seats::Seats;
use crate::ports::signer::Signer;
use crate::ports::time::{Clock, Random};
use std::sync::Arc;
use store::Store;
use time::OffsetDateTime;

/// What an operator decides.
#[derive(Clone)]
pub struct Settings {
    /// Without a slash at the end; stands in mails and tokens.
    pub base_url: String,
    pub product_name: String,
    /// HMAC key of access tokens.
    pub access_key: Vec<u8>,
    /// How long an unpaid invoice changes nothing.
    pub billing_grace: time::Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("base_url", &self.base_url).field("product_name", &self.product_name).finish_non_exhaustive()
    }
}

/// Second argument of every use-case.
#[derive(Clone)]
pub struct Services {
    pub store: Store,
    pub seats: Arc<dyn Seats>,
    pub signer: Arc<dyn Signer>,
    /// Nothing can be bought without one.
    pub billing: Option<Arc<dyn Billing>>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub passwords: Passwords,
    pub limits: Arc<Limits>,
    /// To bring the live store what it misses.
    pub turns: Arc<Turns>,
    pub settings: Settings,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Services {
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// A new id that sorts by time (UUID version 7), with 74 random bits.
    pub(crate) fn new_id<T: From<uuid::Uuid>>(&self) -> T {
        let mut random = [0; 10];
        self.random.fill(&mut random);
        let millis = u64::try_from(self.now().unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().into()
    }

    /// A new id that says nothing and cannot be guessed (UUID version 4).
    pub(crate) fn random_id<T: From<uuid::Uuid>>(&self) -> T {
        let mut random = [0; 16];
        self.random.fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid().into()
    }
}
