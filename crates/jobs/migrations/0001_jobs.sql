CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    principal_arn TEXT NOT NULL,
    kind TEXT NOT NULL,
    dedup_key TEXT,
    state TEXT NOT NULL,
    input TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    -- Counts how often the job was taken: a worker may change the job only while this is as it was when it took it.
    lease BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    cancel_requested BOOLEAN NOT NULL,
    checkpoint TEXT,
    progress_done BIGINT,
    progress_total BIGINT,
    progress_unit TEXT,
    progress_message TEXT,
    output TEXT,
    error_kind TEXT,
    error_message TEXT,
    error_hint TEXT,
    created BIGINT NOT NULL,
    started BIGINT,
    ended BIGINT
);

CREATE INDEX jobs_by_account ON jobs (account, id);

CREATE INDEX jobs_due ON jobs (state, run_at);

-- One open job per key.
CREATE UNIQUE INDEX jobs_by_key ON jobs (account, kind, dedup_key) WHERE state IN ('queued', 'running');

CREATE TABLE job_needs (
    job TEXT NOT NULL REFERENCES jobs (id),
    needed TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needed)
);

CREATE INDEX job_needs_by_needed ON job_needs (needed);

CREATE TABLE job_schedules (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    principal_arn TEXT NOT NULL,
    kind TEXT NOT NULL,
    input TEXT NOT NULL,
    max_attempts BIGINT NOT NULL,
    every TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE INDEX job_schedules_due ON job_schedules (next_at);
