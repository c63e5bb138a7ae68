-- Which users and roles the bucket's policy named when it was written.
ALTER TABLE object_buckets ADD COLUMN principals TEXT;
