-- Times are milliseconds since 1970.

CREATE TABLE identity_organizations (
    id TEXT PRIMARY KEY,
    management TEXT NOT NULL UNIQUE REFERENCES identity_accounts (id),
    all_features BOOLEAN NOT NULL,
    service_control BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

-- kind is root, unit or account. The node of an account has the account's id: it is in one organization at most.
CREATE TABLE identity_organization_nodes (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    parent TEXT REFERENCES identity_organization_nodes (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    invited BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);

CREATE INDEX identity_organization_nodes_organization ON identity_organization_nodes (organization);
CREATE INDEX identity_organization_nodes_parent ON identity_organization_nodes (parent);

CREATE TABLE identity_organization_policies (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (organization, name)
);

-- policy may be p-FullAWSAccess, which no table holds.
CREATE TABLE identity_organization_attachments (
    target TEXT NOT NULL REFERENCES identity_organization_nodes (id) ON DELETE CASCADE,
    policy TEXT NOT NULL,
    PRIMARY KEY (target, policy)
);

CREATE TABLE identity_organization_tags (
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (organization, resource, tag_key)
);

-- tags is a JSON array of pairs, which the account gets when it joins.
CREATE TABLE identity_organization_handshakes (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    notes TEXT NOT NULL,
    tags TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX identity_organization_handshakes_organization ON identity_organization_handshakes (organization);
CREATE INDEX identity_organization_handshakes_account ON identity_organization_handshakes (account);

-- account is null where the account could not be made; failure says why.
CREATE TABLE identity_organization_requests (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    account TEXT,
    failure TEXT,
    requested_at BIGINT NOT NULL
);

CREATE INDEX identity_organization_requests_organization ON identity_organization_requests (organization);
