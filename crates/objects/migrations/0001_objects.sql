-- Bucket names are shared by all accounts. Settings are JSON texts; NULL where none is set.
CREATE TABLE object_buckets (
    name TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created BIGINT NOT NULL,
    versioning TEXT NOT NULL,
    policy TEXT,
    public_access TEXT,
    encryption TEXT,
    tags TEXT,
    cors TEXT,
    ownership TEXT
);
CREATE INDEX object_buckets_account ON object_buckets (account, name);

-- The versions of objects, delete markers among them. `rank` falls with time, so that the latest version of a key comes
-- first; `id` is the owner of the rows in object_parts where the object was uploaded in parts; `data_key` is sealed under
-- a storage key, or by KMS where `kms_key` names one.
CREATE TABLE object_versions (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    rank BIGINT NOT NULL,
    version TEXT NOT NULL,
    latest BOOLEAN NOT NULL,
    marker BOOLEAN NOT NULL,
    id TEXT NOT NULL,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    modified BIGINT NOT NULL,
    blob TEXT,
    parts BIGINT,
    data_key BYTEA,
    kms_key TEXT,
    kms_context TEXT,
    bucket_key BOOLEAN NOT NULL,
    storage_class TEXT NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum TEXT,
    checksum_type TEXT,
    PRIMARY KEY (bucket, key, rank)
);
CREATE UNIQUE INDEX object_versions_version ON object_versions (bucket, key, version);
CREATE UNIQUE INDEX object_versions_latest ON object_versions (bucket, key) WHERE latest;
CREATE INDEX object_versions_current ON object_versions (bucket, key) WHERE latest AND NOT marker;
CREATE INDEX object_versions_blob ON object_versions (blob) WHERE blob IS NOT NULL;

-- The parts of multipart uploads, and of the objects that came of them under the same id.
CREATE TABLE object_parts (
    owner TEXT NOT NULL,
    number BIGINT NOT NULL,
    start BIGINT NOT NULL,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    blob TEXT,
    modified BIGINT NOT NULL,
    PRIMARY KEY (owner, number)
);
CREATE INDEX object_parts_blob ON object_parts (blob) WHERE blob IS NOT NULL;

CREATE TABLE object_uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    initiated BIGINT NOT NULL,
    initiator TEXT NOT NULL,
    data_key BYTEA NOT NULL,
    kms_key TEXT,
    kms_context TEXT,
    bucket_key BOOLEAN NOT NULL,
    storage_class TEXT NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum_type TEXT
);
CREATE INDEX object_uploads_key ON object_uploads (bucket, key, id);

-- Blobs that no row names any more, for the collector.
CREATE TABLE object_garbage (
    blob TEXT PRIMARY KEY,
    since BIGINT NOT NULL
);
CREATE INDEX object_garbage_since ON object_garbage (since);

-- The keys under which data keys are sealed, sealed under the root key.
CREATE TABLE object_storage_keys (
    id TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);
