-- Times are milliseconds since 1970. policy_principals and grantee_id keep which users and roles were meant by their names.

CREATE TABLE kms_keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    description TEXT NOT NULL,
    manager TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    policy TEXT NOT NULL,
    policy_principals TEXT,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deletion_at BIGINT,
    pending_window BIGINT,
    rotation_period BIGINT,
    rotation_next_at BIGINT
);

CREATE INDEX kms_keys_account ON kms_keys (account, region, id);
CREATE INDEX kms_keys_deletion ON kms_keys (deletion_at);
CREATE INDEX kms_keys_rotation ON kms_keys (rotation_next_at);

-- number counts the generations of a key's material from 1; the greatest encrypts.
CREATE TABLE kms_backing_keys (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES kms_keys (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    since BIGINT NOT NULL,
    rotation TEXT,
    UNIQUE (key_id, number)
);

-- name starts with "alias/".
CREATE TABLE kms_aliases (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL REFERENCES kms_keys (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE INDEX kms_aliases_key ON kms_aliases (key_id);

-- operations is a JSON array; constraint_pairs a JSON object, of the kind that constraint_type names.
CREATE TABLE kms_grants (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES kms_keys (id) ON DELETE CASCADE,
    name TEXT,
    grantee TEXT NOT NULL,
    grantee_id TEXT,
    retiring TEXT,
    operations TEXT NOT NULL,
    constraint_type TEXT,
    constraint_pairs TEXT,
    issuing_account TEXT NOT NULL,
    for_aws_resource BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX kms_grants_key ON kms_grants (key_id, grantee);
CREATE INDEX kms_grants_retiring ON kms_grants (retiring);
