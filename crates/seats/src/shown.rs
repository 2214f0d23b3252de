//! The lists of holders that refusals show. A crowd that is refused at once is shown the same list, for which Redis is asked once.

use domain::ports::seats::{SeatHolder, SeatsError};
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use types::{LicenseId, UserId};

/// Most lists that are kept.
const LISTS: u64 = 10_000;

/// By licence, and by whose they are where it is one person's own.
type Key = (LicenseId, Option<UserId>);

pub(crate) struct Shown(Cache<Key, Arc<[SeatHolder]>>);

impl Shown {
    pub(crate) fn new(age: Duration) -> Self {
        Self(Cache::builder().max_capacity(LISTS).time_to_live(age).build())
    }

    /// The list of that name, or what `ask` says. Those who ask at the same time wait for the same answer.
    pub(crate) async fn list<Answer: Future<Output = Result<Vec<SeatHolder>, SeatsError>>>(
        &self,
        key: Key,
        ask: impl FnOnce() -> Answer,
    ) -> Result<Arc<[SeatHolder]>, SeatsError> {
        if let Some(list) = self.0.get(&key).await {
            return Ok(list);
        }
        // Boxed: most of a crowd need not go this way, and would carry its size along.
        let list = Box::pin(self.0.try_get_with(key, async { ask().await.map(Arc::from) })).await;
        list.map_err(|error: Arc<SeatsError>| SeatsError(error.0.clone()))
    }
}
