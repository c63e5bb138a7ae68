-- Knowledge bases. Times are milliseconds since 1970. The chunks themselves are in the search index of each.
CREATE TABLE knowledge_bases (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    role_arn TEXT NOT NULL,
    -- As AWS writes it: ACTIVE, DELETING.
    status TEXT NOT NULL,
    -- The embedding model's ARN, and what answered for it when the knowledge base was made.
    model TEXT NOT NULL,
    served_by TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    dimension BIGINT NOT NULL,
    -- JSON: the configurations as they were asked for.
    configuration TEXT NOT NULL,
    storage TEXT,
    -- JSON: [["key", "value"], ...]
    tags TEXT NOT NULL,
    request_token TEXT,
    -- What the request asked for: another one with the same token must ask for the same.
    request_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX knowledge_bases_by_name ON knowledge_bases (account, region, name);
CREATE UNIQUE INDEX knowledge_bases_by_token ON knowledge_bases (account, region, request_token);

CREATE TABLE knowledge_sources (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    knowledge_base TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    -- As AWS writes it: AVAILABLE, DELETING.
    status TEXT NOT NULL,
    -- JSON: where documents come from, and how they are cut.
    origin TEXT NOT NULL,
    chunking TEXT,
    -- RETAIN or DELETE.
    deletion TEXT NOT NULL,
    request_token TEXT,
    request_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, knowledge_base, id)
);
CREATE UNIQUE INDEX knowledge_sources_by_name ON knowledge_sources (account, region, knowledge_base, name);
CREATE UNIQUE INDEX knowledge_sources_by_token ON knowledge_sources (account, region, knowledge_base, request_token);

CREATE TABLE knowledge_jobs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    knowledge_base TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT,
    -- As AWS writes it: STARTING, IN_PROGRESS, ...
    status TEXT NOT NULL,
    -- The job of the module `jobs` that does the work; none until that is submitted, for whoever asked.
    work TEXT,
    principal_arn TEXT NOT NULL,
    principal_id TEXT,
    -- JSON: why the job failed, then the first documents that did.
    failures TEXT NOT NULL,
    scanned BIGINT NOT NULL DEFAULT 0,
    sidecars BIGINT NOT NULL DEFAULT 0,
    added BIGINT NOT NULL DEFAULT 0,
    modified BIGINT NOT NULL DEFAULT 0,
    metadata_modified BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    request_token TEXT,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (account, region, knowledge_base, source, id)
);
CREATE INDEX knowledge_jobs_by_time ON knowledge_jobs (account, region, knowledge_base, source, created_at, id);

CREATE TABLE knowledge_documents (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    knowledge_base TEXT NOT NULL,
    source TEXT NOT NULL,
    -- The hash of the name, which the keys of its chunks have.
    hash TEXT NOT NULL,
    -- The object's URI, or the id that the document was handed in under.
    name TEXT NOT NULL,
    -- S3 or CUSTOM.
    kind TEXT NOT NULL,
    -- As AWS writes it: INDEXED, FAILED, ...
    status TEXT NOT NULL,
    reason TEXT,
    -- The object and the sidecar that were read last; none where that is to be done again.
    etag TEXT,
    sidecar_etag TEXT,
    -- What is indexed: hashes of the content, of what of the metadata was embedded with it, and of metadata and permissions.
    content_hash TEXT,
    embedded_hash TEXT,
    sidecar_hash TEXT,
    language TEXT,
    title TEXT,
    -- JSON: what was odd about the file.
    warnings TEXT NOT NULL,
    chunks BIGINT NOT NULL DEFAULT 0,
    -- JSON: who may read it.
    acl TEXT NOT NULL,
    -- The ingestion job that dealt with it last.
    job TEXT,
    -- What was handed in and is not indexed yet, sealed.
    pending BYTEA,
    -- Tells one such from the next of the same document.
    pending_id TEXT,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, knowledge_base, source, hash)
);
CREATE INDEX knowledge_documents_by_name ON knowledge_documents (account, region, knowledge_base, source, name);
