//! What answers for a profile.

use base::{Error, ErrorKind, Result};
use identity::Ctx;

use super::{ID_ALPHABET, ID_LENGTH, ProfileKind, Routing, arn, missing, store};
use crate::aliases::{Leg, POOL_PREFIX, Resolved, Target, resolved};
use crate::model_id::{self, ModelId};
use crate::{Models, Tags};

/// The profile that a request names.
#[derive(Debug, Clone, PartialEq)]
pub struct UsedProfile {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: Tags,
}

impl Models {
    /// What answers for a model id in the caller's account: what a profile is routed to, an alias of the account, else the
    /// very model if it is pulled, else the built-in default, else the account's imported model, else the local model of
    /// that name, else an application profile of that id. Loads nothing.
    ///
    /// # Errors
    /// Invalid, where the id names no model, or where aliases are strict and only another model could stand in; NotFound,
    /// where it is the ARN of an imported model or a profile that is none; NotImplemented for ARNs of other resources than
    /// models and inference profiles.
    pub async fn resolve(&self, ctx: &Ctx, model_id: &str) -> Result<Resolved> {
        let id = model_id::parse(ctx, model_id)?;
        if id.endpoint {
            return self.resolve_market(ctx, &id.id).await;
        }
        if id.application {
            return match self.through_application(ctx, model_id, &id.id).await? {
                Some(resolved) => Ok(resolved),
                None => Err(missing(model_id)),
            };
        }
        if id.id != id.model {
            let used = UsedProfile { arn: arn(ctx, ProfileKind::System, &id.id), tags: Tags::new() };
            let routing = store::routing(&self.inner.store, ctx, &id.id).await?;
            return self.through(ctx, model_id, id, used, routing).await;
        }
        match self.resolve_direct(ctx, model_id, id).await {
            Err(error) if error.kind == ErrorKind::Invalid && may_be_id(model_id) => {
                self.through_application(ctx, model_id, model_id).await?.ok_or(error)
            }
            direct => direct,
        }
    }

    /// What answers for a model id, whatever profiles are routed to.
    pub(super) async fn direct_target(&self, ctx: &Ctx, model_id: &str) -> Result<Target> {
        let id = model_id::parse(ctx, model_id)?;
        if id.application {
            return Err(model_id::invalid().with_hint("A profile is no target of a profile."));
        }
        if id.endpoint {
            return Err(Error::not_implemented("Routing an inference profile to an endpoint is not implemented."));
        }
        Ok(self.resolve_direct(ctx, model_id, id).await?.target)
    }

    async fn through_application(&self, ctx: &Ctx, requested: &str, id: &str) -> Result<Option<Resolved>> {
        let Some(row) = store::find(&self.inner.store, ctx, id).await? else { return Ok(None) };
        let source = model_id::parse(ctx, &row.source)?;
        let mut routing = store::routing(&self.inner.store, ctx, id).await?;
        if routing.is_none() && source.id != source.model {
            routing = store::routing(&self.inner.store, ctx, &source.id).await?;
        }
        let used = UsedProfile { arn: arn(ctx, ProfileKind::Application, id), tags: row.tags };
        self.through(ctx, requested, source, used, routing).await.map(Some)
    }

    async fn through(
        &self,
        ctx: &Ctx,
        requested: &str,
        source: ModelId,
        used: UsedProfile,
        routing: Option<Routing>,
    ) -> Result<Resolved> {
        let Some(routing) = routing else {
            return Ok(Resolved { profile: Some(used), ..self.resolve_direct(ctx, requested, source).await? });
        };
        let mut legs = Vec::with_capacity(routing.targets.len());
        for target in routing.targets {
            let found = match target.target.strip_prefix(POOL_PREFIX) {
                Some(pool) => Ok(Target::Pool { name: pool.to_owned() }),
                None => self.direct_target(ctx, &target.target).await,
            };
            match found {
                Ok(found) => legs.push(Leg { region: target.region, weight: target.weight, target: found }),
                // What answered for it was removed since: the others answer.
                Err(error) if error.kind != ErrorKind::Unavailable => {
                    tracing::warn!(profile = used.arn, target = target.target, ?error, "a target answers no more");
                }
                Err(error) => return Err(error),
            }
        }
        let known = self.inner.foundation.get(&source.model);
        let profile = used.arn.rsplit('/').next().unwrap_or_default().to_owned();
        let target = Target::Routed { profile, weighted: routing.weighted, legs };
        Ok(Resolved { profile: Some(used), ..resolved(requested, source.model, known, target) })
    }
}

/// Whether the id of an application profile looks like that.
fn may_be_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| ID_ALPHABET.contains(&b))
}
