-- Object lock: the bucket's configuration, and what protects a version. NULL where there is none.
ALTER TABLE object_buckets ADD COLUMN object_lock TEXT;
ALTER TABLE object_versions ADD COLUMN object_lock TEXT;
ALTER TABLE object_uploads ADD COLUMN object_lock TEXT;
-- Whether the data key is sealed under a key of the client's own, which is kept nowhere.
ALTER TABLE object_versions ADD COLUMN customer_key BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE object_uploads ADD COLUMN customer_key BOOLEAN NOT NULL DEFAULT FALSE;
