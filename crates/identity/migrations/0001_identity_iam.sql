-- Times are milliseconds since 1970. name_key is the name in lower case: names are unique without regard to case. Tags
-- are JSON: [["key", "value"], …].

-- The managed policies of accounts; AWS's own are part of the program.
CREATE TABLE identity_policies (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    arn TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    tags TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (account, name_key)
);

CREATE TABLE identity_policy_versions (
    policy_id TEXT NOT NULL REFERENCES identity_policies (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (policy_id, version)
);

-- trust_principals: the users and roles that the trust policy names, with the ids they had when it was written:
-- [["arn:…", "AROA…"], …]. boundary is a policy's ARN. service is that of a service-linked role.
CREATE TABLE identity_roles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    trust TEXT NOT NULL,
    trust_principals TEXT NOT NULL,
    max_session BIGINT NOT NULL,
    boundary TEXT,
    service TEXT,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    last_used_region TEXT,
    UNIQUE (account, name_key)
);

CREATE TABLE identity_groups (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account, name_key)
);

CREATE TABLE identity_group_members (
    group_id TEXT NOT NULL REFERENCES identity_groups (id),
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    PRIMARY KEY (group_id, user_id)
);

CREATE INDEX identity_group_members_user ON identity_group_members (user_id);

-- holder is the id of a user, a group or a role.
CREATE TABLE identity_inline_policies (
    holder TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (holder, name)
);

CREATE TABLE identity_attached_policies (
    holder TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    PRIMARY KEY (holder, policy_arn)
);

CREATE INDEX identity_attached_policies_policy ON identity_attached_policies (account, policy_arn);

CREATE TABLE identity_instance_profiles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    tags TEXT NOT NULL,
    role_id TEXT REFERENCES identity_roles (id),
    created_at BIGINT NOT NULL,
    UNIQUE (account, name_key)
);

CREATE INDEX identity_instance_profiles_role ON identity_instance_profiles (role_id);

CREATE TABLE identity_account_aliases (
    alias TEXT PRIMARY KEY,
    account TEXT NOT NULL UNIQUE REFERENCES identity_accounts (id)
);

-- policy is JSON: the rules for passwords, as they were given.
CREATE TABLE identity_password_policies (
    account TEXT PRIMARY KEY REFERENCES identity_accounts (id),
    policy TEXT NOT NULL
);

-- The deletions of service-linked roles, which succeed at once.
CREATE TABLE identity_role_deletions (
    task TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES identity_accounts (id)
);

ALTER TABLE identity_users ADD COLUMN boundary TEXT;
ALTER TABLE identity_access_keys ADD COLUMN last_used_region TEXT;
ALTER TABLE identity_access_keys ADD COLUMN last_used_service TEXT;

-- Until now administrators were known by their mark alone.
INSERT INTO identity_attached_policies (holder, policy_arn, account)
SELECT id, 'arn:aws:iam::aws:policy/AdministratorAccess', account FROM identity_users WHERE administrator;
