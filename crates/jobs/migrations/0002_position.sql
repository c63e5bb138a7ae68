-- How far the job had come when its attempt began: an attempt that came further does not count.
ALTER TABLE jobs ADD COLUMN checkpoint_before TEXT;

ALTER TABLE jobs ADD COLUMN done_before BIGINT;
