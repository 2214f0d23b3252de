//! Reading the audit log.

use crate::access::require;
use crate::error::Result;
use crate::services::Services;
use store::audit::Filter;
use store::{Actor, OpCtx, TenantTx};
use types::Action;
use types::organizations::AuditList;

/// One page, newest first.
pub async fn list(
    ctx: &OpCtx,
    svc: &Services,
    words: Option<&str>,
    action: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<AuditList> {
    if !matches!(ctx.actor, Actor::Staff { .. }) {
        require(ctx, Action::AuditView)?;
    }
    let limit = limit.clamp(1, 200);
    let filter = Filter {
        before,
        words: words.map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned),
        action: action.map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned),
        limit: limit + 1,
    };
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let mut entries = store::audit::list(&mut tx, &filter).await?;
    let more = i64::try_from(entries.len()).unwrap_or(i64::MAX) > limit;
    entries.truncate(usize::try_from(limit).unwrap_or_default());
    let next = if more { entries.last().map(|e| e.id) } else { None };
    Ok(AuditList { entries, next })
}
