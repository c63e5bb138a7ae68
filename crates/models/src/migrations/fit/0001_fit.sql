-- What machines were measured to do, by what they have in common.
CREATE TABLE model_machines (
    machine    TEXT   NOT NULL PRIMARY KEY,
    facts      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);
