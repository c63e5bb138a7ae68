CREATE TABLE model_quotas (
    account    TEXT NOT NULL,
    -- The model's id; empty for every model that has no row of its own.
    model      TEXT NOT NULL,
    -- Each of the limits is NULL where there is none.
    requests_per_minute BIGINT,
    tokens_per_minute   BIGINT,
    running    BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, model)
);
