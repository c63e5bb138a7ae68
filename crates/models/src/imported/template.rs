//! Whether an imported model's chat template is its own.

use base::{Error, ErrorKind, Result};

use super::failure;
use super::job::ImportJob;
use crate::Models;
use crate::at_rest::SealedModel;
use crate::library::blocking;
use crate::templates;

/// The tag of the imported model by which the one who imports puts up with another model's template.
const ALLOWED: &str = "craton:allow-template";

impl Models {
    /// Refuses a model whose template writes control tokens that its vocabulary does not hold, unless the tag
    /// `craton:allow-template` is given to it, which stays there.
    ///
    /// # Errors
    /// Invalid, with what contradicts what; Damaged, where what was made cannot be read.
    pub(super) async fn check_template(&self, job: &ImportJob, made: &SealedModel) -> Result<()> {
        let (made, loader, clock) = (made.clone(), self.inner.loaded.loader(), self.inner.clock.clone());
        let (name, catalogue) = (job.model_name.clone(), self.inner.catalogue.clone());
        let allowed = job.model_tags.iter().any(|(key, _)| key == ALLOWED).then(|| job.role_arn.clone());
        blocking(move || {
            let opening = made.open()?;
            let facts = loader
                .inspect(&opening.files())
                .map_err(|error| Error::damaged("The imported model cannot be read.").with_detail(error))?;
            // The catalogue knows no imported model, whatever it is called.
            let report = templates::of_facts(&facts, &catalogue, clock, "");
            templates::admit(&name, report, allowed.as_deref()).map(drop)
        })
        .await
        .map_err(refusal)
    }
}

/// The refusal, with what can be done about an import.
fn refusal(error: Error) -> Error {
    if error.kind != ErrorKind::Invalid {
        return error;
    }
    Error::invalid(failure::cut(format!(
        "The model cannot be imported. {} Put the model's own template into `tokenizer_config.json`, or give the imported model \
         the tag `{ALLOWED}` to import it all the same.",
        error.message
    )))
}
