//! The model catalogue, downloads, aliases, loaded models and invocation.
//!
//! [`Models`] is the one way in. A model id is *resolved* ([`Models::resolve`]) to a local model or an upstream, a
//! local model is *pulled* ([`Models::pull`]) into the content-addressed library, *loaded* on first use under a memory
//! budget, and *invoked* ([`Models::chat`], [`Models::complete`], [`Models::continue_text`], [`Models::embed`],
//! [`Models::count_tokens`]).

mod aliases;
pub mod at_rest;
mod bucket;
mod catalogue;
mod config;
mod foundation;
mod imported;
mod invoke;
mod library;
mod loaded;
mod model_id;
mod pull;
mod remote;
mod status;
mod store;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use base::{Clock, Random, Result};

pub use aliases::{Alias, Family, Provider, Resolved, Target};
pub use bucket::BucketFolder;
pub use catalogue::{Card, CardFilter, CardKind, CardSource, CardState, Licence, Recommended};
pub use config::{Config, HubConfig};
pub use foundation::{FoundationModel, Lifecycle};
pub use imported::ImportedModel;
pub use inference::Constraint;
pub use invoke::answer::{
    Chat, ChatEvent, ChatStream, EmbedResponse, ServedBy, Stop, Timing, TokenCount, TokenLogprob, TopLogprob, Usage,
};
pub use invoke::prompts::PromptFormat;
pub use invoke::request::{
    ChatRequest, CompletionRequest, Content, ContinuationRequest, CountRequest, EmbedRequest, Message, RawPrompt, Role,
    Sampling, ToolChoice, ToolSpec, Truncate,
};
pub use pull::PullRequest;
pub use status::{LoadedModel, Status};
pub use store::TABLES;

/// The models of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Models {
    inner: Arc<Inner>,
}

struct Inner {
    store: ::store::Store,
    strict_aliases: bool,
    catalogue: Arc<catalogue::Catalogue>,
    foundation: foundation::Table,
    library: Arc<library::Library>,
    loaded: loaded::Pool,
    aliases: aliases::Aliases,
    jobs: jobs::Jobs,
    remote: remote::Client,
    random: Arc<dyn Random>,
}

impl Models {
    /// Opens the library under `config.models_dir`, migrates this module's tables and registers the job kind
    /// `model-pull` with `jobs`. Loads no model.
    ///
    /// # Errors
    /// Unavailable, where the models directory cannot be written or the database not be reached.
    #[expect(clippy::too_many_arguments, reason = "each is one dependency that the server wires")]
    pub async fn open(
        config: Config,
        store: ::store::Store,
        jobs: jobs::Jobs,
        identity: identity::Identity,
        loader: Arc<dyn inference::Loader>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        http: reqwest::Client,
    ) -> Result<Self> {
        let catalogue = Arc::new(catalogue::Catalogue::built_in()?);
        let library = Arc::new(library::Library::open(&config.models_dir).await?);
        let aliases = aliases::Aliases::open(store.clone(), config.sealing_key.clone(), clock.clone()).await?;
        // A pull that this deployment takes up again may need what nothing else does.
        if !jobs.any_open(pull::JOB_KIND).await? {
            sweep(library.clone()).await;
        }
        let puller = pull::Puller::new(&config, catalogue.clone(), library.clone(), loader.clone(), clock)?;
        jobs.register(pull::JOB_KIND, Arc::new(pull::PullHandler::new(puller, identity)));
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                strict_aliases: config.strict_aliases,
                foundation: foundation::Table::built_in()?,
                loaded: loaded::Pool::new(loader, config.load, config.memory_budget_bytes),
                remote: remote::Client::new(http, config.upstream_timeout),
                catalogue,
                library,
                aliases,
                jobs,
                random,
            }),
        })
    }
}

/// Removes what earlier pulls left behind. What stays costs space and nothing else.
async fn sweep(library: Arc<library::Library>) {
    if let Err(error) = library::blocking(move || library.sweep(std::time::SystemTime::now())).await {
        tracing::warn!(?error, "what earlier pulls left behind stays");
    }
}
