-- Buying seats. What the provider (Stripe) knows is fetched and kept here as it was at one moment; nothing is computed from events.

-- Where a licence's tier and seats come from: everybody's free seat, a subscription, or a grant by the vendor's staff.
ALTER TABLE licenses ADD COLUMN source text NOT NULL DEFAULT 'free' CHECK (source IN ('free', 'subscription', 'grant'));

CREATE TABLE billing_accounts (
    tenant_id uuid PRIMARY KEY REFERENCES tenants,
    -- The provider's customer. There before anything can be bought.
    customer_id text UNIQUE,
    -- The last page that was opened to pay a first purchase.
    checkout_id text,
    -- What the provider said at `synced_at`, whole.
    state jsonb,
    synced_at timestamptz,
    -- Whoever synchronises takes the next number; only the last one writes.
    fence bigint NOT NULL DEFAULT 0,
    -- Until then the worker leaves it to whoever has it.
    lease_until timestamptz,
    -- When the worker looks again.
    sync_due_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0
);
CREATE INDEX billing_accounts_due ON billing_accounts (sync_due_at);
ALTER TABLE billing_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON billing_accounts TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON billing_accounts TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT ON billing_accounts TO portal_tenant;
GRANT SELECT, INSERT, UPDATE ON billing_accounts TO portal_system;

-- What somebody has decided, written down before the provider is asked: `id` is the idempotency key, so however often the call is
-- repeated (a crash, a lost answer, a second click), it is carried out once.
CREATE TABLE billing_intents (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    request jsonb NOT NULL,
    -- Kept until the provider has said yes or no.
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
    error text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
-- One at a time.
CREATE UNIQUE INDEX billing_intents_pending ON billing_intents (tenant_id) WHERE status = 'pending';
ALTER TABLE billing_intents ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing_intents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON billing_intents TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON billing_intents TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON billing_intents TO portal_tenant, portal_system;

-- Webhooks that have arrived, each once. Global: a bell rings before its tenant is known.
CREATE TABLE billing_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    kind text NOT NULL,
    customer_id text,
    received_at timestamptz NOT NULL,
    -- When a synchronisation that began after the arrival was written; at once for customers that are not ours.
    done_at timestamptz
);
CREATE INDEX billing_events_open ON billing_events (customer_id) WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON billing_events TO portal_system;
