//! AWS Organizations: accounts in a tree of units, under service control policies.
//!
//! An operation looks at the [`Organization`] as a whole and answers with the changes to be made, which the store makes
//! in the same transaction. Every function checks the caller's permission itself: only it knows the ARNs.

mod accounts;
mod change;
mod control;
mod handshakes;
mod organization;
mod policies;
mod refusal;
mod services;
pub(crate) mod store;
mod tags;
mod tree;
mod units;

use base::{Page, PageRequest, Timestamp};

pub use accounts::{AccountRequest, NewAccount};
pub use handshakes::{Handshake, State as HandshakeState};
pub use policies::{NewPolicy, PolicyChange, PolicyWithText};
pub use refusal::{Refusal, Result};
pub use services::EnabledService;
pub use tree::{Member, Organization, PlaceKind, PlaceName, PolicySummary};

pub(crate) use control::Membership;
pub(crate) use store::closed_accounts;

use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::open::Identity;
use change::Change;

/// Names and values.
pub type Tags = Vec<(String, String)>;

/// What a caller is about to do.
struct Intent<'a> {
    action: &'static str,
    access: Access,
    /// The ids of what it is done to; none for the organization as such.
    on: &'a [&'a str],
    tags: &'a [(String, String)],
}

impl<'a> Intent<'a> {
    fn read(action: &'static str, on: &'a [&'a str]) -> Self {
        Self { action, access: Access::Read, on, tags: &[] }
    }

    fn write(action: &'static str, on: &'a [&'a str]) -> Self {
        Self { action, access: Access::Write, on, tags: &[] }
    }

    fn tagged(self, tags: &'a [(String, String)]) -> Self {
        Self { tags, ..self }
    }
}

impl Identity {
    /// The organization of the caller's account, for a caller who may do what is intended.
    async fn enter(&self, ctx: &Ctx, intent: Intent<'_>) -> Result<Organization> {
        let organization = store::organization_of(&self.0.store, ctx.account()).await?;
        self.permit_intent(ctx, &intent, organization.as_ref()).await?;
        organization.ok_or_else(Refusal::not_in_use)
    }

    /// As [`Identity::enter`], for what only the management account may do.
    async fn manage(&self, ctx: &Ctx, intent: Intent<'_>) -> Result<Organization> {
        let organization = self.enter(ctx, intent).await?;
        if organization.management == *ctx.account() { Ok(organization) } else { Err(Refusal::management_only()) }
    }

    async fn permit_intent(&self, ctx: &Ctx, intent: &Intent<'_>, organization: Option<&Organization>) -> Result<()> {
        // A member has no rights on what belongs to the management account: it is told so, not which policy lacks.
        let of_management = organization.filter(|organization| organization.management == *ctx.account());
        let mut resources: Vec<String> =
            intent.on.iter().filter_map(|id| of_management.map(|organization| organization.arn_of(id))).collect();
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        for resource in resources {
            let mut ask = Ask::new(intent.action, resource).key("organizations:PolicyType", "SERVICE_CONTROL_POLICY");
            if let (Some(organization), [id, ..]) = (of_management, intent.on) {
                ask = ask.resource_tags(&organization.tags_of(id));
            }
            if !intent.tags.is_empty() {
                ask = ask.request_tags(intent.tags);
            }
            self.permit(ctx, &ask, intent.access).await?;
        }
        if !intent.tags.is_empty() && intent.action != "organizations:TagResource" {
            let ask = Ask::new("organizations:TagResource", "*").request_tags(intent.tags);
            self.permit(ctx, &ask, intent.access).await?;
        }
        Ok(())
    }

    /// Makes the changes that `decide` finds right, for a caller of the management account who may do what is intended.
    async fn change<T: Send>(
        &self,
        ctx: &Ctx,
        intent: Intent<'_>,
        decide: impl Fn(&Organization) -> Result<(Vec<Change>, T)> + Send + Sync,
    ) -> Result<T> {
        let organization = self.manage(ctx, intent).await?;
        self.apply(&organization.id, decide).await
    }

    /// Makes the changes that `decide` finds right in the organization `id`.
    async fn apply<T: Send>(
        &self,
        id: &str,
        decide: impl Fn(&Organization) -> Result<(Vec<Change>, T)> + Send + Sync,
    ) -> Result<T> {
        let value = store::change(&self.0.store, id, decide).await??;
        // Accounts may have been closed or moved under other policies.
        self.forget_credentials();
        Ok(value)
    }
}

/// The page of `items` in the order of their keys.
fn page<T>(request: &PageRequest, items: impl Iterator<Item = T>, key: impl Fn(&T) -> String) -> Page<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_cached_key(&key);
    let after = request.after.as_deref();
    let rest = items.into_iter().filter(|item| after.is_none_or(|after| key(item).as_str() > after));
    let read = rest.take(request.limit as usize + 1).collect();
    Page::cut(request, read, key)
}

/// The key of what is listed in the order in which it was made.
fn by_age(made: Timestamp, id: &str) -> String {
    format!("{:020} {id}", made.as_millis().max(0))
}
