//! How often features are used. No row says by whom.

use crate::{Error, SystemTx, TenantTx, Tx};
use time::Date;

/// Uses of one feature on one day, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uses {
    pub day: Date,
    pub feature: String,
    pub uses: i64,
}

/// Adds to what is there. `rows` name no day and feature twice. The caller has locked the tenant's counting.
pub async fn add(tx: &mut TenantTx, rows: &[Uses]) -> Result<(), Error> {
    let tenant = tx.tenant();
    let days: Vec<Date> = rows.iter().map(|r| r.day).collect();
    let features: Vec<String> = rows.iter().map(|r| r.feature.clone()).collect();
    let uses: Vec<i64> = rows.iter().map(|r| r.uses).collect();
    sqlx::query!(
        "INSERT INTO feature_use (tenant_id, day, feature, uses)
         SELECT $1, day, feature, uses FROM UNNEST($2::date[], $3::text[], $4::bigint[]) AS new (day, feature, uses)
         ON CONFLICT (tenant_id, day, feature) DO UPDATE SET uses = feature_use.uses + EXCLUDED.uses",
        tenant.0,
        &days,
        &features,
        &uses
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The largest number of different features on one of these days.
pub async fn most_on_a_day(tx: &mut TenantTx, days: &[Date]) -> Result<i64, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"SELECT COALESCE(max(n), 0) AS "most!" FROM (
               SELECT count(*) AS n FROM feature_use WHERE tenant_id = $1 AND day = ANY($2) GROUP BY day) counts"#,
        tenant.0,
        days
    )
    .fetch_one(tx.conn())
    .await?)
}

/// One feature over some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub feature: String,
    pub uses: i64,
    /// On how many days.
    pub days: i64,
    pub last: Date,
}

/// The features used since then, most used first.
pub async fn totals(tx: &mut TenantTx, since: Date, most: i64) -> Result<Vec<Total>, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Total,
        r#"SELECT feature, sum(uses)::bigint AS "uses!", count(*) AS "days!", max(day) AS "last!" FROM feature_use
           WHERE tenant_id = $1 AND day >= $2 GROUP BY feature ORDER BY 2 DESC, 1 LIMIT $3"#,
        tenant.0,
        since,
        most
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Forgets days before then.
pub async fn purge(tx: &mut SystemTx, before: Date) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM feature_use WHERE day < $1", before).execute(tx.conn()).await?.rows_affected())
}

/// Forgets everything of the tenant.
pub async fn clear(tx: &mut TenantTx) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!("DELETE FROM feature_use WHERE tenant_id = $1", tenant.0).execute(tx.conn()).await?;
    Ok(())
}
