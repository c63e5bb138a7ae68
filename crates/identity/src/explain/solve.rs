//! The search for the smallest change of policies that allows a request.
//!
//! Policies are decided as they are now; what denies is changed, and they are decided again, until the request is
//! allowed. Each change is tried: what does not help is not proposed. Of several that help the one that mends what
//! somebody meant comes first, then the one that allows the least beside the request.

use std::collections::HashSet;

use super::edit::{Edit, Place};
use super::reach::{self, Universe};
use super::{exempt, fresh, repair};
use crate::policy::{Decision, Effect, Outcome, Policies, PolicyType, Request, decide};

/// How many policies must be changed at most: every type of them, and some twice.
const MOST_STEPS: usize = 12;

/// How a request can be allowed.
#[derive(Debug, Clone)]
pub(crate) struct Solution {
    /// The changes, one for each policy.
    pub(crate) edits: Vec<Edit>,
    /// Whether the request is allowed with all of them: it was decided.
    pub(crate) proven: bool,
    /// What the caller can do without a change of policies.
    pub(crate) advice: Vec<String>,
}

/// A denied request, the policies as they are now, and what is known around it.
pub(crate) struct Problem<'a> {
    pub(crate) request: &'a Request,
    pub(crate) policies: &'a Policies,
    /// Principals that policies name and that do not exist.
    pub(crate) unknown: &'a HashSet<String>,
    pub(crate) universe: &'a Universe,
}

impl Problem<'_> {
    /// The smallest change. Without edits where the request is allowed already, and where no change of policies helps.
    pub(crate) fn solve(&self) -> Solution {
        let mut policies = self.policies.clone();
        let mut edits: Vec<Edit> = Vec::new();
        let advice = self.advice(&decide(self.request, &policies));
        for _ in 0..MOST_STEPS {
            let decision = decide(self.request, &policies);
            if decision.allowed {
                break;
            }
            let Some(best) = self.best(&policies, &decision) else { break };
            policies = best.applied(&policies);
            join(&mut edits, best);
        }
        let proven = decide(self.request, &policies).allowed;
        edits.iter_mut().for_each(|edit| own_boundary(edit, self.request));
        Solution { edits, proven, advice }
    }

    fn best(&self, policies: &Policies, before: &Decision) -> Option<Edit> {
        let helps = |edit: &Edit| {
            let after = decide(self.request, &edit.applied(policies));
            after.allowed
                || after.reason != before.reason && score(&after) >= score(before)
                || score(&after) > score(before)
        };
        let candidates = self.candidates(policies, before).into_iter().filter(|edit| !is_of_aws(edit) && helps(edit));
        let weighed = candidates.enumerate().map(|(order, edit)| {
            let more = reach::of(std::slice::from_ref(&edit), self.request, policies, self.universe).len();
            ((!edit.mends, more, order), edit)
        });
        weighed.min_by_key(|(weight, _)| *weight).map(|(_, edit)| edit)
    }

    fn candidates(&self, policies: &Policies, decision: &Decision) -> Vec<Edit> {
        let reason = &decision.reason;
        if reason.explicit {
            return self.exemptions(policies, decision);
        }
        let places = self.places(policies, reason.policy_type);
        let mut edits: Vec<Edit> = places.iter().flat_map(|place| self.repairs(policies, *place)).collect();
        let new = match reason.policy_type {
            PolicyType::Identity => vec![Place::Identity(policies.identity.len())],
            PolicyType::Resource | PolicyType::Trust => vec![Place::Resource],
            PolicyType::ServiceControl if places.is_empty() => self.bare_levels(policies, decision),
            _ => places,
        };
        edits.extend(new.into_iter().filter_map(|place| fresh::statement(place, policies, self.request)));
        edits
    }

    /// Where policies of a type stand that could allow. Inside an account the resource's policy may as well.
    fn places(&self, policies: &Policies, policy_type: PolicyType) -> Vec<Place> {
        let is_lacking = |place: &Place| match place {
            Place::ServiceControl(level, _) => !level_allows(policies, *level, self.request),
            _ => true,
        };
        let is_of = |place: &Place| {
            let its = place.policy_type(policies);
            its == policy_type
                || policy_type == PolicyType::Identity && its == PolicyType::Resource && self.request.is_same_account()
        };
        Place::all(policies).into_iter().filter(|place| is_of(place) && is_lacking(place)).collect()
    }

    /// The levels without any service control policy.
    fn bare_levels(&self, policies: &Policies, _: &Decision) -> Vec<Place> {
        let levels = policies.service_control.iter().enumerate();
        levels.filter(|(_, list)| list.is_empty()).map(|(level, _)| Place::ServiceControl(level, 0)).collect()
    }

    fn repairs(&self, policies: &Policies, place: Place) -> Vec<Edit> {
        let count = place.of(policies).map_or(0, |attached| attached.document.statements().len());
        (0..count).filter_map(|index| repair::statement(place, policies, index, self.request, self.unknown)).collect()
    }

    fn exemptions(&self, policies: &Policies, decision: &Decision) -> Vec<Edit> {
        let Some(statement) = &decision.reason.statement else { return Vec::new() };
        let is_it = |place: &Place| {
            place.of(policies).is_some_and(|attached| attached.id == statement.policy)
                && place.policy_type(policies) == decision.reason.policy_type
        };
        let place = Place::all(policies).into_iter().find(is_it);
        place.map_or_else(Vec::new, |place| exempt::statement(place, policies, statement.index, self.request))
    }

    /// What the caller can do itself: where a statement fails, or denies, because of how the request was made.
    fn advice(&self, decision: &Decision) -> Vec<String> {
        let mut advice: Vec<String> = Vec::new();
        for trace in &decision.trace {
            for statement in &trace.statements {
                if let (Effect::Allow, Outcome::ConditionFailed(failed)) = (statement.effect, &statement.outcome) {
                    let text = exempt::advice(&failed.key);
                    advice.extend(text.filter(|_| decision.reason.policy_type == trace.policy_type));
                }
            }
        }
        if let (true, Some(statement)) = (decision.reason.explicit, &decision.reason.statement) {
            let attached = Place::all(self.policies).into_iter().filter_map(|place| place.of(self.policies));
            let statements = attached.filter(|attached| attached.id == statement.policy);
            let conditions = statements.filter_map(|attached| attached.document.statements().get(statement.index));
            advice.extend(conditions.flat_map(|s| s.conditions()).filter_map(|c| exempt::advice(c.key())));
        }
        advice.dedup();
        advice
    }
}

/// Policies that only AWS changes. A boundary can be replaced by another one.
fn is_of_aws(edit: &Edit) -> bool {
    let id = &edit.after.id;
    let is_of_iam = id.starts_with("arn:aws:iam::aws:") && edit.place != Place::Boundary;
    is_of_iam || id.starts_with("arn:aws:organizations::aws:")
}

/// Makes a policy of the account's own out of a boundary that is AWS's.
fn own_boundary(edit: &mut Edit, request: &Request) {
    let old = edit.after.id.to_string();
    let Some(account) = request.caller().account() else { return };
    let Some((_, holder)) = super::command::holder(request.caller()) else { return };
    if edit.place == Place::Boundary && old.starts_with("arn:aws:iam::aws:") {
        edit.after.id = format!("arn:aws:iam::{account}:policy/boundary-of-{holder}").into();
        edit.before = None;
        edit.summary = format!(
            "set a boundary in the place of `{old}`, which only AWS changes: a copy with a statement that allows it"
        );
    }
}

fn level_allows(policies: &Policies, level: usize, request: &Request) -> bool {
    let trace = decide(request, policies).trace;
    trace.iter().any(|trace| trace.level == Some(level) && trace.verdict == Some(Effect::Allow))
}

/// Greater where less is in the way.
fn score(decision: &Decision) -> i64 {
    let denies = |trace: &crate::policy::PolicyTrace| {
        trace.statements.iter().filter(|statement| statement.effect == Effect::Deny && statement.is_match()).count()
    };
    let allows = decision.trace.iter().filter(|trace| trace.verdict == Some(Effect::Allow)).count();
    let denies: usize = decision.trace.iter().map(denies).sum();
    // Both are counts of what one request matched.
    i64::try_from(allows).unwrap_or(i64::MAX) - i64::try_from(denies).unwrap_or(i64::MAX)
}

/// Adds a change; two of one policy become one.
fn join(edits: &mut Vec<Edit>, edit: Edit) {
    match edits.iter_mut().find(|earlier| earlier.place == edit.place) {
        Some(earlier) => {
            earlier.finding = format!("{} {}", earlier.finding, edit.finding);
            earlier.summary = format!("{}; {}", earlier.summary, edit.summary);
            (earlier.after, earlier.statement) = (edit.after, edit.statement);
        }
        None => edits.push(edit),
    }
}
