-- Requests that handed documents in or removed some, by their tokens: the same request, sent again, is answered as it was.
-- Rows that are a day old go when the next one comes.
CREATE TABLE knowledge_requests (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    knowledge_base TEXT NOT NULL,
    source TEXT NOT NULL,
    token TEXT NOT NULL,
    -- What the request asked for: another one with the same token must ask for the same.
    request_hash TEXT NOT NULL,
    -- JSON: what it was answered.
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, knowledge_base, source, token)
);
CREATE INDEX knowledge_requests_by_time ON knowledge_requests (account, region, knowledge_base, source, created_at);
