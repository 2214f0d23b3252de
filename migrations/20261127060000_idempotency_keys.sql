-- Answers to requests that carried an Idempotency-Key, so that a repeat gets the same answer and does nothing. Kept for a day.
-- A registration belongs to no tenant yet, hence the nullable column.
CREATE TABLE idempotency_keys (
    -- Over tenant, person, kind of request and the caller's key: nobody finds another's.
    hash bytea PRIMARY KEY,
    tenant_id uuid REFERENCES tenants,
    -- Keyed hash of what was asked; a repeat must ask the same.
    request bytea NOT NULL,
    -- Written in the transaction that writes the row; a row without one is never seen.
    answer jsonb,
    created_at timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON idempotency_keys TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO portal_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO portal_system;
