//! `Idempotency-Key`: a request that creates something may be sent again, after a lost answer say, and is carried out once
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! The key is written in the transaction that does the work, with the answer. So there is no moment at which the work is done and the key
//! unknown, and of two requests at once the second waits for the first and gets its answer. What was refused leaves no trace and may be
//! tried again.

use crate::error::{Error, Result};
use crate::services::Services;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use store::{OpCtx, Tx, idempotency};
use time::Duration;
use types::{Code, Problem};

/// How long an answer is kept.
pub(crate) const KEEP: Duration = Duration::hours(24);
/// Longest key, in octets.
const LONGEST: usize = 255;

/// A key as its caller sent it, checked: up to 255 printable ASCII characters.
fn check(key: &str) -> Result<&str> {
    let key = key.trim();
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        let detail = format!("The header Idempotency-Key takes 1 to {LONGEST} printable ASCII characters, such as a UUID.");
        return Err(Problem::new(Code::InvalidRequest, detail).into());
    }
    Ok(key)
}

/// Where the answer to this request is kept.
pub(crate) struct Slot(Vec<u8>);

/// What is to be done with a request.
pub(crate) enum Begin<T> {
    /// Carry it out, and then [`finish`] with the slot, if the caller sent a key.
    New(Option<Slot>),
    /// It was carried out before; that was the answer.
    Repeat(T),
}

/// Looks whether a request of this kind was carried out under the context's key. `request` is everything that was asked.
pub(crate) async fn begin<T: DeserializeOwned>(
    tx: &mut impl Tx,
    svc: &Services,
    kind: &str,
    request: &(impl Serialize + Sync),
) -> Result<Begin<T>> {
    let Some(hash) = hash(tx.ctx(), kind)? else { return Ok(Begin::New(None)) };
    let request = fingerprint(svc, request)?;
    match idempotency::begin(tx, &hash, &request, svc.now()).await? {
        None => Ok(Begin::New(Some(Slot(hash)))),
        Some(known) if known.request != request => {
            let detail = "This Idempotency-Key was sent before with another request. Use a new key for a new request.";
            Err(Problem::new(Code::IdempotencyKeyReused, detail).into())
        }
        Some(known) => serde_json::from_value(known.answer).map(Begin::Repeat).map_err(|e| Error::Internal(format!("kept answer: {e}"))),
    }
}

/// Keeps the answer for repeats. Comes before the commit.
pub(crate) async fn finish(tx: &mut impl Tx, slot: Option<Slot>, answer: &(impl Serialize + Sync)) -> Result<()> {
    let Some(slot) = slot else { return Ok(()) };
    let answer = serde_json::to_value(answer).map_err(|e| Error::Internal(format!("answer to keep: {e}")))?;
    Ok(idempotency::finish(tx, &slot.0, &answer).await?)
}

/// Names the key among those of all callers: two people, or two kinds of request, may use the same text.
fn hash(ctx: &OpCtx, kind: &str) -> Result<Option<Vec<u8>>> {
    let Some(key) = &ctx.idempotency_key else { return Ok(None) };
    let whose = format!("{:?} {:?} {kind} ", ctx.tenant, ctx.user_id());
    Ok(Some(Sha256::new().chain_update(whose).chain_update(check(key)?).finalize().to_vec()))
}

/// A request may hold a password, so this is a keyed hash (HMAC-SHA-256): whoever reads the table cannot try passwords on it.
fn fingerprint(svc: &Services, request: &impl Serialize) -> Result<Vec<u8>> {
    let internal = |e: String| Error::Internal(format!("fingerprint of a request: {e}"));
    let text = serde_json::to_vec(request).map_err(|e| internal(e.to_string()))?;
    let message = [b"idempotency\0".as_slice(), &text].concat();
    let key = EncodingKey::from_secret(&svc.settings.access_key);
    Ok(jsonwebtoken::crypto::sign(&message, &key, Algorithm::HS256).map_err(|e| internal(e.to_string()))?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Actor;
    use types::{TenantId, UserId};
    use uuid::Uuid;

    #[test]
    fn keys_are_bounded_and_printable() {
        assert_eq!(check(" 5f2c-1 ").unwrap(), "5f2c-1");
        for bad in ["", "  ", "a\nb", "å", &"k".repeat(256)] {
            assert_eq!(check(bad).unwrap_err().into_problem().code, Code::InvalidRequest, "{bad:?}");
        }
        assert!(check(&"k".repeat(255)).is_ok());
    }

    #[test]
    fn the_same_text_is_another_key_for_another_person_tenant_or_kind() {
        let ctx = |tenant: u128, user: u128| OpCtx {
            tenant: Some(TenantId(Uuid::from_u128(tenant))),
            actor: Actor::User { id: UserId(Uuid::from_u128(user)), name: "A".into() },
            idempotency_key: Some("k".into()),
            ..OpCtx::anonymous("r")
        };
        let hash = |ctx: &OpCtx, kind| hash(ctx, kind).unwrap();
        let hashes = [hash(&ctx(1, 1), "a"), hash(&ctx(1, 2), "a"), hash(&ctx(2, 1), "a"), hash(&ctx(1, 1), "b")];
        let different: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
        assert_eq!(hash(&OpCtx::anonymous("r"), "a"), None);
    }
}
