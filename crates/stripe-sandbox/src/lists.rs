//! Pages of lists, newest first.

use serde_json::{Value, json};

use crate::error::{Answer, ApiError};
use crate::form::Params;

/// One page of rows that are given oldest first.
pub fn page<'a>(rows: impl Iterator<Item = &'a Value>, params: &Params, url: &str) -> Answer {
    let limit = params.int("limit")?.unwrap_or(10);
    let Some(limit) = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)) else {
        return Err(ApiError::coded("parameter_invalid_integer", "This value must be between 1 and 100.", Some("limit")));
    };
    let between = created_range(params)?;
    let mut rows: Vec<&Value> = rows.filter(|row| row["created"].as_i64().is_none_or(&between)).collect();
    rows.reverse();
    let place = |id: &str, param: &str| rows.iter().position(|row| row["id"] == id).ok_or_else(|| ApiError::missing("object", id, param));
    let (rows, more) = match (params.text("starting_after"), params.text("ending_before")) {
        (Some(id), _) => {
            let rest = &rows[place(id, "starting_after")? + 1..];
            (&rest[..rest.len().min(limit)], rest.len() > limit)
        }
        (None, Some(id)) => {
            let before = &rows[..place(id, "ending_before")?];
            (&before[before.len().saturating_sub(limit)..], before.len() > limit)
        }
        (None, None) => (&rows[..rows.len().min(limit)], rows.len() > limit),
    };
    Ok(json!({"object": "list", "data": rows, "has_more": more, "url": url}))
}

/// A whole list, for lists that are part of an object.
pub fn whole(rows: Vec<Value>, url: &str) -> Value {
    json!({"object": "list", "data": rows, "has_more": false, "url": url})
}

/// `created[gte]` and its like.
fn created_range(params: &Params) -> Result<impl Fn(i64) -> bool, ApiError> {
    let (gt, gte) = (params.int("created.gt")?, params.int("created.gte")?);
    let (lt, lte) = (params.int("created.lt")?, params.int("created.lte")?);
    let exact = params.int("created")?;
    Ok(move |at: i64| {
        gt.is_none_or(|from| at > from)
            && gte.is_none_or(|from| at >= from)
            && lt.is_none_or(|to| at < to)
            && lte.is_none_or(|to| at <= to)
            && exact.is_none_or(|exact| at == exact)
    })
}
