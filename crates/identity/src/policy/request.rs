//! A request as policies see it: who does what to which resource, and the condition keys.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base::{AccountId, Timestamp};

use super::arn;
use super::caller::Caller;
use super::context::Context;

/// A request to be decided. Made by [`Request::builder`].
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) caller: Caller,
    pub(super) names: Names,
    action: String,
    action_in_lower_case: String,
    resource: String,
    resource_account: Option<AccountId>,
    canonical_user: Option<String>,
    context: Context,
    encryption_context: BTreeMap<String, String>,
}

/// The names that a caller has in `Principal` elements, written once for all comparisons.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The caller's own ARN, or a service's or provider's name.
    pub(super) own: String,
    /// A role session's role.
    pub(super) role: Option<String>,
}

impl Request {
    /// Starts a request of `caller` for `action`, such as `s3:GetObject`, on `resource`: an ARN, or `*` where the
    /// action is on no particular resource.
    pub fn builder(caller: Caller, action: impl Into<String>, resource: impl Into<String>) -> RequestBuilder {
        RequestBuilder {
            caller,
            action: action.into(),
            resource: resource.into(),
            resource_account: None,
            canonical_user: None,
            context: Context::default(),
            encryption_context: BTreeMap::new(),
        }
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What for, as it was given.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// On what: an ARN or `*`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The account that owns the resource; `None` where nobody knows one (an unsigned request to no particular
    /// resource).
    #[must_use]
    pub fn resource_account(&self) -> Option<&AccountId> {
        self.resource_account.as_ref()
    }

    /// Whether the resource belongs to the caller's account.
    #[must_use]
    pub fn is_same_account(&self) -> bool {
        self.caller.account().is_some() && self.caller.account() == self.resource_account()
    }

    /// The condition keys, those of the caller included.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn action_in_lower_case(&self) -> &str {
        &self.action_in_lower_case
    }

    pub(super) fn resource_fields(&self) -> Option<[&str; 6]> {
        arn::split(&self.resource)
    }

    pub(crate) fn canonical_user(&self) -> Option<&str> {
        self.canonical_user.as_deref()
    }

    pub(crate) fn encryption_context(&self) -> &BTreeMap<String, String> {
        &self.encryption_context
    }

    /// The same request with other condition keys, those of the caller included: one that was kept, or one that is
    /// only imagined.
    pub(crate) fn with_context(self, context: Context, encryption_context: BTreeMap<String, String>) -> Self {
        Self { context, encryption_context, ..self }
    }
}

/// Collects what is known of a request. What follows from the caller (`aws:PrincipalArn`, `aws:PrincipalAccount`,
/// `aws:PrincipalType`, `aws:PrincipalTag/…`, `aws:userid`, `aws:username`, `aws:PrincipalIsAWSService`,
/// `aws:PrincipalServiceName`) and from the resource's account (`aws:ResourceAccount`) is added by
/// [`RequestBuilder::build`] and cannot be set otherwise.
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    caller: Caller,
    action: String,
    resource: String,
    resource_account: Option<AccountId>,
    canonical_user: Option<String>,
    context: Context,
    encryption_context: BTreeMap<String, String>,
}

impl RequestBuilder {
    /// The account that owns the resource, where its ARN does not say so: buckets, and resources yet to be made.
    /// Otherwise it is the ARN's account, or the caller's own.
    #[must_use]
    pub fn resource_account(mut self, account: AccountId) -> Self {
        self.resource_account = Some(account);
        self
    }

    /// The canonical user id of the caller's account, which bucket policies may name.
    #[must_use]
    pub fn canonical_user(mut self, id: impl Into<String>) -> Self {
        self.canonical_user = Some(id.into());
        self
    }

    /// When: `aws:CurrentTime` and `aws:EpochTime`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        self.key("aws:CurrentTime", now.to_iso8601()).key("aws:EpochTime", now.as_millis().div_euclid(1000).to_string())
    }

    /// From where: `aws:SourceIp`.
    #[must_use]
    pub fn source_ip(self, address: IpAddr) -> Self {
        self.key("aws:SourceIp", address.to_canonical().to_string())
    }

    /// Over TLS or not: `aws:SecureTransport`.
    #[must_use]
    pub fn secure_transport(self, secure: bool) -> Self {
        self.key("aws:SecureTransport", secure.to_string())
    }

    /// The region that was called: `aws:RequestedRegion`.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> Self {
        self.key("aws:RequestedRegion", region)
    }

    /// The organization of the caller's account, and the account's place in it, `o-…/r-…/ou-…/`: `aws:PrincipalOrgID`
    /// and `aws:PrincipalOrgPaths`.
    #[must_use]
    pub fn organization(mut self, id: impl Into<String>, path: impl Into<String>) -> Self {
        self.context.insert("aws:PrincipalOrgID", vec![id.into()]);
        self.context.insert("aws:PrincipalOrgPaths", vec![path.into()]);
        self
    }

    /// When the caller's temporary credentials were issued: `aws:TokenIssueTime`.
    #[must_use]
    pub fn token_issued(self, at: Timestamp) -> Self {
        self.key("aws:TokenIssueTime", at.to_iso8601())
    }

    /// The resource for which a service calls: `aws:SourceArn`, and `aws:SourceAccount` where the ARN has one.
    #[must_use]
    pub fn source(self, arn: impl Into<String>) -> Self {
        let arn = arn.into();
        let account = account_of(&arn);
        let with_arn = self.key("aws:SourceArn", arn);
        match account {
            Some(account) => with_arn.key("aws:SourceAccount", account.as_str()),
            None => with_arn,
        }
    }

    /// The services through which the caller's request came, the first caller first: `aws:CalledVia`,
    /// `aws:CalledViaFirst`, `aws:CalledViaLast`, and `aws:ViaAWSService`, which is false without them.
    #[must_use]
    pub fn called_via(mut self, services: &[&str]) -> Self {
        if let (Some(first), Some(last)) = (services.first(), services.last()) {
            self = self.key("aws:CalledViaFirst", *first).key("aws:CalledViaLast", *last);
            self = self.keys("aws:CalledVia", services.iter().map(|service| (*service).to_owned()).collect());
        }
        self.key("aws:ViaAWSService", (!services.is_empty()).to_string())
    }

    /// Tags passed with the request: `aws:RequestTag/…` and `aws:TagKeys`.
    #[must_use]
    pub fn request_tags(mut self, tags: &[(String, String)]) -> Self {
        for (name, value) in tags {
            self = self.key(&format!("aws:RequestTag/{name}"), value);
        }
        self.keys("aws:TagKeys", tags.iter().map(|(name, _)| name.clone()).collect())
    }

    /// The resource's tags: `aws:ResourceTag/…`.
    #[must_use]
    pub fn resource_tags(mut self, tags: &[(String, String)]) -> Self {
        for (name, value) in tags {
            self = self.key(&format!("aws:ResourceTag/{name}"), value);
        }
        self
    }

    /// KMS's encryption context: `kms:EncryptionContext:…`, `kms:EncryptionContextKeys`, and what grants constrain.
    #[must_use]
    pub fn encryption_context(mut self, pairs: &[(String, String)]) -> Self {
        for (name, value) in pairs {
            self = self.key(&format!("kms:EncryptionContext:{name}"), value);
            self.encryption_context.insert(name.clone(), value.clone());
        }
        self.keys("kms:EncryptionContextKeys", pairs.iter().map(|(name, _)| name.clone()).collect())
    }

    /// Any other condition key with one value, such as `s3:prefix`, `kms:ViaService`, `iam:PassedToService`,
    /// `sts:ExternalId`.
    #[must_use]
    pub fn key(self, name: &str, value: impl Into<String>) -> Self {
        self.keys(name, vec![value.into()])
    }

    /// Any other condition key with any number of values. Keys that tell who the caller is are ignored.
    #[must_use]
    pub fn keys(mut self, name: &str, values: Vec<String>) -> Self {
        if !is_reserved(&name.to_lowercase()) {
            self.context.insert(name, values);
        }
        self
    }

    /// The request.
    #[must_use]
    pub fn build(mut self) -> Request {
        let own = self.caller.arn();
        let role = match self.caller {
            Caller::Role(_) => self.caller.principal_arn(),
            _ => None,
        };
        let from_arn = account_of(&self.resource).or_else(|| self.caller.account().cloned());
        let resource_account = self.resource_account.take().or(from_arn);
        add_caller(&mut self.context, &self.caller);
        if let Some(account) = &resource_account {
            self.context.insert("aws:ResourceAccount", vec![account.as_str().to_owned()]);
        }
        if self.context.get("aws:viaawsservice").is_none() {
            self.context.insert("aws:ViaAWSService", vec!["false".to_owned()]);
        }
        Request {
            names: Names { own, role },
            caller: self.caller,
            action_in_lower_case: self.action.to_lowercase(),
            action: self.action,
            resource: self.resource,
            resource_account,
            canonical_user: self.canonical_user,
            context: self.context,
            encryption_context: self.encryption_context,
        }
    }
}

/// Adds the keys that follow from who calls (IAM User Guide, "AWS global condition context keys").
fn add_caller(context: &mut Context, caller: &Caller) {
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            context.insert(name, vec![value]);
        }
    };
    add("aws:PrincipalArn", caller.principal_arn());
    add("aws:PrincipalAccount", caller.account().map(|account| account.as_str().to_owned()));
    add("aws:PrincipalType", caller.principal_type().map(str::to_owned));
    add("aws:userid", caller.user_id());
    let is_service = matches!(caller, Caller::Service { .. });
    add("aws:PrincipalIsAWSService", Some(is_service.to_string()));
    match caller {
        Caller::User(user) => add("aws:username", Some(user.name.clone())),
        Caller::Service { name } => add("aws:PrincipalServiceName", Some(name.clone())),
        Caller::Federated { provider } => add("aws:FederatedProvider", Some(provider.clone())),
        Caller::Root { .. } | Caller::Role(_) | Caller::Anonymous => {}
    }
    for (name, value) in caller.tags() {
        add(&format!("aws:PrincipalTag/{name}"), Some(value.clone()));
    }
}

/// Keys that only the caller's identity decides. `name` is in lower case.
fn is_reserved(name: &str) -> bool {
    let names = ["aws:userid", "aws:username", "aws:resourceaccount", "aws:federatedprovider"];
    names.contains(&name) || name.starts_with("aws:principal")
}

/// The account that an ARN names, if it names one.
fn account_of(text: &str) -> Option<AccountId> {
    arn::split(text)?[4].parse().ok()
}
