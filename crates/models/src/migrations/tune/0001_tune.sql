-- What tunings found, by their jobs.
CREATE TABLE model_tunings (
    job        TEXT   NOT NULL PRIMARY KEY,
    model      TEXT   NOT NULL,
    report     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX model_tunings_model ON model_tunings (model, created_at);
-- How models are loaded that were tuned. All accounts share the models. Where the weights are another model's, the digests
-- say of which files that was measured. A profile is of use on machines of the kind on which it was measured.
CREATE TABLE model_tuned (
    model          TEXT   NOT NULL,
    machine        TEXT   NOT NULL,
    job            TEXT   NOT NULL,
    settings       TEXT   NOT NULL,
    own_digest     TEXT,
    weights_digest TEXT,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (model, machine)
);
