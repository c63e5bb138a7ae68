-- Times are milliseconds since 1970. Hashes are SHA-256 in base64.

CREATE TABLE identity_meta (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE identity_accounts (
    id TEXT PRIMARY KEY,
    management BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX identity_accounts_management ON identity_accounts (management) WHERE management;

-- name_key is the name in lower case: names are unique without regard to case.
CREATE TABLE identity_users (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    tags TEXT NOT NULL,
    administrator BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account, name_key)
);

-- user_id is null for a key of the account's root.
CREATE TABLE identity_access_keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    user_id TEXT REFERENCES identity_users (id),
    sealed_secret BYTEA NOT NULL,
    active BOOLEAN NOT NULL,
    made_at_start BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE INDEX identity_access_keys_owner ON identity_access_keys (account, user_id);

CREATE TABLE identity_sessions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    parent TEXT NOT NULL REFERENCES identity_access_keys (id) ON DELETE CASCADE,
    sealed_secret BYTEA NOT NULL,
    token_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX identity_sessions_parent ON identity_sessions (parent);
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);

CREATE TABLE identity_console_sessions (
    token_hash TEXT PRIMARY KEY,
    access_key_id TEXT NOT NULL REFERENCES identity_access_keys (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX identity_console_sessions_key ON identity_console_sessions (access_key_id);
CREATE INDEX identity_console_sessions_expires ON identity_console_sessions (expires_at);

CREATE TABLE identity_api_keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    name TEXT NOT NULL,
    surface TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);

CREATE INDEX identity_api_keys_account ON identity_api_keys (account, id);
CREATE INDEX identity_api_keys_user ON identity_api_keys (user_id);

-- id starts with the time, so that its order is the order of events.
CREATE TABLE identity_audit (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    time BIGINT NOT NULL,
    principal TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    decision TEXT NOT NULL,
    request_id TEXT NOT NULL
);

CREATE INDEX identity_audit_account ON identity_audit (account, id);
CREATE INDEX identity_audit_time ON identity_audit (time);
