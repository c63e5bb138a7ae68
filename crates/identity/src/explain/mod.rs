//! Why a request was denied, and the smallest change of policies that would allow it.
//!
//! The request is taken from the audit record and decided again by the policies as they are now; [`solve`] searches for
//! the change. What is shown depends on who asks: the text of a policy only to those who may read it, and of another
//! account's policies only that they deny, with a token for that account's administrators.

mod actions;
mod command;
mod edit;
mod exempt;
mod fresh;
mod known;
mod near;
mod reach;
mod repair;
mod shown;
mod solve;
mod token;
mod view;

pub(crate) use actions::{known_action_like, reaches};
pub use edit::Mistake;
pub(crate) use known::{any_session, own_resource};
pub use reach::Allowed;
pub use shown::{Change, Consulted, ConsultedStatement, DeniedBy, Explanation, Finding, OtherSide};
pub use view::Side;

use std::collections::HashSet;

use base::{Error, Result};

use crate::audit::store;
use crate::audit::trace::Trace;
use crate::audit::{AuditEntry, Decision};
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Policies, Request, decide};
use crate::resources::ResourceFacts;
use reach::Universe;
use solve::{Problem, Solution};
use token::Reference;

/// A recorded request, and everything that is known about it now.
struct Case {
    entry: AuditEntry,
    trace: Trace,
    request: Request,
    policies: Policies,
    /// Whether the resource's policy does not count for the caller, whatever it says.
    is_closed: bool,
    unknown: HashSet<String>,
    universe: Universe,
}

impl Identity {
    /// Explains the request with this id, or the one that a token is about.
    ///
    /// # Errors
    /// NotFound, where the account has no such request in its audit record, or no such token.
    pub async fn explain(&self, ctx: &Ctx, id: &str) -> Result<Explanation> {
        self.flush_audit().await?;
        let (seen, full) = self.entry_to_explain(ctx, id).await?;
        let Some(trace) = Trace::read(&full.trace) else {
            return Ok(Explanation::of_old_entry(seen));
        };
        let case = self.case(ctx, full, trace).await?;
        let solution = self.solution(&case);
        self.shown(ctx, &seen, &case, solution).await
    }

    /// The entry as the account sees it, and as it was written for the caller's account.
    async fn entry_to_explain(&self, ctx: &Ctx, id: &str) -> Result<(AuditEntry, AuditEntry)> {
        let database = &self.0.store;
        if token::is_token(id) {
            let Reference { account, id } = self.open_explanation_token(ctx.account(), id)?;
            let entry = store::read(database, &account, &id).await?;
            let entry = entry.ok_or_else(|| no_such_request(&id))?;
            return Ok((AuditEntry { owner_side: account != *ctx.account(), ..entry.clone() }, entry));
        }
        let mut entries = store::of_request(database, ctx.account(), id).await?;
        let deciding = entries.iter().position(|entry| entry.decision == Decision::Denied);
        let at = deciding.or(entries.len().checked_sub(1)).ok_or_else(|| no_such_request(id))?;
        let seen = entries.swap_remove(at);
        let full = match seen.owner_side {
            true => store::read(database, &seen.caller_account, &seen.id).await?.unwrap_or_else(|| seen.clone()),
            false => seen.clone(),
        };
        Ok((seen, full))
    }

    async fn case(&self, ctx: &Ctx, entry: AuditEntry, trace: Trace) -> Result<Case> {
        let request = trace.request(&entry.action, &entry.resource);
        let request = request.ok_or_else(|| Error::internal("the audit record names no account"))?;
        let facts = self.resource_for(&entry.action, &entry.resource).await?;
        let facts = facts.or_else(|| request.resource_account().cloned().map(ResourceFacts::of));
        let mut policies = self.policies_of(request.caller()).await?;
        policies.resource = facts.as_ref().and_then(|facts| facts.policy.clone());
        policies.grants = facts.as_ref().map(|facts| facts.grants.clone()).unwrap_or_default();
        policies.session = trace.session_policies();
        let stranger = facts.as_ref().is_some_and(|facts| Some(&facts.owner) != request.caller().account());
        let is_closed = stranger && facts.as_ref().is_some_and(|facts| facts.closed_to_others);
        let unknown = self.unknown_principals(policies.resource.as_ref()).await?;
        let universe = self.universe(ctx, facts.as_ref()).await?;
        Ok(Case { entry, trace, request, policies, is_closed, unknown, universe })
    }

    fn solution(&self, case: &Case) -> Solution {
        let nothing = Solution { edits: Vec::new(), proven: false, advice: Vec::new() };
        if let Some(why) = &case.trace.beyond {
            let advice = format!("No policy helps: {why}. Use other credentials.");
            return Solution { advice: vec![advice], ..nothing };
        }
        if case.is_closed && case.entry.decision == Decision::Denied {
            let advice = "The bucket's policy is public, and its public access block (RestrictPublicBuckets) closes such \
                          buckets to other accounts: its owner lets the policy name its principals, or lifts the block.";
            return Solution { advice: vec![advice.to_owned()], ..nothing };
        }
        let list = case.list_of_missing_object();
        let request = match (&list, case.entry.decision) {
            (Some(list), _) => list,
            (None, Decision::Allowed) => return nothing,
            (None, Decision::Denied) => &case.request,
        };
        if decide(request, &case.policies).allowed {
            return nothing;
        }
        let Case { policies, unknown, universe, .. } = case;
        let mut solution = Problem { request, policies, unknown, universe }.solve();
        if list.is_some() {
            let text = "The object may be read. If the answer was 403 all the same, there is no such object, and only \
                        who may list the bucket is told so.";
            solution.advice.insert(0, text.to_owned());
        }
        solution
    }
}

impl Case {
    /// For an object that the caller may read: the request that would tell whether it is there, if it is denied.
    fn list_of_missing_object(&self) -> Option<Request> {
        let is_read = ["s3:GetObject", "s3:GetObjectVersion"].contains(&self.entry.action.as_str());
        if !is_read || self.entry.decision == Decision::Denied {
            return None;
        }
        let bucket = fresh::bucket_of(self.request.resource());
        let list = reach::same_with(&self.request, self.request.caller(), "s3:ListBucket", bucket);
        (!decide(&list, &self.policies).allowed).then_some(list)
    }
}

fn no_such_request(id: &str) -> Error {
    Error::not_found(format!("There is no request `{id}` in the audit record of this account."))
        .with_hint("Requests are kept for 90 days; the id is in the answer's header `x-amzn-requestid`.")
}

#[cfg(test)]
mod tests;
