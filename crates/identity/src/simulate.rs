//! What policies would decide about requests that nobody makes: IAM's policy simulator.
//!
//! The decision is the one of [`policy::decide`], over the policies of a principal as they are now, or over given ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{AccountId, Error, Result};

use crate::ctx::Ctx;
use crate::iam::store::group_rights;
use crate::open::Identity;
use crate::policy::{
    self, Attached, Caller, Context, Document, Effect, Kind, Outcome, Policies, PolicyType, Request, Span, User,
};
use crate::resources::ResourceFacts;
use crate::rights::Rights;

/// What is simulated.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    /// The user, group or role whose policies count; none for given policies alone.
    pub principal: Option<String>,
    /// More policies, as of a principal.
    pub policies: Vec<String>,
    /// Permissions boundaries in the place of the principal's own.
    pub boundaries: Vec<String>,
    /// Service control policies from the organization's root down, in the place of the principal's own.
    pub service_control: Vec<Vec<String>>,
    /// Those of the principal's policies that do not count.
    pub excluded: Vec<Excluded>,
    /// The actions.
    pub actions: Vec<String>,
    /// The resources; none stands for `*`.
    pub resources: Vec<String>,
    /// The policy of all the resources, in the place of their own.
    pub resource_policy: Option<String>,
    /// The account that owns the resources: its id, or the ARN of its root.
    pub resource_owner: Option<String>,
    /// Who asks, where it is another than the principal: the ARN of a user.
    pub caller: Option<String>,
    /// Condition keys and their values.
    pub context: Vec<(String, Vec<String>)>,
}

/// Policies of a principal that do not count in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excluded {
    /// `inline`, `aws-managed`, `user-managed`, `permission-boundary`, `scp` or `rcp`.
    Type(String),
    /// The managed policy with this ARN.
    Arn(String),
    /// An inline policy: `user`, `group` or `role`, the holder's name, the policy's name.
    Inline(String, String, String),
}

/// How a simulated request is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvalDecision {
    /// It is allowed.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
}

/// What was decided about one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The action.
    pub action: String,
    /// The resource, or `*`.
    pub resource: String,
    /// The decision.
    pub decision: EvalDecision,
    /// The statements that decided.
    pub matched: Vec<MatchedStatement>,
    /// The condition keys that policies ask for and that were not given.
    pub missing: Vec<String>,
    /// Whether service control policies allow it; `None` where there are none.
    pub by_organizations: Option<bool>,
    /// Whether the permissions boundary allows it; `None` where there is none.
    pub by_boundary: Option<bool>,
    /// For requests between accounts: what either side says.
    pub sides: Vec<(&'static str, EvalDecision)>,
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedStatement {
    /// The policy: `PolicyInputList.1`, or its id.
    pub policy: String,
    /// The policy's source as IAM calls it.
    pub source: &'static str,
    /// Where the statement stands in the policy's text.
    pub span: Option<Span>,
}

impl EvalDecision {
    /// IAM's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// Who asks and the policies that count, the resource's excepted.
struct Subject {
    caller: Caller,
    policies: Policies,
    /// Whether the caller is a real one, from whom condition keys follow.
    is_real: bool,
    /// The organization and the path to the account in it.
    organization: Option<(String, String)>,
}

impl Identity {
    /// Decides every action on every resource.
    ///
    /// # Errors
    /// NotFound for a principal that does not exist; Invalid for policies, actions and ARNs that are malformed.
    pub async fn simulate(&self, ctx: &Ctx, simulation: &Simulation) -> Result<Vec<Simulated>> {
        simulation.actions.iter().try_for_each(|action| check_action(action))?;
        let subject = self.subject(ctx, simulation).await?;
        let everything = vec!["*".to_owned()];
        let resources = if simulation.resources.is_empty() { &everything } else { &simulation.resources };
        let mut results = Vec::new();
        for resource in resources {
            if resource != "*" && resource.parse::<base::Arn>().is_err() {
                return Err(invalid(format!("Invalid Entity: {resource} is not a valid ARN.")));
            }
            for action in &simulation.actions {
                let facts = self.simulated_resource(ctx, simulation, action, resource).await?;
                results.push((action, simulate_one(&subject, simulation, action, resource, facts.as_ref())));
            }
        }
        // IAM answers action by action.
        let order = |name: &String| simulation.actions.iter().position(|action| action == name);
        results.sort_by_key(|(action, _)| order(action));
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// The condition keys that the policies ask for, in order.
    ///
    /// # Errors
    /// As [`Identity::simulate`].
    pub async fn context_keys(&self, ctx: &Ctx, principal: Option<&str>, policies: &[String]) -> Result<Vec<String>> {
        let simulation = Simulation {
            principal: principal.map(str::to_owned),
            policies: policies.to_vec(),
            ..Simulation::default()
        };
        let subject = self.subject(ctx, &simulation).await?;
        let keys: BTreeSet<String> = subject
            .policies
            .identity
            .iter()
            .flat_map(|attached| attached.document.context_keys())
            .map(|key| key.to_string())
            .collect();
        Ok(keys.into_iter().collect())
    }

    async fn subject(&self, ctx: &Ctx, simulation: &Simulation) -> Result<Subject> {
        let mut subject = match &simulation.principal {
            Some(arn) => self.principal_subject(ctx, arn).await?,
            None => Subject {
                caller: nobody(ctx.account()),
                policies: Policies::default(),
                is_real: false,
                organization: None,
            },
        };
        if let Some(arn) = &simulation.caller {
            subject.caller = self.simulated_caller(ctx, arn).await?;
            subject.is_real = true;
        }
        simulation.excluded.iter().for_each(|excluded| excluded.apply(&mut subject.policies));
        for (level, texts) in simulation.service_control.iter().enumerate() {
            let id = |n: usize| format!("OrderedOrganizationPolicyInputList.{}.{}", level + 1, n + 1);
            let parsed = texts.iter().enumerate().map(|(n, text)| parse(Kind::ServiceControl, &id(n), text));
            let parsed = parsed.collect::<Result<_>>()?;
            if level == 0 {
                subject.policies.service_control.clear();
            }
            subject.policies.service_control.push(parsed);
        }
        for (n, text) in simulation.policies.iter().enumerate() {
            let input = parse(Kind::Managed, &format!("PolicyInputList.{}", n + 1), text)?;
            subject.policies.identity.push(input);
        }
        if let Some(text) = simulation.boundaries.first() {
            subject.policies.boundary = Some(parse(Kind::Managed, "PermissionsBoundaryPolicyInputList.1", text)?);
        }
        Ok(subject)
    }

    async fn principal_subject(&self, ctx: &Ctx, arn: &str) -> Result<Subject> {
        let parsed = arn.parse::<base::Arn>().ok().filter(|parsed| parsed.account == ctx.account().as_str());
        let parsed = parsed.ok_or_else(|| {
            invalid(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."))
        })?;
        let membership = self.membership(ctx.account()).await?;
        let organization = membership.organization.clone().zip(membership.path.clone());
        if parsed.resource_type() == Some("group") {
            let name = parsed.resource.rsplit('/').next().unwrap_or_default();
            let group = self.get_group(ctx, name).await?;
            let row = group_rights(&self.0.store, &group.id).await?.filter(|_| group.arn == *arn);
            let identity = Rights::read(row.ok_or_else(|| no_such(arn))?)?.identity;
            let service_control = membership.service_control.clone();
            let policies = Policies { identity, service_control, ..Policies::default() };
            return Ok(Subject { caller: nobody(ctx.account()), policies, is_real: false, organization });
        }
        let caller = self.caller_of(arn).await?.ok_or_else(|| no_such(arn))?;
        let policies = self.policies_of(&caller).await?;
        Ok(Subject { caller, policies, is_real: true, organization })
    }

    /// A caller that is named: one that exists, or a user with this ARN.
    async fn simulated_caller(&self, ctx: &Ctx, arn: &str) -> Result<Caller> {
        let refused = || invalid(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."));
        let parsed: base::Arn = arn.parse().map_err(|_| refused())?;
        let account: AccountId = parsed.account.parse().map_err(|_| refused())?;
        // Who exists in another account, and with which tags, is that account's to tell.
        if account == *ctx.account()
            && let Some(caller) = self.caller_of(arn).await?
        {
            return Ok(caller);
        }
        match (parsed.service.as_str(), parsed.resource_type()) {
            ("iam", Some("user")) => {
                let name = parsed.resource.rsplit('/').next().unwrap_or_default().to_owned();
                let path = parsed.resource["user".len()..parsed.resource.len() - name.len()].to_owned();
                Ok(Caller::User(User { account, id: String::new(), name, path, tags: Vec::new() }))
            }
            ("iam", None) if parsed.resource == "root" => Ok(Caller::Root { account }),
            _ => Err(refused()),
        }
    }

    /// The resource with the policy that is given, or with its own.
    async fn simulated_resource(
        &self,
        ctx: &Ctx,
        simulation: &Simulation,
        action: &str,
        resource: &str,
    ) -> Result<Option<ResourceFacts>> {
        let found = if resource == "*" { None } else { self.resource_for(action, resource).await? };
        let found = match found {
            Some(facts) => Some(self.readable_facts(ctx, action, resource, facts).await?),
            None => None,
        };
        let owner = simulation.resource_owner.as_deref().map(owner).transpose()?;
        let named = resource.split(':').nth(4).and_then(|account| account.parse().ok());
        let Some(text) = &simulation.resource_policy else {
            let mut found = found;
            if let (Some(facts), Some(owner)) = (&mut found, owner.clone()) {
                facts.owner = owner;
            }
            return Ok(found.or_else(|| owner.map(ResourceFacts::of)));
        };
        let kind = match action {
            "sts:AssumeRole" => Kind::Trust,
            _ if resource.starts_with("arn:aws:kms:") => Kind::Key,
            _ => Kind::Resource,
        };
        let policy = parse(kind, "ResourcePolicy", text)?;
        let known = found.map(|facts| facts.owner);
        let owner = owner.or(known).or(named).unwrap_or_else(|| ctx.account().clone());
        Ok(Some(ResourceFacts { policy: Some(policy), ..ResourceFacts::of(owner) }))
    }

    /// The resource as the one who simulates may know it: without its policy, where that is another account's or not to
    /// be read. An answer would tell what stands in it.
    async fn readable_facts(
        &self,
        ctx: &Ctx,
        action: &str,
        resource: &str,
        facts: ResourceFacts,
    ) -> Result<ResourceFacts> {
        let hidden = ResourceFacts::of(facts.owner.clone());
        if facts.owner != *ctx.account() {
            return Ok(hidden);
        }
        let Some(attached) = &facts.policy else { return Ok(facts) };
        let caller = ctx.principal().caller(&[]);
        let request = Request::builder(caller, action, resource).resource_account(facts.owner.clone()).build();
        let may = self.may_read(ctx, &request, PolicyType::Resource, attached).await?;
        Ok(if may { facts } else { hidden })
    }
}

impl Excluded {
    fn apply(&self, policies: &mut Policies) {
        let is_inline = |id: &str| !id.starts_with("arn:");
        let is_of_aws = |id: &str| id.starts_with("arn:aws:iam::aws:");
        match self {
            Self::Type(name) => match name.as_str() {
                "inline" => policies.identity.retain(|attached| !is_inline(&attached.id)),
                "aws-managed" => policies.identity.retain(|attached| !is_of_aws(&attached.id)),
                "user-managed" => {
                    policies.identity.retain(|attached| is_inline(&attached.id) || is_of_aws(&attached.id));
                }
                "permission-boundary" => policies.boundary = None,
                "scp" => policies.service_control.clear(),
                _ => {}
            },
            Self::Arn(arn) => policies.identity.retain(|attached| *attached.id != **arn),
            Self::Inline(kind, holder, name) => {
                let id = format!("{kind}/{holder}/{name}");
                policies.identity.retain(|attached| *attached.id != *id);
            }
        }
    }
}

fn simulate_one(
    subject: &Subject,
    simulation: &Simulation,
    action: &str,
    resource: &str,
    facts: Option<&ResourceFacts>,
) -> Simulated {
    let mut policies = subject.policies.clone();
    policies.resource = facts.and_then(|facts| facts.policy.clone());
    policies.grants = facts.map(|facts| facts.grants.clone()).unwrap_or_default();
    let request = request(subject, simulation, action, resource, facts);
    let decision = policy::decide(&request, &policies);
    let eval = match (decision.allowed, decision.reason.explicit) {
        (true, _) => EvalDecision::Allowed,
        (false, true) => EvalDecision::ExplicitDeny,
        (false, false) => EvalDecision::ImplicitDeny,
    };
    Simulated {
        action: action.to_owned(),
        resource: resource.to_owned(),
        decision: eval,
        matched: matched(&decision, eval, &policies),
        missing: missing(&request, &policies),
        by_organizations: (!policies.service_control.is_empty()).then(|| levels_allow(&decision, &policies)),
        by_boundary: policies.boundary.is_some().then(|| allows(&decision, PolicyType::Boundary)),
        sides: if request.is_same_account() { Vec::new() } else { sides(&decision) },
    }
}

fn request(
    subject: &Subject,
    simulation: &Simulation,
    action: &str,
    resource: &str,
    facts: Option<&ResourceFacts>,
) -> Request {
    let mut builder = Request::builder(subject.caller.clone(), action, resource);
    if let Some(facts) = facts {
        builder = builder.resource_account(facts.owner.clone()).resource_tags(&facts.tags);
    }
    if let Some((organization, path)) = &subject.organization {
        builder = builder.organization(organization, path);
    }
    for (name, values) in &simulation.context {
        builder = builder.keys(name, values.clone());
    }
    let request = builder.build();
    if subject.is_real {
        return request;
    }
    // Nobody in particular asks: what follows from the caller is what the simulation says.
    let mut context = Context::default();
    for (name, values) in request.context().iter().filter(|(name, _)| !follows_from_caller(name)) {
        context.insert(name, values.to_vec());
    }
    simulation.context.iter().for_each(|(name, values)| context.insert(name, values.clone()));
    let encryption = request.encryption_context().clone();
    request.with_context(context, encryption)
}

fn follows_from_caller(name: &str) -> bool {
    name.starts_with("aws:principal") || ["aws:userid", "aws:username", "aws:viaawsservice"].contains(&name)
}

/// A user who is none in particular.
fn nobody(account: &AccountId) -> Caller {
    let (id, name, path) = (String::new(), String::new(), "/".to_owned());
    Caller::User(User { account: account.clone(), id, name, path, tags: Vec::new() })
}

/// The statements that decided: those that allow, or those that deny. Service control policies are not shown.
fn matched(decision: &policy::Decision, eval: EvalDecision, policies: &Policies) -> Vec<MatchedStatement> {
    let effect = match eval {
        EvalDecision::Allowed => Effect::Allow,
        EvalDecision::ExplicitDeny => Effect::Deny,
        EvalDecision::ImplicitDeny => return Vec::new(),
    };
    let shown = decision.trace.iter().filter(|trace| trace.policy_type != PolicyType::ServiceControl);
    shown
        .flat_map(|trace| {
            let spans = find(policies, &trace.policy).map(|attached| attached.document.spans()).unwrap_or_default();
            let statements = trace.statements.iter().enumerate();
            let decided = statements.filter(move |(_, statement)| statement.effect == effect && statement.is_match());
            decided.map(move |(index, _)| MatchedStatement {
                policy: trace.policy.to_string(),
                source: source(trace.policy_type, &trace.policy),
                span: spans.get(index).copied(),
            })
        })
        .collect()
}

fn find<'a>(policies: &'a Policies, id: &str) -> Option<&'a Attached> {
    let mut all = policies.resource.iter().chain(&policies.identity).chain(&policies.boundary);
    all.find(|attached| *attached.id == *id)
}

fn source(policy_type: PolicyType, id: &str) -> &'static str {
    match (policy_type, id.split(['/', '.']).next().unwrap_or_default()) {
        (PolicyType::Resource | PolicyType::Trust, _) => "resource",
        (_, "PolicyInputList" | "PermissionsBoundaryPolicyInputList") => "none",
        (_, "user") => "user",
        (_, "group") => "group",
        (_, "role") => "role",
        (_, start) if start.starts_with("arn:aws:iam::aws:") => "aws-managed",
        _ => "user-managed",
    }
}

/// The condition keys of the statements that are about the request otherwise, where it has no value for them.
fn missing(request: &Request, policies: &Policies) -> Vec<String> {
    let has_boundary = policies.boundary.is_some();
    let mut keys = BTreeSet::new();
    for attached in policies.resource.iter().chain(&policies.identity).chain(&policies.boundary) {
        for statement in attached.document.statements() {
            match statement.outcome(request, has_boundary) {
                Outcome::MissingVariable(key) => {
                    keys.insert(key.to_string());
                }
                Outcome::ConditionFailed(_) | Outcome::Matched(_) => {
                    let asked = statement.conditions().iter().map(|condition| condition.key().to_owned());
                    keys.extend(asked.filter(|key| request.context().values(key).is_none()));
                }
                Outcome::OtherPrincipal | Outcome::OtherAction | Outcome::OtherResource => {}
            }
        }
    }
    keys.into_iter().collect()
}

fn allows(decision: &policy::Decision, policy_type: PolicyType) -> bool {
    let mut of_type = decision.trace.iter().filter(|trace| trace.policy_type == policy_type);
    of_type.any(|trace| trace.verdict == Some(Effect::Allow))
}

fn levels_allow(decision: &policy::Decision, policies: &Policies) -> bool {
    let controls = || decision.trace.iter().filter(|trace| trace.policy_type == PolicyType::ServiceControl);
    let level_allows = |level| controls().any(|t| t.level == Some(level) && t.verdict == Some(Effect::Allow));
    controls().all(|trace| trace.verdict != Some(Effect::Deny)) && (0..policies.service_control.len()).all(level_allows)
}

/// What the caller's and the resource's side say of a request between accounts.
fn sides(decision: &policy::Decision) -> Vec<(&'static str, EvalDecision)> {
    let says = |types: &[PolicyType]| {
        let verdicts: Vec<_> =
            decision.trace.iter().filter(|trace| types.contains(&trace.policy_type)).map(|t| t.verdict).collect();
        if verdicts.contains(&Some(Effect::Deny)) {
            EvalDecision::ExplicitDeny
        } else if verdicts.contains(&Some(Effect::Allow)) {
            EvalDecision::Allowed
        } else {
            EvalDecision::ImplicitDeny
        }
    };
    vec![
        ("IAM Policy", says(&[PolicyType::Identity])),
        ("Resource Policy", says(&[PolicyType::Resource, PolicyType::Trust])),
    ]
}

fn parse(kind: Kind, id: &str, text: &str) -> Result<Attached> {
    let document = Document::parse(kind, text).map_err(|malformed| {
        let error = invalid(format!("Invalid policy document in {id}: {}", malformed.message));
        match malformed.advice() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })?;
    Ok(Attached { id: id.into(), document: Arc::new(document) })
}

fn check_action(action: &str) -> Result<()> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['*', '?', ':']);
    match action.split_once(':') {
        Some((service, name)) if is_plain(service) && is_plain(name) => Ok(()),
        _ => Err(invalid(format!("Invalid action name: {action}"))
            .with_hint("Actions look like `s3:GetObject`; wildcards are not simulated.")),
    }
}

fn owner(text: &str) -> Result<AccountId> {
    let id = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(text);
    id.parse().map_err(|_| invalid(format!("Invalid resource owner: {text}")))
}

/// IAM's `InvalidInput`.
fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code("InvalidInput")
}

fn no_such(arn: &str) -> Error {
    let (kind, name) = arn.rsplit(':').next().and_then(|rest| rest.split_once('/')).unwrap_or(("entity", arn));
    let name = name.rsplit('/').next().unwrap_or(name);
    let kind = match kind {
        "user" => "user",
        "role" => "role",
        "group" => "group",
        _ => "entity",
    };
    Error::not_found(format!("The {kind} with name {name} cannot be found."))
}
