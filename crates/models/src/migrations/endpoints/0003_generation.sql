-- What tells an endpoint from what it was before: another number whenever its status changes, or where it was removed and made again.
ALTER TABLE hosting_resources ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
