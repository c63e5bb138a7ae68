//! A statement, and whether a request is one that it is about.

use std::sync::Arc;

use super::arn::ArnPattern;
use super::condition::{Condition, Operator};
use super::context::Context;
use super::pattern::{Pattern, Variable};
use super::principals::{Coverage, Principals};
use super::request::Request;

/// What a statement does with the requests that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It allows them.
    Allow,
    /// It denies them, whatever else allows them.
    Deny,
}

impl Effect {
    /// The name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// A statement of a policy, compiled for matching.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub(super) sid: Option<Arc<str>>,
    pub(super) effect: Effect,
    pub(super) principals: Option<Principals>,
    pub(super) actions: Element<Pattern>,
    pub(super) resources: Option<Element<ArnPattern>>,
    pub(super) conditions: Vec<Condition>,
}

/// `Action` or `Resource`, or their negations: the texts as written, and their patterns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element<P> {
    pub(super) negated: bool,
    pub(super) texts: Vec<Arc<str>>,
    pub(super) patterns: Vec<P>,
}

/// Whether a statement is about a request, and if not, the first of its elements that does not match, in the order
/// principal, action, resource, condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All its elements match. For policies of resources: how it covers the caller.
    Matched(Option<Coverage>),
    /// It is about other principals.
    OtherPrincipal,
    /// It is about other actions.
    OtherAction,
    /// It is about other resources.
    OtherResource,
    /// A policy variable has no value in this request, so the statement matches nothing, whatever its effect.
    MissingVariable(Arc<str>),
    /// A condition does not hold.
    ConditionFailed(Arc<FailedCondition>),
}

/// A condition that did not hold, with what was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCondition {
    /// The operator.
    pub operator: Operator,
    /// The key, as the policy writes it.
    pub key: Arc<str>,
    /// The policy's values, variables not replaced.
    pub expected: Vec<Arc<str>>,
    /// The request's values; empty where the request does not have the key.
    pub actual: Vec<String>,
}

impl Statement {
    /// The statement's id, if it has one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Allow or deny.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whom it names, in policies of resources.
    #[must_use]
    pub fn principals(&self) -> Option<&Principals> {
        self.principals.as_ref()
    }

    /// The actions as written, and whether the element is `NotAction`.
    #[must_use]
    pub fn actions(&self) -> (&[Arc<str>], bool) {
        (&self.actions.texts, self.actions.negated)
    }

    /// The resources as written, and whether the element is `NotResource`; `None` in trust policies.
    #[must_use]
    pub fn resources(&self) -> Option<(&[Arc<str>], bool)> {
        self.resources.as_ref().map(|resources| (resources.texts.as_slice(), resources.negated))
    }

    /// The conditions, all of which must hold.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether the statement is about `request`. `has_boundary`: whether the caller has a permissions boundary.
    pub(crate) fn outcome(&self, request: &Request, has_boundary: bool) -> Outcome {
        let context = request.context();
        let coverage = match &self.principals {
            Some(principals) => match principals.covers(request, has_boundary) {
                Some(coverage) => Some(coverage),
                None => return Outcome::OtherPrincipal,
            },
            None => None,
        };
        let action = request.action_in_lower_case();
        if !self.actions.matches(|pattern| pattern.matches(action, context)) {
            return Outcome::OtherAction;
        }
        if let Some(resources) = &self.resources {
            if let Some(variable) = missing(resources.patterns.iter().flat_map(ArnPattern::variables), context) {
                return Outcome::MissingVariable(variable);
            }
            let fields = request.resource_fields();
            if !resources.matches(|pattern| pattern.matches(fields, context)) {
                return Outcome::OtherResource;
            }
        }
        self.failed_condition(context).unwrap_or(Outcome::Matched(coverage))
    }

    fn failed_condition(&self, context: &Context) -> Option<Outcome> {
        if let Some(variable) = self.conditions.iter().find_map(|condition| condition.missing_variable(context)) {
            return Some(Outcome::MissingVariable(Arc::clone(&variable.key)));
        }
        let failed = self.conditions.iter().find(|condition| !condition.holds(context))?;
        Some(Outcome::ConditionFailed(Arc::new(FailedCondition {
            operator: failed.operator(),
            key: failed.key().into(),
            expected: failed.values().to_vec(),
            actual: failed.request_values(context).to_vec(),
        })))
    }
}

impl<P> Element<P> {
    fn matches(&self, matches: impl Fn(&P) -> bool) -> bool {
        self.patterns.iter().any(matches) != self.negated
    }
}

/// The key of the first variable without a value.
fn missing<'a>(mut variables: impl Iterator<Item = &'a Variable>, context: &Context) -> Option<Arc<str>> {
    let variable = variables.find(|variable| variable.value(context).is_none())?;
    Some(Arc::clone(&variable.key))
}
