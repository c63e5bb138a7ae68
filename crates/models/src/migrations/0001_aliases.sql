CREATE TABLE model_aliases (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    model_id TEXT NOT NULL,
    -- The local model, or NULL where an upstream answers.
    local_name TEXT,
    base_url   TEXT,
    upstream_model TEXT,
    -- Sealed under the root key; NULL where the upstream asks for none.
    api_key    BYTEA,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, model_id),
    CHECK ((local_name IS NULL) = (base_url IS NOT NULL)),
    CHECK ((base_url IS NULL) = (upstream_model IS NULL))
);
