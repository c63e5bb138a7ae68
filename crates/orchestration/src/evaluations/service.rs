//! The evaluations of a deployment.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::store::Store;
use async_trait::async_trait;
use base::{Clock, Random, Result};
use identity::{Ctx, Identity};
use jobs::Jobs;
use models::Models;
use objects::Objects;
use serde_json::Value;

use super::dataset::Output;
use super::outcome::Spent;
use super::plan::{Asked, Plan};
use super::{judge, pairwise, run, similarity, store};

/// The evaluations of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Evaluations {
    pub(super) inner: Arc<Inner>,
}

/// What evaluations work with.
pub struct Parts {
    /// Where jobs are kept.
    pub store: Store,
    /// What does the work.
    pub jobs: Jobs,
    /// Who may do what.
    pub identity: Identity,
    /// Where datasets and results lie.
    pub objects: Objects,
    /// Judges and generators.
    pub models: Models,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Arc<dyn Random>,
    /// How many records of a job are evaluated at once, at least 1; [`AT_ONCE`] where nothing speaks for another number.
    /// Results do not depend on it.
    pub at_once: usize,
    /// How long to wait before a model or a knowledge base that failed is asked again; [`FIRST_PAUSE`](super::FIRST_PAUSE) where
    /// nothing speaks for another time. Each further pause is twice as long.
    pub first_pause: Duration,
}

/// How many records of a job are evaluated at once.
pub const AT_ONCE: usize = 4;

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) jobs: Jobs,
    pub(super) identity: Identity,
    pub(super) objects: Objects,
    pub(super) models: Models,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) rag: OnceLock<Arc<dyn Rag>>,
    pub(super) at_once: usize,
    pub(super) first_pause: Duration,
}

/// Knowledge bases, as evaluations ask them. Configurations are those of AWS's operations, as their JSON.
#[async_trait]
pub trait Rag: Send + Sync {
    /// What a knowledge base finds: the passages of the output; beside it what the model took that read conditions out of the
    /// query, where one did.
    ///
    /// # Errors
    /// Those of `Retrieve`, under the caller's permissions.
    async fn retrieve(&self, ctx: &Ctx, configuration: &Value, query: &str) -> Result<(Output, Spent)>;

    /// What is answered from a knowledge base, after the turns before: text, passages and citations; beside it what the models
    /// took that wrote it and that read conditions out of the question.
    ///
    /// # Errors
    /// Those of `RetrieveAndGenerate`, under the caller's permissions.
    async fn retrieve_and_generate(
        &self,
        ctx: &Ctx,
        configuration: &Value,
        history: &[(String, String)],
        query: &str,
    ) -> Result<(Output, Spent)>;
}

impl Evaluations {
    /// Opens the evaluations kept in the store, and takes care of their jobs.
    ///
    /// # Errors
    /// Conflict, where the database was written by a newer version.
    pub async fn open(parts: Parts) -> Result<Self> {
        let Parts { store, jobs, identity, objects, models, clock, random, at_once, first_pause } = parts;
        store.migrate(store::TABLES.name, store::TABLES.migrations).await?;
        let rag = OnceLock::new();
        let at_once = at_once.max(1);
        let inner =
            Arc::new(Inner { store, jobs, identity, objects, models, clock, random, rag, at_once, first_pause });
        let handler = run::EvaluationHandler::new(Arc::downgrade(&inner));
        inner.jobs.register_long(run::JOB_KIND, Arc::new(handler));
        let handler = pairwise::PairwiseHandler::new(Arc::downgrade(&inner));
        inner.jobs.register_long(pairwise::JOB_KIND, Arc::new(handler));
        let evaluations = Self { inner };
        evaluations.resume().await?;
        Ok(evaluations)
    }

    /// Says who answers for knowledge bases. Only the first one counts.
    pub fn ask_knowledge_bases(&self, rag: Arc<dyn Rag>) {
        drop(self.inner.rag.set(rag));
    }

    /// Sees whether something answers for every model that is named or needed, and tells where a judge judges itself.
    ///
    /// # Errors
    /// Invalid, where nothing answers for a model id.
    pub(super) async fn check_models(&self, ctx: &Ctx, asked: &Asked) -> Result<Vec<String>> {
        let measured = |name: &str| asked.datasets.iter().any(|dataset| dataset.metrics.iter().any(|one| one == name));
        let unused = asked.custom.iter().filter(|metric| !measured(&metric.name)).map(|metric| {
            format!("The metric `{}` is measured nowhere: no dataset's `metricNames` has it.", metric.name)
        });
        let mut warnings: Vec<String> = unused.collect();
        let models = &self.inner.models;
        if Plan::new(asked)?.needs_embedder() {
            models.resolve(ctx, asked.embedder.as_deref().unwrap_or(similarity::DEFAULT_MODEL)).await?;
        }
        let mut generators = Vec::new();
        for model in asked.systems.iter().filter_map(|system| system.generator()) {
            generators.push((model, judge::name_of(&models.resolve(ctx, model).await?)));
        }
        if let [(first, one), (second, other)] = generators.as_slice()
            && one == other
        {
            warnings.push(format!("`{first}` and `{second}` are the same model, `{one}`: not a comparison."));
        }
        for judge in [&asked.judge, &asked.custom_judge].into_iter().flatten() {
            let name = judge::name_of(&models.resolve(ctx, judge).await?);
            for (generator, _) in generators.iter().filter(|(_, other)| *other == name) {
                let warning =
                    format!("The judge `{judge}` and the generator `{generator}` are the same model, `{name}`.");
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        Ok(warnings)
    }
}
