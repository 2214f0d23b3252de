-- Logins of the installed application that wait for somebody to approve them in a browser (RFC 8628). Nobody is known when one begins,
-- so the table is global. A row goes when the login has been fetched; one that was denied stays until its time is over, so that the
-- application is told.

CREATE TABLE device_codes (
    device_code_hash bytea PRIMARY KEY,
    -- Keyed: the code is short enough to be typed, and so to be searched for.
    user_code_hash bytea NOT NULL UNIQUE,
    -- What the application says of its device, and the address that it asked from.
    hardware_id text,
    hostname text,
    client_ip text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Seconds between two polls; grows by each that comes too early.
    poll_seconds integer NOT NULL,
    polled_at timestamptz,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'APPROVED', 'DENIED')),
    -- Who approved it, and for which tenant.
    user_id uuid REFERENCES users ON DELETE CASCADE,
    tenant_id uuid,
    CHECK (status <> 'APPROVED' OR (user_id IS NOT NULL AND tenant_id IS NOT NULL))
);
CREATE INDEX device_codes_user ON device_codes (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX device_codes_expiry ON device_codes (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON device_codes TO portal_system;
