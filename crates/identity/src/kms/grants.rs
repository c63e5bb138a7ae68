//! Grants: rights on a key that are given to one principal without changing the key's policy.

use base::{ErrorKind, Page, PageRequest, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::access::{Found, Want};
use super::error::{Code, Error, Result};
use super::key_ref::{Target, TargetName};
use super::{EncryptionContext, KeyRef, Kms, UseOptions, store};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::iam::principals;
use crate::policy::{Grant, GrantConstraint, PolicyType};

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantInfo {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The ARN of the key.
    pub key_arn: String,
    /// What it was called when it was made.
    pub name: Option<String>,
    /// Whom it is for.
    pub grantee: String,
    /// The unique id of the user or role that it is for: another one of the same name has no part in it.
    pub grantee_id: Option<String>,
    /// Who may retire it.
    pub retiring: Option<String>,
    /// What it allows: `Decrypt` …
    pub operations: Vec<String>,
    /// What it asks of the encryption context.
    pub constraint: Option<GrantConstraint>,
    /// The root of the account that it was made for.
    pub issuing_account: String,
    /// Whether a service made it.
    pub for_aws_resource: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// What a grant is to be.
#[derive(Debug, Clone, Default)]
pub struct NewGrant {
    /// Whom it is for: an ARN.
    pub grantee: String,
    /// Who may retire it: an ARN.
    pub retiring: Option<String>,
    /// What it allows.
    pub operations: Vec<String>,
    /// What it asks of the encryption context.
    pub constraint: Option<GrantConstraint>,
    /// A name: the same grant of the same name is made once.
    pub name: Option<String>,
}

/// A grant just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeGrant {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
}

/// Which grant is meant.
#[derive(Debug, Clone)]
pub enum GrantRef {
    /// By its token.
    Token(String),
    /// By its id, on a key that is named by its ARN.
    Id(KeyRef, String),
}

/// What a grant on a symmetric key can allow.
const OPERATIONS: [&str; 11] = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
];

/// Those without an encryption context: constraints do not limit them (KMS Developer Guide, "Grant constraints").
const WITHOUT_CONTEXT: [&str; 3] = ["CreateGrant", "DescribeKey", "RetireGrant"];

/// What every token starts with, before it is encoded.
const TOKEN: &str = "craton-grant:";

impl Kms {
    /// Gives a principal rights on a key. They hold at once.
    ///
    /// # Errors
    /// AccessDenied, NotFound, InvalidArn, Validation, LimitExceeded; Disabled and InvalidState; DryRun.
    pub async fn create_grant(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        new: NewGrant,
        options: &UseOptions,
    ) -> Result<MadeGrant> {
        check_tokens(&options.grant_tokens)?;
        check_new(&new)?;
        let for_aws_resource = !ctx.called_via().is_empty();
        let pairs =
            new.constraint.as_ref().map(|constraint| EncryptionContext::from_pairs(pairs_of(constraint).clone()));
        let want = want_to_create(&new, for_aws_resource, pairs.as_ref());
        let found = self.permitted(ctx, key, &want).await?;
        self.check_parents(ctx, &found, &want, &new).await?;
        found.loaded.usable()?;
        if options.dry_run {
            return Err(super::cryptography::dry_run());
        }
        let grantee_id = self.principal_id(&new).await?;
        let mut id = [0; 32];
        self.0.0.random.fill(&mut id);
        let mut operations = new.operations;
        operations.sort_unstable();
        operations.dedup();
        let grant = GrantInfo {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            key_arn: found.loaded.arn.clone(),
            name: new.name,
            grantee: new.grantee,
            grantee_id,
            retiring: new.retiring,
            operations,
            constraint: new.constraint,
            issuing_account: format!("arn:aws:iam::{}:root", ctx.account()),
            for_aws_resource,
            created: self.0.0.clock.now(),
        };
        let id = store::insert_grant(&self.0.0.store, &grant).await?;
        self.0.0.kms.clear();
        let token = URL_SAFE_NO_PAD.encode(format!("{TOKEN}{id}:{}", self.0.0.random.uuid()));
        Ok(MadeGrant { id, token })
    }

    /// The id of the grantee; it and who may retire the grant must exist.
    async fn principal_id(&self, new: &NewGrant) -> Result<Option<String>> {
        let names: Vec<String> = [Some(&new.grantee), new.retiring.as_ref()].into_iter().flatten().cloned().collect();
        let ids = self.0.0.store.read(|tx| async move { principals::check(&tx, &names).await }).await;
        let ids = ids.map_err(|error| match error.kind {
            ErrorKind::Invalid => {
                Error::new(Code::InvalidArn, "ARN does not refer to a valid principal").with_hint(error.public_text())
            }
            _ => error.into(),
        })?;
        Ok(ids.id_of(&new.grantee).map(str::to_owned))
    }

    /// What was given through a grant can be given on only as far as it goes.
    async fn check_parents(&self, ctx: &Ctx, found: &Found, want: &Want<'_>, new: &NewGrant) -> Result<()> {
        let ask = self.ask(ctx, &found.loaded, found.alias.as_deref(), want).await?;
        let verdict = self.0.decide(ctx, &ask).await?;
        if verdict.decision().reason.policy_type != PolicyType::Grant {
            return Ok(());
        }
        let caller = ctx.principal().caller(&[]);
        let role = caller.principal_arn().unwrap_or_default();
        let parents = self.grants_for(ctx, &found.loaded.key.id, &caller.arn(), &role).await?;
        let covers = |parent: &GrantInfo| {
            let has = |operation: &String| parent.operations.contains(operation);
            has(&"CreateGrant".to_owned())
                && new.operations.iter().all(has)
                && parent.constraint.as_ref().is_none_or(|parent| stricter(new.constraint.as_ref(), parent))
        };
        if parents.iter().any(covers) {
            return Ok(());
        }
        Err(base::Error::denied(format!(
            "User: {} is not authorized to perform: kms:CreateGrant on resource: {} because no grant allows the \
             operations and constraints of the new grant",
            caller.arn(),
            found.loaded.arn
        ))
        .into())
    }

    /// The grants on a key, of one id or one grantee where they are given.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn list_grants(
        &self,
        ctx: &Ctx,
        key: &KeyRef,
        id: Option<&str>,
        grantee: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<GrantInfo>> {
        let want = Want::read("ListGrants").across_accounts();
        let want = match grantee {
            Some(grantee) => want.key("kms:GranteePrincipal", grantee),
            None => want,
        };
        let found = self.permitted(ctx, key, &want).await?;
        found.loaded.changeable()?;
        id.map_or(Ok(()), check_grant_id)?;
        let grants = store::list_grants(&self.0.0.store, &found.loaded.key.id, id, grantee, page).await?;
        Ok(Page::cut(page, grants, |grant| grant.id.clone()))
    }

    /// The grants on keys of the caller's account and region that `retiring` may retire.
    ///
    /// # Errors
    /// AccessDenied, InvalidArn.
    pub async fn list_retirable_grants(
        &self,
        ctx: &Ctx,
        retiring: &str,
        page: &PageRequest,
    ) -> Result<Page<GrantInfo>> {
        check_principal(retiring)?;
        self.0.permit(ctx, &Ask::new("kms:ListRetirableGrants", "*"), Access::Read).await?;
        let grants = store::list_retirable(&self.0.0.store, ctx.account(), ctx.region(), retiring, page).await?;
        Ok(Page::cut(page, grants, |grant| grant.id.clone()))
    }

    /// Takes a grant away, as the key's administrator. It ends at once.
    ///
    /// # Errors
    /// AccessDenied; NotFound, where the key has no such grant; InvalidGrantId; InvalidState; DryRun.
    pub async fn revoke_grant(&self, ctx: &Ctx, key: &KeyRef, id: &str, options: &UseOptions) -> Result<()> {
        check_grant_id(id)?;
        let grant = store::grant(&self.0.0.store, id).await?;
        let for_aws = grant.as_ref().is_some_and(|grant| grant.for_aws_resource);
        let want = Want::write("RevokeGrant").across_accounts().key("kms:GrantIsForAWSResource", for_aws.to_string());
        let found = self.permitted(ctx, key, &want).await?;
        grant.filter(|grant| grant.key_arn == found.loaded.arn).ok_or_else(|| no_such_grant(id))?;
        found.loaded.changeable()?;
        self.end_grant(id, options).await
    }

    /// Gives a grant back: as who may retire it, as its grantee where it allows `RetireGrant`, or as the root of the
    /// account that it was made for.
    ///
    /// # Errors
    /// AccessDenied; NotFound, where there is no such grant; InvalidGrantToken, InvalidGrantId; InvalidState; DryRun.
    pub async fn retire_grant(&self, ctx: &Ctx, grant: &GrantRef, options: &UseOptions) -> Result<()> {
        let (id, target) = match grant {
            GrantRef::Token(token) => (grant_of_token(token)?, None),
            GrantRef::Id(key, id) => {
                check_grant_id(id)?;
                if !key.is_arn() {
                    return Err(Error::new(Code::InvalidArn, format!("Invalid arn {key}"))
                        .with_hint("RetireGrant takes a key's ARN."));
                }
                (id.clone(), Some(key.target(ctx)?))
            }
        };
        let grant = store::grant(&self.0.0.store, &id).await?.ok_or_else(|| no_such_grant(&id))?;
        let of_grant = self.found_for(ctx, &grant).await?;
        let found = match target {
            Some(target) => self.find(ctx, &target).await?,
            None => of_grant.clone(),
        };
        let found = found.filter(|found| found.loaded.arn == grant.key_arn).ok_or_else(|| no_such_grant(&id))?;
        self.permit_retiring(ctx, &found, &grant).await?;
        found.loaded.changeable()?;
        self.end_grant(&id, options).await
    }

    async fn found_for(&self, ctx: &Ctx, grant: &GrantInfo) -> Result<Option<Found>> {
        let Some(loaded) = self.load(grant.key_id()).await? else { return Ok(None) };
        let name = TargetName::Id(loaded.key.id.clone());
        self.find(ctx, &Target { account: loaded.key.account.clone(), name }).await
    }

    /// Policies can forbid retiring, but only the grant can allow it.
    async fn permit_retiring(&self, ctx: &Ctx, found: &Found, grant: &GrantInfo) -> Result<()> {
        let want = Want::write("RetireGrant").across_accounts();
        let caller = ctx.principal().caller(&[]);
        let names = [Some(caller.arn()), caller.principal_arn()];
        let is_caller = |name: &str| names.iter().flatten().any(|own| own == name);
        let is_grantee = is_caller(&grant.grantee)
            && (grant.grantee_id.is_none() || grant.grantee_id.as_deref() == ctx.principal().named_id());
        let may = grant.retiring.as_deref().is_some_and(is_caller)
            || (is_grantee && grant.operations.iter().any(|operation| operation == "RetireGrant"))
            || (ctx.principal().is_root() && is_caller(&grant.issuing_account))
            || self.account_retires(ctx, grant).await?;
        let ask = self.ask(ctx, &found.loaded, None, &want).await?;
        if !may {
            self.0.permit(ctx, &never(&found.loaded.arn, &ask), Access::Write).await?;
            return Err(base::Error::denied("Only the grant can allow to retire it.").into());
        }
        let retiring = Grant {
            id: grant.id.as_str().into(),
            grantee: caller.arn(),
            operations: vec!["RetireGrant".to_owned()],
            constraint: None,
        };
        Ok(self.0.permit(ctx, &ask.grants(vec![retiring]), Access::Write).await?)
    }

    /// Whether the grant names the caller's account, which leaves it to the account's own policies.
    async fn account_retires(&self, ctx: &Ctx, grant: &GrantInfo) -> Result<bool> {
        let account = format!("arn:aws:iam::{}:root", ctx.account());
        if grant.retiring.as_deref() != Some(account.as_str()) {
            return Ok(false);
        }
        let ask = Ask::new("kms:RetireGrant", grant.key_arn.clone()).owned_by(ctx.account().clone());
        Ok(self.0.decide(ctx, &ask).await?.allowed())
    }

    async fn end_grant(&self, id: &str, options: &UseOptions) -> Result<()> {
        if options.dry_run {
            return Err(super::cryptography::dry_run());
        }
        store::delete_grant(&self.0.0.store, id).await?;
        self.0.0.kms.clear();
        Ok(())
    }
}

/// What `ask` asks, where no policy of the key consents.
fn never(arn: &str, ask: &Ask) -> Ask {
    let nobody = r#"{"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "kms:Nothing", "Resource": "*"}]}"#;
    match super::policies::attach(arn, nobody) {
        Ok(policy) => ask.clone().grants(Vec::new()).policy(policy),
        Err(_) => ask.clone().grants(Vec::new()),
    }
}

fn want_to_create<'a>(new: &NewGrant, for_aws: bool, pairs: Option<&'a EncryptionContext>) -> Want<'a> {
    let mut want = Want::write("CreateGrant")
        .across_accounts()
        .keys("kms:GrantOperations", new.operations.clone())
        .key("kms:GranteePrincipal", new.grantee.clone())
        .key("kms:GrantIsForAWSResource", for_aws.to_string());
    if let Some(retiring) = &new.retiring {
        want = want.key("kms:RetiringPrincipal", retiring.clone());
    }
    if let Some(constraint) = &new.constraint {
        let kind = match constraint {
            GrantConstraint::Equals(_) => "EncryptionContextEquals",
            GrantConstraint::Subset(_) => "EncryptionContextSubset",
        };
        want = want.key("kms:GrantConstraintType", kind);
    }
    want.context = pairs;
    want
}

impl GrantInfo {
    /// The id of its key.
    pub(super) fn key_id(&self) -> &str {
        self.key_arn.rsplit('/').next().unwrap_or_default()
    }

    /// The grant as the policy engine sees it: what has no encryption context is not limited by one.
    pub(super) fn for_engine(&self) -> Vec<Grant> {
        let (free, bound): (Vec<String>, Vec<String>) =
            self.operations.iter().cloned().partition(|operation| WITHOUT_CONTEXT.contains(&operation.as_str()));
        let grant = |operations: Vec<String>, constraint: Option<GrantConstraint>| Grant {
            id: self.id.as_str().into(),
            grantee: self.grantee.clone(),
            operations,
            constraint,
        };
        let both = [grant(free, None), grant(bound, self.constraint.clone())];
        both.into_iter().filter(|grant| !grant.operations.is_empty()).collect()
    }
}

fn check_new(new: &NewGrant) -> Result<()> {
    check_principal(&new.grantee)?;
    new.retiring.as_deref().map_or(Ok(()), check_principal)?;
    if new.operations.is_empty() {
        return Err(Error::validation("A grant must allow at least one operation."));
    }
    if let Some(operation) = new.operations.iter().find(|operation| !OPERATIONS.contains(&operation.as_str())) {
        return Err(Error::validation(format!(
            "The following operation is not supported for the KeyUsage ENCRYPT_DECRYPT: {operation}"
        )));
    }
    if new.constraint.as_ref().is_some_and(|constraint| pairs_of(constraint).is_empty()) {
        return Err(Error::validation("An encryption context constraint must have at least one pair."));
    }
    Ok(())
}

/// Refuses what names no account, user, role or session.
fn check_principal(arn: &str) -> Result<()> {
    let invalid = || Error::new(Code::InvalidArn, format!("ARN does not refer to a valid principal: {arn}"));
    let parsed: base::Arn = arn.parse().map_err(|_| invalid())?;
    let kind = parsed.resource_type().unwrap_or(&parsed.resource);
    let known = match parsed.service.as_str() {
        "iam" => ["root", "user", "role"].contains(&kind),
        "sts" => ["assumed-role", "federated-user"].contains(&kind),
        _ => false,
    };
    if known && parsed.region.is_empty() && parsed.account.parse::<base::AccountId>().is_ok() && !arn.contains('*') {
        Ok(())
    } else {
        Err(invalid())
    }
}

/// Whether every context that `child` takes, `parent` takes too.
fn stricter(child: Option<&GrantConstraint>, parent: &GrantConstraint) -> bool {
    match (child, parent) {
        (Some(child), GrantConstraint::Subset(pairs)) => {
            pairs.iter().all(|(name, value)| pairs_of(child).get(name) == Some(value))
        }
        (Some(GrantConstraint::Equals(child)), GrantConstraint::Equals(parent)) => child == parent,
        _ => false,
    }
}

fn pairs_of(constraint: &GrantConstraint) -> &std::collections::BTreeMap<String, String> {
    match constraint {
        GrantConstraint::Equals(pairs) | GrantConstraint::Subset(pairs) => pairs,
    }
}

/// Refuses tokens that no grant has.
pub(super) fn check_tokens(tokens: &[String]) -> Result<()> {
    tokens.iter().try_for_each(|token| grant_of_token(token).map(|_| ()))
}

/// The id of the grant that a token is of.
fn grant_of_token(token: &str) -> Result<String> {
    let invalid = || Error::new(Code::InvalidGrantToken, "The grant token is invalid.");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (id, _) = text.strip_prefix(TOKEN).and_then(|rest| rest.split_once(':')).ok_or_else(invalid)?;
    Ok(id.to_owned())
}

fn check_grant_id(id: &str) -> Result<()> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Error::new(Code::InvalidGrantId, format!("`{id}` is not a grant id.")))
}

fn no_such_grant(id: &str) -> Error {
    Error::new(Code::NotFound, format!("Grant ID {id} not found"))
}
