-- Tenants and what belongs to them. Every table here has row-level security, ENABLE and FORCE, with two policies: `tenant` compares an
-- in-row column with the transaction's tenant, `system` serves portal_system. An unset custom setting reads as '' on a reused
-- connection, hence NULLIF. Foreign keys between tenant tables carry the tenant, because keys are checked without row security.

-- Grows with every change of a membership anywhere, so that an epoch is never used twice, not even after leaving and coming back.
CREATE SEQUENCE membership_epoch;
GRANT USAGE ON SEQUENCE membership_epoch TO portal_tenant, portal_system;

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    -- Version of the copy that the live seats hold: grows with each change of the tenant or of one of its licences.
    entitlement_version bigint NOT NULL DEFAULT 1,
    -- An OWNER may keep buying and changing seats to owners and billing.
    admins_may_buy boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO portal_tenant
    USING (id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON tenants TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON tenants TO portal_tenant;
GRANT SELECT, INSERT, UPDATE ON tenants TO portal_system;

CREATE TABLE memberships (
    tenant_id uuid NOT NULL REFERENCES tenants,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'BILLING', 'MEMBER', 'GUEST')),
    epoch bigint NOT NULL DEFAULT nextval('membership_epoch'),
    -- Copied from users, so that a tenant's pages need no grant there.
    name text NOT NULL,
    email text NOT NULL,
    joined_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON memberships TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON memberships TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON memberships TO portal_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO portal_system;

CREATE TABLE invitations (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'BILLING', 'MEMBER', 'GUEST')),
    token_hash bytea NOT NULL UNIQUE,
    invited_by uuid,
    invited_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invitations TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON invitations TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO portal_tenant, portal_system;

CREATE TABLE licenses (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    key text NOT NULL UNIQUE,
    product_sku text NOT NULL,
    tier text NOT NULL CHECK (tier IN ('FREE', 'PRO', 'ENTERPRISE')),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'PAST_DUE', 'RESTRICTED', 'SUSPENDED', 'EXPIRED')),
    features text[] NOT NULL DEFAULT '{}',
    max_seats integer NOT NULL CHECK (max_seats BETWEEN 0 AND 1000000),
    -- At the limit nobody more is admitted; otherwise `overage_percent` of the seats may be used beyond it.
    hard_stop boolean NOT NULL DEFAULT true,
    overage_percent integer NOT NULL DEFAULT 0 CHECK (overage_percent BETWEEN 0 AND 100),
    expiry timestamptz,
    lease_seconds integer NOT NULL DEFAULT 360 CHECK (lease_seconds BETWEEN 2 AND 86400),
    heartbeat_seconds integer NOT NULL DEFAULT 300 CHECK (heartbeat_seconds BETWEEN 1 AND 86400),
    offline_hours integer NOT NULL DEFAULT 72 CHECK (offline_hours BETWEEN 0 AND 8760),
    -- A refusal names who holds the seats.
    show_holders boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK (heartbeat_seconds < lease_seconds),
    CHECK (NOT hard_stop OR overage_percent = 0)
);
ALTER TABLE licenses ENABLE ROW LEVEL SECURITY;
ALTER TABLE licenses FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON licenses TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON licenses TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON licenses TO portal_tenant, portal_system;
