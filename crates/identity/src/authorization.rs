//! Whether a caller may do something.

use std::sync::Arc;

use base::{AccountId, Error, Result};

use crate::ask::Ask;
use crate::ctx::{Credential, Ctx};
use crate::open::Identity;
use crate::organizations::Membership;
use crate::policy::{self, Attached, Policies, Request, RequestBuilder};
use crate::principal::Principal;
use crate::rights::Rights;

/// What AWS lets every authenticated caller do, whatever policies say (IAM User Guide, "Permissions for GetSessionToken";
/// STS API Reference, "GetCallerIdentity").
const FREE: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// What of STS credentials of `GetSessionToken` may do without MFA; the last two are rights within the first.
const OPEN_TO_SESSIONS: [&str; 4] =
    ["sts:AssumeRole", "sts:GetCallerIdentity", "sts:TagSession", "sts:SetSourceIdentity"];

/// Whether an operation changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It does not.
    Read,
    /// It does: it is recorded before it happens.
    Write,
}

/// What was decided about an [`Ask`], and on which grounds.
#[derive(Debug)]
pub struct Verdict {
    request: Request,
    policies: Policies,
    decision: policy::Decision,
    /// What the caller's credentials do not reach, whatever its policies say.
    beyond: Option<String>,
    free: bool,
}

impl Verdict {
    /// Whether the caller may.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.beyond.is_none() && (self.free || self.decision.allowed)
    }

    /// The request as policies saw it.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The policies that were consulted.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What the policies decided, with the trace of each. Not yet the answer for operations that everyone may call, and
    /// for credentials that reach less than their owner: that is [`Verdict::allowed`].
    #[must_use]
    pub fn decision(&self) -> &policy::Decision {
        &self.decision
    }

    /// What the caller's credentials do not reach, whatever its policies say.
    pub(crate) fn beyond(&self) -> Option<&str> {
        self.beyond.as_deref()
    }

    /// The refusal in AWS's words; `None` where the caller may.
    #[must_use]
    pub fn denial(&self) -> Option<Error> {
        if self.allowed() {
            return None;
        }
        let message = match &self.beyond {
            Some(why) => format!(
                "User: {} is not authorized to perform: {} on resource: {} because {why}",
                self.request.caller().arn(),
                self.request.action(),
                self.request.resource()
            ),
            None => self.decision.denial(&self.request).unwrap_or_default(),
        };
        Some(Error::denied(message))
    }
}

impl Identity {
    /// Decides whether the caller may do what `ask` says, without recording it: for an operation whose outcome depends
    /// on another right. What is done on a caller's behalf goes through [`Identity::permit`].
    ///
    /// # Errors
    /// The store's.
    pub async fn decide(&self, ctx: &Ctx, ask: &Ask) -> Result<Verdict> {
        let rights = self.rights(ctx.principal()).await?;
        let surroundings = self.surroundings(ctx, ask).await?;
        let membership = &surroundings.caller;
        let request = request(ctx, ask, &rights, &surroundings);
        let policies = Policies {
            service_control: membership.service_control.clone(),
            resource: ask.policy.clone(),
            grants: ask.grants.clone(),
            identity: rights.identity.clone(),
            boundary: rights.boundary.clone(),
            session: ctx.principal().session_policies().map(<[Attached]>::to_vec),
        };
        let decision = policy::decide(&request, &policies);
        let free = FREE.contains(&ask.action()) && !matches!(ctx.principal(), Principal::Anonymous { .. });
        let closed = || membership.closed.then(|| "the account is closed".to_owned());
        Ok(Verdict { beyond: beyond(ctx, ask.action()).or_else(closed), free, request, policies, decision })
    }

    async fn surroundings(&self, ctx: &Ctx, ask: &Ask) -> Result<Surroundings> {
        let caller = self.membership(ctx.account()).await?;
        let owner = ask.owner.clone().or_else(|| account_of(ask.resource()));
        let resource = match owner.filter(|owner| owner != ctx.account()) {
            Some(owner) => self.membership(&owner).await?,
            None => Arc::clone(&caller),
        };
        let source = match ctx.source().and_then(account_of) {
            Some(account) => Some(self.membership(&account).await?),
            None => None,
        };
        Ok(Surroundings { caller, resource, source })
    }

    /// Decides and records: when this returns, the audit entry of a refusal is durable. That of what is allowed is with
    /// the next change in the database, or within a second.
    ///
    /// # Errors
    /// Denied, in AWS's words. The store's, where what is allowed cannot be recorded: it must not happen then.
    pub async fn permit(&self, ctx: &Ctx, ask: &Ask, access: Access) -> Result<()> {
        let verdict = self.decide(ctx, ask).await?;
        let Some(denial) = verdict.denial() else {
            return self.record(ctx, &verdict, access).await;
        };
        if let Err(error) = self.record(ctx, &verdict, access).await {
            let (action, resource) = (ask.action(), ask.resource());
            tracing::error!(?error, action, resource, request_id = %ctx.request_id(), "a denial was not recorded");
        }
        Err(denial)
    }
}

/// The organizations around a request.
struct Surroundings {
    /// Of the caller's account.
    caller: Arc<Membership>,
    /// Of the account that owns what is asked for.
    resource: Arc<Membership>,
    /// Of the account of the resource that a service works for.
    source: Option<Arc<Membership>>,
}

/// The account that an ARN names.
fn account_of(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

/// The request as policies see it.
fn request(ctx: &Ctx, ask: &Ask, rights: &Rights, surroundings: &Surroundings) -> Request {
    let mut builder = Request::builder(ctx.principal().caller(&rights.tags), ask.action(), ask.resource())
        .at(ctx.now())
        .region(ctx.region().as_str())
        .secure_transport(ctx.secure());
    let service = ask.action().split(':').next().unwrap_or_default();
    for (name, value) in ctx.conditions_of(service) {
        builder = builder.key(name, value);
    }
    for (name, values) in &ask.keys {
        builder = builder.keys(name, values.clone());
    }
    if let Some(owner) = &ask.owner {
        builder = builder.resource_account(owner.clone());
    }
    if let Some(tags) = &ask.request_tags {
        builder = builder.request_tags(tags);
    }
    if let Some(pairs) = &ask.encryption_context {
        builder = builder.encryption_context(pairs);
    }
    builder = builder.resource_tags(&ask.resource_tags);
    builder = organizations(builder, ctx, surroundings);
    if let Some(issued) = ctx.principal().issued() {
        builder = builder.token_issued(issued).key("aws:MultiFactorAuthPresent", "false");
    }
    if let Principal::Role(session) = ctx.principal()
        && let Some(identity) = &session.source_identity
    {
        builder = builder.key("aws:SourceIdentity", identity);
    }
    if let Some(source) = ctx.source() {
        builder = builder.source(source);
    }
    let via: Vec<&str> = ctx.called_via().iter().copied().chain(ask.via).collect();
    if via.is_empty() {
        // A service that passes a request on is not where it came from: aws:SourceIp is absent then, as in AWS.
        if let Some(address) = ctx.source_ip() {
            builder = builder.source_ip(address);
        }
    } else {
        let services: Vec<String> = via.iter().map(|name| format!("{name}.amazonaws.com")).collect();
        builder = builder.called_via(&services.iter().map(String::as_str).collect::<Vec<_>>());
        if let (true, Some(last)) = (ask.action().starts_with("kms:"), via.last()) {
            builder = builder.key("kms:ViaService", format!("{last}.{}.amazonaws.com", ctx.region()));
        }
    }
    builder.build()
}

/// Adds what conditions may ask of the organizations of caller, resource and source. A service has none of its own.
fn organizations(mut builder: RequestBuilder, ctx: &Ctx, surroundings: &Surroundings) -> RequestBuilder {
    let Surroundings { caller, resource, source } = surroundings;
    let is_service = matches!(ctx.principal(), Principal::Service { .. });
    if let (Some(organization), Some(path), false) = (&caller.organization, &caller.path, is_service) {
        builder = builder.organization(organization, path);
    }
    for (prefix, membership) in [("aws:Resource", Some(resource)), ("aws:Source", source.as_ref())] {
        let place = membership.and_then(|membership| membership.organization.as_ref().zip(membership.path.as_ref()));
        if let Some((organization, path)) = place {
            builder = builder.key(&format!("{prefix}OrgID"), organization).key(&format!("{prefix}OrgPaths"), path);
        }
    }
    builder
}

/// Why the caller's credentials do not reach `action`, whatever its policies say.
fn beyond(ctx: &Ctx, action: &str) -> Option<String> {
    match ctx.credential() {
        Credential::ApiKey { .. } if !action.starts_with("bedrock:") => {
            Some(format!("an API key does not allow the {action} action"))
        }
        Credential::Session { .. } if ctx.principal().is_user_session() && closed_to_sessions(action) => {
            Some(format!("session credentials without MFA do not allow the {action} action"))
        }
        _ => None,
    }
}

/// What credentials of `GetSessionToken` may not do without MFA (STS API Reference, "GetSessionToken"). Craton's own
/// operations that make or copy lasting credentials are closed like IAM's: what ends must not make what does not.
fn closed_to_sessions(action: &str) -> bool {
    action.starts_with("iam:")
        || ["craton:CreateAccount", "craton:CreateApiKey", "craton:CreateBackup"].contains(&action)
        || (action.starts_with("sts:") && !OPEN_TO_SESSIONS.contains(&action))
}
