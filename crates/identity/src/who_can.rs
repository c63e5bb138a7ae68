//! Who may do something to a resource, and through which statements.
//!
//! Every principal of the caller's account is decided, and those that the resource's policy names. What only a request
//! tells, such as the address it comes from, is assumed to be as it must be and listed: `if …` for statements that allow,
//! `unless …` for those that deny.

use std::collections::HashMap;

use base::{AccountId, Error, Result};
use serde_json::Value;

use crate::ctx::Ctx;
use crate::explain::any_session;
use crate::open::Identity;
use crate::policy::{
    Assumed, Attached, Caller, Condition, Document, Effect, Kind, Outcome, Policies, PolicyTrace, PolicyType, Request,
    RoleSession, User, decide,
};
use crate::resources::ResourceFacts;

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct WhoCan {
    /// The account that the resource belongs to.
    pub owner: AccountId,
    /// Whether the resource was found: its policy is taken into account only then.
    pub found: bool,
    /// Everyone who may.
    pub who: Vec<Who>,
}

/// What kind of principal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhoKind {
    /// An account's root user.
    Root,
    /// A user.
    User,
    /// A role, in every session of it.
    Role,
    /// Another account: whom its own policies allow it.
    Account,
    /// A service.
    Service,
    /// An identity provider.
    Federated,
    /// Everyone, without credentials too.
    Everyone,
}

/// Someone who may.
#[derive(Debug, Clone, PartialEq)]
pub struct Who {
    /// The ARN, a service's name, or `*`.
    pub principal: String,
    /// What it is.
    pub kind: WhoKind,
    /// The statements that allow it.
    pub through: Vec<Through>,
    /// What the request must not be: the conditions of denying statements.
    pub unless: Vec<String>,
}

/// A statement through which someone may.
#[derive(Debug, Clone, PartialEq)]
pub struct Through {
    /// The policy's type in AWS's words.
    pub policy_type: &'static str,
    /// The policy's id.
    pub policy: Option<String>,
    /// The statement's place, from 0; `None` for the root user's own rights and for grants.
    pub statement: Option<usize>,
    /// The statement's id.
    pub sid: Option<String>,
    /// The statement, where the one who asks may read it.
    pub text: Option<Value>,
    /// What the request must be.
    pub conditions: Vec<String>,
}

impl WhoKind {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Role => "role",
            Self::Account => "account",
            Self::Service => "service",
            Self::Federated => "federated",
            Self::Everyone => "everyone",
        }
    }
}

/// What stands for a condition of a policy that the one who asks may not read.
const NOT_SHOWN: &str = "a condition of a policy that is not shown";

/// What was decided with.
#[derive(Clone, Copy)]
struct Seen<'a> {
    request: &'a Request,
    facts: &'a ResourceFacts,
    candidate: &'a Candidate,
}

/// One who is asked about.
struct Candidate {
    caller: Caller,
    kind: WhoKind,
    /// `None` for principals of other accounts, whose own policies are not looked at.
    policies: Option<Policies>,
}

impl Identity {
    /// Everyone of the caller's account who may do `action` to `resource`, and everyone else whom the policy of a
    /// resource of the account lets.
    ///
    /// # Errors
    /// Invalid, where `action` or `resource` is none; the store's.
    pub async fn who_can(&self, ctx: &Ctx, action: &str, resource: &str) -> Result<WhoCan> {
        check(action, resource)?;
        let found = self.resource_for(action, resource).await?;
        let is_found = found.is_some();
        let named = resource.split(':').nth(4).and_then(|account| account.parse().ok());
        let facts = found.unwrap_or_else(|| ResourceFacts::of(named.unwrap_or_else(|| ctx.account().clone())));
        let mut candidates = vec![Candidate {
            caller: Caller::Root { account: ctx.account().clone() },
            kind: WhoKind::Root,
            policies: Some(self.policies_of(&Caller::Root { account: ctx.account().clone() }).await?),
        }];
        for caller in self.callers_of(ctx).await? {
            let policies = Some(self.policies_of(&caller).await?);
            let kind = if matches!(caller, Caller::Role(_)) { WhoKind::Role } else { WhoKind::User };
            candidates.push(Candidate { caller, kind, policies });
        }
        if facts.owner == *ctx.account() {
            candidates.extend(strangers(&facts, ctx.account()));
        }
        let membership = self.membership(ctx.account()).await?;
        let organization = membership.organization.as_deref().zip(membership.path.as_deref());
        let mut readable = HashMap::new();
        let mut who = Vec::new();
        for candidate in candidates {
            let mut builder = Request::builder(candidate.caller.clone(), action, resource)
                .resource_account(facts.owner.clone())
                .resource_tags(&facts.tags);
            if let (Some((organization, path)), true) = (organization, candidate.policies.is_some()) {
                builder = builder.organization(organization, path);
            }
            let request = builder.build();
            let Some((mut one, unless)) = judge(&candidate, &request, &facts) else { continue };
            let seen = Seen { request: &request, facts: &facts, candidate: &candidate };
            for through in &mut one.through {
                self.show(ctx, &seen, through, &mut readable).await?;
            }
            for (policy, words) in unless {
                let shown =
                    self.readable_policy(ctx, &seen, &policy, &mut readable).await?.is_some_and(|(may, ..)| may);
                one.unless.push(if shown { words } else { NOT_SHOWN.to_owned() });
            }
            one.unless.dedup();
            who.push(one);
        }
        Ok(WhoCan { owner: facts.owner, found: is_found, who })
    }

    /// Puts a statement's text to it where the caller may read it, and takes the policy's name away where the policy is
    /// another account's.
    async fn show(
        &self,
        ctx: &Ctx,
        seen: &Seen<'_>,
        through: &mut Through,
        readable: &mut HashMap<String, bool>,
    ) -> Result<()> {
        let Some(id) = through.policy.clone() else { return Ok(()) };
        let Some((may, policy_type, document)) = self.readable_policy(ctx, seen, &id, readable).await? else {
            return Ok(());
        };
        if may {
            through.text = through.statement.and_then(|index| document.to_json()["Statement"].get(index).cloned());
        } else {
            through.conditions.clear();
            through.sid = None;
            let is_foreign = seen.facts.owner != *ctx.account() && through.text.is_none();
            if policy_type == PolicyType::ServiceControl || is_foreign {
                through.policy = through.policy.take().filter(|_| policy_type == PolicyType::Identity);
            }
        }
        Ok(())
    }

    /// Whether the caller may read the policy `id` of those that were consulted, its type, and its document.
    async fn readable_policy<'a>(
        &self,
        ctx: &Ctx,
        seen: &Seen<'a>,
        id: &str,
        readable: &mut HashMap<String, bool>,
    ) -> Result<Option<(bool, PolicyType, &'a Document)>> {
        let Seen { request, facts, candidate } = *seen;
        let own = candidate.policies.as_ref();
        let of_principal = own
            .into_iter()
            .flat_map(|own| own.identity.iter().chain(&own.boundary).chain(own.service_control.iter().flatten()));
        let all = facts.policy.iter().chain(of_principal);
        let Some(attached) = all.into_iter().find(|attached| *attached.id == *id) else { return Ok(None) };
        let policy_type = match attached.document.kind() {
            Kind::ServiceControl => PolicyType::ServiceControl,
            kind if kind.is_identity_based() => PolicyType::Identity,
            Kind::Trust => PolicyType::Trust,
            _ => PolicyType::Resource,
        };
        // Inline policies of different principals have different ids, so one answer serves all of a policy's statements.
        let may = match readable.get(id) {
            Some(may) => *may,
            None => {
                let may = self.may_read(ctx, request, policy_type, attached).await?;
                readable.insert(id.to_owned(), may);
                may
            }
        };
        Ok(Some((may, policy_type, &*attached.document)))
    }
}

/// Whether the candidate may, if the request is as it must be; and the conditions of denying statements, each with its
/// policy.
fn judge(candidate: &Candidate, request: &Request, facts: &ResourceFacts) -> Option<(Who, Vec<(String, String)>)> {
    let is_foreign = candidate.policies.is_none();
    let mut policies = candidate.policies.clone().unwrap_or_default();
    let is_own = candidate.caller.account() == Some(&facts.owner);
    let is_service = candidate.kind == WhoKind::Service;
    policies.resource = facts.policy.clone().filter(|_| !facts.closed_to_others || is_own || is_service);
    policies.grants = facts.grants.clone();
    if is_foreign && candidate.caller.account().is_some() {
        policies.identity = vec![everything()?];
    }
    let mut lost = Lost::default();
    let assumed = lost.assume(&policies, |key| is_open(key, candidate));
    let decision = decide(request, &assumed);
    if !decision.allowed {
        return None;
    }
    let mut through: Vec<Through> = decision.trace.iter().flat_map(|trace| lost.through(trace)).collect();
    if is_foreign {
        through.retain(|one| one.policy_type != PolicyType::Identity.name());
    }
    if decision.reason.statement.is_none() {
        through.insert(0, without_statement(decision.reason.policy_type));
    }
    let own_account = candidate.caller.account().filter(|_| is_foreign);
    if let Some(account) = own_account {
        through.iter_mut().for_each(|one| one.conditions.push(format!("the policies of account {account} allow it")));
    }
    let who = Who {
        principal: candidate.caller.principal_arn().unwrap_or_else(|| match candidate.kind {
            WhoKind::Everyone => "*".to_owned(),
            _ => candidate.caller.arn(),
        }),
        kind: candidate.kind,
        through,
        unless: Vec::new(),
    };
    Some((who, lost.unless(&policies, request)))
}

fn without_statement(policy_type: PolicyType) -> Through {
    let name = if policy_type == PolicyType::RootUser { "root user" } else { policy_type.name() };
    Through { policy_type: name, policy: None, statement: None, sid: None, text: None, conditions: Vec::new() }
}

/// Documents under assumption, by the policy's id.
#[derive(Default)]
struct Lost(HashMap<String, Assumed>);

impl Lost {
    fn assume(&mut self, policies: &Policies, is_open: impl Fn(&str) -> bool) -> Policies {
        let mut changed = policies.clone();
        let lists = changed.service_control.iter_mut().chain([&mut changed.identity]).flatten();
        for attached in lists.chain(&mut changed.boundary).chain(&mut changed.resource) {
            let assumed = attached.document.assuming(&is_open);
            attached.document = std::sync::Arc::new(assumed.document.clone());
            self.0.insert(attached.id.to_string(), assumed);
        }
        changed
    }

    /// The statements of one policy that allow. Of what only limits, those that ask for something: and none, where
    /// another one of the policy asks for nothing.
    fn through(&self, trace: &PolicyTrace) -> Vec<Through> {
        let Some(assumed) = self.0.get(&*trace.policy) else { return Vec::new() };
        let matched = trace.statements.iter().enumerate().filter(|(_, s)| s.effect == Effect::Allow && s.is_match());
        let all: Vec<Through> = matched
            .filter_map(|(at, statement)| {
                let (index, conditions) = assumed.statements.get(at)?;
                Some(Through {
                    policy_type: trace.policy_type.name(),
                    policy: Some(trace.policy.to_string()),
                    statement: Some(*index),
                    sid: statement.sid.as_ref().map(ToString::to_string),
                    text: None,
                    conditions: conditions.iter().map(Condition::in_words).collect(),
                })
            })
            .collect();
        let is_limit = matches!(trace.policy_type, PolicyType::ServiceControl | PolicyType::Boundary);
        if is_limit && all.iter().any(|through| through.conditions.is_empty()) { Vec::new() } else { all }
    }

    /// The conditions under which statements deny that are about the request otherwise.
    fn unless(&self, policies: &Policies, request: &Request) -> Vec<(String, String)> {
        let lists = policies.service_control.iter().flatten().chain(&policies.identity);
        let mut unless = Vec::new();
        for attached in lists.chain(&policies.boundary).chain(&policies.resource) {
            let Some(assumed) = self.0.get(&*attached.id) else { continue };
            for (index, conditions) in &assumed.denies {
                let Some(statement) = attached.document.statements().get(*index) else { continue };
                let outcome = statement.outcome(request, policies.boundary.is_some());
                let is_about =
                    matches!(outcome, Outcome::Matched(_) | Outcome::ConditionFailed(_) | Outcome::MissingVariable(_));
                if is_about {
                    let words: Vec<String> = conditions.iter().map(Condition::in_words).collect();
                    unless.push((attached.id.to_string(), words.join(" and ")));
                }
            }
        }
        unless.dedup();
        unless
    }
}

/// Refuses what cannot be asked about: a single action and a single resource are.
fn check(action: &str, resource: &str) -> Result<()> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['*', '?', ':']);
    if !action.split_once(':').is_some_and(|(service, name)| is_plain(service) && is_plain(name)) {
        let error = Error::invalid(format!("`{action}` is not an action."));
        return Err(error.with_hint("It is one action with its service, such as `s3:GetObject`, without wildcards."));
    }
    if resource != "*" && resource.split(':').count() < 6 {
        let error = Error::invalid(format!("`{resource}` is not a resource."));
        return Err(error.with_hint("It is an ARN such as `arn:aws:s3:::bucket/key`, or `*`."));
    }
    Ok(())
}

/// Whether only a request tells the key's value: it does not follow from the candidate or the resource.
fn is_open(key: &str, candidate: &Candidate) -> bool {
    let key = key.to_lowercase();
    match candidate.kind {
        // Who of them asks is not known.
        WhoKind::Account if key == "aws:principalaccount" => return false,
        WhoKind::Account | WhoKind::Everyone
            if key.starts_with("aws:principal") || ["aws:username", "aws:userid"].contains(&key.as_str()) =>
        {
            return true;
        }
        _ => {}
    }
    if key == "aws:userid" {
        // Of a role it holds the session's name.
        return matches!(candidate.caller, Caller::Role(_));
    }
    let is_known = ["aws:username", "aws:resourceaccount", "aws:resourceorgid"].contains(&key.as_str());
    !(is_known || key.starts_with("aws:principal") || key.starts_with("aws:resourcetag/"))
}

/// Those whom the policy names and who are not of the account.
fn strangers(facts: &ResourceFacts, own: &AccountId) -> Vec<Candidate> {
    let Some(policy) = &facts.policy else { return Vec::new() };
    let mut candidates: Vec<Candidate> = Vec::new();
    let statements = policy.document.statements().iter().filter(|statement| statement.effect() == Effect::Allow);
    for name in statements.filter_map(|statement| statement.principals()).flat_map(|principals| principals.names()) {
        let Some((caller, kind)) = stranger(name) else { continue };
        let is_own = caller.account() == Some(own);
        if !is_own && !candidates.iter().any(|known| known.caller == caller) {
            candidates.push(Candidate { caller, kind, policies: None });
        }
    }
    candidates
}

/// Whom a name in a policy means.
fn stranger(name: &str) -> Option<(Caller, WhoKind)> {
    if name == "*" {
        return Some((Caller::Anonymous, WhoKind::Everyone));
    }
    if let Ok(account) = name.parse::<AccountId>() {
        return Some((Caller::Root { account }, WhoKind::Account));
    }
    if let Ok(arn) = name.parse::<base::Arn>() {
        let account: AccountId = arn.account.parse().ok()?;
        let rest = arn.resource.as_str();
        let last = rest.rsplit('/').next()?.to_owned();
        return Some(match (arn.service.as_str(), arn.resource_type()) {
            ("iam", None) if rest == "root" => (Caller::Root { account }, WhoKind::Account),
            ("iam", Some("user")) => {
                let path = rest["user".len()..rest.len() - last.len()].to_owned();
                let user = User { account, id: String::new(), name: last, path, tags: Vec::new() };
                (Caller::User(user), WhoKind::User)
            }
            ("iam", Some("role")) => {
                let path = rest["role".len()..rest.len() - last.len()].to_owned();
                (any_session(&account, "", &last, &path, &[]), WhoKind::Role)
            }
            ("sts", Some("assumed-role")) => {
                let role = rest.split('/').nth(1)?.to_owned();
                let session = RoleSession {
                    account,
                    role_id: String::new(),
                    role_name: role,
                    path: "/".to_owned(),
                    session_name: last,
                    tags: Vec::new(),
                    service_linked: false,
                };
                (Caller::Role(session), WhoKind::Role)
            }
            _ => (Caller::Federated { provider: name.to_owned() }, WhoKind::Federated),
        });
    }
    match name {
        _ if name.ends_with(".amazonaws.com") && !name.starts_with("cognito-identity") => {
            Some((Caller::Service { name: name.to_owned() }, WhoKind::Service))
        }
        _ if name.contains('.') => Some((Caller::Federated { provider: name.to_owned() }, WhoKind::Federated)),
        // The id of a principal that was deleted.
        _ => None,
    }
}

/// What the policies of another account may allow at most.
fn everything() -> Option<Attached> {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let document = Document::parse(Kind::Managed, text).ok()?;
    Some(Attached { id: "another-account".into(), document: document.into() })
}
