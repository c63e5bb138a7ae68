//! Finding a secret and asking whether the caller may use it.

use std::sync::Arc;

use base::ErrorKind;

use super::error::{Code, Error, Result};
use super::secret::{Secret, SecretRef, Target, no_such_secret};
use super::store::Kept;
use super::{Secrets, store};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::iam::PrincipalIds;
use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};
use crate::resources::ResourceFacts;

/// A secret and its own policy.
pub(super) struct Found {
    pub(super) secret: Secret,
    pub(super) policy: Option<String>,
}

impl Kept {
    /// The secret, and its policy as it is to be shown and decided with now.
    async fn present(self, identity: &Identity) -> base::Result<Found> {
        let policy = match (self.policy, self.principals) {
            (Some(text), Some(ids)) => Some(identity.present_principals(&text, &PrincipalIds::from_text(&ids)?).await?),
            (policy, _) => policy,
        };
        Ok(Found { secret: self.secret, policy })
    }
}

/// What an operation wants with a secret.
pub(super) struct Want {
    /// `GetSecretValue`; the part of the action after `secretsmanager:`.
    operation: &'static str,
    access: Access,
    keys: Vec<(&'static str, String)>,
    request_tags: Option<Vec<(String, String)>>,
    tag_names: Option<Vec<String>>,
}

impl Want {
    pub(super) fn read(operation: &'static str) -> Self {
        Self { operation, access: Access::Read, keys: Vec::new(), request_tags: None, tag_names: None }
    }

    pub(super) fn write(operation: &'static str) -> Self {
        Self { access: Access::Write, ..Self::read(operation) }
    }

    pub(super) fn key(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.keys.push((name, value.into()));
        self
    }

    pub(super) fn key_if(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.key(name, value),
            None => self,
        }
    }

    pub(super) fn tags(self, tags: &[(String, String)]) -> Self {
        Self { request_tags: Some(tags.to_vec()), ..self }
    }

    pub(super) fn tag_names(self, names: &[String]) -> Self {
        Self { tag_names: Some(names.to_vec()), ..self }
    }

    fn ask(&self, arn: &str) -> Ask {
        let mut ask = Ask::new(format!("secretsmanager:{}", self.operation), arn);
        for (name, value) in &self.keys {
            ask = ask.key(*name, value.clone());
        }
        if let Some(tags) = &self.request_tags {
            ask = ask.request_tags(tags);
        }
        match &self.tag_names {
            Some(names) => ask.keys("aws:TagKeys", names.clone()),
            None => ask,
        }
    }
}

impl Secrets {
    /// The secret that a request names, once the caller may do with it what it wants.
    ///
    /// # Errors
    /// AccessDenied; ResourceNotFound, where the caller's account has no such secret.
    pub(super) async fn permitted(&self, ctx: &Ctx, id: &SecretRef, want: &Want) -> Result<Found> {
        let target = id.target(ctx)?;
        let found = match store::find(&self.0.0.store, &target, ctx.region()).await? {
            Some(kept) => Some(kept.present(&self.0).await?),
            None => None,
        };
        let arn = found.as_ref().map_or_else(|| target.likely_arn(ctx), |found| found.secret.arn.clone());
        let mut ask = want.ask(&arn).owned_by(target.account.clone()).key("secretsmanager:SecretId", id.as_str());
        if let Some(Found { secret, policy }) = &found {
            ask = ask.resource_tags(&secret.tags);
            for (name, value) in &secret.tags {
                ask = ask.key(format!("secretsmanager:ResourceTag/{name}"), value.clone());
            }
            if let Some(policy) = policy {
                ask = ask.policy(attach(&secret.arn, policy)?);
            }
        }
        match self.0.permit(ctx, &ask, want.access).await {
            Ok(()) => found.ok_or_else(no_such_secret),
            Err(error) => Err(unnamed(error, ctx, &target, &arn).into()),
        }
    }

    /// As [`Secrets::permitted`], for what a deleted secret does not allow.
    pub(super) async fn live(&self, ctx: &Ctx, id: &SecretRef, want: &Want) -> Result<Found> {
        let found = self.permitted(ctx, id, want).await?;
        if found.secret.deleted.is_some() { Err(marked_for_deletion()) } else { Ok(found) }
    }

    /// What is known of the secret with this ARN; no permission is checked.
    pub(crate) async fn facts(&self, arn: &str) -> base::Result<Option<ResourceFacts>> {
        let Some(kept) = store::by_arn(&self.0.0.store, arn).await? else { return Ok(None) };
        let Found { secret, policy } = kept.present(&self.0).await?;
        let policy = policy.map(|text| attach(arn, &text)).transpose()?;
        Ok(Some(ResourceFacts { policy, tags: secret.tags, ..ResourceFacts::of(secret.account) }))
    }

    /// Asks for an action that is on no secret in particular.
    pub(super) async fn permit_any(&self, ctx: &Ctx, action: &str) -> Result<()> {
        Ok(self.0.permit(ctx, &Ask::new(action, "*"), Access::Read).await?)
    }

    /// Asks for what is done to a secret that does not exist yet.
    pub(super) async fn permit_new(&self, ctx: &Ctx, arn: &str, want: &Want) -> Result<()> {
        Ok(self.0.permit(ctx, &want.ask(arn), want.access).await?)
    }
}

/// The policy of the secret `arn`, compiled.
pub(super) fn attach(arn: &str, text: &str) -> Result<Attached> {
    let document = Document::parse(Kind::Secret, text).map_err(|malformed| {
        let hint = malformed.advice();
        let error = Error::new(Code::MalformedPolicyDocument, malformed.message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })?;
    Ok(Attached { id: arn.into(), document: Arc::new(document) })
}

/// A refusal that names another account's secret as the request did: the random characters of its ARN say that it is
/// there.
fn unnamed(mut error: base::Error, ctx: &Ctx, target: &Target, arn: &str) -> base::Error {
    if error.kind == ErrorKind::Denied && target.account != *ctx.account() {
        error.message = error.message.replace(arn, &target.likely_arn(ctx));
    }
    error
}

pub(super) fn marked_for_deletion() -> Error {
    Error::new(
        Code::InvalidRequest,
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}
