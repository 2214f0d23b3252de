-- How often which part of the application is used, if the organization lets it be counted. No row says who.
ALTER TABLE tenants ADD COLUMN analytics boolean NOT NULL DEFAULT false;

CREATE TABLE feature_use (
    tenant_id uuid NOT NULL REFERENCES tenants,
    -- In UTC.
    day date NOT NULL,
    feature text NOT NULL,
    uses bigint NOT NULL,
    PRIMARY KEY (tenant_id, day, feature)
);
ALTER TABLE feature_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_use FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON feature_use TO portal_tenant
    USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY system ON feature_use TO portal_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON feature_use TO portal_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON feature_use TO portal_system;
