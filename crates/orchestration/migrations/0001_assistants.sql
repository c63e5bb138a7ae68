-- Times are milliseconds since 1970.
CREATE TABLE assistants_applications (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    status TEXT NOT NULL,
    identity_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
