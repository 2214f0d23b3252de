//! Mail that waits to be sent.

use crate::{Error, SystemTx, Tx};
use time::{Duration, OffsetDateTime};
use types::TenantId;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Puts a message into the outbox of the transaction; it goes out after the commit.
pub async fn enqueue(tx: &mut impl Tx, tenant: Option<TenantId>, m: &Message, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO mail_outbox (tenant_id, recipient, subject, body_text, body_html, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        tenant.map(|t| t.0),
        m.to,
        m.subject,
        m.text,
        m.html,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the next due message for this transaction and books the next try, so that a crash while sending repeats it later.
pub async fn take(tx: &mut SystemTx, now: OffsetDateTime) -> Result<Option<(i64, i32, Message)>, Error> {
    let row = sqlx::query!(
        "UPDATE mail_outbox SET attempts = attempts + 1, due_at = $1::timestamptz + interval '2 minutes'
         WHERE id = (SELECT id FROM mail_outbox WHERE sent_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, attempts, recipient, subject, body_text, body_html",
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| (r.id, r.attempts, Message { to: r.recipient, subject: r.subject, text: r.body_text, html: r.body_html })))
}

/// Sent: the text is forgotten, since it may hold a link that opens something.
pub async fn sent(tx: &mut SystemTx, id: i64, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE mail_outbox SET sent_at = $2, last_error = NULL, body_text = '', body_html = '' WHERE id = $1", id, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Not sent: again after `wait`.
pub async fn failed(tx: &mut SystemTx, id: i64, now: OffsetDateTime, wait: Duration, error: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE mail_outbox SET due_at = $2, last_error = $3 WHERE id = $1", id, now + wait, error).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets what was sent before, and what could not be sent for so long.
pub async fn purge(tx: &mut SystemTx, before: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM mail_outbox WHERE created_at < $1", before).execute(tx.conn()).await?.rows_affected())
}
