//! Answers to requests that carried an idempotency key.

use crate::{Error, SystemTx, Tx};
use serde_json::Value;
use time::OffsetDateTime;

/// What is there under a key already.
#[derive(Clone, Debug)]
pub struct Known {
    /// Keyed hash of what was asked.
    pub request: Vec<u8>,
    pub answer: Value,
}

/// Notes that a request under this key is being carried out: `None`. If one was, says what it was; one that is under way in another
/// transaction is waited for.
pub async fn begin(tx: &mut impl Tx, hash: &[u8], request: &[u8], now: OffsetDateTime) -> Result<Option<Known>, Error> {
    let tenant = tx.ctx().tenant.map(|t| t.0);
    let new = sqlx::query!(
        "INSERT INTO idempotency_keys (hash, tenant_id, request, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING",
        hash,
        tenant,
        request,
        now
    )
    .execute(tx.conn())
    .await?;
    if new.rows_affected() == 1 {
        return Ok(None);
    }
    let known = sqlx::query!("SELECT request, answer FROM idempotency_keys WHERE hash = $1", hash).fetch_one(tx.conn()).await?;
    let answer = known.answer.ok_or(Error::Corrupt("idempotency_keys.answer"))?;
    Ok(Some(Known { request: known.request, answer }))
}

/// Keeps the answer for repeats; the caller commits it with all that it did.
pub async fn finish(tx: &mut impl Tx, hash: &[u8], answer: &Value) -> Result<(), Error> {
    sqlx::query!("UPDATE idempotency_keys SET answer = $2 WHERE hash = $1", hash, answer).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets keys from before then.
pub async fn purge(tx: &mut SystemTx, before: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < $1", before).execute(tx.conn()).await?.rows_affected())
}
