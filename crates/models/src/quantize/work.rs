//! The work of a quantization job.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Weak;

use base::{Error, Result};
use checkpoint::{Folder, Plan};
use futures::future::BoxFuture;
use identity::JobOwner;
use inference::ModelFiles;
use jobs::{Handler, JobContext};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::made::{Hashed, Unfinished};
use super::{QuantizeInput, of_quantizing};
use crate::library::{Manifest, ManifestFacts, ManifestFile, Trust, blocking, hash_file};
use crate::pull::{Meter, facts_of, model_lock};
use crate::quality::{Kept, QuantizationReport, Trials};
use crate::work::metered;
use crate::{Inner, Models};

/// Runs the jobs.
pub(crate) struct QuantizeHandler(Weak<Inner>);

impl QuantizeHandler {
    pub(crate) fn new(inner: Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl Handler for QuantizeHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.0.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            let jobs::Owner { account, region, principal_arn, principal_id } = job.owner().clone();
            // A caller who is gone makes nothing any more.
            inner.identity.job_ctx(&JobOwner { account, region, principal_arn, principal_id }).await?;
            let input: QuantizeInput = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
            let (models, meter) = (Models { inner }, Meter::new(job.cancelled()));
            let name = metered(&job, &meter, models.make_quantized(&job, &input, &meter)).await?;
            Ok(json!({ "name": name }))
        })
    }
}

/// A model of which another is made.
struct Source {
    manifest: Manifest,
    files: ModelFiles,
    main: ManifestFile,
}

/// What was written.
struct Written {
    sha256: String,
    bytes: u64,
}

impl Models {
    /// Makes the model from the beginning. What an earlier attempt wrote is written anew. Returns its name.
    async fn make_quantized(&self, job: &JobContext, input: &QuantizeInput, meter: &Meter) -> Result<String> {
        meter.begin("waiting for other work on the same model", None);
        let _alone = self.hold(&input.name, meter).await?;
        // The source is not pulled anew or removed meanwhile.
        let _source_alone = self.hold(&input.source, meter).await?;
        let (library, cancelled) = (self.inner.library.clone(), meter.cancelled.clone());
        let shared = blocking(move || library.share(&cancelled)).await?;
        if let Some(made) = self.inner.library.manifest(&input.name).await? {
            // An earlier attempt may have ended before it could say so.
            return match made.quantization.is_some_and(|report| report.job == job.id().as_str()) {
                true => Ok(input.name.clone()),
                false => Err(Error::already_exists(format!("There is a model `{}` already.", input.name))),
            };
        }
        let source = self.verified(&input.source, meter).await?;
        let file = Unfinished::of(&self.inner.library, &input.name);
        let written = self.write_quantized(input, &source, file.path(), meter).await?;
        let report = self.measure_quantized(job, input, &source, (&file, &written), meter).await?;
        if !report.accepted() {
            let message = broken(&report);
            self.keep_refused(source.manifest, report).await?;
            return Err(message);
        }
        self.take_in(input, &source, (file, written), (report, shared)).await?;
        tracing::info!(model = input.name, source = input.source, "quantized");
        Ok(input.name.clone())
    }

    /// The lock of a model's name.
    async fn hold(&self, name: &str, meter: &Meter) -> Result<File> {
        let (library, cancelled, key) = (self.inner.library.clone(), meter.cancelled.clone(), model_lock(name));
        blocking(move || library.lock(&key, &cancelled)).await
    }

    /// The source, whose file has the bytes that it had when it was pulled.
    async fn verified(&self, name: &str, meter: &Meter) -> Result<Source> {
        let manifest = self.quantizable(name).await?;
        let files = self.inner.library.files(name, &manifest).await?;
        let main = manifest.main_file().cloned().ok_or_else(|| Error::internal("a model without its file"))?;
        meter.begin("verifying the source", None);
        let (path, cancelled) = (files.main.clone(), meter.cancelled.clone());
        let sha256 = blocking(move || hash_file(&path, &cancelled)).await?;
        if sha256 != main.sha256 {
            let error = Error::damaged(format!(
                "The model `{name}` is damaged: `{}` has not the bytes that it had when it was pulled.",
                main.name
            ));
            let again = format!("Run `craton models pull {name}` to fetch it again.");
            return Err(self.inner.library.note_failure(name, error.with_hint(again)));
        }
        Ok(Source { manifest, files, main })
    }

    async fn write_quantized(
        &self,
        input: &QuantizeInput,
        source: &Source,
        path: &Path,
        meter: &Meter,
    ) -> Result<Written> {
        let (name, main, to, again) =
            (input.source.clone(), source.files.main.clone(), input.file_type()?, input.requantize);
        let (library, quantizer, runtime) =
            (self.inner.library.clone(), self.inner.quantizer.clone(), Handle::current());
        let (path, meter) = (path.to_owned(), meter.clone());
        // Dropping the future ends the thread's work, too.
        let given_up = CancellationToken::new();
        let _given_up = given_up.clone().drop_guard();
        blocking(move || {
            let plan = super::plan(&name, &main, to, again)?;
            library.check_space(plan.bytes())?;
            meter.begin(format!("quantizing to {}", to.name()), Some(plan.source_bytes()));
            let mut sink = Hashed::create(&path)?;
            let folder = Folder(main.parent().unwrap_or(Path::new("")).to_owned());
            let written = runtime.block_on(write(&plan, &folder, &mut sink, quantizer.as_ref(), (&meter, &given_up)));
            written.map_err(|error| of_quantizing(&name, error))?;
            Ok(Written { sha256: sink.finish(), bytes: plan.bytes() })
        })
        .await
    }

    /// Has both models read the same, and compares.
    async fn measure_quantized(
        &self,
        job: &JobContext,
        input: &QuantizeInput,
        source: &Source,
        (file, written): (&Unfinished, &Written),
        meter: &Meter,
    ) -> Result<QuantizationReport> {
        let made =
            ModelFiles { dir: file.path().parent().unwrap_or(Path::new("")).to_owned(), main: file.path().into() };
        let loader = self.inner.loaded.loader();
        let inspected = made.clone();
        let (source_files, name) = (source.files.clone(), input.name.clone());
        let (before, after) = blocking(move || {
            let facts = |files: &ModelFiles| {
                loader.inspect(files).map_err(|error| crate::invoke::errors::of_loading(&name, error))
            };
            Ok((facts(&source_files)?, facts(&inspected)?))
        })
        .await?;
        let mut trials = Trials::new(input.tasks.clone());
        let context = u64::from(before.context_length);
        // The file that is made tells the same name: what reads it has one of its own.
        let of_source = (format!("{}#before-{}", input.source, input.name), source.files.clone());
        let read_before =
            self.read_trials(job, of_source, (&mut trials, context), (meter, "measuring the source")).await?;
        let of_made = (format!("{}#made", input.name), made);
        let read_after =
            self.read_trials(job, of_made, (&mut trials, context), (meter, "measuring the result")).await?;
        let measured = read_before.compare(&read_after, &trials)?;
        let kept = |name: &str, sha256: &str, facts: inference::Facts| Kept {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            format: facts.weights_format,
            weights_bytes: facts.weights_bytes,
        };
        Ok(QuantizationReport {
            job: job.id().as_str().to_owned(),
            to: input.to.clone(),
            source: kept(&input.source, &source.main.sha256, before),
            made: kept(&input.name, &written.sha256, after),
            broken: input.bound.broken(&measured),
            measured,
            bound: input.bound,
            at: self.inner.clock.now().as_millis(),
        })
    }

    /// Puts the report of a model that was not accepted onto the card of its source, in place of an earlier one of the
    /// same name.
    async fn keep_refused(&self, mut source: Manifest, report: QuantizationReport) -> Result<()> {
        let library = self.inner.library.clone();
        source.refused.retain(|earlier| earlier.made.name != report.made.name);
        source.refused.push(report);
        blocking(move || library.commit(&source)).await
    }

    /// Makes the model exist.
    async fn take_in(
        &self,
        input: &QuantizeInput,
        source: &Source,
        (file, written): (Unfinished, Written),
        (report, shared): (QuantizationReport, File),
    ) -> Result<()> {
        let (library, loader) = (self.inner.library.clone(), self.inner.loaded.loader());
        let options = self.inner.loaded.options().clone();
        let from = source.manifest.clone();
        let main = format!("{}.gguf", input.name);
        let mut manifest = Manifest {
            name: input.name.clone(),
            source: format!("quantize:{}:{}", input.source, input.to),
            files: vec![ManifestFile { name: main.clone(), sha256: written.sha256.clone(), bytes: written.bytes }],
            main,
            facts: ManifestFacts::default(),
            trust: Trust::Local,
            pulled_at: report.at,
            broken: None,
            quantization: Some(report),
            refused: Vec::new(),
            template: None,
            ..from
        };
        blocking(move || {
            library.adopt(file.path(), &written.sha256)?;
            let settled = library.link(&manifest).and_then(|files| {
                manifest.facts = facts_of(loader.as_ref(), &options, &manifest.name, &files)?.0;
                library.commit(&manifest)
            });
            drop(shared);
            settled.inspect_err(|_| {
                if let Err(error) = library.forget(&manifest, false) {
                    tracing::warn!(model = manifest.name, ?error, "files that no model needs stay behind");
                }
            })
        })
        .await
    }
}

async fn write(
    plan: &Plan,
    folder: &Folder,
    sink: &mut Hashed,
    quantizer: &dyn checkpoint::Quantizer,
    (meter, given_up): (&Meter, &CancellationToken),
) -> checkpoint::Result<()> {
    let mut progress = |bytes: u64| {
        meter.set(bytes);
        match meter.cancelled.is_cancelled() || given_up.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    plan.write(folder, sink, quantizer, &mut progress).await
}

/// The error of a model that was not accepted.
fn broken(report: &QuantizationReport) -> Error {
    let (source, made) = (&report.source.name, &report.made.name);
    Error::invalid(format!(
        "`{made}` was not put into the library, as it breaks its bound: {}.",
        report.broken.join("; ")
    ))
    .with_hint(format!(
        "`craton models show {source}` has the report. Choose a type with more bits, or a wider bound with `--bound`."
    ))
}
