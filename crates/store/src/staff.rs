//! Employees of the vendor.

use crate::{Error, SystemTx, Tx, parse};
use time::OffsetDateTime;
use types::{StaffRole, UserId};

pub async fn role_of(tx: &mut SystemTx, user: UserId) -> Result<Option<StaffRole>, Error> {
    let row = sqlx::query_scalar!("SELECT role FROM staff WHERE user_id = $1", user.0).fetch_optional(tx.conn()).await?;
    row.map(|r| parse(&r, "staff.role")).transpose()
}

/// Makes somebody staff, or changes the role.
pub async fn put(tx: &mut SystemTx, user: UserId, role: StaffRole, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO staff (user_id, role, created_at) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET role = excluded.role",
        user.0,
        role.as_str(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
