//! The database's own catalogue says that no table escapes row-level security.

mod rules;

pub use rules::findings;

use crate::{run, superuser};
use sqlx::Connection;
use test_support::postgres::TestDatabase;

#[tokio::test]
async fn every_table_is_confined_or_known_to_be_global() {
    let database = TestDatabase::new().await;
    let found = findings(&mut superuser(&database).await).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// What somebody could get wrong, and what must then be said. The check above is worth what this list shows.
const SABOTAGE: &[(&str, &[&str])] = &[
    ("DROP POLICY tenant ON licenses", &["licenses: policy tenant is missing"]),
    ("DROP POLICY system ON licenses", &["licenses: policy system is missing"]),
    ("ALTER TABLE feature_use NO FORCE ROW LEVEL SECURITY", &["feature_use: row-level security is not forced"]),
    ("ALTER TABLE feature_use DISABLE ROW LEVEL SECURITY", &["feature_use: row-level security is off"]),
    ("ALTER POLICY tenant ON memberships USING (true)", &["memberships: policy tenant is not as expected"]),
    ("ALTER POLICY tenant ON memberships WITH CHECK (true)", &["memberships: policy tenant is not as expected"]),
    (
        "ALTER POLICY tenant ON memberships USING (tenant_id = current_setting('app.tenant_id', true)::uuid)",
        &["memberships: policy tenant is not as expected"],
    ),
    ("ALTER POLICY tenant ON memberships TO PUBLIC", &["memberships: policy tenant is not as expected"]),
    ("ALTER POLICY system ON revocations TO portal_system, portal_tenant", &["revocations: policy system is not as expected"]),
    ("CREATE POLICY more ON invitations TO portal_tenant USING (true)", &["invitations: policy more is not known"]),
    (
        "DROP POLICY tenant ON invitations;
         CREATE POLICY tenant ON invitations FOR SELECT TO portal_tenant
             USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)",
        &["invitations: policy tenant is not as expected"],
    ),
    (
        "CREATE TABLE forgotten (tenant_id uuid NOT NULL, id uuid PRIMARY KEY)",
        &[
            "forgotten: row-level security is off",
            "forgotten: row-level security is not forced",
            "forgotten: policy tenant is missing",
            "forgotten: policy system is missing",
            "forgotten: unique index forgotten_pkey lacks the tenant",
        ],
    ),
    ("CREATE TABLE forgotten (note text)", &["forgotten: has no column tenant_id of type uuid, and is not listed as global"]),
    ("CREATE TABLE older () INHERITS (licenses)", &["older: row-level security is off", "older: policy tenant is missing"]),
    ("DROP TABLE password_tokens", &["password_tokens: is listed as global and is not there"]),
    ("GRANT SELECT ON users TO portal_tenant", &["users: portal_tenant has SELECT on a global table"]),
    ("GRANT SELECT (email) ON users TO portal_tenant", &["users: portal_tenant has SELECT on a global table"]),
    ("GRANT INSERT ON staff TO PUBLIC", &["staff: portal_tenant has INSERT on a global table", "staff: portal_app by itself has INSERT"]),
    ("GRANT SELECT ON licenses TO portal_app", &["licenses: portal_app by itself has SELECT"]),
    ("GRANT TRUNCATE ON licenses TO portal_tenant", &["licenses: portal_tenant has TRUNCATE"]),
    ("GRANT REFERENCES (id) ON licenses TO portal_system", &["licenses: portal_system has REFERENCES"]),
    ("GRANT TRIGGER ON users TO portal_system", &["users: portal_system has TRIGGER"]),
    ("GRANT DELETE ON audit_log TO portal_tenant", &["audit_log: portal_tenant has DELETE"]),
    ("GRANT UPDATE (reason) ON audit_log TO portal_system", &["audit_log: portal_system has UPDATE"]),
    ("CREATE ROLE sabotage_auditor; GRANT UPDATE ON audit_log TO sabotage_auditor", &["audit_log: sabotage_auditor has UPDATE"]),
    ("GRANT CREATE ON SCHEMA public TO portal_system", &["public: portal_system may create tables"]),
    ("ALTER TABLE feature_use OWNER TO portal_app", &["portal_app owns pg_class"]),
    (
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION mine() OWNER TO portal_tenant",
        &["portal_tenant owns pg_proc"],
    ),
    ("ALTER ROLE portal_tenant BYPASSRLS", &["portal_tenant: is not an ordinary group role"]),
    ("ALTER ROLE portal_app INHERIT", &["portal_app: is not an ordinary login role"]),
    ("GRANT portal_system TO portal_tenant", &["portal_tenant: is a member of portal_system"]),
    (
        "ALTER TABLE licenses ADD CONSTRAINT licenses_plain UNIQUE (id);
         ALTER TABLE session_events ADD CONSTRAINT plain FOREIGN KEY (license_id) REFERENCES licenses (id)",
        &[
            "licenses: unique index licenses_plain lacks the tenant",
            "session_events: foreign key plain to licenses does not pair the tenants",
        ],
    ),
    (
        "ALTER TABLE session_events ADD CONSTRAINT crossed FOREIGN KEY (license_id, tenant_id) REFERENCES licenses (tenant_id, id)",
        &["session_events: foreign key crossed to licenses does not pair the tenants"],
    ),
    (
        "ALTER TABLE memberships ADD CONSTRAINT person FOREIGN KEY (user_id) REFERENCES users",
        &["memberships: foreign key person to users leaves the tenant's tables"],
    ),
    (
        "ALTER TABLE refresh_families ADD CONSTRAINT firm FOREIGN KEY (tenant_id) REFERENCES tenants",
        &["refresh_families: foreign key firm to tenants leaves the tenant's tables"],
    ),
    ("CREATE UNIQUE INDEX one_place ON memberships (lower(email))", &["memberships: unique index one_place lacks the tenant"]),
    ("ALTER TABLE feature_use ADD CONSTRAINT alone EXCLUDE (feature WITH =)", &["feature_use: unique index alone lacks the tenant"]),
    ("ALTER TABLE licenses DROP CONSTRAINT licenses_key_key", &["licenses_key_key: is excepted from the rule and not needed any longer"]),
    ("CREATE VIEW seen AS SELECT * FROM licenses", &["public.seen: is a view"]),
    ("CREATE MATERIALIZED VIEW seen AS SELECT * FROM licenses", &["public.seen: is a materialized view"]),
    ("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.hidden (tenant_id uuid)", &["elsewhere.hidden: stands outside of schema public"]),
    (
        "CREATE FUNCTION sneak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM licenses'",
        &["public.sneak: is SECURITY DEFINER"],
    ),
];

#[tokio::test]
async fn the_check_reports_what_somebody_could_get_wrong() {
    let database = TestDatabase::new().await;
    let mut connection = superuser(&database).await;
    for (sabotage, expected) in SABOTAGE {
        // Also undoes what concerns the whole cluster.
        let mut transaction = connection.begin().await.unwrap();
        run(&mut transaction, *sabotage).await;
        let found = findings(&mut transaction).await;
        for finding in *expected {
            assert!(found.iter().any(|f| f.starts_with(finding)), "{sabotage}\nmust be reported as: {finding}\nbut was: {found:#?}");
        }
        transaction.rollback().await.unwrap();
    }
    let found = findings(&mut connection).await;
    assert!(found.is_empty(), "what a control did is still there: {found:#?}");
}
