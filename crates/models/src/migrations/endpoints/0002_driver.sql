-- Of several servers the one that brings about what an endpoint's row says, until a time in milliseconds since the epoch that
-- it puts off as long as it does.
ALTER TABLE hosting_resources ADD COLUMN driver TEXT NOT NULL DEFAULT '';
ALTER TABLE hosting_resources ADD COLUMN driven_until BIGINT NOT NULL DEFAULT 0;
