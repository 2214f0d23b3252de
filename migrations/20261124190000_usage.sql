-- Seats in use over time. `active` of an event is what was in use after it, so in the order in which events were emitted they are the
-- steps of a curve. (`at` of a lease that ran out is its end, which may lie a moment before that.)
ALTER TABLE session_events ADD COLUMN emitted_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE session_events ADD COLUMN seq integer NOT NULL DEFAULT 0;
UPDATE session_events SET emitted_at = at;
CREATE INDEX session_events_steps ON session_events (tenant_id, license_id, emitted_at DESC, seq DESC);

-- One row per licence and hour in which something was in use or refused, kept for two years.
CREATE TABLE usage_hours (
    tenant_id uuid NOT NULL REFERENCES tenants,
    license_id uuid NOT NULL,
    -- Its beginning.
    hour timestamptz NOT NULL,
    peak integer NOT NULL,
    -- The highest limit of the hour.
    max_seats integer NOT NULL,
    -- One seat for one second is one.
    seat_seconds bigint NOT NULL,
    -- How long no seat was free.
    full_seconds integer NOT NULL,
    refusals integer NOT NULL,
    PRIMARY KEY (tenant_id, license_id, hour),
    FOREIGN KEY (tenant_id, license_id) REFERENCES licenses (tenant_id, id)
);
ALTER TABLE usage_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_hours FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage_hours TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON usage_hours TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT ON usage_hours TO portal_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_hours TO portal_system;

-- Up to where hours are final, for all tenants.
CREATE TABLE usage_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    until timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON usage_progress TO portal_system;
-- What has been rolled up is needed for the activity pages for some time, then not at all.
GRANT DELETE ON session_events TO portal_system;
