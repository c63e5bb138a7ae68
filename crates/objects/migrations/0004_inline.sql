-- The sealed bytes of an object that is too small for a blob of its own.
ALTER TABLE object_versions ADD COLUMN inline BYTEA;
