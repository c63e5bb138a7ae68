//! Where the policies of resources are found by those who know a resource by its ARN alone: explanations, simulations,
//! and who may do what.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use base::{AccountId, Result};

use crate::explain::own_resource;
use crate::open::Identity;
use crate::policy::{Attached, Grant};

/// What [`ResourceLookup::find`] gives, later.
pub type Found<'a> = Pin<Box<dyn Future<Output = Result<Option<ResourceFacts>>> + Send + 'a>>;

/// A module's resources with policies of their own. No permission is checked here: who asks shows nobody what they may
/// not see.
pub trait ResourceLookup: Send + Sync {
    /// What is known of the resource; `None` where there is none, or where it is not this module's.
    fn find<'a>(&'a self, arn: &'a str) -> Found<'a>;
}

/// A resource as policies see it.
#[derive(Debug, Clone)]
pub struct ResourceFacts {
    /// The account that it belongs to.
    pub owner: AccountId,
    /// Whether the policy counts for principals of the owner's account alone (S3's RestrictPublicBuckets).
    pub closed_to_others: bool,
    /// Its policy, whose id is the ARN of the resource (of an object: of its bucket).
    pub policy: Option<Attached>,
    /// The grants on a key.
    pub grants: Vec<Grant>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// The modules by the service in their ARNs.
#[derive(Default)]
pub(crate) struct Resources(RwLock<HashMap<&'static str, Arc<dyn ResourceLookup>>>);

impl ResourceFacts {
    /// A resource of `owner` without a policy.
    #[must_use]
    pub fn of(owner: AccountId) -> Self {
        Self { owner, closed_to_others: false, policy: None, grants: Vec::new(), tags: Vec::new() }
    }
}

impl Identity {
    /// Says where resources are found whose ARNs name `service`. The lookup must not keep an [`Identity`]: it would
    /// never end.
    pub fn register_resources(&self, service: &'static str, lookup: Arc<dyn ResourceLookup>) {
        self.0.resources.0.write().unwrap_or_else(PoisonError::into_inner).insert(service, lookup);
    }

    /// What is known of the resource with this ARN.
    pub(crate) async fn resource_facts(&self, arn: &str) -> Result<Option<ResourceFacts>> {
        let service = arn.split(':').nth(2).unwrap_or_default();
        let lookup = self.0.resources.0.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned();
        match lookup {
            Some(lookup) => lookup.find(arn).await,
            None => own_resource(self, arn).await,
        }
    }
}
