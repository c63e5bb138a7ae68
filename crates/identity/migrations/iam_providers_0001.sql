-- Times are milliseconds since 1970.

-- client_ids and thumbprints are JSON arrays of strings, tags one of pairs. issuer is the URL as it was given.
CREATE TABLE identity_oidc_providers (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    issuer TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    thumbprints TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX identity_oidc_providers_account ON identity_oidc_providers (account);

CREATE TABLE identity_signing_certificates (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    body TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX identity_signing_certificates_user ON identity_signing_certificates (user_id);

-- The last report of an account.
CREATE TABLE identity_credential_reports (
    account TEXT PRIMARY KEY REFERENCES identity_accounts (id),
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
