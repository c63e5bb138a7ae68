-- What is kept of an imported model beside what AWS tells of it. Times are milliseconds since 1970.
ALTER TABLE model_imported ADD COLUMN role_arn TEXT NOT NULL DEFAULT '';
ALTER TABLE model_imported ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
-- The name of its file.
ALTER TABLE model_imported ADD COLUMN file TEXT NOT NULL DEFAULT '';
-- The data key of its file, encrypted: under the customer's key, or under Craton's own.
ALTER TABLE model_imported ADD COLUMN data_key BYTEA;
-- JSON: what was found in its files, how it was quantised, what that changed.
ALTER TABLE model_imported ADD COLUMN card TEXT NOT NULL DEFAULT '{}';
-- JSON: [["key", "value"], ...]
ALTER TABLE model_imported ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

CREATE TABLE model_import_jobs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The job of the module `jobs` that does the work; none until that is submitted, for whoever asked.
    work TEXT,
    principal_arn TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    -- InProgress, Completed, Failed
    status TEXT NOT NULL,
    failure TEXT,
    role_arn TEXT NOT NULL,
    source_uri TEXT NOT NULL,
    model_id TEXT NOT NULL,
    model_name TEXT NOT NULL,
    kms_key_arn TEXT,
    quantization TEXT NOT NULL,
    -- JSON, as for the model.
    tags TEXT NOT NULL,
    model_tags TEXT NOT NULL,
    -- JSON: what the examination of the checkpoint found.
    report TEXT,
    request_token TEXT,
    -- What the request asked for: another one with the same token must ask for the same.
    request_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (account, region, id),
    UNIQUE (account, region, name)
);
CREATE INDEX model_import_jobs_by_time ON model_import_jobs (account, region, created_at, id);
CREATE UNIQUE INDEX model_import_jobs_by_token ON model_import_jobs (account, region, request_token);

-- Which deployment the folder of imported models belongs to: one row.
CREATE TABLE model_deployment (id TEXT NOT NULL PRIMARY KEY);
