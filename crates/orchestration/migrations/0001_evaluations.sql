-- Evaluation jobs. Times are milliseconds since 1970.
CREATE TABLE evaluations_jobs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The job of the module `jobs` that does the work; none until that is submitted, for whoever asked.
    work TEXT,
    principal_arn TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    -- As AWS writes it: InProgress, Completed, ...
    status TEXT NOT NULL,
    is_rag BOOLEAN NOT NULL,
    -- JSON, sealed: what was asked for.
    asked BYTEA NOT NULL,
    -- JSON, sealed: why it failed, or what is to be known of its end.
    messages BYTEA,
    request_token TEXT,
    -- Answers and scores that there will be; none until the datasets were read.
    total BIGINT,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX evaluations_jobs_by_name ON evaluations_jobs (account, region, name);
CREATE UNIQUE INDEX evaluations_jobs_by_token ON evaluations_jobs (account, region, request_token);
CREATE INDEX evaluations_jobs_by_time ON evaluations_jobs (account, region, created_at, id);

-- What was answered and judged, each once.
CREATE TABLE evaluations_parts (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    job TEXT NOT NULL,
    -- Which of the job's datasets and systems, and which record of the dataset; from 0.
    dataset BIGINT NOT NULL,
    system BIGINT NOT NULL,
    record BIGINT NOT NULL,
    -- Which of the record's turns, from 0.
    turn BIGINT NOT NULL,
    -- The answer where it is −1, else the score of that of the dataset's metrics, from 0.
    part BIGINT NOT NULL,
    -- JSON, sealed.
    content BYTEA NOT NULL,
    PRIMARY KEY (account, region, job, dataset, system, record, turn, part)
);

-- How far judges agree with people.
CREATE TABLE evaluations_passports (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    -- What answers for the judge's model id.
    model TEXT NOT NULL,
    metric TEXT NOT NULL,
    -- JSON.
    passport TEXT NOT NULL,
    measured_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, model, metric)
);
