-- Who accepted which terms, for an account. What was accepted stands, also when the terms become others.
CREATE TABLE model_terms (
    account     TEXT   NOT NULL,
    model       TEXT   NOT NULL,
    licence     TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    accepted_by TEXT   NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (account, model, licence, url)
);
