-- Times are milliseconds since 1970. policy_principals keeps which users and roles were meant by their names.

-- kms_key is the key as it was named; null for the account's key for secrets. purge_at is when a deleted secret is gone.
CREATE TABLE secrets_secrets (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    kms_key TEXT,
    policy TEXT,
    policy_principals TEXT,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    accessed_at BIGINT,
    deleted_at BIGINT,
    purge_at BIGINT,
    UNIQUE (account, region, name)
);

CREATE INDEX secrets_secrets_purge ON secrets_secrets (purge_at);

-- sealed is the value under a data key, data_key that key under a KMS key; digest tells equal values, under the root key.
CREATE TABLE secrets_versions (
    arn TEXT NOT NULL REFERENCES secrets_secrets (arn) ON DELETE CASCADE,
    version TEXT NOT NULL,
    is_text BOOLEAN NOT NULL,
    sealed BYTEA NOT NULL,
    data_key BYTEA NOT NULL,
    key_arn TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    accessed_at BIGINT,
    PRIMARY KEY (arn, version)
);

-- A stage is on one version of a secret.
CREATE TABLE secrets_stages (
    arn TEXT NOT NULL,
    stage TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (arn, stage),
    FOREIGN KEY (arn, version) REFERENCES secrets_versions (arn, version) ON DELETE CASCADE
);

CREATE INDEX secrets_stages_version ON secrets_stages (arn, version);
