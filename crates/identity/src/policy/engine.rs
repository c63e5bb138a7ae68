//! How policies of all types together decide a request.
//!
//! The rules are those of the IAM User Guide, "Policy evaluation logic", "Determining whether a request is allowed or
//! denied within an account" (with its table "Resource-based policies and implicit denies in other policy types"),
//! "Cross-account policy evaluation logic" and "Principal"; of the Organizations guide, "SCP evaluation"; and of the
//! KMS guide, "KMS key access and permissions".

use std::sync::Arc;

use super::caller::Caller;
use super::decision::{Decision, PolicyTrace, PolicyType, Reason, StatementId, StatementTrace};
use super::document::Document;
use super::grant::Grant;
use super::kind::Kind;
use super::principals::Coverage;
use super::request::Request;
use super::statement::{Effect, Outcome};

/// A document and the id under which traces name it: a policy's ARN, an inline policy's name, a resource's ARN.
#[derive(Debug, Clone, PartialEq)]
pub struct Attached {
    /// The id.
    pub id: Arc<str>,
    /// The document.
    pub document: Arc<Document>,
}

/// The policies that apply to a request.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// The service control policies of the caller's account: one list for each level, from the organization's root over
    /// the units to the account. Every level must allow. None for an account outside an organization and for the
    /// management account.
    pub service_control: Vec<Vec<Attached>>,
    /// The policy of the resource: of a bucket, a key, a secret, or the trust policy of the role to be assumed. Key
    /// policies and trust policies decide by their own rules.
    pub resource: Option<Attached>,
    /// The grants on the key that the request is about.
    pub grants: Vec<Grant>,
    /// The caller's managed, inline and group policies; for a session those of the role.
    pub identity: Vec<Attached>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached>,
    /// The policies passed when the session was made; `None` if none were. One of them must allow.
    pub session: Option<Vec<Attached>>,
}

/// Decides `request`.
///
/// 1. A matching deny in any policy denies.
/// 2. Every level of the service control policies must allow, unless the caller is linked to a service.
/// 3. Services, federated and anonymous callers: the resource's policy alone decides, or a grant.
/// 4. Inside one account a resource's policy that names the user, the session or everyone allows; one that names the
///    role allows what boundary and session policy allow too. Otherwise identity policies, boundary and session policy
///    must all allow. Key and trust policies must consent first, by naming the account at least.
/// 5. Between accounts identity policies, boundary, session policy and the resource's policy must all allow.
/// 6. A grant allows whatever is not denied by 1 and 2.
/// 7. The root user needs no identity policy.
#[must_use]
pub fn decide(request: &Request, policies: &Policies) -> Decision {
    let evaluation = Evaluation::of(request, policies);
    let (allowed, reason) = match evaluation.explicit_deny() {
        Some(reason) => (false, reason),
        None => evaluation.without_deny(),
    };
    Decision { allowed, reason, trace: evaluation.trace }
}

/// What each type of policy says about a request.
struct Evaluation<'a> {
    request: &'a Request,
    policies: &'a Policies,
    trace: Vec<PolicyTrace>,
}

type Verdict = (bool, Reason);

impl<'a> Evaluation<'a> {
    fn of(request: &'a Request, policies: &'a Policies) -> Self {
        let mut trace = Vec::with_capacity(policies.identity.len() + 4);
        let has_boundary = policies.boundary.is_some();
        let mut add = |policy_type, level, attached: &Attached| {
            trace.push(look_at(request, policy_type, level, attached, has_boundary));
        };
        let governed = match request.caller() {
            Caller::Role(session) => !session.service_linked,
            Caller::Root { .. } | Caller::User(_) => true,
            Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => false,
        };
        for (level, attached) in policies.service_control.iter().enumerate().filter(|_| governed) {
            attached.iter().for_each(|attached| add(PolicyType::ServiceControl, Some(level), attached));
        }
        if let Some(attached) = &policies.resource {
            add(resource_type(attached), None, attached);
        }
        if request.caller().account().is_some() {
            policies.identity.iter().for_each(|attached| add(PolicyType::Identity, None, attached));
            policies.boundary.iter().for_each(|attached| add(PolicyType::Boundary, None, attached));
            policies.session.iter().flatten().for_each(|attached| add(PolicyType::Session, None, attached));
        }
        Self { request, policies, trace }
    }

    fn explicit_deny(&self) -> Option<Reason> {
        let trace = self.trace.iter().find(|trace| trace.verdict == Some(Effect::Deny))?;
        Some(decided_by(trace, Effect::Deny))
    }

    fn without_deny(&self) -> Verdict {
        if let Some(reason) = self.uncontrolled_level() {
            return (false, reason);
        }
        match self.request.caller() {
            Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => self.by_resource_alone(),
            _ if self.request.is_same_account() => self.within_account(),
            _ => self.between_accounts(),
        }
    }

    /// The service control policies' denial, if a level allows nothing.
    fn uncontrolled_level(&self) -> Option<Reason> {
        let governed = !matches!(self.request.caller(), Caller::Role(session) if session.service_linked)
            && self.request.caller().account().is_some();
        let allows = |level: usize| {
            self.of_type(PolicyType::ServiceControl)
                .any(|trace| trace.level == Some(level) && trace.verdict == Some(Effect::Allow))
        };
        let all = (0..self.policies.service_control.len()).all(allows);
        (governed && !all).then(|| implicit(PolicyType::ServiceControl))
    }

    fn by_resource_alone(&self) -> Verdict {
        match self.resource_allow() {
            Some((_, reason)) => (true, reason),
            None => self.granted().unwrap_or_else(|| (false, self.no_consent())),
        }
    }

    fn within_account(&self) -> Verdict {
        let consent = self.resource_allow();
        match &consent {
            Some((Coverage::Direct, reason)) => return (true, reason.clone()),
            Some((Coverage::Role, reason)) => {
                return match self.limit() {
                    Some(limit) => self.granted().unwrap_or((false, limit)),
                    None => (true, reason.clone()),
                };
            }
            Some((Coverage::Account, _)) | None => {}
        }
        if let Some(granted) = self.granted() {
            return granted;
        }
        let must_consent =
            self.policies.resource.as_ref().is_some_and(|attached| attached.document.kind().must_consent());
        if must_consent && consent.is_none() {
            return (false, self.no_consent());
        }
        self.by_identity()
    }

    fn between_accounts(&self) -> Verdict {
        if let Some(granted) = self.granted() {
            return granted;
        }
        let (allowed, reason) = self.by_identity();
        if !allowed {
            return (false, reason);
        }
        match self.resource_allow() {
            Some((_, reason)) => (true, reason),
            None => (false, self.no_consent()),
        }
    }

    /// What identity policies say, limited by boundary and session policy.
    fn by_identity(&self) -> Verdict {
        let allow = match self.request.caller() {
            Caller::Root { .. } => Some(Reason { policy_type: PolicyType::RootUser, explicit: true, statement: None }),
            _ => self.allow_of(PolicyType::Identity),
        };
        match (allow, self.limit()) {
            (None, _) => (false, implicit(PolicyType::Identity)),
            (Some(_), Some(limit)) => (false, limit),
            (Some(reason), None) => (true, reason),
        }
    }

    /// The implicit deny of boundary or session policy, if there is one.
    fn limit(&self) -> Option<Reason> {
        let limits = |policy_type| self.allow_of(policy_type).is_none().then(|| implicit(policy_type));
        let boundary = self.policies.boundary.as_ref().and_then(|_| limits(PolicyType::Boundary));
        boundary.or_else(|| self.policies.session.as_ref().and_then(|_| limits(PolicyType::Session)))
    }

    fn granted(&self) -> Option<Verdict> {
        self.policies.grants.iter().find(|grant| grant.allows(self.request))?;
        Some((true, Reason { policy_type: PolicyType::Grant, explicit: true, statement: None }))
    }

    /// How the resource's policy allows the request, by its strongest statement.
    fn resource_allow(&self) -> Option<(Coverage, Reason)> {
        let trace = self.trace.iter().find(|trace| is_of_resource(trace.policy_type))?;
        let coverage = |statement: &StatementTrace| match (statement.effect, &statement.outcome) {
            (Effect::Allow, Outcome::Matched(coverage)) => *coverage,
            _ => None,
        };
        let strongest = trace.statements.iter().filter_map(coverage).max()?;
        let index = trace.statements.iter().position(|statement| coverage(statement) == Some(strongest))?;
        Some((strongest, reason_of(trace, index)))
    }

    fn no_consent(&self) -> Reason {
        implicit(self.policies.resource.as_ref().map_or(PolicyType::Resource, resource_type))
    }

    fn allow_of(&self, policy_type: PolicyType) -> Option<Reason> {
        let trace = self.of_type(policy_type).find(|trace| trace.verdict == Some(Effect::Allow))?;
        Some(decided_by(trace, Effect::Allow))
    }

    fn of_type(&self, policy_type: PolicyType) -> impl Iterator<Item = &PolicyTrace> {
        self.trace.iter().filter(move |trace| trace.policy_type == policy_type)
    }
}

/// Every statement's outcome for the request.
fn look_at(
    request: &Request,
    policy_type: PolicyType,
    level: Option<usize>,
    attached: &Attached,
    has_boundary: bool,
) -> PolicyTrace {
    let statements: Vec<StatementTrace> = attached
        .document
        .statements()
        .iter()
        .map(|statement| StatementTrace {
            sid: statement.sid.clone(),
            effect: statement.effect,
            outcome: statement.outcome(request, has_boundary),
        })
        .collect();
    let says = |effect| statements.iter().any(|statement| statement.effect == effect && statement.is_match());
    let verdict = [Effect::Deny, Effect::Allow].into_iter().find(|effect| says(*effect));
    PolicyTrace { policy_type, policy: Arc::clone(&attached.id), level, verdict, statements }
}

impl StatementTrace {
    /// Whether the statement matched the request.
    #[must_use]
    pub fn is_match(&self) -> bool {
        matches!(self.outcome, Outcome::Matched(_))
    }
}

fn resource_type(attached: &Attached) -> PolicyType {
    match attached.document.kind() {
        Kind::Trust => PolicyType::Trust,
        _ => PolicyType::Resource,
    }
}

fn is_of_resource(policy_type: PolicyType) -> bool {
    matches!(policy_type, PolicyType::Resource | PolicyType::Trust)
}

fn implicit(policy_type: PolicyType) -> Reason {
    Reason { policy_type, explicit: false, statement: None }
}

/// The first matching statement of `trace` with `effect`.
fn decided_by(trace: &PolicyTrace, effect: Effect) -> Reason {
    let decides = |statement: &StatementTrace| statement.effect == effect && statement.is_match();
    reason_of(trace, trace.statements.iter().position(decides).unwrap_or_default())
}

fn reason_of(trace: &PolicyTrace, index: usize) -> Reason {
    let sid = trace.statements.get(index).and_then(|statement| statement.sid.clone());
    let statement = StatementId { policy: Arc::clone(&trace.policy), index, sid };
    Reason { policy_type: trace.policy_type, explicit: true, statement: Some(statement) }
}
