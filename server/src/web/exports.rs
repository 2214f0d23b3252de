//! The audit log and usage as files.

use crate::api::error::ApiError;
use app::visit::Visit;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::{audit, identity};
use serde::Deserialize;
use types::organizations::AuditEntry;

/// The same filter as the page's.
#[derive(Debug, Default, Deserialize)]
pub struct Filter {
    q: Option<String>,
    action: Option<String>,
}

/// At most so many entries in one file.
const MOST: usize = 50_000;

async fn entries(visit: &Visit, slug: &str, filter: &Filter) -> Result<Vec<AuditEntry>, ApiError> {
    let (ctx, _) = identity::enter(&visit.ctx, &visit.services, slug).await?;
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = audit::list(&ctx, &visit.services, filter.q.as_deref(), filter.action.as_deref(), before, 200).await?;
        all.extend(page.entries);
        before = page.next;
        if before.is_none() || all.len() >= MOST {
            return Ok(all);
        }
    }
}

fn file(name: &str, mime: &str, body: String) -> Response {
    let name = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, mime.to_owned()), (CONTENT_DISPOSITION, name)], body).into_response()
}

/// `GET /orgs/{slug}/audit.json`
pub async fn json(
    Path(slug): Path<String>,
    Query(filter): Query<Filter>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, ApiError> {
    let all = entries(&visit, &slug, &filter).await?;
    let body = serde_json::to_string_pretty(&all).map_err(|e| domain::Error::Internal(e.to_string()))?;
    Ok(file(&format!("audit-{slug}.json"), "application/json", body))
}

/// `GET /orgs/{slug}/audit.csv`
pub async fn csv(Path(slug): Path<String>, Query(filter): Query<Filter>, Extension(visit): Extension<Visit>) -> Result<Response, ApiError> {
    let all = entries(&visit, &slug, &filter).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |e: csv::Error| domain::Error::Internal(e.to_string());
    writer.write_record(["id", "at", "actor_kind", "actor", "action", "subject", "reason", "details"]).map_err(write)?;
    for e in all {
        let at = e.at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        let cells =
            [e.id.to_string(), at, e.actor_kind, e.actor_name, e.action, e.subject, e.reason.unwrap_or_default(), e.details.to_string()];
        writer.write_record(cells.iter().map(|c| harmless(c))).map_err(write)?;
    }
    let bytes = writer.into_inner().map_err(|e| domain::Error::Internal(e.to_string()))?;
    Ok(file(&format!("audit-{slug}.csv"), "text/csv; charset=utf-8", String::from_utf8_lossy(&bytes).into_owned()))
}

/// A spreadsheet must not take a name for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

/// The range of the page.
#[derive(Debug, Default, Deserialize)]
pub struct Range {
    days: Option<String>,
}

/// `GET /orgs/{slug}/usage.csv`: one row per licence and hour in which something was in use or refused.
pub async fn usage(Path(slug): Path<String>, Query(range): Query<Range>, Extension(visit): Extension<Visit>) -> Result<Response, ApiError> {
    let (ctx, _) = identity::enter(&visit.ctx, &visit.services, &slug).await?;
    let hours = domain::usage::hourly(&ctx, &visit.services, app::usage::range(range.days.as_deref())).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |e: csv::Error| domain::Error::Internal(e.to_string());
    writer.write_record(["hour", "license", "peak", "max_seats", "seat_minutes", "full_minutes", "refusals"]).map_err(write)?;
    for h in hours {
        let at = h.hour.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        let row = [
            at,
            h.license.to_string(),
            h.peak.to_string(),
            h.max_seats.to_string(),
            (h.seat_seconds / 60).to_string(),
            (h.full_seconds / 60).to_string(),
            h.refusals.to_string(),
        ];
        writer.write_record(row).map_err(write)?;
    }
    let bytes = writer.into_inner().map_err(|e| domain::Error::Internal(e.to_string()))?;
    Ok(file(&format!("usage-{slug}.csv"), "text/csv; charset=utf-8", String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_formulas() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("Ingrid"), "Ingrid");
    }
}
