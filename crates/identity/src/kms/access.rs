//! Finding a key and asking whether the caller may use it.

use std::sync::Arc;

use base::ErrorKind;

use super::error::{Code, Error, Result};
use super::grants::GrantInfo;
use super::key::{KeyState, Loaded};
use super::key_ref::{Target, TargetName};
use super::{EncryptionContext, KeyRef, Kms, policies, store};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::policy::Grant;
use crate::resources::ResourceFacts;

/// The only algorithm of symmetric keys, and their specification.
pub(super) const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// A key that a request names, and how.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) loaded: Arc<Loaded>,
    /// The alias that the request used, with its `alias/`.
    pub(super) alias: Option<String>,
}

/// What an operation wants with a key.
pub(super) struct Want<'a> {
    /// `Decrypt`; the part of the action after `kms:`.
    pub(super) operation: &'static str,
    pub(super) access: Access,
    /// For cryptography.
    pub(super) context: Option<&'a EncryptionContext>,
    /// Other condition keys.
    pub(super) keys: Vec<(&'static str, Vec<String>)>,
    /// Whether a key of another account may be meant.
    pub(super) across_accounts: bool,
    /// The tags that the request sets.
    pub(super) request_tags: Option<Vec<(String, String)>>,
}

impl<'a> Want<'a> {
    /// To look at a key of the caller's account.
    pub(super) fn read(operation: &'static str) -> Self {
        Self {
            operation,
            access: Access::Read,
            context: None,
            keys: Vec::new(),
            across_accounts: false,
            request_tags: None,
        }
    }

    /// To change a key of the caller's account.
    pub(super) fn write(operation: &'static str) -> Self {
        Self { access: Access::Write, ..Self::read(operation) }
    }

    /// To encrypt or decrypt with a key, of any account.
    pub(super) fn cryptography(operation: &'static str, context: &'a EncryptionContext) -> Self {
        Self { context: Some(context), across_accounts: true, ..Self::read(operation) }
    }

    pub(super) fn across_accounts(self) -> Self {
        Self { across_accounts: true, ..self }
    }

    pub(super) fn key(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.keys.push((name, vec![value.into()]));
        self
    }

    pub(super) fn keys(mut self, name: &'static str, values: Vec<String>) -> Self {
        self.keys.push((name, values));
        self
    }

    /// Whether a key may be named by an alias: for cryptography and to describe it; to change it, never.
    fn takes_aliases(&self) -> bool {
        self.context.is_some() || self.operation == "DescribeKey"
    }

    pub(super) fn action(&self) -> String {
        format!("kms:{}", self.operation)
    }
}

impl Kms {
    /// The key that a request names, once the caller may do with it what it wants.
    ///
    /// # Errors
    /// AccessDenied; NotFound, where the caller's account has no such key.
    pub(super) async fn permitted(&self, ctx: &Ctx, key: &KeyRef, want: &Want<'_>) -> Result<Found> {
        if key.is_alias() && !want.takes_aliases() {
            return Err(Error::new(Code::NotFound, format!("Invalid keyId {key}"))
                .with_hint(format!("`{}` takes the id or the ARN of a key, not an alias.", want.operation)));
        }
        let target = key.target(ctx)?;
        match self.find(ctx, &target).await? {
            Some(found) => {
                self.permit(ctx, &found, want).await.map_err(|error| unnamed(error, ctx, &target, &found))?;
                Ok(found)
            }
            None => Err(self.missing(ctx, &target, want).await),
        }
    }

    /// Asks whether the caller may do with `found` what it wants.
    pub(super) async fn permit(&self, ctx: &Ctx, found: &Found, want: &Want<'_>) -> Result<()> {
        let loaded = &found.loaded;
        let own = loaded.key.account == *ctx.account();
        let ask = self.ask(ctx, loaded, found.alias.as_deref(), want).await?;
        if own || want.across_accounts {
            return Ok(self.0.permit(ctx, &ask, want.access).await?);
        }
        // No other account's key policy can open this operation.
        let nothing = Ask::new(want.action(), loaded.arn.clone()).owned_by(loaded.key.account.clone());
        Ok(self.0.permit(ctx, &nothing, want.access).await?)
    }

    /// What is asked of the policies for a key.
    pub(super) async fn ask(&self, ctx: &Ctx, loaded: &Loaded, alias: Option<&str>, want: &Want<'_>) -> Result<Ask> {
        let grants = self.grants_of_caller(ctx, &loaded.key.id).await?;
        let mut ask = key_keys(Ask::new(want.action(), loaded.arn.clone()), ctx)
            .owned_by(loaded.key.account.clone())
            .policy(loaded.policy.clone())
            .grants(grants.as_ref().clone())
            .resource_tags(&loaded.key.tags)
            .keys("kms:ResourceAliases", loaded.aliases.clone())
            .key_if("kms:RequestAlias", alias);
        if let Some(context) = want.context {
            ask = ask.encryption_context(&context.pairs()).key("kms:EncryptionAlgorithm", SYMMETRIC);
        }
        for (name, values) in &want.keys {
            ask = ask.keys(*name, values.clone());
        }
        if let Some(tags) = &want.request_tags {
            ask = ask.request_tags(tags);
        }
        Ok(ask)
    }

    /// The key that `target` names, if it exists. An AWS managed key of the caller's account is made.
    pub(super) async fn find(&self, ctx: &Ctx, target: &Target) -> Result<Option<Found>> {
        let (id, alias) = match &target.name {
            TargetName::Id(id) => (Some(id.clone()), None),
            TargetName::Alias(alias) => (self.aliased(ctx, target, alias).await?, Some(alias.clone())),
        };
        let Some(id) = id else { return Ok(None) };
        let loaded = self.load(&id).await?;
        let here = loaded.filter(|l| l.key.account == target.account && l.key.region == *ctx.region());
        Ok(here.map(|loaded| Found { loaded, alias }))
    }

    /// The key `id` of any account and region.
    pub(crate) async fn load(&self, id: &str) -> Result<Option<Arc<Loaded>>> {
        let (cache, now) = (&self.0.0.kms.keys, self.0.0.clock.now());
        if let Some(loaded) = cache.get(id, now) {
            return Ok(Some(loaded));
        }
        let generation = cache.generation();
        let Some(kept) = store::load(&self.0.0.store, id).await? else { return Ok(None) };
        let store::Kept { key, policy, backing, aliases } = kept;
        let policy_text = self.present(policy).await?;
        let arn = key.arn();
        let policy = policies::attach(&arn, &policy_text)?;
        let loaded = Arc::new(Loaded { key, arn, policy, policy_text, aliases, backing });
        cache.insert(generation, id, Arc::clone(&loaded), now);
        Ok(Some(loaded))
    }

    async fn aliased(&self, ctx: &Ctx, target: &Target, alias: &str) -> Result<Option<String>> {
        let (account, region) = (&target.account, ctx.region());
        let (cache, now) = (&self.0.0.kms.aliases, self.0.0.clock.now());
        let name = format!("{account}:{region}:{alias}");
        if let Some(id) = cache.get(&name, now) {
            return Ok(Some(id.as_ref().clone()));
        }
        let generation = cache.generation();
        let id = match store::alias_target(&self.0.0.store, account, region, alias).await? {
            None if account == ctx.account() => self.make_managed(ctx, alias).await?,
            found => found,
        };
        if let Some(id) = &id {
            cache.insert(generation, &name, Arc::new(id.clone()), now);
        }
        Ok(id)
    }

    /// The grants of a key that can be the caller's.
    pub(super) async fn grants_of_caller(&self, ctx: &Ctx, key_id: &str) -> Result<Arc<Vec<Grant>>> {
        let caller = ctx.principal().caller(&[]);
        let (own, role) = (caller.arn(), caller.principal_arn().unwrap_or_default());
        let (cache, now) = (&self.0.0.kms.grants, self.0.0.clock.now());
        let id = ctx.principal().named_id().unwrap_or_default();
        let name = format!("{key_id} {own} {role} {id}");
        if let Some(grants) = cache.get(&name, now) {
            return Ok(grants);
        }
        let generation = cache.generation();
        let grants = self.grants_for(ctx, key_id, &own, &role).await?;
        let grants: Arc<Vec<Grant>> = Arc::new(grants.iter().flat_map(GrantInfo::for_engine).collect());
        cache.insert(generation, &name, Arc::clone(&grants), now);
        Ok(grants)
    }

    /// The grants of a key for a caller of either of these names; not those for someone who had the name before.
    pub(super) async fn grants_for(&self, ctx: &Ctx, key_id: &str, own: &str, role: &str) -> Result<Vec<GrantInfo>> {
        let mut grants = store::grants_of(&self.0.0.store, key_id, own, role).await?;
        let id = ctx.principal().named_id();
        grants.retain(|grant| grant.grantee_id.is_none() || grant.grantee_id.as_deref() == id);
        Ok(grants)
    }

    /// What is known of the key with this ARN; no permission is checked.
    pub(crate) async fn facts(&self, arn: &str) -> base::Result<Option<ResourceFacts>> {
        let Some((_, id)) = arn.rsplit_once(":key/") else { return Ok(None) };
        let Some(loaded) = self.load(id).await?.filter(|loaded| loaded.arn == arn) else { return Ok(None) };
        let grants = store::all_grants(&self.0.0.store, id).await?;
        Ok(Some(ResourceFacts {
            policy: Some(loaded.policy.clone()),
            grants: grants.iter().flat_map(GrantInfo::for_engine).collect(),
            tags: loaded.key.tags.clone(),
            ..ResourceFacts::of(loaded.key.account.clone())
        }))
    }

    /// Why a key that does not exist cannot be used: in another account a caller must not learn that.
    async fn missing(&self, ctx: &Ctx, target: &Target, want: &Want<'_>) -> Error {
        let arn = target.arn(ctx);
        let not_found = match &target.name {
            TargetName::Id(_) => Error::new(Code::NotFound, format!("Key '{arn}' does not exist")),
            TargetName::Alias(_) => Error::new(Code::NotFound, format!("Alias {arn} is not found.")),
        };
        let own = target.account == *ctx.account();
        if let (true, TargetName::Alias(_)) = (own, &target.name) {
            return not_found;
        }
        let ask = key_keys(Ask::new(want.action(), arn), ctx).owned_by(target.account.clone());
        match self.0.permit(ctx, &ask, want.access).await {
            Ok(()) => not_found,
            Err(error) => error.into(),
        }
    }
}

/// The condition keys that every ask has.
pub(super) fn key_keys(ask: Ask, ctx: &Ctx) -> Ask {
    ask.key("kms:CallerAccount", ctx.account().as_str())
        .key("kms:KeySpec", SYMMETRIC)
        .key("kms:CustomerMasterKeySpec", SYMMETRIC)
        .key("kms:KeyUsage", "ENCRYPT_DECRYPT")
        .key("kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT")
        .key("kms:KeyOrigin", "AWS_KMS")
        .key("kms:MultiRegion", "false")
}

/// A refusal that names the alias by which another account's key was asked for, not the key behind it.
fn unnamed(mut error: Error, ctx: &Ctx, target: &Target, found: &Found) -> Error {
    if error.error.kind == ErrorKind::Denied && target.account != *ctx.account() && found.alias.is_some() {
        error.error.message = error.error.message.replace(&found.loaded.arn, &target.arn(ctx));
    }
    error
}

impl Loaded {
    /// Refuses a key that must not be used for cryptography now.
    pub(super) fn usable(&self) -> Result<()> {
        match self.key.state() {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(Error::new(Code::Disabled, format!("{} is disabled.", self.arn))),
            KeyState::PendingDeletion => Err(self.pending()),
        }
    }

    /// Refuses a key that is to be deleted.
    pub(super) fn changeable(&self) -> Result<()> {
        if self.key.deletion.is_some() { Err(self.pending()) } else { Ok(()) }
    }

    fn pending(&self) -> Error {
        Error::new(Code::InvalidState, format!("{} is pending deletion.", self.arn))
    }
}
