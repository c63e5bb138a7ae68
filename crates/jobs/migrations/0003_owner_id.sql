-- The unique id of who asked: a name may be another's by the time the job runs. NULL for what older versions wrote.
ALTER TABLE jobs ADD COLUMN principal_id TEXT;

ALTER TABLE job_schedules ADD COLUMN principal_id TEXT;
