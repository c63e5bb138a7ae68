//! What is asked of the policies: an action on a resource, with what the service knows of both.

use base::AccountId;

use crate::policy::{Attached, Grant};

/// What a caller wants to do, as the service that serves it sees it. What follows from the caller is added when it is
/// decided: see [`crate::Identity::permit`].
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) owner: Option<AccountId>,
    pub(crate) policy: Option<Attached>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) keys: Vec<(String, Vec<String>)>,
    pub(crate) request_tags: Option<Vec<(String, String)>>,
    pub(crate) resource_tags: Vec<(String, String)>,
    pub(crate) encryption_context: Option<Vec<(String, String)>>,
    pub(crate) via: Option<&'static str>,
}

impl Ask {
    /// For `action`, such as `s3:GetObject`, on `resource`: an ARN, or `*` where the action is on no particular one.
    #[must_use]
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), ..Self::default() }
    }

    /// The account that owns the resource, where its ARN does not say so, as those of buckets.
    #[must_use]
    pub fn owned_by(self, account: AccountId) -> Self {
        Self { owner: Some(account), ..self }
    }

    /// The resource's own policy; for `sts:AssumeRole` the role's trust policy.
    #[must_use]
    pub fn policy(self, policy: Attached) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// The grants on the key.
    #[must_use]
    pub fn grants(self, grants: Vec<Grant>) -> Self {
        Self { grants, ..self }
    }

    /// A condition key with one value, such as `s3:prefix`.
    #[must_use]
    pub fn key(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.keys(name, vec![value.into()])
    }

    /// A condition key with any number of values.
    #[must_use]
    pub fn keys(mut self, name: impl Into<String>, values: Vec<String>) -> Self {
        self.keys.push((name.into(), values));
        self
    }

    /// A condition key, where the request has a value for it.
    #[must_use]
    pub fn key_if(self, name: impl Into<String>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.key(name, value),
            None => self,
        }
    }

    /// The tags that the request sets: `aws:RequestTag/…` and `aws:TagKeys`.
    #[must_use]
    pub fn request_tags(self, tags: &[(String, String)]) -> Self {
        Self { request_tags: Some(tags.to_vec()), ..self }
    }

    /// The tags that the resource has: `aws:ResourceTag/…`.
    #[must_use]
    pub fn resource_tags(self, tags: &[(String, String)]) -> Self {
        Self { resource_tags: tags.to_vec(), ..self }
    }

    /// KMS's encryption context.
    #[must_use]
    pub fn encryption_context(self, pairs: &[(String, String)]) -> Self {
        Self { encryption_context: Some(pairs.to_vec()), ..self }
    }

    /// That the service `name` (`bedrock`) asks it of another one for the caller, as [`crate::Ctx::via`] says of a request.
    #[must_use]
    pub fn via(self, name: &'static str) -> Self {
        Self { via: Some(name), ..self }
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The resource: an ARN or `*`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }
}
