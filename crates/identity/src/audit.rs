//! The record of refusals and changes.

use base::{Error, Page, PageRequest, Result, Timestamp};

use crate::authorization::Verdict;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::store;

/// Entries older than this are removed, in seconds: 90 days, as long as CloudTrail's event history.
const RETENTION: i64 = 90 * 24 * 3600;

/// How a permission check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The caller may.
    Allowed,
    /// The caller may not.
    Denied,
}

/// One checked request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's id; later entries have greater ids.
    pub id: String,
    /// When the request was authenticated.
    pub time: Timestamp,
    /// The caller's ARN.
    pub principal: String,
    /// For example `iam:CreateUser`.
    pub action: String,
    /// The ARN of what the action was for, or `*`.
    pub resource: String,
    /// How the check ended.
    pub decision: Decision,
    /// The request's id.
    pub request_id: String,
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

impl Identity {
    /// The account's entries, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_audit(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<AuditEntry>> {
        let entries = store::list_audit(&self.0.store, ctx.account(), page).await?;
        Ok(Page::cut(page, entries, |entry| entry.id.clone()))
    }

    /// Commits an entry for the caller.
    pub(crate) async fn record(&self, ctx: &Ctx, verdict: &Verdict, decision: Decision) -> Result<()> {
        let entry = AuditEntry {
            id: format!("{:015}-{}", ctx.now().as_millis().max(0), self.0.random.uuid()),
            time: ctx.now(),
            principal: ctx.principal().arn(),
            action: verdict.request().action().to_owned(),
            resource: verdict.request().resource().to_owned(),
            decision,
            request_id: ctx.request_id().to_string(),
        };
        store::insert_audit(&self.0.store, ctx.account(), &entry).await
    }

    /// Removes entries that are too old.
    pub(crate) async fn expire_audit(&self) -> Result<()> {
        store::delete_audit_before(&self.0.store, self.0.clock.now().plus_seconds(-RETENTION)).await
    }
}
