//! The record as CloudTrail's event history.

use base::{Error, Page, PageRequest, Result, Timestamp};

use super::trace::{StoredCaller, Trace};
use super::{AuditEntry, resource, store};
use crate::ctx::Ctx;
use crate::open::Identity;

/// What CloudTrail's LookupEvents can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupAttribute {
    /// The event's id.
    EventId,
    /// The operation.
    EventName,
    /// `true` or `false`.
    ReadOnly,
    /// The user's or session's name.
    Username,
    /// Such as `AWS::S3::Bucket`.
    ResourceType,
    /// The resource's name or its ARN.
    ResourceName,
    /// Such as `iam.amazonaws.com`.
    EventSource,
    /// The access key that signed.
    AccessKeyId,
}

/// Which entries are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditLookup {
    /// One attribute and its value.
    pub attribute: Option<(LookupAttribute, String)>,
    /// The earliest time.
    pub start: Option<Timestamp>,
    /// The latest time.
    pub end: Option<Timestamp>,
}

/// What an entry tells beside its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDetails {
    /// `Root`, `IAMUser`, `AssumedRole`, `AWSService`, `Unknown`.
    pub identity_type: &'static str,
    /// The caller's unique id; `None` for callers without one.
    pub principal_id: Option<String>,
    /// For a role's session: the role's ARN, id and name.
    pub issuer: Option<(String, String, String)>,
    /// Where the request came from: an address, or a service.
    pub source_ip: String,
    /// The client, as it names itself.
    pub user_agent: Option<String>,
    /// The account of the resource.
    pub resource_account: Option<String>,
    /// The denial in AWS's words.
    pub message: Option<String>,
    /// The type and the name of the resource; empty where it has none.
    pub resource: (&'static str, String),
}

impl LookupAttribute {
    const ALL: [Self; 8] = [
        Self::EventId,
        Self::EventName,
        Self::ReadOnly,
        Self::Username,
        Self::ResourceType,
        Self::ResourceName,
        Self::EventSource,
        Self::AccessKeyId,
    ];

    /// CloudTrail's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventId => "EventId",
            Self::EventName => "EventName",
            Self::ReadOnly => "ReadOnly",
            Self::Username => "Username",
            Self::ResourceType => "ResourceType",
            Self::ResourceName => "ResourceName",
            Self::EventSource => "EventSource",
            Self::AccessKeyId => "AccessKeyId",
        }
    }

    /// The attribute with CloudTrail's name `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.as_str() == name)
    }
}

impl AuditEntry {
    /// The event's id: unlike [`AuditEntry::id`] without its time.
    #[must_use]
    pub fn event_id(&self) -> &str {
        self.id.split_once('-').map_or(&self.id, |(_, id)| id)
    }

    /// What else the entry tells.
    #[must_use]
    pub fn details(&self) -> EventDetails {
        let trace = Trace::read(&self.trace);
        let caller = trace.as_ref().map(|trace| &trace.caller);
        let (identity_type, principal_id, issuer) = describe(caller);
        let (kind, name) = resource::describe(&self.resource);
        let source_ip = trace.as_ref().and_then(|trace| trace.source_ip.clone());
        EventDetails {
            identity_type,
            principal_id,
            issuer,
            source_ip: source_ip.unwrap_or_else(|| self.event_source.clone()),
            user_agent: trace.as_ref().and_then(|trace| trace.user_agent.clone()),
            resource_account: trace.as_ref().and_then(|trace| trace.owner.clone()),
            message: trace.and_then(|trace| trace.message),
            resource: (kind, name.to_owned()),
        }
    }
}

type Issuer = (String, String, String);

fn describe(caller: Option<&StoredCaller>) -> (&'static str, Option<String>, Option<Issuer>) {
    match caller {
        Some(StoredCaller::Root { account }) => ("Root", Some(account.clone()), None),
        Some(StoredCaller::User { id, .. }) => ("IAMUser", Some(id.clone()), None),
        Some(StoredCaller::Role { account, id, name, path, session, .. }) => (
            "AssumedRole",
            Some(format!("{id}:{session}")),
            Some((format!("arn:aws:iam::{account}:role{path}{name}"), id.clone(), name.clone())),
        ),
        Some(StoredCaller::Service { .. }) => ("AWSService", None, None),
        Some(StoredCaller::Federated { provider }) => ("WebIdentityUser", Some(provider.clone()), None),
        Some(StoredCaller::Anonymous) => ("AWSAccount", Some("anonymous".to_owned()), None),
        None => ("Unknown", None, None),
    }
}

impl Identity {
    /// The account's entries that CloudTrail's LookupEvents asks for, the latest first.
    ///
    /// # Errors
    /// Invalid, where the times are in the wrong order or `ReadOnly` is asked for with another value than a truth value.
    pub async fn lookup_audit(&self, ctx: &Ctx, lookup: &AuditLookup, page: &PageRequest) -> Result<Page<AuditEntry>> {
        if let (Some(start), Some(end)) = (lookup.start, lookup.end)
            && start.as_millis() > end.as_millis()
        {
            return Err(Error::invalid("The start time must be before the end time."));
        }
        if let Some((LookupAttribute::ReadOnly, value)) = &lookup.attribute
            && !["true", "false"].contains(&value.as_str())
        {
            return Err(Error::invalid(format!("`{value}` is no value of ReadOnly: `true` or `false`.")));
        }
        self.flush_audit().await?;
        let entries = store::lookup(&self.0.store, ctx.account(), lookup, page).await?;
        Ok(Page::cut(page, entries, |entry| entry.id.clone()))
    }
}
