CREATE TABLE model_pools (
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- The most requests that wait for a member to be free.
    max_queue  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE model_pool_members (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    pool     TEXT NOT NULL,
    -- Counts the pool's members from 0.
    place    BIGINT NOT NULL,
    base_url TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    -- Sealed under the root key; NULL where the member asks for none.
    api_key  BYTEA,
    weight   BIGINT NOT NULL,
    max_in_flight BIGINT NOT NULL,
    -- Where the member is, in its owner's words.
    area     TEXT,
    PRIMARY KEY (account, region, pool, place)
);
