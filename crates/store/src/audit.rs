//! The audit log of a tenant. Append-only.

use crate::{Actor, Error, TenantTx, Tx};
use time::OffsetDateTime;
use types::TenantId;
use types::organizations::AuditEntry;

/// What is written; who and where from comes from the transaction's context.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// Such as `member.invited`.
    pub action: &'a str,
    /// What it was done to, for a person.
    pub subject: &'a str,
    pub reason: Option<&'a str>,
    pub details: serde_json::Value,
}

/// Appends, as part of the transaction that does what is told.
pub async fn append(tx: &mut impl Tx, tenant: TenantId, now: OffsetDateTime, entry: NewEntry<'_>) -> Result<(), Error> {
    let ctx = tx.ctx();
    let (kind, name) = match &ctx.actor {
        Actor::User { name, .. } => ("user", name.clone()),
        Actor::Device { .. } => ("device", "Installed application".to_owned()),
        Actor::Staff { name, .. } => ("staff", name.clone()),
        Actor::System(job) => ("system", (*job).to_owned()),
        Actor::Anonymous => ("user", "Somebody with the link".to_owned()),
    };
    let (id, request_id, ip) = (ctx.user_id().map(|u| u.0), ctx.request_id.clone(), ctx.client_ip.map(|ip| ip.to_string()));
    sqlx::query!(
        "INSERT INTO audit_log (tenant_id, at, actor_kind, actor_id, actor_name, action, subject, reason, details, request_id, client_ip)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.0,
        now,
        kind,
        id,
        name,
        entry.action,
        entry.subject,
        entry.reason,
        entry.details,
        request_id,
        ip
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What to show of the log.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only entries older than this id.
    pub before: Option<i64>,
    /// Words in actor, action, subject or reason.
    pub words: Option<String>,
    /// Only this action, or every action of a group such as `member.`.
    pub action: Option<String>,
    pub limit: i64,
}

/// Newest first.
pub async fn list(tx: &mut TenantTx, filter: &Filter) -> Result<Vec<AuditEntry>, Error> {
    let tenant = tx.tenant();
    let pattern = filter.words.as_deref().map(|w| format!("%{}%", w.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
    let rows = sqlx::query!(
        "SELECT id, at, actor_kind, actor_name, action, subject, reason, details FROM audit_log
         WHERE tenant_id = $1 AND ($2::bigint IS NULL OR id < $2)
           AND ($3::text IS NULL OR actor_name ILIKE $3 OR action ILIKE $3 OR subject ILIKE $3 OR reason ILIKE $3)
           AND ($4::text IS NULL OR starts_with(action, $4))
         ORDER BY id DESC LIMIT $5",
        tenant.0,
        filter.before,
        pattern,
        filter.action,
        filter.limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| AuditEntry {
            id: r.id,
            at: r.at,
            actor_kind: r.actor_kind,
            actor_name: r.actor_name,
            action: r.action,
            subject: r.subject,
            reason: r.reason,
            details: r.details,
        })
        .collect())
}
