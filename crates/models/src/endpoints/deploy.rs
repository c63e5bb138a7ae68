//! Loading models for the variants of endpoints, and having them answer in place of others.

use std::future::Future;
use std::time::{Duration, Instant};

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use inference::{LoadOptions, MOST_REPLICAS};

use super::live::Deployment;
use super::resource::{EndpointStatus, EndpointVariant, Generation, HostingKind};
use super::running::scope_of;
use super::store::{self, Scope};
use super::weights::Served;
use crate::loaded::Sources;
use crate::{Models, library};

/// How often, and with which pauses, a model is loaded again for which running requests leave no room yet.
pub(super) const TRIES: u32 = 150;
const PAUSE: Duration = Duration::from_millis(200);
/// How often it is looked whether a model that is being loaded is wanted still.
const LOOK: Duration = Duration::from_secs(1);

impl Models {
    /// The context of what hosting does by itself.
    pub(super) fn hosting_ctx(&self, scope: &Scope) -> Ctx {
        self.inner.identity.service_ctx(scope.account.clone(), scope.region.clone(), super::SERVICE)
    }

    /// The model that answers for a variant: the one that does already, or the one that is chosen now.
    pub(super) async fn served(&self, ctx: &Ctx, variant: &EndpointVariant) -> Result<Served> {
        if let Some(served) = &variant.served {
            return Ok(served.clone());
        }
        self.answering(ctx, &variant.source).await
    }

    /// Loads a model for a variant, with so many replicas.
    ///
    /// # Errors
    /// NotFound, where the model is not pulled; Damaged, where its files are; Unavailable and Throttled, where there is
    /// not enough memory, with how much is missing; Timeout, where it takes longer than it may.
    pub(super) async fn load_variant(
        &self,
        ctx: &Ctx,
        arn: &str,
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<Deployment> {
        let key = self.inner.endpoints.key(arn, &variant.spec.name);
        self.load_as(ctx, (arn, &key), (variant, served), replicas).await
    }

    /// As [`Models::load_variant`], under this name in the pool of loaded models.
    async fn load_as(
        &self,
        ctx: &Ctx,
        (arn, key): (&str, &str),
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<Deployment> {
        let begun = Instant::now();
        if replicas > MOST_REPLICAS {
            return Err(Error::unavailable(format!("{replicas} replicas of a model are more than one machine has."))
                .with_hint(format!("A model has at most {MOST_REPLICAS} replicas here.")));
        }
        let name = &variant.spec.name;
        let sources = self.weights_in_time(ctx, variant, served).await?;
        let loading = self.inner.loaded.acquire_with(key, sources, self.options_for(&served.name, replicas));
        let loaded = match variant.spec.startup_seconds {
            Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds.into()), loading).await {
                Ok(loaded) => loaded,
                Err(_) => {
                    // The load ends soon, in nothing.
                    self.inner.loaded.forget(key).await;
                    Err(Error::timeout(format!("The model `{}` was not loaded within {seconds} s.", served.name))
                        .with_hint("Raise `ContainerStartupHealthCheckTimeoutInSeconds`."))
                }
            },
            None => loading.await,
        };
        let lease = loaded.map_err(|error| match variant.source.imported() {
            Some(_) => error,
            None => self.inner.library.note_failure(&served.name, error),
        })?;
        self.inner.endpoints.variant(arn, name).counted().loaded_in(begun.elapsed());
        Ok(Deployment::new(key.to_owned(), lease, replicas, (variant.source.clone(), served.clone())))
    }

    /// As [`Models::load_variant`], as long as the endpoint stands as it is said: what is being loaded is given up soon after it
    /// does not, and what was loaded leaves the memory.
    ///
    /// # Errors
    /// As [`Models::load_variant`] and [`Models::still_stands`].
    pub(super) async fn load_standing(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<Deployment> {
        let key = self.inner.endpoints.key(arn, &variant.spec.name);
        let loaded = tokio::select! {
            biased;
            loaded = self.load_as(ctx, (arn, &key), (variant, served), replicas) => loaded?,
            error = self.until_otherwise((arn, stands), LOOK) => {
                self.inner.loaded.forget(&key).await;
                return Err(error);
            }
        };
        if let Err(error) = self.still_stands((arn, stands)).await {
            self.retire(Some(loaded)).await;
            return Err(error);
        }
        Ok(loaded)
    }

    /// As [`Models::load_variant`]. What leaves the memory is waited for as long as the endpoint stands as it is said, and what
    /// stays in it for a while although it answers no more leaves at once: neither is a reason to fail.
    ///
    /// # Errors
    /// As [`Models::load_variant`] and [`Models::still_stands`].
    pub(super) async fn load_beside(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<Deployment> {
        loop {
            let was_leaving = self.is_anything_leaving();
            match Box::pin(self.load_standing(ctx, (arn, stands), (variant, served), replicas)).await {
                Err(error) if error.kind == ErrorKind::Throttled => {
                    if !self.room_comes(ctx, None, (variant, served), replicas).await? {
                        return Err(error);
                    }
                    // What left since the load was tried is tried with.
                    if !self.give_way().await && !self.waits_for_room((arn, stands)).await? && !was_leaving {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    /// Whether anything is about to leave the memory.
    fn is_anything_leaving(&self) -> bool {
        self.inner.loaded.is_draining() || !self.inner.endpoints.keys_of_leaving().is_empty()
    }

    /// Whether a deployment fits the memory when all has left it that is about to, and the deployment `old`: otherwise there is
    /// nothing to wait for, and nobody to be sent away.
    async fn room_comes(
        &self,
        ctx: &Ctx,
        old: Option<String>,
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<bool> {
        let sources = self.weights(ctx, variant, served).await?;
        let (pool, options) = (self.inner.loaded.clone(), self.options_for(&served.name, replicas));
        let mut leaving = self.inner.endpoints.keys_of_leaving();
        leaving.extend(old);
        library::blocking(move || pool.fits_without(&leaving, &sources, options)).await
    }

    /// Takes out of memory what only stays there for a while; whether there was anything.
    async fn give_way(&self) -> bool {
        let leaving = self.inner.endpoints.take_all_leaving();
        let gave = !leaving.is_empty();
        for deployment in leaving {
            self.retire(Some(deployment)).await;
        }
        gave
    }

    /// Waits a little where models leave the memory as soon as their last requests have ended; whether any do.
    ///
    /// # Errors
    /// As [`Models::still_stands`].
    async fn waits_for_room(&self, which: (&str, Generation)) -> Result<bool> {
        if !self.inner.loaded.is_draining() {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
        self.still_stands(which).await.map(|()| true)
    }

    /// Looks whether an endpoint stands as it did when something was begun for it, so that it is worth waiting for.
    ///
    /// # Errors
    /// Conflict, where somebody wants it otherwise since, or removed, or had it so: then it is another one.
    pub(super) async fn still_stands(&self, (arn, stands): (&str, Generation)) -> Result<()> {
        let Some((scope, name)) = scope_of(arn) else { return Ok(()) };
        // That the database was away once is no reason to give up.
        let Ok(kept) = store::find(&self.inner.store, &scope, HostingKind::Endpoint, &name).await else {
            return Ok(());
        };
        let what = match kept.map(|kept| (kept.generation, kept.status)) {
            Some((generation, _)) if generation == stands => return Ok(()),
            None | Some((_, Some(EndpointStatus::Deleting))) => "is to be removed",
            Some((_, Some(EndpointStatus::Updating))) => "is to be changed",
            Some(_) => "is another one since",
        };
        Err(Error::conflict(format!("The endpoint \"{name}\" {what}.")))
    }

    /// Looks that often whether an endpoint stands as it did when something was begun for it, until it does not: why not.
    pub(super) async fn until_otherwise(&self, which: (&str, Generation), every: Duration) -> Error {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.still_stands(which).await {
                return error;
            }
        }
    }

    /// The variant's weights, where they are here within the time that it gives them.
    async fn weights_in_time(&self, ctx: &Ctx, variant: &EndpointVariant, served: &Served) -> Result<Sources> {
        in_time(variant, self.weights(ctx, variant, served)).await
    }

    /// How a model is loaded: as its profile says, where it says nothing of other weights, with so many replicas.
    fn options_for(&self, name: &str, replicas: u32) -> LoadOptions {
        let base = self.inner.loaded.options();
        let tuned = self.inner.loaded.tuned(name).filter(|tuned| tuned.settings.weights.is_none());
        tuned.map_or_else(|| base.clone(), |tuned| tuned.settings.options(base)).with_replicas(replicas)
    }

    /// Takes a deployment out of memory when its last request has ended.
    pub(super) async fn retire(&self, deployment: Option<Deployment>) {
        let Some(deployment) = deployment else { return };
        self.inner.loaded.forget(&deployment.into_key()).await;
    }

    /// Takes out of memory what was loaded for an endpoint and neither answers for it nor did.
    pub(super) async fn retire_strays(&self, arn: &str) {
        let kept = self.inner.endpoints.keys(arn);
        for key in self.inner.loaded.keys_of(&format!("{arn}/")) {
            if !kept.contains(&key) {
                self.inner.loaded.forget(&key).await;
            }
        }
    }

    /// As [`Models::retire`], after a time or when the endpoint leaves.
    pub(super) async fn retire_after(&self, arn: &str, wait: Duration, deployment: Option<Deployment>) {
        match deployment {
            Some(deployment) if !wait.is_zero() => {
                let (models, arn, key) = (self.clone(), arn.to_owned(), deployment.key().to_owned());
                self.inner.endpoints.keep_leaving(&arn, deployment);
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    models.retire_leaving(&arn, Some(&key)).await;
                });
            }
            deployment => self.retire(deployment).await,
        }
    }

    /// Takes out of memory what answers for an endpoint no more and waits to leave, or the one of that name.
    pub(super) async fn retire_leaving(&self, arn: &str, key: Option<&str>) {
        for deployment in self.inner.endpoints.take_leaving(arn, key) {
            self.retire(Some(deployment)).await;
        }
    }

    /// Has so many replicas answer for a variant, which the caller holds: the new deployment is loaded, then takes over, and
    /// the old one leaves `wait` later, when its requests have ended. Where both do not fit the memory, the old one leaves
    /// first, and requests wait. What leaves the memory anyway is waited for, as by [`Models::load_beside`], `most` times where
    /// that is bounded.
    ///
    /// # Errors
    /// As [`Models::load_beside`]; what answered before does then, or again.
    pub(super) async fn redeploy(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, served): (&EndpointVariant, &Served),
        (replicas, wait): (u32, Duration),
        most: Option<u32>,
    ) -> Result<()> {
        let live = self.inner.endpoints.variant(arn, &variant.spec.name);
        if replicas == 0 {
            self.retire_after(arn, wait, live.replace(None)).await;
            return Ok(());
        }
        let mut waits = 0;
        loop {
            let was_leaving = self.is_anything_leaving();
            match Box::pin(self.load_standing(ctx, (arn, stands), (variant, served), replicas)).await {
                Ok(new) => {
                    self.retire_after(arn, wait, live.replace(Some(new))).await;
                    return Ok(());
                }
                Err(error) if error.kind == ErrorKind::Throttled => {
                    if !self.room_comes(ctx, live.key(), (variant, served), replicas).await? {
                        return Err(error);
                    }
                    if self.give_way().await {
                        continue;
                    }
                    if self.fits_in_place(ctx, arn, (variant, served), replicas).await? {
                        let which = (arn, stands);
                        return Box::pin(self.redeploy_in_place(ctx, which, (variant, served), replicas)).await;
                    }
                    let is_over = most.is_some_and(|most| waits >= most);
                    if is_over || !(self.waits_for_room((arn, stands)).await? || was_leaving) {
                        return Err(error);
                    }
                    waits += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether a deployment fits the memory when the one that answers now has left it.
    async fn fits_in_place(
        &self,
        ctx: &Ctx,
        arn: &str,
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<bool> {
        let Some(old) = self.inner.endpoints.variant(arn, &variant.spec.name).key() else { return Ok(false) };
        let sources = self.weights(ctx, variant, served).await?;
        let (pool, options) = (self.inner.loaded.clone(), self.options_for(&served.name, replicas));
        library::blocking(move || pool.fits_in_place_of(&old, &sources, options)).await
    }

    /// Whether a variant could be loaded now: its weights are here and whole, and the memory is large enough for them.
    pub(super) async fn could_load(&self, ctx: &Ctx, variant: &EndpointVariant) -> Result<bool> {
        if !self.is_here(ctx, &variant.source).await? {
            return Ok(false);
        }
        let served = self.answering(ctx, &variant.source).await?;
        let manifest = self.inner.library.manifest(&served.name).await?;
        let is_broken = manifest.is_some_and(|manifest| manifest.broken.is_some());
        if variant.spec.instances > MOST_REPLICAS || is_broken {
            return Ok(false);
        }
        let sources = self.weights(ctx, variant, &served).await?;
        let (pool, options) =
            (self.inner.loaded.clone(), self.options_for(&served.name, variant.spec.instances.max(1)));
        library::blocking(move || pool.could_fit(&sources, options)).await
    }

    /// As [`Models::redeploy`], where the old deployment must leave the memory first.
    async fn redeploy_in_place(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<()> {
        let live = self.inner.endpoints.variant(arn, &variant.spec.name);
        // Requests that come meanwhile wait for this, as for any load.
        let Some(old) = live.replace(None) else {
            return Err(Error::conflict("The deployment left meanwhile."));
        };
        // It stays in the pool, where it counts, until its last request has ended.
        let key = old.into_key();
        let loaded = self.load_patiently(ctx, (arn, stands), (variant, served), replicas).await;
        self.inner.loaded.forget(&key).await;
        // Where it failed, what answered before is what the row still says: the next request brings it back.
        drop(live.replace(Some(loaded?)));
        Ok(())
    }

    /// As [`Models::load_variant`], again and again while requests that run leave no room and the endpoint stands as it is said.
    async fn load_patiently(
        &self,
        ctx: &Ctx,
        (arn, stands): (&str, Generation),
        (variant, served): (&EndpointVariant, &Served),
        replicas: u32,
    ) -> Result<Deployment> {
        let mut tries = 0;
        loop {
            match self.load_standing(ctx, (arn, stands), (variant, served), replicas).await {
                Err(error) if error.kind == ErrorKind::Throttled && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
            tokio::time::sleep(PAUSE).await;
            self.still_stands((arn, stands)).await?;
        }
    }
}

/// What is waited for until a variant's weights are here, within the time that it gives them.
pub(super) async fn in_time<T>(variant: &EndpointVariant, here: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(seconds) = variant.spec.download_seconds else { return here.await };
    tokio::time::timeout(Duration::from_secs(seconds.into()), here).await.unwrap_or_else(|_| {
        let name = &variant.spec.name;
        Err(Error::timeout(format!("The weights of the variant \"{name}\" were not here within {seconds} s."))
            .with_hint("Raise `ModelDataDownloadTimeoutInSeconds`."))
    })
}
