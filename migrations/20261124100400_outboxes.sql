-- What must still reach the world outside after a transaction has committed. Workers take rows, act, and mark them.

-- Mail. Without a tenant for mails to a person (a new password), hence a nullable column and an owner-blind insert.
CREATE TABLE mail_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid REFERENCES tenants,
    recipient text NOT NULL,
    subject text NOT NULL,
    body_text text NOT NULL,
    body_html text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    last_error text
);
CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE sent_at IS NULL;
ALTER TABLE mail_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mail_outbox TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON mail_outbox TO portal_system USING (true) WITH CHECK (true);
GRANT INSERT ON mail_outbox TO portal_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_outbox TO portal_system;

-- Copies in the live store that must be renewed: the whole entitlement of the tenant, one member, or one ended session.
-- A row says what to look at, not what to write: the worker reads the current state, so order does not matter.
CREATE TABLE seat_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    kind text NOT NULL CHECK (kind IN ('entitlement', 'member', 'revocation')),
    -- The member or the session.
    subject_id uuid,
    created_at timestamptz NOT NULL
);
ALTER TABLE seat_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE seat_outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON seat_outbox TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON seat_outbox TO portal_system USING (true) WITH CHECK (true);
GRANT INSERT ON seat_outbox TO portal_tenant;
GRANT SELECT, INSERT, DELETE, UPDATE ON seat_outbox TO portal_system;
