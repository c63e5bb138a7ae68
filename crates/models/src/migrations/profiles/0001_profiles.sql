CREATE TABLE model_profiles (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    -- The ARN that it was copied from.
    source      TEXT NOT NULL,
    tags        TEXT NOT NULL,
    request_token TEXT,
    -- What the request asked for, so that its token stands for this alone.
    request_hash  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX model_profiles_token ON model_profiles (account, region, request_token);
-- Where the requests of a profile, the account's own or one of AWS's ids, are sent.
CREATE TABLE model_profile_routes (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    profile TEXT NOT NULL,
    routing TEXT NOT NULL,
    PRIMARY KEY (account, region, profile)
);
