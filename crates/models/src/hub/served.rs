//! Which pulled model answers for one of the hub.

use std::collections::BTreeMap;

use base::{Error, Result};
use identity::Ctx;

use super::HubModel;
use crate::Models;
use crate::catalogue::{CardKind, Catalogue};
use crate::library::Manifest;
use crate::templates;

/// What answers for a model of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The name of the pulled model.
    pub name: String,
    /// Whether that is another model than the one that was named.
    pub substituted: bool,
    /// Why it is that one, in a sentence.
    pub why: String,
}

impl Models {
    /// What answers for a model of the hub: its own weights where they are pulled, else the largest pulled model of the
    /// same kind that fits the memory for models.
    ///
    /// # Errors
    /// NotFound, where it is not pulled and nothing that is can stand in, or substitution is off (`strict_aliases`). The
    /// hint says how it is pulled.
    pub async fn hub_served(&self, ctx: &Ctx, model: &HubModel) -> Result<Served> {
        let mut pulled = self.inner.library.manifests().await?;
        // What another account accepted and pulled does not stand in for anything here.
        for name in self.unaccepted(ctx).await? {
            if name != model.entry {
                pulled.remove(&name);
            }
        }
        let budget = self.inner.loaded.budget_bytes();
        choose(model, &self.inner.catalogue, &pulled, (budget, self.inner.strict_aliases))
    }
}

/// Chooses among the pulled models; `(budget, strict)` are the bytes for models and whether substitution is off.
pub(super) fn choose(
    model: &HubModel,
    catalogue: &Catalogue,
    pulled: &BTreeMap<String, Manifest>,
    (budget, strict): (u64, bool),
) -> Result<Served> {
    let own = pulled.get(&model.entry);
    if let Some(own) = own
        && (strict || own.facts.memory_bytes <= budget)
    {
        // Pulled before templates were looked at, or changed since.
        own.template.clone().map(|report| templates::admit(&model.entry, report, None)).transpose()?;
        let why = format!("`{}` is pulled.", model.entry);
        return Ok(Served { name: model.entry.clone(), substituted: false, why });
    }
    if strict {
        return Err(absent(model, "and substitution is off"));
    }
    let stand_ins = pulled.values().filter(|manifest| {
        let fits = manifest.facts.memory_bytes <= budget && manifest.broken.is_none();
        fits && templates::is_admitted(manifest.template.as_ref())
            && manifest.name != model.entry
            && is_alike(model, catalogue, manifest)
    });
    // Of one size, the same choice is made each time: the first by name.
    let best = stand_ins.max_by(|a, b| (a.facts.parameters, &b.name).cmp(&(b.facts.parameters, &a.name)));
    let Some(best) = best else {
        return Err(match own {
            Some(own) => too_large(model, own.facts.memory_bytes, budget),
            None => absent(model, "and no pulled model can stand in for it"),
        });
    };
    let reason = if own.is_some() { "does not fit the memory for models" } else { "is not pulled" };
    let why = format!("`{}` {reason}; `{}` is the largest pulled model that fits.", model.entry, best.name);
    Ok(Served { name: best.name.clone(), substituted: true, why })
}

/// Whether a pulled model does what the named one does: both embed, or both chat.
fn is_alike(model: &HubModel, catalogue: &Catalogue, manifest: &Manifest) -> bool {
    match model.kind {
        CardKind::Embedding => manifest.facts.embeds,
        CardKind::Text if manifest.facts.embeds => false,
        // The catalogue knows better what a model was tuned for than whether its file carries a template.
        CardKind::Text => match catalogue.get(&manifest.name) {
            Some(entry) => entry.chats,
            None => manifest.facts.chat_template == Some(true),
        },
    }
}

fn absent(model: &HubModel, why: &str) -> Error {
    Error::not_found(format!("The model `{}` ({}) is not pulled, {why}.", model.id, model.entry))
        .with_hint(format!("Run `craton models pull {}`.", model.entry))
}

fn too_large(model: &HubModel, needs: u64, has: u64) -> Error {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let missing = mib(needs.saturating_sub(has));
    Error::unavailable(format!(
        "The model `{}` needs {} MiB and models may take {} MiB: {missing} MiB are missing.",
        model.entry,
        mib(needs),
        mib(has)
    ))
    .with_hint("Raise `memory_budget`, lower `parallel` or the context, or choose a smaller model.")
}
