-- Which deployment this is: one row. The place where the blobs are has the same id, so that no other uses it.
CREATE TABLE object_deployment (
    one BIGINT PRIMARY KEY,
    id TEXT NOT NULL
);
