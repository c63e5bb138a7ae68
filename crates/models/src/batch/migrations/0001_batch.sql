-- Batch inference. Times are milliseconds since 1970.
CREATE TABLE model_batch_jobs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The job of the module `jobs` that does the work; none until that is submitted, for whoever asked.
    work TEXT,
    principal_arn TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    -- As AWS writes it: Submitted, Validating, ...
    status TEXT NOT NULL,
    failure TEXT,
    -- JSON: what was asked for, as the request had it.
    asked TEXT NOT NULL,
    -- JSON: [["key", "value"], ...]
    tags TEXT NOT NULL,
    request_token TEXT,
    -- What the request asked for: another one with the same token must ask for the same.
    request_hash TEXT NOT NULL,
    -- JSON: the input's files, as they were when they were counted; none until then.
    files TEXT,
    records BIGINT NOT NULL DEFAULT 0,
    succeeded BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    -- The first records that failed, sealed: their messages may quote them.
    errors BYTEA,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    ended_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE INDEX model_batch_jobs_by_time ON model_batch_jobs (account, region, created_at, id);
CREATE UNIQUE INDEX model_batch_jobs_by_token ON model_batch_jobs (account, region, request_token);

-- What became of each record of the jobs that have not ended.
CREATE TABLE model_batch_records (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    job TEXT NOT NULL,
    -- Which of the job's files, and which of its lines; both from 0.
    file BIGINT NOT NULL,
    line BIGINT NOT NULL,
    -- Whether `answer` is the model's, or says what went wrong.
    succeeded BOOLEAN NOT NULL,
    -- JSON, sealed.
    answer BYTEA NOT NULL,
    PRIMARY KEY (account, region, job, file, line)
);
