//! The model catalogue, downloads, aliases, loaded models and invocation.
//!
//! [`Models`] is the one way in. A model id is *resolved* ([`Models::resolve`]) to a local model or an upstream, a
//! local model is *pulled* ([`Models::pull`]) into the content-addressed library, *loaded* on first use under a memory
//! budget, and *invoked* ([`Models::chat`], [`Models::complete`], [`Models::continue_text`], [`Models::embed`],
//! [`Models::count_tokens`], [`Models::score`]).

mod aliases;
pub mod at_rest;
mod batch;
mod bucket;
mod catalogue;
mod config;
mod endpoints;
mod fit;
mod forget;
mod foundation;
mod hub;
mod imported;
mod invoke;
mod kinds;
mod library;
mod loaded;
mod model_id;
mod pools;
mod profiles;
mod pull;
mod quality;
mod quantize;
mod quotas;
mod remote;
mod snapshots;
mod status;
mod store;
mod templates;
mod terms;
#[cfg(test)]
extern crate self as models;
#[cfg(test)]
mod testing;
mod tune;
mod work;

use std::sync::Arc;

use base::{Clock, Random, Result};

pub use aliases::{Alias, Family, Leg, Provider, Resolved, Target};
pub use batch::{
    Asked, BatchCounts, BatchError, BatchFilter, BatchJob, BatchLimits, BatchPlace, BatchStatus, Dialects, EncodeChat,
    EncodeVectors, InvocationType, NewBatch, RecordBody, TABLES as BATCH_TABLES,
};
pub use bucket::BucketFolder;
pub use catalogue::{Card, CardFilter, CardKind, CardSource, CardState, Figure, Licence, Recommended, Search};
pub use checkpoint::{FileType, ModelFacts, Quantization};
pub use config::{Config, HubConfig, PoolChecks};
pub use endpoints::{
    AcceptedInvocation, Asynchronous, Container, Endpoint, EndpointChange, EndpointConfig, EndpointFigures,
    EndpointStatus, EndpointTarget, EndpointVariant, Hosted, HostedModel, Hosting, HostingFilter, HostingKind,
    HostingOrder, LaterInvocation, Market, MarketWish, NewEndpoint, NewEndpointConfig, NewHostedModel,
    NewMarketEndpoint, Pending as PendingVariants, Retained, Rollout, Scaling, ServedModel, Source, Spread,
    VariantFigures, VariantSpec, VariantWish,
};
pub use fit::{DEPTH, Fit, FitAsk, FitBasis, FitMeasured, PROMPT};
pub use foundation::{FoundationModel, Lifecycle};
pub use hub::{CATALOGUED, HubModel, PUBLIC_HUB, Served, bucket_region};
pub use imported::{
    Card as ImportedCard, CheckOutcome, CheckStep, Exact, ImportCheck, ImportFilter, ImportJob, ImportPolicy,
    ImportSides, ImportStatus, ImportedModel, NOT_READY, NewImport, Quality, Side, Tags, Trial, check_tags,
    report_json,
};
pub use inference::{Constraint, LoopDetector, NgramScope, NoRepeatNgram, Priority, Role as EngineRole};
pub use invoke::answer::{
    Chat, ChatEvent, ChatStream, EmbedResponse, Route, ServedBy, Stop, Timing, TokenCount, TokenLogprob, TopLogprob,
    Usage,
};
pub use invoke::embedding_model::EmbeddingFacts;
pub use invoke::prompts::PromptFormat;
pub use invoke::request::{
    CachePoint, ChatRequest, CompletionRequest, Content, ContinuationRequest, CountRequest, Determinism, EmbedRequest,
    Message, Purpose, RawPrompt, Role, Sampling, ScorePrompt, ScoreRequest, Serving, ToolChoice, ToolSpec, Truncate,
};
pub use invoke::score::{Normalize, Scored, Scores};
pub use pools::{Circuit, MemberKey, MemberStatus, NewMember, NewPool, Pool, PoolMember};
pub use profiles::{
    InferenceProfile, NewProfile, ProfileKind, Readiness, RouteTarget, Routing, TargetState, UsedProfile,
};
pub use pull::PullRequest;
pub use quality::{Bound, Comparison, Kept, LabelTask, MOST_TASKS, QuantizationReport, Ratio, Share};
pub use quantize::QuantizeRequest;
pub use quotas::{Quota, QuotaReport, QuotaSource, QuotaUse, SetQuota};
pub use snapshots::{SnapshotPlace, Snapshotting};
pub use status::{LoadedModel, Percentiles, ProfileInUse, RecentAnswers, Status};
pub use store::TABLES;
pub use templates::{TemplateReport, TemplateVerdict};
pub use terms::Acceptance;
pub use tune::{
    Gain, MOST_REQUESTS, MachineFacts, Measurement, OwnRequest, PinnedWeights, Slo, StaticBatches, TriedWeights,
    TuneRequest, Tuned, TunedSettings, TuningPoint, TuningReport, Workload,
};

/// Every module of this crate that has tables, in the order in which they are opened.
pub const MODULES: &[::store::Module] = &[
    TABLES,
    pools::store::TABLES,
    profiles::store::TABLES,
    BATCH_TABLES,
    tune::store::TABLES,
    quotas::TABLES,
    endpoints::TABLES,
    fit::store::TABLES,
    terms::TABLES,
];

/// The models of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Models {
    inner: Arc<Inner>,
}

struct Inner {
    store: ::store::Store,
    strict_aliases: bool,
    import_bound: Option<imported::ImportBound>,
    catalogue: Arc<catalogue::Catalogue>,
    foundation: foundation::Table,
    library: Arc<library::Library>,
    imported_files: imported::Files,
    examinations: Arc<tokio::sync::Semaphore>,
    /// Held by the import that is compared with its weights as they were.
    comparing: tokio::sync::Mutex<()>,
    loaded: loaded::Pool,
    endpoints: endpoints::Registry,
    snapshots: Option<Arc<snapshots::Snapshots>>,
    aliases: aliases::Aliases,
    jobs: jobs::Jobs,
    identity: identity::Identity,
    objects: objects::Objects,
    quantizer: Arc<dyn checkpoint::Quantizer>,
    dialects: Arc<dyn Dialects>,
    batch_limits: BatchLimits,
    stops: batch::Stops,
    pools: pools::live::Registry,
    /// The account whose pools all use, once it is known.
    first_account: std::sync::OnceLock<base::AccountId>,
    quotas: quotas::Quotas,
    /// Held while it is decided whether a tuning begins.
    tuning: tokio::sync::Mutex<()>,
    /// Held while the machine is measured.
    measuring: tokio::sync::Mutex<Option<fit::Latest>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What [`Models`] works with.
pub struct Parts {
    /// The database.
    pub store: ::store::Store,
    /// What pulls and imports run as.
    pub jobs: jobs::Jobs,
    /// Who may what.
    pub identity: identity::Identity,
    /// Where checkpoints are imported from.
    pub objects: objects::Objects,
    /// The engines.
    pub loader: Arc<dyn inference::Loader>,
    /// What packs the weights of imported models.
    pub quantizer: Arc<dyn checkpoint::Quantizer>,
    /// How the records of batches are written.
    pub dialects: Arc<dyn Dialects>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and keys.
    pub random: Arc<dyn Random>,
    /// The client of upstreams and hubs.
    pub http: reqwest::Client,
}

impl Models {
    /// Opens the library under `config.models_dir`, migrates this module's tables and registers the job kinds
    /// `model-pull`, `model-import`, `model-quantize`, `model-invocation` and `model-tune`. Loads no model.
    ///
    /// # Errors
    /// Unavailable, where the models directory cannot be written or the database not be reached.
    pub async fn open(config: Config, parts: Parts) -> Result<Self> {
        let Parts { store, jobs, identity, objects, loader, quantizer, dialects, clock, random, http } = parts;
        let catalogue = Arc::new(catalogue::Catalogue::built_in()?);
        let library = Arc::new(library::Library::open(&config.models_dir).await?);
        let aliases = aliases::Aliases::open(store.clone(), config.sealing_key.clone(), clock.clone()).await?;
        // A pull that this deployment takes up again may need what nothing else does.
        if !jobs.any_open(pull::JOB_KIND).await? {
            sweep(library.clone(), |library| library.sweep(std::time::SystemTime::now())).await;
        }
        if !jobs.any_open(quantize::JOB_KIND).await? {
            sweep(library.clone(), quantize::sweep).await;
        }
        let puller = pull::Puller::new(&config, catalogue.clone(), library.clone(), loader.clone(), clock.clone())?;
        jobs.register(pull::JOB_KIND, Arc::new(pull::PullHandler::new(puller, identity.clone())));
        let client = remote::Client::new(http, config.upstream_timeout);
        let snapshots = config
            .snapshots
            .zip(config.sealing_key)
            .map(|(place, keyring)| Arc::new(snapshots::Snapshots::new(place, keyring, random.clone())));
        let pools = pools::live::Registry::new(client, config.pool_checks, clock.clone(), random.clone());
        let server = store.is_shared().then(|| random.uuid());
        let models = Self {
            inner: Arc::new(Inner {
                store,
                strict_aliases: config.strict_aliases,
                import_bound: config.import_bound.as_deref().map(imported::ImportBound::parse).transpose()?,
                foundation: foundation::Table::built_in()?,
                imported_files: imported::Files::new(config.imported_dir),
                examinations: Arc::new(tokio::sync::Semaphore::new(imported::EXAMINATIONS)),
                comparing: tokio::sync::Mutex::default(),
                loaded: loaded::Pool::new(loader, config.load, config.memory_budget_bytes),
                endpoints: endpoints::Registry::of(server),
                snapshots,
                pools,
                first_account: std::sync::OnceLock::new(),
                catalogue,
                library,
                aliases,
                jobs,
                identity,
                objects,
                quantizer,
                dialects,
                batch_limits: config.batch,
                stops: batch::Stops::default(),
                quotas: quotas::Quotas::new(config.quota, clock.clone()),
                tuning: tokio::sync::Mutex::new(()),
                measuring: tokio::sync::Mutex::default(),
                clock,
                random,
            }),
        };
        models.sweep_imported().await?;
        models.keep_snapshots().await?;
        let handler = imported::ImportHandler::new(Arc::downgrade(&models.inner));
        models.inner.jobs.register_long(imported::JOB_KIND, Arc::new(handler));
        models.resume_imports().await?;
        let handler = quantize::QuantizeHandler::new(Arc::downgrade(&models.inner));
        models.inner.jobs.register_long(quantize::JOB_KIND, Arc::new(handler));
        let handler = batch::BatchHandler::new(Arc::downgrade(&models.inner));
        models.inner.jobs.register_long(batch::JOB_KIND, Arc::new(handler));
        let handler = endpoints::AsynchronousHandler::new(Arc::downgrade(&models.inner));
        models.inner.jobs.register_long(endpoints::JOB_KIND, Arc::new(handler));
        models.resume_profiles().await?;
        let handler = tune::TuneHandler::new(Arc::downgrade(&models.inner), Arc::new(tune::Measured));
        models.inner.jobs.register_long(tune::JOB_KIND, Arc::new(handler));
        models.resume_batches().await?;
        Ok(models)
    }
}

/// Removes what earlier work left behind. What stays costs space and nothing else.
async fn sweep(library: Arc<library::Library>, clear: fn(&library::Library) -> Result<()>) {
    if let Err(error) = library::blocking(move || clear(&library)).await {
        tracing::warn!(?error, "what earlier work left behind stays");
    }
}
