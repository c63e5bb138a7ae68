-- Times are milliseconds since 1970.
CREATE TABLE answers_sessions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    reader TEXT,
    knowledge_base TEXT,
    kms_key TEXT,
    data_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);

CREATE INDEX answers_sessions_used ON answers_sessions (used_at);

CREATE TABLE answers_turns (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    session TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- A question, its answer and the documents that it came from, sealed under the session's key.
    sealed BYTEA NOT NULL,
    PRIMARY KEY (account, region, session, number)
);
