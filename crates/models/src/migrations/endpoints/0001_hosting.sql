-- What hosting is made of: models, endpoint configurations and endpoints, told apart by their kind.
CREATE TABLE hosting_resources (
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- Where an endpoint stands; empty of everything else.
    status     TEXT NOT NULL,
    -- What it is, as JSON.
    body       TEXT NOT NULL,
    tags       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, kind, name)
);
CREATE INDEX hosting_resources_status ON hosting_resources (kind, status);
