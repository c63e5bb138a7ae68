-- When the run that works on a job began, and how many answers and scores were kept then: what is left is reckoned from there.
ALTER TABLE evaluations_jobs ADD COLUMN begun_at BIGINT;
ALTER TABLE evaluations_jobs ADD COLUMN begun_with BIGINT;
