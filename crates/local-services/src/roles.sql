-- The roles of the portal. psql reads this as the cluster's superuser, at every start; it changes nothing that is right already.
--   portal_owner   owns the database and applies migrations
--   portal_app     the portal itself: owns nothing and is subject to row-level security. NOINHERIT: it has no grant until a
--                  transaction takes one of the two group roles with SET LOCAL ROLE
--   portal_tenant, portal_system   the group roles that carry the grants
SELECT format('CREATE ROLE %I', wanted.name)
FROM (VALUES ('portal_owner'), ('portal_app'), ('portal_tenant'), ('portal_system')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name)
\gexec
ALTER ROLE portal_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
ALTER ROLE portal_app LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';
ALTER ROLE portal_tenant NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS;
ALTER ROLE portal_system NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS;
GRANT portal_tenant, portal_system TO portal_app;

SELECT format('CREATE DATABASE %I OWNER portal_owner', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO portal_app', :'database') \gexec
