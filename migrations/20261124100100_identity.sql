-- Who a person is, before and above any tenant. Global tables: `portal_tenant` has no grant on them.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    -- Lower case; checked by the domain.
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    -- PHC string; NULL until the person has chosen one.
    password_hash text,
    created_at timestamptz NOT NULL,
    last_sign_in_at timestamptz
);

-- A registration that nobody has confirmed. Users and tenants are made from it when the link in the mail is followed, so a stranger
-- can neither block an address nor prepare an account for somebody else.
CREATE TABLE signups (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    organization_name text NOT NULL,
    password_hash text NOT NULL,
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_at timestamptz
);
CREATE INDEX signups_email ON signups (email, created_at DESC);

-- Links to choose a new password.
CREATE TABLE password_tokens (
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_tokens_user ON password_tokens (user_id);

-- Employees of the vendor.
CREATE TABLE staff (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('SUPPORT', 'STAFF_ADMIN')),
    created_at timestamptz NOT NULL
);

-- Browser sessions. A row that is gone stays gone: it is created once and after that only updated.
CREATE TABLE web_sessions (
    id text PRIMARY KEY,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX web_sessions_user ON web_sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX web_sessions_expiry ON web_sessions (expires_at);

-- A chain of refresh tokens that began with one login of the installed application.
CREATE TABLE refresh_families (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    hardware_id text,
    created_at timestamptz NOT NULL,
    -- Absolute end, however often the chain is renewed.
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX refresh_families_member ON refresh_families (user_id, tenant_id);
CREATE INDEX refresh_families_expiry ON refresh_families (expires_at);

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    family_id uuid NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    -- The token that this one was exchanged for; while that one is unused, the exchange may be repeated (its answer was lost).
    successor_hash bytea
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON users, signups, password_tokens, staff, web_sessions, refresh_families, refresh_tokens TO portal_system;
