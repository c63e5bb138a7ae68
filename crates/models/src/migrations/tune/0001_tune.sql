-- What tunings found, by their jobs.
CREATE TABLE model_tunings (
    job        TEXT   NOT NULL PRIMARY KEY,
    model      TEXT   NOT NULL,
    report     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX model_tunings_model ON model_tunings (model, created_at);
-- How models are loaded that were tuned. All accounts share the models.
CREATE TABLE model_tuned (
    model      TEXT   NOT NULL PRIMARY KEY,
    job        TEXT   NOT NULL,
    settings   TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
