-- The services that the management account lets work in its organization.
CREATE TABLE identity_organization_services (
    organization TEXT NOT NULL REFERENCES identity_organizations (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    enabled_at BIGINT NOT NULL,
    PRIMARY KEY (organization, service)
);
