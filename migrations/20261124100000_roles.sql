-- Two group roles carry every grant. The portal's login role is a NOINHERIT member of both, so by itself it can do nothing: each
-- transaction takes one of them with SET LOCAL ROLE. `portal_tenant` is confined to one tenant by row-level security;
-- `portal_system` serves what happens before a tenant is known (sign-in, links from mails) and the portal's own jobs.
-- Roles belong to the whole cluster, so another database of it may have made them already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_tenant') THEN
        CREATE ROLE portal_tenant NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portal_system') THEN
        CREATE ROLE portal_system NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
    END IF;
EXCEPTION
    -- Two databases of one cluster migrating at once.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO portal_tenant, portal_system;
