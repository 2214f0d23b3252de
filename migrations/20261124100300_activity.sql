-- What happened: seats taken and given back, devices seen, acts of people.

CREATE TABLE devices (
    tenant_id uuid NOT NULL REFERENCES tenants,
    user_id uuid NOT NULL,
    hardware_id text NOT NULL,
    instance_id text NOT NULL,
    hostname text,
    client_version text,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, hardware_id, instance_id)
);
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON devices TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON devices TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT ON devices TO portal_tenant;
GRANT SELECT, INSERT, UPDATE ON devices TO portal_system;

-- One row per event of the live seats; the key tells a repeat, so the worker may read an event twice.
CREATE TABLE session_events (
    tenant_id uuid NOT NULL REFERENCES tenants,
    session_id uuid NOT NULL,
    fence bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('acquired', 'renewed', 'superseded', 'reacquired', 'denied', 'released', 'revoked', 'expired')),
    at timestamptz NOT NULL,
    license_id uuid NOT NULL,
    user_id uuid NOT NULL,
    hardware_id text NOT NULL,
    instance_id text NOT NULL,
    hostname text,
    client_version text,
    active integer NOT NULL,
    max_seats integer NOT NULL,
    reason text,
    PRIMARY KEY (tenant_id, session_id, fence, kind),
    FOREIGN KEY (tenant_id, license_id) REFERENCES licenses (tenant_id, id)
);
CREATE INDEX session_events_time ON session_events (tenant_id, at DESC);
ALTER TABLE session_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON session_events TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON session_events TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT ON session_events TO portal_tenant;
GRANT SELECT, INSERT ON session_events TO portal_system;

-- Sessions ended by somebody, kept until the last token that was signed for them is void: a client that comes back after the
-- live store was lost must still be turned away.
CREATE TABLE revocations (
    tenant_id uuid NOT NULL REFERENCES tenants,
    session_id uuid NOT NULL,
    reason text NOT NULL,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX revocations_expiry ON revocations (expires_at);
ALTER TABLE revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE revocations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON revocations TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON revocations TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON revocations TO portal_tenant;
GRANT SELECT, INSERT, DELETE ON revocations TO portal_system;

-- Acts of people and of staff. Append-only: nobody has UPDATE or DELETE.
CREATE TABLE audit_log (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'device', 'staff', 'system')),
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    reason text,
    details jsonb NOT NULL DEFAULT '{}',
    request_id text NOT NULL,
    client_ip text,
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_log TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON audit_log TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_log TO portal_tenant, portal_system;
