//! Making, changing and deleting secrets.

use std::collections::{BTreeMap, BTreeSet};

use ::store::crash::point;
use base::{Page, PageRequest, Timestamp};

use super::access::{Found, Want, marked_for_deletion};
use super::error::{Code, Error, Result};
use super::seal::Sealed;
use super::secret::{Secret, SecretRef, Value, Version, no_such_secret, secret_arn};
use super::stages::CURRENT;
use super::store::{Change, Inserted};
use super::{Secrets, store, tags};
use crate::ctx::Ctx;

/// The most that a value may have, in bytes.
pub(super) const MOST_BYTES: usize = 65_536;

/// How long a deleted secret can be restored where nothing is said, and how short and long it can be, in days.
const RECOVERY: u32 = 30;
const RECOVERIES: std::ops::RangeInclusive<i64> = 7..=30;

const DAY: i64 = 24 * 3600;
const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What a secret is to be.
#[derive(Debug, Clone, Default)]
pub struct NewSecret {
    /// Its name.
    pub name: String,
    /// The id of its first version, which also tells a repeated request.
    pub token: Option<String>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The key that is to encrypt it.
    pub kms_key: Option<String>,
    /// Its first value.
    pub value: Option<Value>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// What is to be changed of a secret.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// The id of the new version.
    pub token: Option<String>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The key that is to encrypt it.
    pub kms_key: Option<String>,
    /// The value that is to be current.
    pub value: Option<Value>,
}

/// A secret that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version that was made, if one was.
    pub version: Option<String>,
}

impl Secrets {
    /// Makes a secret. The same request twice makes one secret.
    ///
    /// # Errors
    /// AccessDenied, here or in KMS; Validation, InvalidParameter; ResourceExists, and InvalidRequest where a deleted
    /// secret has the name still; EncryptionFailure.
    pub async fn create(&self, ctx: &Ctx, new: NewSecret) -> Result<Made> {
        let secret = self.new_secret(ctx, &new);
        let want = Want::write("CreateSecret")
            .key("secretsmanager:Name", new.name.clone())
            .key_if("secretsmanager:Description", new.description.as_deref())
            .key_if("secretsmanager:KmsKeyId", new.kms_key.as_deref());
        let want = if new.tags.is_empty() { want } else { want.tags(&new.tags) };
        self.permit_new(ctx, &secret.arn, &want).await?;
        check_name(&new.name)?;
        tags::check(&new.tags)?;
        new.value.as_ref().map_or(Ok(()), check_value)?;
        let sealed = match &new.value {
            Some(value) => {
                let version = new.token.clone().unwrap_or_else(|| self.0.0.random.uuid());
                Some((self.seal(ctx, &secret, &version, value).await?, value))
            }
            None => None,
        };
        point("secrets.create.before");
        let inserted = store::insert(&self.0.0.store, &secret, sealed.as_ref().map(|(sealed, _)| sealed)).await?;
        point("secrets.create.after");
        match inserted {
            Inserted::Made => {
                let version = sealed.map(|(sealed, _)| sealed.version);
                Ok(Made { arn: secret.arn, name: secret.name, version })
            }
            Inserted::Exists(there) => self.repeated(*there, &new).await,
        }
    }

    fn new_secret(&self, ctx: &Ctx, new: &NewSecret) -> Secret {
        let suffix = self.0.0.random.text(LETTERS_AND_DIGITS, 6);
        let now = self.0.0.clock.now();
        Secret {
            arn: secret_arn(ctx.account(), ctx.region(), &new.name, &suffix),
            account: ctx.account().clone(),
            region: ctx.region().clone(),
            name: new.name.clone(),
            description: new.description.clone(),
            kms_key: new.kms_key.clone().filter(|key| !key.is_empty()),
            tags: new.tags.clone(),
            tagged: !new.tags.is_empty(),
            created: now,
            changed: now,
            accessed: None,
            deleted: None,
            purge: None,
            stages: BTreeMap::new(),
        }
    }

    /// The answer to a request for a secret that is there: the same one, where the request is the same.
    async fn repeated(&self, there: Secret, new: &NewSecret) -> Result<Made> {
        let exists = || {
            Error::new(
                Code::ResourceExists,
                format!("The operation failed because the secret {} already exists.", new.name),
            )
        };
        if there.deleted.is_some() {
            return Err(Error::new(
                Code::InvalidRequest,
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        let (Some(token), Some(value)) = (&new.token, &new.value) else { return Err(exists()) };
        let kept = store::sealed(&self.0.0.store, &there.arn, token).await?.ok_or_else(exists)?;
        if !self.is_same(&there, &kept.sealed, value)? {
            return Err(token_in_use(token, &there.arn));
        }
        Ok(Made { arn: there.arn, name: there.name, version: Some(token.clone()) })
    }

    /// The secret, also where it was deleted and can be restored.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound.
    pub async fn describe(&self, ctx: &Ctx, id: &SecretRef) -> Result<Secret> {
        Ok(self.permitted(ctx, id, &Want::read("DescribeSecret")).await?.secret)
    }

    /// Changes a secret; a value becomes its current version. With another key the versions in use are encrypted again.
    ///
    /// # Errors
    /// AccessDenied, here or in KMS; ResourceNotFound; InvalidRequest for a deleted secret; InvalidParameter;
    /// ResourceExists, where the version exists with another value; EncryptionFailure, DecryptionFailure; LimitExceeded.
    pub async fn update(&self, ctx: &Ctx, id: &SecretRef, update: Update) -> Result<Made> {
        let want = Want::write("UpdateSecret")
            .key_if("secretsmanager:Description", update.description.as_deref())
            .key_if("secretsmanager:KmsKeyId", update.kms_key.as_deref());
        let Found { secret: before, .. } = self.live(ctx, id, &want).await?;
        update.value.as_ref().map_or(Ok(()), check_value)?;
        let mut secret = before.clone();
        let mut resealed = Vec::new();
        if let Some(key) = &update.kms_key {
            secret.kms_key = Some(key.clone()).filter(|key| !key.is_empty());
            if secret.kms_key != before.kms_key {
                resealed = self.reseal(ctx, &before, &secret).await?;
            }
        }
        let change = Change {
            description: update.description,
            kms_key: update.kms_key.map(|_| secret.kms_key.clone()),
            resealed,
            stages: BTreeSet::from([CURRENT.to_owned()]),
            new: match &update.value {
                Some(value) => {
                    let version = update.token.unwrap_or_else(|| self.0.0.random.uuid());
                    Some(self.seal(ctx, &secret, &version, value).await?)
                }
                None => None,
            },
        };
        let version = change.new.as_ref().map(|sealed| sealed.version.clone());
        self.apply(&secret, &change, update.value.as_ref()).await?;
        Ok(Made { arn: secret.arn, name: secret.name, version })
    }

    /// The values of the versions in use, encrypted under the key that `after` names.
    async fn reseal(&self, ctx: &Ctx, before: &Secret, after: &Secret) -> Result<Vec<Sealed>> {
        let mut resealed = Vec::new();
        for version in before.stages.keys() {
            let Some(kept) = store::sealed(&self.0.0.store, &before.arn, version).await? else { continue };
            let value = self.open(ctx, before, &kept.sealed).await?;
            resealed.push(self.seal(ctx, after, version, &value).await?);
        }
        Ok(resealed)
    }

    /// Makes a change. A new version that is there already with the same value changes no stages.
    pub(super) async fn apply(&self, secret: &Secret, change: &Change, value: Option<&Value>) -> Result<()> {
        point("secrets.update.before");
        let applied = store::apply(&self.0.0.store, &secret.arn, change, self.0.0.clock.now()).await?;
        point("secrets.update.after");
        match (applied?, value) {
            (Some(kept), Some(value)) if !self.is_same(secret, &kept, value)? => {
                let token = change.new.as_ref().map(|sealed| sealed.version.as_str()).unwrap_or_default();
                Err(token_in_use(token, &secret.arn))
            }
            _ => Ok(()),
        }
    }

    /// Deletes a secret: it can be restored for `days`, 7 to 30, and then is gone. When that is.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound, InvalidParameter; InvalidRequest, where it is deleted already.
    pub async fn delete(&self, ctx: &Ctx, id: &SecretRef, days: Option<i64>) -> Result<(Made, Timestamp)> {
        let want = Want::write("DeleteSecret")
            .key("secretsmanager:RecoveryWindowInDays", days.unwrap_or(i64::from(RECOVERY)).to_string())
            .key("secretsmanager:ForceDeleteWithoutRecovery", "false");
        let found = self.permitted(ctx, id, &want).await?;
        let days = days.unwrap_or(i64::from(RECOVERY));
        check_recovery(days)?;
        if found.secret.deleted.is_some() {
            return Err(marked_for_deletion());
        }
        let now = self.0.0.clock.now();
        let purge = now.plus_seconds(days * DAY);
        store::set_deleted(&self.0.0.store, &found.secret.arn, Some((now, purge))).await?;
        Ok((made(found.secret), purge))
    }

    /// Deletes a secret for good, now. One that is not there is as good as deleted.
    ///
    /// # Errors
    /// AccessDenied.
    pub async fn force_delete(&self, ctx: &Ctx, id: &SecretRef) -> Result<(Made, Timestamp)> {
        let want = Want::write("DeleteSecret").key("secretsmanager:ForceDeleteWithoutRecovery", "true");
        let now = self.0.0.clock.now();
        match self.permitted(ctx, id, &want).await {
            Ok(found) => {
                store::remove(&self.0.0.store, &found.secret.arn).await?;
                Ok((made(found.secret), now))
            }
            Err(error) if error.code == Code::ResourceNotFound => {
                let target = id.target(ctx)?;
                let suffix = self.0.0.random.text(LETTERS_AND_DIGITS, 6);
                let arn =
                    target.arn.unwrap_or_else(|| secret_arn(&target.account, ctx.region(), &target.name, &suffix));
                Ok((Made { arn, name: target.name, version: None }, now))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a deletion back.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound.
    pub async fn restore(&self, ctx: &Ctx, id: &SecretRef) -> Result<Made> {
        let found = self.permitted(ctx, id, &Want::write("RestoreSecret")).await?;
        store::set_deleted(&self.0.0.store, &found.secret.arn, None).await?;
        Ok(made(found.secret))
    }

    /// The versions of a secret, the oldest first; those without stages only where `all` are asked for.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound.
    pub async fn versions(
        &self,
        ctx: &Ctx,
        id: &SecretRef,
        all: bool,
        page: &PageRequest,
    ) -> Result<(Secret, Page<Version>)> {
        let found = self.permitted(ctx, id, &Want::read("ListSecretVersionIds")).await?;
        let key = |version: &Version| format!("{:020} {}", version.created.as_millis(), version.id);
        let versions = store::versions(&self.0.0.store, &found.secret.arn).await?;
        let after = page.after.clone().unwrap_or_default();
        let asked = versions.into_iter().filter(|version| all || !version.stages.is_empty());
        let asked: Vec<_> = asked.filter(|version| key(version) > after).take(page.limit as usize + 1).collect();
        Ok((found.secret, Page::cut(page, asked, key)))
    }

    /// Removes the deleted secrets whose time is over: maintenance.
    pub(crate) async fn purge(&self) -> base::Result<()> {
        store::purge(&self.0.0.store, self.0.0.clock.now()).await
    }
}

fn made(secret: Secret) -> Made {
    Made { arn: secret.arn, name: secret.name, version: None }
}

/// Refuses names that no secret can have.
fn check_name(name: &str) -> Result<()> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    if (1..=512).contains(&name.len()) && name.chars().all(valid) {
        return Ok(());
    }
    Err(Error::new(
        Code::Validation,
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

/// Refuses values that are too long.
pub(super) fn check_value(value: &Value) -> Result<()> {
    let length = value.bytes().len();
    if length > MOST_BYTES {
        return Err(Error::new(Code::InvalidParameter, format!("A secret value has at most {MOST_BYTES} bytes.")));
    }
    Ok(())
}

/// The secret that a request is about was deleted for good in the meantime.
pub(super) fn gone() -> Error {
    no_such_secret()
}

fn token_in_use(token: &str, arn: &str) -> Error {
    let message = format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    );
    Error::new(Code::ResourceExists, message)
}

/// Refuses a recovery window, in days, that there is none of.
///
/// # Errors
/// InvalidParameter.
pub fn check_recovery(days: i64) -> Result<()> {
    if RECOVERIES.contains(&days) {
        return Ok(());
    }
    Err(Error::new(Code::InvalidParameter, "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."))
}
