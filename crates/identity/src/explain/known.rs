//! Principals and resources as they are now, for questions about requests that nobody makes.

use std::collections::HashSet;

use base::{AccountId, PageRequest, Result};

use super::reach::Universe;
use crate::ctx::Ctx;
use crate::iam::roles::Role;
use crate::iam::tags;
use crate::open::Identity;
use crate::policy::{Attached, Caller, Kind, Policies};
use crate::principal::{Principal, RoleSession};
use crate::resources::ResourceFacts;
use crate::store;
use crate::users::User;

/// How many principals of an account changes are tried with.
const MOST_TRIED: usize = 25;

/// What the session of a role is called that stands for all of them.
const ANY_SESSION: &str = "any-session";

/// How many users or roles are read at once.
const PAGE: u32 = 500;

impl Identity {
    /// The policies of a caller as they are now, but for the resource's and the session's.
    pub(crate) async fn policies_of(&self, caller: &Caller) -> Result<Policies> {
        let Some(principal) = self.principal_of(caller).await? else { return Ok(Policies::default()) };
        let rights = self.rights(&principal).await?;
        let membership = self.membership(principal.account()).await?;
        Ok(Policies {
            service_control: membership.service_control.clone(),
            identity: rights.identity.clone(),
            boundary: rights.boundary.clone(),
            ..Policies::default()
        })
    }

    /// The principal whose rights a caller has; `None` for those without an account, and for users who are gone.
    async fn principal_of(&self, caller: &Caller) -> Result<Option<Principal>> {
        Ok(match caller {
            Caller::Root { account } => Some(Principal::Root { account: account.clone() }),
            Caller::User(user) => {
                let found = store::read_user(&self.0.store, &user.account, &user.name).await?;
                found.filter(|found| found.id == user.id).map(|found| found.into_principal(user.account.clone()))
            }
            Caller::Role(session) => Some(Principal::Role(Box::new(RoleSession {
                role: session.clone(),
                access_key_id: None,
                issued: self.0.clock.now(),
                expires: self.0.clock.now(),
                policies: None,
                transitive_tags: Vec::new(),
                source_identity: None,
                chained: false,
            }))),
            Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => None,
        })
    }

    /// The users and roles of the account, as callers: a role as a session of it.
    pub(crate) async fn callers_of(&self, ctx: &Ctx) -> Result<Vec<Caller>> {
        let mut callers = Vec::new();
        let mut page = Some(PageRequest { limit: PAGE, after: None });
        while let Some(request) = page {
            let users = self.list_users(ctx, "/", &request).await?;
            page = users.next_after.map(|after| PageRequest { limit: PAGE, after: Some(after) });
            callers.extend(users.items.into_iter().map(|user| as_caller(user, ctx.account())));
        }
        let mut page = Some(PageRequest { limit: PAGE, after: None });
        while let Some(request) = page {
            let roles = self.list_roles(ctx, "/", &request).await?;
            page = roles.next_after.map(|after| PageRequest { limit: PAGE, after: Some(after) });
            callers.extend(roles.items.iter().map(session_of));
        }
        Ok(callers)
    }

    /// The user or role with this ARN, as a caller.
    pub(crate) async fn caller_of(&self, arn: &str) -> Result<Option<Caller>> {
        let Ok(parsed) = arn.parse::<base::Arn>() else { return Ok(None) };
        let Ok(account) = parsed.account.parse::<AccountId>() else { return Ok(None) };
        if parsed.service != "iam" || !store::account_exists(&self.0.store, &account).await? {
            return Ok(None);
        }
        let name = parsed.resource.rsplit('/').next().unwrap_or_default();
        match parsed.resource_type() {
            Some("user") => {
                let user = store::read_user(&self.0.store, &account, name).await?.filter(|user| user.arn == arn);
                Ok(user.map(|user| as_caller(user, &account)))
            }
            Some("role") => Ok(self.read_role_by_arn(arn).await?.as_ref().map(session_of)),
            None if parsed.resource == "root" => Ok(Some(Caller::Root { account })),
            _ => Ok(None),
        }
    }

    /// The principals that a policy of a resource names and that do not exist: users and roles of this deployment's
    /// accounts, and accounts.
    pub(crate) async fn unknown_principals(&self, policy: Option<&Attached>) -> Result<HashSet<String>> {
        let statements = policy.into_iter().flat_map(|policy| policy.document.statements());
        let names: HashSet<String> = statements
            .filter_map(|statement| statement.principals())
            .flat_map(|principals| principals.aws().map(str::to_owned).collect::<Vec<_>>())
            .filter(|name| name.starts_with("arn:aws:iam::"))
            .collect();
        let mut unknown = HashSet::new();
        for name in names {
            let is_gone = match self.caller_of(&name).await? {
                None => true,
                Some(Caller::Root { account }) => !store::account_exists(&self.0.store, &account).await?,
                Some(_) => false,
            };
            if is_gone {
                unknown.insert(name);
            }
        }
        Ok(unknown)
    }

    /// The resource that `action` is done on, as it is now: with its own policy where that decides about the action.
    pub(crate) async fn resource_for(&self, action: &str, resource: &str) -> Result<Option<ResourceFacts>> {
        let mut facts = self.resource_facts(resource).await?;
        if let Some(facts) = &mut facts
            && !is_decided_by_resource(action, facts.policy.as_ref())
        {
            facts.policy = None;
            facts.grants.clear();
        }
        Ok(facts)
    }

    /// The principals of the viewer's account with their policies, to try changes with.
    pub(crate) async fn universe(&self, ctx: &Ctx, resource: Option<&ResourceFacts>) -> Result<Universe> {
        let mut callers = Vec::new();
        for caller in self.callers_of(ctx).await?.into_iter().take(MOST_TRIED) {
            let mut policies = self.policies_of(&caller).await?;
            if let Some(facts) = resource {
                policies.resource = facts.policy.clone();
                policies.grants = facts.grants.clone();
            }
            callers.push((caller, policies));
        }
        Ok(Universe { callers })
    }
}

/// A role's trust policy decides who may assume it, not who may read or change it; other resources' policies decide about
/// all actions of their service.
fn is_decided_by_resource(action: &str, policy: Option<&Attached>) -> bool {
    policy.is_some_and(|policy| match policy.document.kind() {
        Kind::Trust => action.starts_with("sts:"),
        Kind::Key => action.starts_with("kms:"),
        Kind::Bucket => action.starts_with("s3:"),
        Kind::Secret => action.starts_with("secretsmanager:"),
        _ => true,
    })
}

/// The lookups that belong to identity itself.
pub(crate) async fn own_resource(identity: &Identity, arn: &str) -> Result<Option<ResourceFacts>> {
    let Ok(parsed) = arn.parse::<base::Arn>() else { return Ok(None) };
    match (parsed.service.as_str(), parsed.resource_type()) {
        ("kms", _) => identity.kms().facts(arn).await,
        ("secretsmanager", _) => identity.secrets().facts(arn).await,
        ("iam", Some("role")) => {
            let Some(role) = identity.read_role_by_arn(arn).await? else { return Ok(None) };
            let policy = Some(role.trust_policy()?);
            Ok(Some(ResourceFacts { policy, tags: tags::pairs(&role.tags), ..ResourceFacts::of(role.account) }))
        }
        _ => Ok(None),
    }
}

fn as_caller(user: User, account: &AccountId) -> Caller {
    let tags = tags::pairs(&user.tags);
    user.into_principal(account.clone()).caller(&tags)
}

fn session_of(role: &Role) -> Caller {
    let Role { account, id, name, path, tags, .. } = role;
    any_session(account, id, name, path, &tags::pairs(tags))
}

/// A session that stands for every session of a role.
pub(crate) fn any_session(account: &AccountId, id: &str, name: &str, path: &str, tags: &[(String, String)]) -> Caller {
    Caller::Role(crate::policy::RoleSession {
        account: account.clone(),
        role_id: id.to_owned(),
        role_name: name.to_owned(),
        path: path.to_owned(),
        session_name: ANY_SESSION.to_owned(),
        tags: tags.to_vec(),
        service_linked: path.starts_with("/aws-service-role/"),
    })
}
