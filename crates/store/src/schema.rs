//! Migrations, and the check that the application's role cannot get around row-level security.

use crate::{Error, Store};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// All migrations, forward only.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Why the database cannot be brought to this version.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("cannot reach the database as its owner: {0}")]
    Connect(sqlx::Error),
    #[error("migration failed: {0}")]
    Migrate(#[from] MigrateError),
    #[error("cannot grant the application role its rights: {0}")]
    Grant(sqlx::Error),
}

/// Applies what is missing and makes `app_role` a member of the two group roles. `owner_url` owns the schema and may create roles.
pub async fn migrate(owner_url: &str, app_role: &str) -> Result<(), SchemaError> {
    let options: PgConnectOptions = owner_url.parse().map_err(SchemaError::Connect)?;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.map_err(SchemaError::Connect)?;
    MIGRATOR.run(&pool).await?;
    let is_member: bool =
        sqlx::query_scalar("SELECT pg_has_role($1::name, 'portal_tenant', 'MEMBER') AND pg_has_role($1::name, 'portal_system', 'MEMBER')")
            .bind(app_role)
            .fetch_one(&pool)
            .await
            .map_err(SchemaError::Grant)?;
    if !is_member {
        // quote_ident makes any role name safe; a GRANT takes no parameters.
        let quoted: String =
            sqlx::query_scalar("SELECT quote_ident($1)").bind(app_role).fetch_one(&pool).await.map_err(SchemaError::Grant)?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("GRANT portal_tenant, portal_system TO {quoted}")))
            .execute(&pool)
            .await
            .map_err(SchemaError::Grant)?;
    }
    pool.close().await;
    Ok(())
}

/// What makes a role unfit, in one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnfitRole(pub String);

/// Refuses a role that could bypass row-level security, or that lacks what it needs.
pub async fn check_role(store: &Store) -> Result<Result<(), UnfitRole>, Error> {
    let row = sqlx::query!(
        r#"SELECT rolname AS "name!", rolsuper AS "superuser!", rolbypassrls AS "bypass!",
              EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = 'public' AND pg_has_role(r.oid, c.relowner, 'MEMBER') AND c.relkind IN ('r', 'p', 'v', 'm')) AS "owner!",
              COALESCE((SELECT bool_or(g.rolsuper OR g.rolbypassrls OR g.rolcreaterole) FROM pg_roles g WHERE pg_has_role(r.oid, g.oid, 'MEMBER')), false) AS "indirect!",
              COALESCE((SELECT bool_and(pg_has_role(r.oid, g.oid, 'MEMBER')) AND count(*) = 2 FROM pg_roles g
                        WHERE g.rolname IN ('portal_tenant', 'portal_system')), false) AS "member!",
              COALESCE((SELECT bool_or(pg_has_role(r.oid, g.oid, 'USAGE')) FROM pg_roles g
                        WHERE g.rolname IN ('portal_tenant', 'portal_system')), false) AS "inherits!"
           FROM pg_roles r WHERE rolname = session_user"#
    )
    .fetch_one(&store.pool)
    .await?;
    let unfit = |why: &str| Ok(Err(UnfitRole(format!("The database role \"{}\" {why}.", row.name))));
    if row.superuser || row.bypass || row.indirect {
        // CREATEROLE may grant itself the owner (PostgreSQL 15) or make a role that bypasses.
        return unfit(
            "can bypass row-level security; DATABASE_URL must name a role that is neither superuser nor BYPASSRLS nor CREATEROLE",
        );
    }
    if row.owner {
        return unfit(
            "owns tables, so it could switch row-level security off; DATABASE_URL must name another role than DATABASE_OWNER_URL",
        );
    }
    if !row.member {
        return unfit("is not a member of portal_tenant and portal_system; run `portal migrate` first");
    }
    if row.inherits {
        return unfit("inherits the rights of its groups; run ALTER ROLE … NOINHERIT");
    }
    Ok(Ok(()))
}
