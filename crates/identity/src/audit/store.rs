//! The table of the audit record.

use ::store::{Migration, Module, Row, Statement, Store, params};
use base::{AccountId, PageRequest, Result, Timestamp};

use super::events::AuditLookup;
use super::{AuditEntry, Decision, Seen, resource};
use crate::store::account_id;

const MIGRATIONS: &[Migration] =
    &[Migration::same(1, "decisions with their traces", include_str!("../../migrations/audit_0001_events.sql"))];

/// The tables of this module.
pub(crate) const TABLES: Module = Module { name: "identity-audit", migrations: MIGRATIONS };

/// The statements that write the entries.
pub(crate) fn statements(seen: &[Seen]) -> Vec<Statement> {
    let sql = "INSERT INTO identity_audit_events (account, id, caller_account, owner_side, time, request_id, region,
                 principal, user_name, access_key_id, action, event_source, event_name, read_only, resource,
                 resource_type, resource_name, decision, trace)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
               ON CONFLICT DO NOTHING";
    let one = |Seen { account, entry }: &Seen| {
        let (kind, name) = resource::describe(&entry.resource);
        let params = params![
            account,
            &entry.id,
            &entry.caller_account,
            entry.owner_side,
            entry.time,
            &entry.request_id,
            &entry.region,
            &entry.principal,
            &entry.user_name,
            &entry.access_key_id,
            &entry.action,
            &entry.event_source,
            &entry.event_name,
            entry.read_only,
            &entry.resource,
            kind,
            name,
            entry.decision.as_str(),
            &entry.trace,
        ];
        Statement::new(sql, params)
    };
    seen.iter().map(one).collect()
}

pub(crate) async fn insert(store: &Store, statements: &[Statement]) -> Result<()> {
    store
        .write(|tx| async move {
            for statement in statements {
                statement.run(&tx).await?;
            }
            Ok(())
        })
        .await
}

pub(crate) async fn list(store: &Store, account: &AccountId, page: &PageRequest) -> Result<Vec<AuditEntry>> {
    // Ids start with a digit, so `:` comes after all of them.
    let (before, limit) = (page.after.as_deref().unwrap_or(":"), i64::from(page.limit) + 1);
    store
        .read(|tx| async move {
            let sql = "SELECT id, caller_account, owner_side, time, request_id, region, principal, user_name,
                         access_key_id, action, event_source, event_name, read_only, resource, decision, trace
                       FROM identity_audit_events WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
            tx.fetch_all(sql, params![account, before, limit]).await?.iter().map(entry).collect()
        })
        .await
}

/// The entries of one request, in the order in which they were checked.
pub(crate) async fn of_request(store: &Store, account: &AccountId, request_id: &str) -> Result<Vec<AuditEntry>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, caller_account, owner_side, time, request_id, region, principal, user_name,
                         access_key_id, action, event_source, event_name, read_only, resource, decision, trace
                       FROM identity_audit_events WHERE account = $1 AND request_id = $2 ORDER BY id";
            tx.fetch_all(sql, params![account, request_id]).await?.iter().map(entry).collect()
        })
        .await
}

/// The entry with this id as `account` sees it.
pub(crate) async fn read(store: &Store, account: &AccountId, id: &str) -> Result<Option<AuditEntry>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, caller_account, owner_side, time, request_id, region, principal, user_name,
                         access_key_id, action, event_source, event_name, read_only, resource, decision, trace
                       FROM identity_audit_events WHERE account = $1 AND id = $2";
            tx.fetch_optional(sql, params![account, id]).await?.as_ref().map(entry).transpose()
        })
        .await
}

/// What CloudTrail's LookupEvents asks for, the latest first. An empty attribute asks for nothing.
pub(crate) async fn lookup(
    store: &Store,
    account: &AccountId,
    lookup: &AuditLookup,
    page: &PageRequest,
) -> Result<Vec<AuditEntry>> {
    let (before, limit) = (page.after.as_deref().unwrap_or(":"), i64::from(page.limit) + 1);
    let (attribute, value) = lookup.attribute.as_ref().map_or(("", ""), |(name, value)| (name.as_str(), value));
    let start = lookup.start.unwrap_or(Timestamp(i64::MIN));
    let end = lookup.end.unwrap_or(Timestamp(i64::MAX));
    store
        .read(|tx| async move {
            let sql = "SELECT id, caller_account, owner_side, time, request_id, region, principal, user_name,
                         access_key_id, action, event_source, event_name, read_only, resource, decision, trace
                       FROM identity_audit_events
                       WHERE account = $1 AND id < $2 AND time >= $3 AND time <= $4
                         AND ($5 <> 'EventId' OR substr(id, 17) = $6)
                         AND ($5 <> 'EventName' OR event_name = $6)
                         AND ($5 <> 'EventSource' OR event_source = $6)
                         AND ($5 <> 'Username' OR user_name = $6)
                         AND ($5 <> 'AccessKeyId' OR access_key_id = $6)
                         AND ($5 <> 'ResourceType' OR resource_type = $6)
                         AND ($5 <> 'ResourceName' OR resource_name = $6 OR resource = $6)
                         AND ($5 <> 'ReadOnly' OR read_only = ($6 = 'true'))
                       ORDER BY id DESC LIMIT $7";
            let params = params![account, before, start, end, attribute, value, limit];
            tx.fetch_all(sql, params).await?.iter().map(entry).collect()
        })
        .await
}

pub(crate) async fn delete_before(store: &Store, time: Timestamp) -> Result<()> {
    store
        .write(|tx| async move {
            tx.execute("DELETE FROM identity_audit_events WHERE time < $1", params![time]).await?;
            Ok(())
        })
        .await
}

fn entry(row: &Row) -> Result<AuditEntry> {
    let action = row.text("action")?;
    let (mut event_source, mut event_name) = (row.text("event_source")?, row.text("event_name")?);
    if let (true, Some((service, name))) = (event_source.is_empty(), action.split_once(':')) {
        // Written by a version that did not keep them.
        (event_source, event_name) = (format!("{service}.amazonaws.com"), name.to_owned());
    }
    Ok(AuditEntry {
        id: row.text("id")?,
        time: row.time("time")?,
        principal: row.text("principal")?,
        caller_account: account_id(row, "caller_account")?,
        action,
        resource: row.text("resource")?,
        decision: Decision::parse(&row.text("decision")?)?,
        request_id: row.text("request_id")?,
        region: row.text("region")?,
        read_only: row.bool("read_only")?,
        event_source,
        event_name,
        user_name: row.text("user_name")?,
        access_key_id: row.text("access_key_id")?,
        owner_side: row.bool("owner_side")?,
        trace: row.text("trace")?,
    })
}
