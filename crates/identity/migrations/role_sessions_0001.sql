-- Times are milliseconds since 1970. Hashes are SHA-256 in base64. policies is null where none were passed; otherwise a
-- JSON object: {"inline": "…" or null, "managed": ["arn:…", …]}. tags is a JSON array of pairs.

CREATE TABLE identity_role_sessions (
    id TEXT PRIMARY KEY,
    role_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    session_name TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    token_hash TEXT NOT NULL,
    policies TEXT,
    tags TEXT NOT NULL,
    transitive TEXT NOT NULL,
    source_identity TEXT,
    chained BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX identity_role_sessions_role ON identity_role_sessions (role_id, session_name);
CREATE INDEX identity_role_sessions_expires ON identity_role_sessions (expires_at);
