//! The template verifier: whether a model file's chat template is that of the model's family.
//!
//! The template is a stranger's program, rendered like any other in a process apart. It is compared with golden
//! conversations as the family's publisher documents them. One that writes the control tokens of another family, which the
//! model never learned, is refused at pull and import, unless someone puts up with it by name.

mod family;
mod golden;
mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{Clock, Error, Result};
use identity::Ctx;
use inference::{Facts, Loader, ModelFiles};
use serde::{Deserialize, Serialize};

use crate::Models;
use crate::catalogue::{Catalogue, unknown};
use crate::library::blocking;
use family::Family;

/// What a look at a template found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateReport {
    /// The verdict.
    pub verdict: TemplateVerdict,
    /// The family of chat formats that the model is of, such as `llama3`; none where it is not known.
    pub family: Option<String>,
    /// What was found, in a sentence.
    pub detail: String,
    /// The ARN of who puts up with a template that contradicts its family, where someone does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
}

/// Whether a template is that of its model's family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateVerdict {
    /// It renders the golden conversations as documented.
    Verified,
    /// It renders some of them otherwise.
    Differs,
    /// It writes control tokens that the model does not have: it is another model's.
    Contradicts,
    /// The family is not known, or its publisher documents no format.
    Unknown,
    /// There is no template.
    None,
}

impl TemplateVerdict {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Differs => "differs",
            Self::Contradicts => "contradicts",
            Self::Unknown => "unknown",
            Self::None => "none",
        }
    }
}

impl Models {
    /// Looks at a pulled model's template now, and keeps what was found for its card.
    ///
    /// # Errors
    /// NotFound, where the model is not pulled; Damaged, where its file is; Invalid for a model that embeds.
    pub async fn verify_template(&self, _ctx: &Ctx, name: &str) -> Result<TemplateReport> {
        let library = &self.inner.library;
        let Some(mut manifest) = library.manifest(name).await? else {
            return Err(match self.inner.catalogue.get(name) {
                Some(_) => crate::invoke::not_pulled(name),
                None => unknown(name),
            });
        };
        if manifest.facts.embeds {
            return Err(Error::invalid(format!("`{name}` embeds text: it has no chat template.")));
        }
        let files = library.files(name, &manifest).await?;
        let (loader, catalogue) = (self.inner.loaded.loader(), self.inner.catalogue.clone());
        let (clock, held, name) = (self.inner.clock.clone(), library.clone(), name.to_owned());
        blocking(move || {
            let allowed_by = manifest.template.take().and_then(|before| before.allowed_by);
            let report = TemplateReport { allowed_by, ..look(loader.as_ref(), &catalogue, clock, &name, &files)? };
            manifest.template = Some(report.clone());
            held.commit(&manifest)?;
            Ok(report)
        })
        .await
    }

    /// The format that a raw prompt is written in, where the model that answers is of another: its control tokens are
    /// words to it, and no more. None where either is not known.
    pub(crate) async fn foreign_format(&self, name: &str, prompt: &str) -> Option<&'static str> {
        let written = family::of_prompt(prompt)?;
        let manifest = self.inner.library.manifest(name).await.ok().flatten()?;
        let declared = self.inner.catalogue.get(name).and_then(|entry| entry.family.clone());
        let own = declared.or_else(|| manifest.template.and_then(|report| report.family))?;
        let own = Family::named(&own)?;
        let shared = own.tokens().iter().any(|token| written.tokens().contains(token));
        (own != written && !shared).then(|| written.name())
    }
}

/// Looks at the template of a model's files. Blocks.
///
/// # Errors
/// Damaged, where the files cannot be read.
pub(crate) fn look(
    loader: &dyn Loader,
    catalogue: &Catalogue,
    clock: Arc<dyn Clock>,
    name: &str,
    files: &ModelFiles,
) -> Result<TemplateReport> {
    let facts = loader.inspect(files).map_err(|error| {
        Error::damaged(format!("The files of the model `{name}` cannot be read.")).with_detail(error)
    })?;
    Ok(of_facts(&facts, catalogue, clock, name))
}

/// What is to be said of the template of a model whose files were read.
pub(crate) fn of_facts(facts: &Facts, catalogue: &Catalogue, clock: Arc<dyn Clock>, name: &str) -> TemplateReport {
    let declared = catalogue.get(name).and_then(|entry| entry.family.as_deref()).and_then(Family::named);
    verify::verify(declared, &facts.architecture, &facts.prompting, clock)
}

/// Whether a template may be used: it contradicts nothing, or someone puts up with it.
pub(crate) fn is_admitted(report: Option<&TemplateReport>) -> bool {
    report.is_none_or(|report| report.verdict != TemplateVerdict::Contradicts || report.allowed_by.is_some())
}

/// Refuses a template that contradicts its model's family, unless `allowed_by` says who puts up with it, which the report
/// then tells.
///
/// # Errors
/// Invalid, with what contradicts what.
pub(crate) fn admit(name: &str, report: TemplateReport, allowed_by: Option<&str>) -> Result<TemplateReport> {
    if is_admitted(Some(&report)) {
        return Ok(report);
    }
    match allowed_by {
        Some(who) => Ok(TemplateReport { allowed_by: Some(who.to_owned()), ..report }),
        None => Err(Error::invalid(format!("The chat template of `{name}` is another model's. {}", report.detail))
            .with_hint(
                "Look for another file of the model. To use this one all the same, pull it with `--allow-template`.",
            )),
    }
}
