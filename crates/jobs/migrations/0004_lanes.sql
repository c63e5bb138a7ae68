-- What jobs share that ask for the same thing: only so many of them are open, and where one is put off, all wait.
ALTER TABLE jobs ADD COLUMN lane TEXT;
-- What is put off begins then at the latest.
ALTER TABLE jobs ADD COLUMN begins_by BIGINT;

CREATE INDEX jobs_by_lane ON jobs (lane, run_at) WHERE state IN ('queued', 'running');

CREATE TABLE job_lanes (
    name TEXT PRIMARY KEY,
    busy_until BIGINT NOT NULL
);
