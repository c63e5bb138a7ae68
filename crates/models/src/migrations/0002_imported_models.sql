-- Times are milliseconds since 1970.
CREATE TABLE model_imported (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    architecture TEXT NOT NULL,
    instruct BOOLEAN NOT NULL,
    job_id TEXT NOT NULL,
    job_name TEXT NOT NULL,
    source_uri TEXT NOT NULL,
    kms_key_arn TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id),
    UNIQUE (account, region, name)
);
