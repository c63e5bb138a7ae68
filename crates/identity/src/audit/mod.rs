//! The record of every decision.
//!
//! Refusals are durable when [`Identity::permit`] returns. On SQLite the entry of what is allowed goes to the disk with the
//! change that it allows, in the same transaction (or an earlier one); where none follows, with all others that wait,
//! twice a second, and when many wait: no change is without its entry, and costs one write to the disk. On PostgreSQL the entry of a change is
//! durable before it happens.

mod events;
mod resource;
pub(crate) mod store;
pub(crate) mod trace;

pub use events::{AuditLookup, EventDetails, LookupAttribute};

use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use base::{AccountId, Error, Page, PageRequest, Result, Timestamp};
use tokio::sync::Notify;

use crate::authorization::{Access, Verdict};
use crate::ctx::Ctx;
use crate::open::{Identity, Inner};
use crate::policy::Caller;
use crate::principal::Principal;
use trace::Trace;

/// Entries older than this are removed, in seconds: 90 days, as long as CloudTrail's event history.
const RETENTION: i64 = 90 * 24 * 3600;

/// How long an entry waits at most.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);

/// How many statements may wait before they are written ahead of the time: so that under load nobody waits for them.
pub(crate) const MANY: usize = 500;

/// How many statements may wait before those who bring more must wait themselves.
pub(crate) const MOST: usize = 2_000;

/// How a permission check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The caller may.
    Allowed,
    /// The caller may not.
    Denied,
}

/// One checked request, as the account of the caller or of the resource sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's id; later entries have greater ids.
    pub id: String,
    /// When the request was authenticated.
    pub time: Timestamp,
    /// The caller's ARN.
    pub principal: String,
    /// The account that the caller belongs to.
    pub caller_account: AccountId,
    /// For example `iam:CreateUser`.
    pub action: String,
    /// The ARN of what the action was for, or `*`.
    pub resource: String,
    /// How the check ended.
    pub decision: Decision,
    /// The request's id.
    pub request_id: String,
    /// The region of the request.
    pub region: String,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// `iam.amazonaws.com`
    pub event_source: String,
    /// The operation, such as `CreateUser`; the action's name where the check is a part of another operation.
    pub event_name: String,
    /// The user's or session's name, or `root`; empty for others.
    pub user_name: String,
    /// The access key that signed; empty for other proofs, and for the account of the resource.
    pub access_key_id: String,
    /// Whether this is what the resource's account sees of another account's request.
    pub owner_side: bool,
    pub(crate) trace: String,
}

impl Decision {
    /// `allowed` or `denied`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "allowed" => Ok(Self::Allowed),
            "denied" => Ok(Self::Denied),
            _ => Err(Error::internal(format!("`{text}` is no decision"))),
        }
    }
}

/// An entry and the account that sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) account: AccountId,
    pub(crate) entry: AuditEntry,
}

/// Writes the entries that wait: when `time` has come, or as soon as `told` is told of [`MANY`] that wait. Returns nothing where
/// the identities are gone by then.
pub(crate) async fn write_due(
    inner: &Weak<Inner>,
    told: &Notify,
    time: impl Future<Output = ()>,
) -> Option<Result<()>> {
    let mut time = pin!(time);
    let identity = loop {
        let is_time = tokio::select! { () = &mut time => true, () = told.notified() => false };
        let identity = Identity(inner.upgrade()?);
        // Otherwise it was told of those that were being written then.
        if is_time || identity.0.store.deferred() >= MANY {
            break identity;
        }
    };
    Some(identity.flush_audit().await)
}

impl Identity {
    /// The account's entries, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_audit(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<AuditEntry>> {
        self.flush_audit().await?;
        let entries = store::list(&self.0.store, ctx.account(), page).await?;
        Ok(Page::cut(page, entries, |entry| entry.id.clone()))
    }

    /// Writes the entries that wait. To be called before the process ends.
    ///
    /// # Errors
    /// The store's; the entries go on waiting then.
    pub async fn flush_audit(&self) -> Result<()> {
        self.0.store.write_deferred().await
    }

    /// Keeps the decision.
    ///
    /// Where [`MOST`] entries wait to be written, this waits until they are: memory is bounded, and a database that
    /// cannot keep up slows everyone down. Where it cannot be written at all, nothing is allowed any more.
    pub(crate) async fn record(&self, ctx: &Ctx, verdict: &Verdict, access: Access) -> Result<()> {
        let statements = store::statements(&self.entries(ctx, verdict, access));
        let database = &self.0.store;
        if !verdict.allowed() || access == Access::Write && !database.takes_along() {
            return store::insert(database, &statements).await;
        }
        if database.deferred() >= MOST {
            self.flush_audit().await?;
        }
        database.defer(statements);
        if database.deferred() >= MANY {
            self.0.many_entries.notify_one();
        }
        Ok(())
    }

    /// The entry, for each account that may see it.
    fn entries(&self, ctx: &Ctx, verdict: &Verdict, access: Access) -> Vec<Seen> {
        let trace = Trace::of(ctx, verdict);
        let request = verdict.request();
        let action = request.action();
        let (service, name) = action.split_once(':').unwrap_or(("", action));
        let operation = ctx.operation_of(service).unwrap_or(name);
        let entry = AuditEntry {
            id: format!("{:015}-{}", ctx.now().as_millis().max(0), self.0.random.uuid()),
            time: ctx.now(),
            principal: ctx.principal().arn(),
            caller_account: ctx.account().clone(),
            action: action.to_owned(),
            resource: request.resource().to_owned(),
            decision: if verdict.allowed() { Decision::Allowed } else { Decision::Denied },
            request_id: ctx.request_id().to_string(),
            region: ctx.region().as_str().to_owned(),
            read_only: access == Access::Read,
            event_source: format!("{service}.amazonaws.com"),
            event_name: operation.to_owned(),
            user_name: user_name(ctx.principal(), request.caller()),
            access_key_id: trace::access_key_id(ctx.credential()).unwrap_or_default().to_owned(),
            owner_side: false,
            trace: trace.to_text(),
        };
        let is_stranger = matches!(request.caller(), Caller::Anonymous);
        let owner = request.resource_account().filter(|owner| *owner != ctx.account());
        let mut seen = Vec::with_capacity(2);
        if let Some(owner) = owner {
            let trace = if is_stranger { trace } else { trace.for_owner() };
            let key = String::new();
            let entry = AuditEntry { owner_side: true, trace: trace.to_text(), access_key_id: key, ..entry.clone() };
            seen.push(Seen { account: owner.clone(), entry });
        }
        if !is_stranger {
            seen.push(Seen { account: ctx.account().clone(), entry });
        }
        seen
    }

    /// Removes entries that are too old.
    pub(crate) async fn expire_audit(&self) -> Result<()> {
        store::delete_before(&self.0.store, self.0.clock.now().plus_seconds(-RETENTION)).await
    }
}

/// What CloudTrail calls the user name.
fn user_name(principal: &Principal, caller: &Caller) -> String {
    // A provider is who policies see; who came with its token is whom the record is about.
    if let Principal::Federated { subject, .. } = principal {
        return subject.clone();
    }
    match caller {
        Caller::Root { .. } => "root".to_owned(),
        Caller::User(user) => user.name.clone(),
        Caller::Role(session) => session.session_name.clone(),
        Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => String::new(),
    }
}
