-- Whether the secret ever had tags: it is described with an empty list then, as in AWS.
ALTER TABLE secrets_secrets ADD COLUMN tagged BOOLEAN NOT NULL DEFAULT FALSE;
