-- One row for each account that may see a checked request: the caller's, and that of the resource where it is another.
-- id starts with the time, so that its order is the order of events; both rows of a request have the same id.
-- trace is JSON: what the request was, and what each policy said. owner_side tells the row of the resource's account,
-- whose trace lacks what that account may not read.
CREATE TABLE identity_audit_events (
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    caller_account TEXT NOT NULL,
    owner_side BOOLEAN NOT NULL,
    time BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    region TEXT NOT NULL,
    principal TEXT NOT NULL,
    user_name TEXT NOT NULL,
    access_key_id TEXT NOT NULL,
    action TEXT NOT NULL,
    event_source TEXT NOT NULL,
    event_name TEXT NOT NULL,
    read_only BOOLEAN NOT NULL,
    resource TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    decision TEXT NOT NULL,
    trace TEXT NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE INDEX identity_audit_events_request ON identity_audit_events (account, request_id);
CREATE INDEX identity_audit_events_time ON identity_audit_events (time);

INSERT INTO identity_audit_events (account, id, caller_account, owner_side, time, request_id, region, principal,
    user_name, access_key_id, action, event_source, event_name, read_only, resource, resource_type, resource_name,
    decision, trace)
SELECT account, id, account, FALSE, time, request_id, '', principal, '', '', action, '', '', FALSE, resource, '', '',
    decision, '' FROM identity_audit;

DROP TABLE identity_audit;
