//! Reading and writing values.

use std::collections::BTreeSet;

use ::store::crash::point;
use base::{Page, Timestamp};

use super::access::Want;
use super::error::{Code, Error, Result};
use super::lifecycle::check_value;
use super::secret::{Secret, SecretRef, Value};
use super::stages::{self, CURRENT};
use super::store::Change;
use super::{ListRequest, Made, Secrets, store};
use crate::ctx::Ctx;

/// The most secrets that are read at once.
const MOST_AT_ONCE: usize = 20;

const DAY: i64 = 24 * 3600 * 1000;

/// Which version is asked for: the current one, where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct VersionRef {
    /// Its id.
    pub id: Option<String>,
    /// A stage that it has.
    pub stage: Option<String>,
}

/// The value of one version.
#[derive(Debug, Clone)]
pub struct Got {
    /// The secret's ARN.
    pub arn: String,
    /// The secret's name.
    pub name: String,
    /// The version's id.
    pub version: String,
    /// The version's stages.
    pub stages: Vec<String>,
    /// The value.
    pub value: Value,
    /// When the version was made.
    pub created: Timestamp,
}

/// A value to be written.
#[derive(Debug, Clone)]
pub struct Put {
    /// The new version's id, which also tells a repeated request.
    pub token: Option<String>,
    /// The value.
    pub value: Value,
    /// The stages that the new version gets; `AWSCURRENT` where none are named.
    pub stages: Vec<String>,
}

/// A secret that could not be read with others.
#[derive(Debug, Clone)]
pub struct BatchFailure {
    /// As the request named it.
    pub id: String,
    /// Why.
    pub error: Error,
}

impl Secrets {
    /// The value of one version.
    ///
    /// # Errors
    /// AccessDenied, here or in KMS; ResourceNotFound; InvalidRequest, for a deleted secret and for a stage that the
    /// version does not have; DecryptionFailure.
    pub async fn value(&self, ctx: &Ctx, id: &SecretRef, version: &VersionRef) -> Result<Got> {
        let want = Want::read("GetSecretValue")
            .key_if("secretsmanager:VersionId", version.id.as_deref())
            .key_if("secretsmanager:VersionStage", version.stage.as_deref());
        let secret = self.live(ctx, id, &want).await?.secret;
        let version = choose(&secret, version)?;
        let missing = || not_found("VersionId", &version);
        let kept = store::sealed(&self.0.0.store, &secret.arn, &version).await?.ok_or_else(missing)?;
        let value = self.open(ctx, &secret, &kept.sealed).await?;
        let today = Timestamp(ctx.now().as_millis().div_euclid(DAY) * DAY);
        if secret.accessed != Some(today) || kept.accessed != Some(today) {
            store::touch(&self.0.0.store, &secret.arn, &version, today).await?;
        }
        let stages = secret.stages.get(&version).cloned().unwrap_or_default();
        Ok(Got { arn: secret.arn, name: secret.name, version, stages, value, created: kept.created })
    }

    /// The current values of several secrets, and why others could not be read.
    ///
    /// # Errors
    /// AccessDenied, where the caller may not read several at once; InvalidParameter for more than 20.
    pub async fn values(&self, ctx: &Ctx, ids: &[SecretRef]) -> Result<(Vec<Got>, Vec<BatchFailure>)> {
        self.permit_any(ctx, "secretsmanager:BatchGetSecretValue").await?;
        self.read_all(ctx, ids).await
    }

    /// [`Secrets::values`] of the secrets that a listing finds.
    ///
    /// # Errors
    /// As [`Secrets::values`], and those of [`Secrets::list`].
    pub async fn values_of(
        &self,
        ctx: &Ctx,
        request: &ListRequest,
    ) -> Result<(Page<String>, Vec<Got>, Vec<BatchFailure>)> {
        self.permit_any(ctx, "secretsmanager:BatchGetSecretValue").await?;
        let page = self.list(ctx, request).await?;
        let page = page.map(|secret| secret.arn);
        let ids: Vec<SecretRef> = page.items.iter().map(SecretRef::new).collect();
        let (values, failures) = self.read_all(ctx, &ids).await?;
        Ok((page, values, failures))
    }

    async fn read_all(&self, ctx: &Ctx, ids: &[SecretRef]) -> Result<(Vec<Got>, Vec<BatchFailure>)> {
        if ids.len() > MOST_AT_ONCE {
            return Err(Error::new(
                Code::InvalidParameter,
                format!("At most {MOST_AT_ONCE} secrets are read at once."),
            ));
        }
        let (mut values, mut failures) = (Vec::new(), Vec::new());
        for id in ids {
            match self.value(ctx, id, &VersionRef::default()).await {
                Ok(value) => values.push(value),
                Err(error) => failures.push(BatchFailure { id: id.as_str().to_owned(), error }),
            }
        }
        Ok((values, failures))
    }

    /// Writes a new version.
    ///
    /// # Errors
    /// AccessDenied, here or in KMS; ResourceNotFound; InvalidRequest for a deleted secret; InvalidParameter;
    /// ResourceExists, where the version exists with another value; EncryptionFailure; LimitExceeded.
    pub async fn put(&self, ctx: &Ctx, id: &SecretRef, put: Put) -> Result<(Made, Vec<String>)> {
        let secret = self.live(ctx, id, &Want::write("PutSecretValue")).await?.secret;
        check_value(&put.value)?;
        let version = put.token.unwrap_or_else(|| self.0.0.random.uuid());
        let asked = put.stages;
        let mut stages: BTreeSet<String> = asked.iter().cloned().collect();
        if stages.is_empty() {
            stages.insert(CURRENT.to_owned());
        }
        let sealed = self.seal(ctx, &secret, &version, &put.value).await?;
        let change = Change { new: Some(sealed), stages, ..Change::default() };
        self.apply(&secret, &change, Some(&put.value)).await?;
        // Those that were asked for stand first, as they were asked for.
        let mut stages = store::stages_of(&self.0.0.store, &secret.arn, &version).await?;
        stages.sort_by_key(|stage| asked.iter().position(|asked| asked == stage).unwrap_or(asked.len()));
        Ok((Made { arn: secret.arn, name: secret.name, version: Some(version) }, stages))
    }

    /// Moves a stage from one version to another, or takes it away.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound; InvalidRequest for a deleted secret; InvalidParameter, LimitExceeded.
    pub async fn move_stage(
        &self,
        ctx: &Ctx,
        id: &SecretRef,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Made> {
        let want = Want::write("UpdateSecretVersionStage").key("secretsmanager:VersionStage", stage);
        let secret = self.live(ctx, id, &want).await?.secret;
        point("secrets.stages.before");
        let planned = store::replace_stages(&self.0.0.store, &secret.arn, self.0.0.clock.now(), |now, versions| {
            let unknown = [from, to].into_iter().flatten().find(|version| !versions.contains(*version));
            match unknown {
                Some(version) => Err(Error::new(Code::InvalidParameter, format!("Not a valid version: {version}"))),
                None => stages::move_stage(now, stage, from, to),
            }
        });
        planned.await??;
        point("secrets.stages.after");
        Ok(Made { arn: secret.arn, name: secret.name, version: None })
    }
}

/// The id of the version that is asked for.
fn choose(secret: &Secret, version: &VersionRef) -> Result<String> {
    let on = |stage: &str| {
        let has = |(_, stages): &(&String, &Vec<String>)| stages.iter().any(|name| name == stage);
        secret.stages.iter().find(has).map(|(version, _)| version.clone())
    };
    match (&version.id, &version.stage) {
        (Some(id), Some(stage)) if on(stage).as_ref() != Some(id) => Err(Error::new(
            Code::InvalidRequest,
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )),
        (Some(id), _) => Ok(id.clone()),
        (None, stage) => {
            let stage = stage.as_deref().unwrap_or(CURRENT);
            on(stage).ok_or_else(|| not_found("staging label", stage))
        }
    }
}

fn not_found(what: &str, which: &str) -> Error {
    Error::new(
        Code::ResourceNotFound,
        format!("Secrets Manager can't find the specified secret value for {what}: {which}"),
    )
}
