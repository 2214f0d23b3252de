//! What must hold of every table, role and key. Read from PostgreSQL's catalogue, so that what is added later is checked too.

use sqlx::{FromRow, PgConnection, query_as, query_scalar};

/// Tables that belong to no tenant, since a person signs in, or a link is followed, before a tenant is known. The tenant role must have
/// no grant on them. This list may only shrink without a word in `docs/ARCHITECTURE.md`.
const GLOBAL: &[&str] = &[
    "_sqlx_migrations",
    "users",
    "signups",
    "password_tokens",
    "staff",
    "web_sessions",
    "refresh_families",
    "refresh_tokens",
    "device_codes",
    "billing_events",
    "usage_progress",
];

/// Unique indexes on tenant tables without the tenant: each tells one tenant, by a conflict, that another has the value. It may only
/// shrink.
const UNIQUE_ACROSS_TENANTS: &[(&str, &str)] = &[
    // An organisation's address in the portal is public.
    ("tenants", "tenants_slug_key"),
    // Drawn at random by the portal; nobody chooses one.
    ("licenses", "licenses_key_key"),
    // Hash of a random secret.
    ("invitations", "invitations_token_hash_key"),
    // Given by the billing provider, at its choice.
    ("billing_accounts", "billing_accounts_customer_id_key"),
    // Hash over the tenant, among others.
    ("idempotency_keys", "idempotency_keys_pkey"),
    // Numbers that PostgreSQL gives.
    ("mail_outbox", "mail_outbox_pkey"),
    ("seat_outbox", "seat_outbox_pkey"),
];

const LOGIN: &str = "portal_app";
const TENANT: &str = "portal_tenant";
const SYSTEM: &str = "portal_system";
const ROLES: [&str; 3] = [LOGIN, TENANT, SYSTEM];
const PRIVILEGES: [&str; 7] = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];

/// The column that says whose a row is.
pub fn tenant_column(table: &str) -> &'static str {
    if table == "tenants" { "id" } else { "tenant_id" }
}

fn is_global(table: &str) -> bool {
    GLOBAL.contains(&table)
}

/// Everything that is not as it must be; nothing when all is well.
pub async fn findings(db: &mut PgConnection) -> Vec<String> {
    let mut found = Vec::new();
    let tables = relations(db, &mut found).await;
    for table in &tables {
        if is_global(&table.name) {
            global(db, &table.name, &mut found).await;
        } else {
            confined(db, table, &mut found).await;
        }
        grants(db, &table.name, &mut found).await;
    }
    for name in GLOBAL.iter().filter(|name| !tables.iter().any(|t| t.name == **name)) {
        found.push(format!("{name}: is listed as global and is not there"));
    }
    foreign_keys(db, &mut found).await;
    unique_indexes(db, &mut found).await;
    audit_log(db, &mut found).await;
    roles(db, &mut found).await;
    functions(db, &mut found).await;
    found
}

#[derive(FromRow)]
struct Table {
    name: String,
    enabled: bool,
    forced: bool,
}

/// The tables of schema public. There is nothing else that holds rows, and nothing elsewhere.
async fn relations(db: &mut PgConnection, found: &mut Vec<String>) -> Vec<Table> {
    let strangers: Vec<(String, String, String)> = query_as(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND n.nspname !~ '^pg_(toast|temp)' AND NOT (n.nspname = 'public' AND c.relkind IN ('r', 'p'))",
    )
    .fetch_all(&mut *db)
    .await
    .unwrap();
    for (schema, name, kind) in strangers {
        let what = match kind.as_str() {
            "v" => "is a view",
            "m" => "is a materialized view",
            "f" => "is a foreign table",
            _ => "stands outside of schema public",
        };
        found.push(format!("{schema}.{name}: {what}"));
    }
    query_as(
        "SELECT relname::text AS name, relrowsecurity AS enabled, relforcerowsecurity AS forced FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

/// A policy, as `pg_policies` shows it.
#[derive(Debug, FromRow, PartialEq)]
struct Policy {
    name: String,
    permissive: String,
    roles: Vec<String>,
    command: String,
    using: Option<String>,
    check: Option<String>,
}

impl Policy {
    fn expected(name: &str, role: &str, expression: &str) -> Self {
        Self {
            name: name.to_owned(),
            permissive: "PERMISSIVE".to_owned(),
            roles: vec![role.to_owned()],
            command: "ALL".to_owned(),
            using: Some(expression.to_owned()),
            check: Some(expression.to_owned()),
        }
    }
}

/// A tenant's table: row-level security, and the two policies, word for word.
async fn confined(db: &mut PgConnection, table: &Table, found: &mut Vec<String>) {
    let name = &table.name;
    let column = tenant_column(name);
    let has_column: bool = query_scalar(
        "SELECT EXISTS (SELECT FROM information_schema.columns
                        WHERE table_schema = 'public' AND table_name = $1 AND column_name = $2 AND data_type = 'uuid')",
    )
    .bind(name)
    .bind(column)
    .fetch_one(&mut *db)
    .await
    .unwrap();
    if !has_column {
        found.push(format!("{name}: has no column {column} of type uuid, and is not listed as global"));
    }
    if !table.enabled {
        found.push(format!("{name}: row-level security is off"));
    }
    if !table.forced {
        found.push(format!("{name}: row-level security is not forced"));
    }
    let policies: Vec<Policy> = query_as(
        r#"SELECT policyname::text AS name, permissive, roles::text[], cmd AS command, qual AS "using", with_check AS "check"
           FROM pg_policies WHERE schemaname = 'public' AND tablename = $1"#,
    )
    .bind(name)
    .fetch_all(db)
    .await
    .unwrap();
    let own = format!("({column} = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)");
    let expected = [Policy::expected("tenant", TENANT, &own), Policy::expected("system", SYSTEM, "true")];
    for policy in &expected {
        match policies.iter().find(|p| p.name == policy.name) {
            None => found.push(format!("{name}: policy {} is missing", policy.name)),
            Some(other) if other != policy => found.push(format!("{name}: policy {} is not as expected: {other:?}", policy.name)),
            Some(_) => {}
        }
    }
    for stranger in policies.iter().filter(|p| expected.iter().all(|e| e.name != p.name)) {
        found.push(format!("{name}: policy {} is not known", stranger.name));
    }
}

/// Whether the role has the right on the table or on a part of its columns, by itself or because everybody has.
async fn has(db: &mut PgConnection, role: &str, table: &str, privilege: &str) -> bool {
    let of_columns = if ["SELECT", "INSERT", "UPDATE", "REFERENCES"].contains(&privilege) {
        " OR has_any_column_privilege($1::name, quote_ident($2)::regclass, $3)"
    } else {
        ""
    };
    let sql = format!("SELECT has_table_privilege($1::name, quote_ident($2)::regclass, $3){of_columns}");
    query_scalar(sqlx::AssertSqlSafe(sql)).bind(role).bind(table).bind(privilege).fetch_one(db).await.unwrap()
}

async fn global(db: &mut PgConnection, table: &str, found: &mut Vec<String>) {
    for privilege in PRIVILEGES {
        if has(db, TENANT, table, privilege).await {
            found.push(format!("{table}: {TENANT} has {privilege} on a global table"));
        }
    }
}

/// The login role can do nothing before it has taken a group's role; nobody gets around policies by TRUNCATE, or learns of rows by
/// a key or trigger of his own.
async fn grants(db: &mut PgConnection, table: &str, found: &mut Vec<String>) {
    for privilege in PRIVILEGES {
        if has(db, LOGIN, table, privilege).await {
            found.push(format!("{table}: {LOGIN} by itself has {privilege}"));
        }
    }
    for role in [TENANT, SYSTEM] {
        for privilege in ["TRUNCATE", "REFERENCES", "TRIGGER"] {
            if has(db, role, table, privilege).await {
                found.push(format!("{table}: {role} has {privilege}"));
            }
        }
    }
}

#[derive(FromRow)]
struct ForeignKey {
    name: String,
    child: String,
    parent: String,
    child_columns: Vec<String>,
    parent_columns: Vec<String>,
}

/// Keys are checked without row-level security, so a key between tenants' tables must carry the tenant on both sides.
async fn foreign_keys(db: &mut PgConnection, found: &mut Vec<String>) {
    let keys: Vec<ForeignKey> = query_as(
        "SELECT k.conname::text AS name, c.relname::text AS child, p.relname::text AS parent,
                ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS child_columns,
                ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
                      JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS parent_columns
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid WHERE k.contype = 'f'",
    )
    .fetch_all(db)
    .await
    .unwrap();
    for key in keys {
        let ForeignKey { name, child, parent, .. } = &key;
        match (is_global(child), is_global(parent)) {
            (true, true) => {}
            (false, false) => {
                let place = |columns: &[String], table: &str| columns.iter().position(|c| c == tenant_column(table));
                let (from, to) = (place(&key.child_columns, child), place(&key.parent_columns, parent));
                if from.is_none() || from != to {
                    found.push(format!("{child}: foreign key {name} to {parent} does not pair the tenants"));
                }
            }
            _ => found.push(format!("{child}: foreign key {name} to {parent} leaves the tenant's tables")),
        }
    }
}

/// A conflict tells of a row that one cannot see, so what is unique is unique within a tenant.
async fn unique_indexes(db: &mut PgConnection, found: &mut Vec<String>) {
    let indexes: Vec<(String, String, Vec<String>)> = query_as(
        "SELECT t.relname::text, x.relname::text,
                ARRAY(SELECT a.attname::text FROM pg_attribute a
                      WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
         WHERE t.relnamespace = 'public'::regnamespace AND (i.indisunique OR i.indisexclusion)",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let wide: Vec<(&str, &str)> = indexes
        .iter()
        .filter(|(table, _, columns)| !is_global(table) && !columns.iter().any(|c| c == tenant_column(table)))
        .map(|(table, index, _)| (table.as_str(), index.as_str()))
        .collect();
    for (table, index) in wide.iter().filter(|w| !UNIQUE_ACROSS_TENANTS.contains(w)) {
        found.push(format!("{table}: unique index {index} lacks the tenant"));
    }
    for (_, index) in UNIQUE_ACROSS_TENANTS.iter().filter(|e| !wide.contains(e)) {
        found.push(format!("{index}: is excepted from the rule and not needed any longer"));
    }
}

/// What is written there stays: nobody but the table's owner could change it, whatever his role.
async fn audit_log(db: &mut PgConnection, found: &mut Vec<String>) {
    let rights: Vec<(String, String)> = query_as(
        "SELECT COALESCE(r.rolname::text, 'PUBLIC'), g.privilege_type
         FROM pg_class c
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid,
         LATERAL (SELECT * FROM aclexplode(c.relacl) UNION SELECT * FROM aclexplode(a.attacl)) AS g
         LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE c.oid = 'audit_log'::regclass AND g.grantee <> c.relowner AND g.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
         GROUP BY 1, 2",
    )
    .fetch_all(db)
    .await
    .unwrap();
    found.extend(rights.into_iter().map(|(role, privilege)| format!("audit_log: {role} has {privilege}")));
}

#[derive(FromRow)]
struct RoleFlags {
    name: String,
    login: bool,
    inherits: bool,
    special: bool,
}

async fn roles(db: &mut PgConnection, found: &mut Vec<String>) {
    let flags: Vec<RoleFlags> = query_as(
        "SELECT rolname::text AS name, rolcanlogin AS login, rolinherit AS inherits,
                rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS special
         FROM pg_roles WHERE rolname = ANY($1)",
    )
    .bind(ROLES.map(str::to_owned).to_vec())
    .fetch_all(&mut *db)
    .await
    .unwrap();
    for name in ROLES {
        let kind = if name == LOGIN { "login" } else { "group" };
        let ordinary = flags.iter().any(|f| f.name == name && f.login == (name == LOGIN) && !f.inherits && !f.special);
        if !ordinary {
            found.push(format!("{name}: is not an ordinary {kind} role"));
        }
        let creates: bool =
            query_scalar("SELECT has_schema_privilege($1::name, 'public', 'CREATE')").bind(name).fetch_one(&mut *db).await.unwrap();
        if creates {
            found.push(format!("public: {name} may create tables"));
        }
    }
    let members: Vec<(String, String)> = query_as(
        "SELECT m.rolname::text, g.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
         WHERE m.rolname = ANY($1) AND NOT (m.rolname = $2 AND g.rolname = ANY($1))",
    )
    .bind(ROLES.map(str::to_owned).to_vec())
    .bind(LOGIN)
    .fetch_all(&mut *db)
    .await
    .unwrap();
    found.extend(members.into_iter().map(|(member, group)| format!("{member}: is a member of {group}")));
    let owned: Vec<(String, String)> = query_as(
        "SELECT r.rolname::text, d.classid::regclass::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND r.rolname = ANY($1)
           AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
    )
    .bind(ROLES.map(str::to_owned).to_vec())
    .fetch_all(db)
    .await
    .unwrap();
    found.extend(owned.into_iter().map(|(role, what)| format!("{role} owns {what}")));
}

/// A function that runs with its owner's rights could reach around the policies.
async fn functions(db: &mut PgConnection, found: &mut Vec<String>) {
    let definers: Vec<(String, String)> = query_as(
        "SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(db)
    .await
    .unwrap();
    found.extend(definers.into_iter().map(|(schema, name)| format!("{schema}.{name}: is SECURITY DEFINER")));
}
