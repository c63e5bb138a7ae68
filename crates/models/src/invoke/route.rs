//! From a resolved model id to the model that answers: one target, or the targets of an inference profile in turn.

use std::future::Future;
use std::time::Instant;

use base::{Error, ErrorKind, Result};
use identity::Ctx;

use super::answer::{ChatStream, Route, ServedBy};
use super::request::NOT_PROMISED;
use super::{Here, Place};
use crate::aliases::{Leg, Resolved, Target};
use crate::pools::dispatch::begun;
use crate::quotas::Metered;
use crate::remote::Upstream;
use crate::{Models, ServedModel};

/// One target that is asked.
pub(crate) struct Attempt {
    pub(crate) place: Place,
    pub(crate) served_by: ServedBy,
    /// Whether another target is asked where this one fails.
    others: bool,
}

impl Attempt {
    /// Place and name, and what to do with the answer.
    pub(crate) fn parts(self) -> (Place, ServedBy, Settling) {
        (self.place, self.served_by, Settling(self.others))
    }
}

/// What is done with an answer before its target is settled on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling(bool);

impl Settling {
    /// The answer, which has begun where another target could take its place.
    ///
    /// # Errors
    /// That of an answer that ends before it begins.
    pub(crate) async fn settle(self, ctx: &Ctx, answer: ChatStream) -> Result<ChatStream> {
        let answer = answer.until(ctx.deadline());
        if !self.0 {
            return Ok(answer);
        }
        Ok(begun(answer).await?.whole())
    }
}

impl Models {
    /// [`Models::routed`] for a request that counts against its account's quota.
    ///
    /// # Errors
    /// Throttled, where the quota is used up; those of [`Models::routed`].
    pub(crate) async fn metered<T: Metered, F: Future<Output = Result<T>>>(
        &self,
        ctx: &Ctx,
        resolved: Resolved,
        ask: impl Fn(Attempt) -> F,
    ) -> Result<T> {
        self.read_quotas().await?;
        let admission = self.inner.quotas.admit(ctx.account(), &resolved.aws_id).inspect_err(|error| {
            if let Target::Endpoint(target) = &resolved.target {
                target.note_refusal(ctx, error);
            }
        })?;
        Ok(self.routed(ctx, resolved, ask).await?.metered(admission))
    }

    /// Asks the targets of what was resolved in turn, until one answers.
    ///
    /// # Errors
    /// The last target's; at once that of a request that no target would answer.
    pub(crate) async fn routed<T, F: Future<Output = Result<T>>>(
        &self,
        ctx: &Ctx,
        resolved: Resolved,
        ask: impl Fn(Attempt) -> F,
    ) -> Result<T> {
        let legs = self.legs(resolved);
        let mut legs = legs.into_iter().peekable();
        let mut failure: Option<Error> = None;
        while let Some((target, served_by)) = legs.next() {
            let others = legs.peek().is_some();
            let name = served_by.name.clone();
            let answer = match self.place(ctx, target, served_by).await {
                Ok((place, served_by)) => {
                    let invocation = place.invocation();
                    let answer = ask(Attempt { place, served_by, others }).await;
                    if let (Some(invocation), Err(error)) = (invocation, &answer) {
                        invocation.note_failure(error);
                    }
                    answer
                }
                Err(error) => Err(error),
            };
            match answer {
                // The request is told so where no target of this server is there for it.
                Err(error) if error.message == NOT_PROMISED => failure = failure.or(Some(error)),
                Err(error) if others && may_be_elsewhere(ctx, &error) => {
                    tracing::info!(target = name, reason = %error.message, "a target of an inference profile did not answer");
                    failure = Some(error);
                }
                answer => return answer,
            }
        }
        Err(failure.unwrap_or_else(|| {
            Error::unavailable("No target of the inference profile is there.")
                .with_hint("`craton models profile show ID` shows its targets.")
        }))
    }

    /// The targets in the order in which they are asked, each with the name that it answers under.
    fn legs(&self, resolved: Resolved) -> Vec<(Target, ServedBy)> {
        let own = self.inner.foundation.get(&resolved.aws_id).and_then(|known| known.own.clone());
        match resolved.target {
            Target::Routed { profile, weighted, legs } => {
                let legs = if weighted { self.drawn(legs) } else { legs };
                let named = |leg: Leg| {
                    let route = Route { profile: Some(profile.clone()), region: Some(leg.region), pool: None };
                    let name = leg.target.serving_name().to_owned();
                    let substituted = own.as_ref() != Some(&name) && name != resolved.aws_id;
                    let served_by = ServedBy { route: Some(route), ..ServedBy::model(name, substituted) };
                    (leg.target, served_by)
                };
                legs.into_iter().map(named).collect()
            }
            target => {
                let (name, substituted) = (resolved.serving_name, resolved.substituted);
                vec![(target, ServedBy::model(name, substituted))]
            }
        }
    }

    /// The targets in an order that is drawn by their weights.
    fn drawn(&self, mut legs: Vec<Leg>) -> Vec<Leg> {
        let mut order = Vec::with_capacity(legs.len());
        while !legs.is_empty() {
            let total: u64 = legs.iter().map(|leg| u64::from(leg.weight)).sum();
            let mut point = self.inner.random.next_u64() % total.max(1);
            let past = |leg: &Leg| {
                let weight = u64::from(leg.weight);
                let is_it = point < weight;
                point = point.saturating_sub(weight);
                is_it
            };
            let at = legs.iter().position(past).unwrap_or(0);
            order.push(legs.remove(at));
        }
        order
    }

    /// Where a target answers, and what does: of an endpoint, the model that its variant has by now.
    async fn place(&self, ctx: &Ctx, target: Target, served_by: ServedBy) -> Result<(Place, ServedBy)> {
        let place = match target {
            Target::Local { name } => Place::Here(Here::Pulled(name)),
            Target::Imported { model } => Place::Here(Here::Imported(model)),
            Target::Endpoint(target) => {
                let (lease, served) = self.lease_deployed(ctx, &target).await?;
                let ServedModel { name, substituted, .. } = served;
                return Ok((Place::Here(Here::Deployed(lease)), ServedBy { name, substituted, ..served_by }));
            }
            Target::Remote { base_url, model, api_key } => {
                Place::Pool(self.live_upstream(ctx, Upstream { base_url, model, api_key }))
            }
            Target::Pool { name } => Place::Pool(self.live_pool(ctx, &name).await?),
            Target::Routed { .. } => return Err(Error::internal("a target of a profile is a profile")),
        };
        Ok((place, served_by))
    }
}

/// Whether another target may answer what this one did not.
fn may_be_elsewhere(ctx: &Ctx, error: &Error) -> bool {
    let is_over = ctx.deadline().is_some_and(|deadline| deadline <= Instant::now());
    !is_over
        && matches!(
            error.kind,
            ErrorKind::Unavailable
                | ErrorKind::Timeout
                | ErrorKind::Throttled
                | ErrorKind::NotFound
                | ErrorKind::Damaged
                | ErrorKind::Internal
        )
}
