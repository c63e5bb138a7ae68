//! Quantization: a model of the library kept in fewer bits as another model, if what that costs stays within a bound.

mod made;
mod work;

#[cfg(test)]
mod tests;

use std::path::Path;

use base::{Error, Result};
use checkpoint::{FileType, ModelFile};
use identity::Ctx;
use jobs::{Job, NewJob, Owner};
use serde::{Deserialize, Serialize};

use crate::Models;
use crate::library::{Manifest, blocking, is_name};
use crate::quality::{Bound, LabelTask, check_tasks};
pub(crate) use made::sweep;
pub(crate) use work::QuantizeHandler;

/// The kind of the jobs that quantize.
pub(crate) const JOB_KIND: &str = "model-quantize";
/// How often a quantization is tried where the disk or the memory fails, or the process dies.
const MAX_ATTEMPTS: u32 = 5;

/// A quantization that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizeRequest {
    /// The pulled model.
    pub source: String,
    /// How its weights are to be kept.
    pub to: FileType,
    /// The name of the model that is made; `SOURCE-q8_0` by default.
    pub name: Option<String>,
    /// What it may cost, as [`Bound::with`] reads it; what is left out keeps the type's default.
    pub bound: String,
    /// Label tasks in place of the fixed ones.
    pub tasks: Option<Vec<LabelTask>>,
    /// Whether weights that are quantized already may be packed again.
    pub requantize: bool,
}

/// A quantization's job, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QuantizeInput {
    pub(crate) source: String,
    pub(crate) to: String,
    pub(crate) name: String,
    pub(crate) bound: Bound,
    pub(crate) tasks: Option<Vec<LabelTask>>,
    pub(crate) requantize: bool,
}

impl QuantizeInput {
    /// # Errors
    /// Internal.
    fn file_type(&self) -> Result<FileType> {
        FileType::from_name(&self.to).ok_or_else(|| Error::internal(format!("file type `{}`", self.to)))
    }
}

impl Models {
    /// Starts to make a model of a pulled one, in fewer bits: packs its weights as llama.cpp's quantizer does, measures
    /// what that changes, and puts the result into the library if the bound holds at the pessimistic end of each interval.
    /// Otherwise the job fails and the report stays on the card of the source. The job's output is `{"name": …}`; one that
    /// is ended early leaves nothing.
    ///
    /// # Errors
    /// NotFound, where the source is not pulled; Invalid, where it is no GGUF file of a model that generates, where its
    /// weights are quantized already and may not be packed again, where the result would be no smaller, and for a bad
    /// name, bound or task; AlreadyExists, where a model has the name; Conflict, where a model of that name is being made
    /// otherwise; Damaged, where the source is.
    pub async fn quantize(&self, ctx: &Ctx, request: QuantizeRequest) -> Result<Job> {
        let manifest = self.quantizable(&request.source).await?;
        let name = self.free_name(&request).await?;
        let bound = Bound::default_of(request.to).with(&request.bound)?;
        if let Some(tasks) = &request.tasks {
            check_tasks(tasks)?;
        }
        let files = self.inner.library.files(&request.source, &manifest).await?;
        let (source, to, again) = (request.source.clone(), request.to, request.requantize);
        blocking(move || plan(&source, &files.main, to, again).map(drop)).await?;
        let input = QuantizeInput {
            source: request.source,
            to: to.name().to_owned(),
            name,
            bound,
            tasks: request.tasks,
            requantize: request.requantize,
        };
        self.submit_quantization(ctx, input).await
    }

    async fn submit_quantization(&self, ctx: &Ctx, input: QuantizeInput) -> Result<Job> {
        let new = NewJob {
            kind: JOB_KIND,
            owner: Owner {
                account: ctx.account().clone(),
                region: ctx.region().clone(),
                principal_arn: ctx.principal().arn(),
                principal_id: Some(ctx.principal().user_id()),
            },
            dedup_key: Some(format!("{JOB_KIND}:{}", input.name)),
            input: serde_json::to_value(&input).map_err(Error::internal)?,
            max_attempts: MAX_ATTEMPTS,
            run_at: None,
        };
        let job = self.inner.jobs.submit(new).await?;
        // The job may be one that was there before.
        let joined: QuantizeInput = serde_json::from_value(job.input.clone()).map_err(Error::internal)?;
        if joined != input {
            return Err(Error::conflict(format!("The model `{}` is being made otherwise.", input.name))
                .with_hint(format!("Wait until that has ended, or stop it with `craton jobs cancel {}`.", job.id)));
        }
        Ok(job)
    }

    /// The manifest of a model that can be quantized.
    async fn quantizable(&self, name: &str) -> Result<Manifest> {
        let Some(manifest) = self.inner.library.manifest(name).await? else {
            return Err(match self.inner.catalogue.get(name) {
                Some(_) => Error::not_found(format!("The model `{name}` is not pulled."))
                    .with_hint(format!("Run `craton models pull {name}` first.")),
                None => crate::catalogue::unknown(name),
            });
        };
        let is_gguf = Path::new(&manifest.main).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        match manifest.facts.embeds || !is_gguf {
            true => Err(Error::invalid(format!("The model `{name}` is no GGUF file of a model that generates text."))
                .with_hint("Only such files are quantized.")),
            false => Ok(manifest),
        }
    }

    /// The name of the new model, which none has.
    async fn free_name(&self, request: &QuantizeRequest) -> Result<String> {
        let name = request.name.clone();
        let name = name.unwrap_or_else(|| format!("{}-{}", request.source, request.to.name().to_lowercase()));
        if !is_name(&name) {
            return Err(Error::invalid(format!("`{name}` cannot be a model's name."))
                .with_hint("Names have up to 128 lower-case letters, digits, `-`, `_` and `.`."));
        }
        let taken = self.inner.library.manifest(&name).await?.is_some() || self.inner.catalogue.get(&name).is_some();
        match taken {
            true => Err(Error::already_exists(format!("There is a model `{name}` already."))
                .with_hint(format!("Remove it with `craton models remove {name}`, or choose another with `--name`."))),
            false => Ok(name),
        }
    }
}

/// Blocks. The plan of a model's file as one of another type.
///
/// # Errors
/// Invalid, naming the file and the model.
fn plan(source: &str, file: &Path, to: FileType, requantize: bool) -> Result<checkpoint::Plan> {
    let planned = ModelFile::open(file).and_then(|file| file.plan(to, requantize));
    planned.map_err(|error| of_quantizing(source, error))
}

/// The error of reading or packing a model's file.
fn of_quantizing(source: &str, error: checkpoint::Error) -> Error {
    match error {
        checkpoint::Error::Refused(finding) => {
            let file = finding.file.map(|file| format!("`{file}`: ")).unwrap_or_default();
            let again =
                if finding.problem.contains("quantized already") { " Or add `--allow-requantize`." } else { "" };
            Error::invalid(format!("The model `{source}` cannot be quantized: {file}{}.", finding.problem))
                .with_hint(format!("{}{again}", finding.fix))
        }
        checkpoint::Error::Source { error, .. }
        | checkpoint::Error::Sink(error)
        | checkpoint::Error::Template(error) => error,
        checkpoint::Error::Quantizer(reason) => Error::internal(reason),
        checkpoint::Error::Cancelled => Error::conflict("The quantization was cancelled."),
    }
}
