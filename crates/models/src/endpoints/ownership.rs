//! Of several servers on one database, the one that brings about what an endpoint's row says: a new endpoint, an update, an
//! end. It does so under a lease, and nobody else settles how that ends.

use std::time::Duration;

use base::{Error, Result};
use futures::future::BoxFuture;

use super::resource::HostingKind;
use super::store::{self, Scope};
use crate::Models;

/// How long a server is taken to go on with an endpoint after it said so, in seconds.
const LEASE_SECONDS: i64 = 15;
/// How often it says so.
const RENEWAL: Duration = Duration::from_secs(5);

impl Models {
    /// Whether this server is to go on with an endpoint on which something is under way: it does already, or nobody else is
    /// known to. A server alone always is.
    pub(super) async fn takes_on(&self, scope: &Scope, name: &str) -> Result<bool> {
        let Some(server) = self.inner.endpoints.server() else { return Ok(true) };
        let now = self.inner.clock.now();
        let term = (now, now.plus_seconds(LEASE_SECONDS));
        store::drive(&self.inner.store, scope, (name, server), term).await
    }

    /// Does something with an endpoint as long as that is this server's to do. What takes long when it is settled how the endpoint
    /// stands is better done afterwards: then another server may begin with what comes next.
    ///
    /// # Errors
    /// Conflict, where another server does it meanwhile: this one was not heard of for too long.
    pub(super) async fn while_driving<T>(
        &self,
        scope: &Scope,
        name: &str,
        doing: BoxFuture<'_, Result<T>>,
    ) -> Result<T> {
        self.while_renewing(scope, name, doing, RENEWAL).await
    }

    /// As [`Models::while_driving`], saying that often that this server goes on.
    pub(super) async fn while_renewing<T>(
        &self,
        scope: &Scope,
        name: &str,
        doing: BoxFuture<'_, Result<T>>,
        renewal: Duration,
    ) -> Result<T> {
        let Some(server) = self.inner.endpoints.server() else { return doing.await };
        tokio::select! {
            biased;
            done = doing => done,
            () = self.until_taken_over(scope, (name, server), renewal) => {
                // What is being loaded ends soon, in nothing.
                self.retire_strays(&HostingKind::Endpoint.arn(scope, name).to_string()).await;
                Err(Error::conflict(format!("Another server goes on with the endpoint \"{name}\".")))
            }
        }
    }

    /// Says that often that this server goes on with an endpoint, until another one does.
    pub(super) async fn until_taken_over(&self, scope: &Scope, driven: (&str, &str), renewal: Duration) {
        loop {
            tokio::time::sleep(renewal).await;
            match self.goes_on(scope, driven).await {
                Ok(true) => {}
                Ok(false) => return,
                // Where that lasts, nothing can be settled either.
                Err(error) => tracing::warn!(?error, endpoint = driven.0, "that it is gone on with cannot be said"),
            }
        }
    }

    /// Says that this server goes on with an endpoint; false where another one does. Where nobody is to any more this server has
    /// settled it, or will find that somebody did.
    async fn goes_on(&self, scope: &Scope, driven: (&str, &str)) -> Result<bool> {
        let (name, server) = driven;
        let until = self.inner.clock.now().plus_seconds(LEASE_SECONDS);
        if store::drive_on(&self.inner.store, scope, driven, until).await? {
            return Ok(true);
        }
        let driver = store::driver(&self.inner.store, scope, name).await?;
        Ok(driver.is_none_or(|driver| driver == server))
    }
}
