//! What a model is built of: from its files where they are here, else from the catalogue.

use base::{Error, Result};
use inference::{Facts, Matrices, ModelKind, Shape};

use super::core::Sizes;
use crate::Models;
use crate::catalogue::{Architecture, CardKind, Entry, unknown};
use crate::library::blocking;

/// Bytes of a cached number.
const CACHED_NUMBER: u64 = 2;

impl Models {
    /// The model's sizes, what it is for, and whether its files tell them.
    pub(super) async fn sizes(&self, name: &str) -> Result<(Sizes, CardKind, bool)> {
        if let Some(manifest) = self.inner.library.manifest(name).await? {
            let (files, loader) = (self.inner.library.files(name, &manifest).await?, self.inner.loaded.loader());
            let facts = blocking(move || {
                loader
                    .inspect(&files)
                    .map_err(|error| Error::damaged("The model's files cannot be read.").with_detail(error))
            });
            let facts = facts.await?;
            let kind = if facts.kind == ModelKind::Embedder { CardKind::Embedding } else { CardKind::Text };
            return Ok((of_facts(&facts), kind, true));
        }
        let entry = self.inner.catalogue.get(name).ok_or_else(|| unknown(name))?;
        Ok((of_entry(entry), entry.kind, false))
    }
}

fn of_facts(facts: &Facts) -> Sizes {
    Sizes {
        shape: facts.shape.clone(),
        vocabulary: facts.vocabulary,
        context_length: facts.context_length,
        weights_bytes: facts.weights_bytes,
        cache_bytes_per_token: facts.cache_bytes_per_token,
        working_bytes: facts.working_bytes,
    }
}

/// The sizes that the publisher's configuration gives, with the bytes of the file to download for those of the weights.
pub(super) fn of_entry(entry: &Entry) -> Sizes {
    let built = &entry.architecture;
    let weights = file_bytes(entry);
    let output = u64::from(built.vocabulary) * u64::from(built.hidden);
    // Where answers are read from a matrix of its own, that of the embeddings is a further one, of which a token reads one row.
    let words = output.saturating_mul(if built.tied { 1 } else { 2 });
    let part = |numbers: u64, activations: u64| Matrices {
        format: element(&entry.format).to_owned(),
        bytes: (u128::from(weights) * u128::from(numbers) / u128::from(entry.parameters.max(1))) as u64,
        numbers,
        activations,
    };
    let cached = u64::from(built.layers) * u64::from(built.kv_heads) * u64::from(built.head_size);
    let generates = entry.kind == CardKind::Text;
    Sizes {
        shape: Shape {
            layers: built.layers,
            heads: built.heads,
            kv_heads: built.kv_heads,
            head_size: built.head_size,
            window: built.window,
            experts: (0, 0),
            matrices: vec![part(entry.parameters.saturating_sub(words), activations(built, gates(entry.kind)))],
            output: part(output, u64::from(built.vocabulary) + u64::from(built.hidden)),
        },
        vocabulary: built.vocabulary,
        context_length: entry.context_length,
        weights_bytes: weights,
        cache_bytes_per_token: if generates { cached * 2 * CACHED_NUMBER } else { 0 },
        working_bytes: inference::working_bytes(built.vocabulary.into(), built.hidden.into()),
    }
}

/// The matrices of a layer between its norms: two, and one that lets numbers through where answers are written.
fn gates(kind: CardKind) -> u64 {
    if kind == CardKind::Text { 3 } else { 2 }
}

/// The numbers that go into the layers' matrices and come out of them.
fn activations(built: &Architecture, gates: u64) -> u64 {
    let [layers, hidden, inner, size, heads, cached] =
        [built.layers, built.hidden, built.feed_forward, built.head_size, built.heads, built.kv_heads].map(u64::from);
    layers * (2 * (hidden + heads * size) + 2 * (hidden + cached * size) + gates * (hidden + inner))
}

/// The bytes of the file that is loaded: those of the pinned file, where a package holds it packed.
fn file_bytes(entry: &Entry) -> u64 {
    let pinned = entry.sources.iter().find_map(|origin| match origin {
        crate::catalogue::Origin::Packages { packed: Some(_), .. } => None,
        crate::catalogue::Origin::Packages { files, .. } => {
            files.iter().find(|file| file.name == entry.main).map(|file| file.bytes)
        }
        crate::catalogue::Origin::Hub { .. } => None,
    });
    pinned.unwrap_or(entry.download_bytes)
}

/// The element type that most of a file of this format is of: `Q4_K_M` is made of `Q4_K`.
fn element(format: &str) -> &str {
    for suffix in ["_K_M", "_K_S", "_K_L"] {
        if let Some(start) = format.strip_suffix(suffix) {
            return &format[..start.len() + 2];
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_named_after_what_most_of_it_is() {
        for (format, of) in [("Q4_K_M", "Q4_K"), ("Q6_K", "Q6_K"), ("Q4_1", "Q4_1"), ("F32", "F32"), ("Q3_K_S", "Q3_K")]
        {
            assert_eq!(element(format), of);
        }
    }

    #[test]
    fn the_catalogues_figures_agree_with_themselves() {
        let catalogue = crate::catalogue::Catalogue::built_in().unwrap();
        for entry in catalogue.entries() {
            let built = &entry.architecture;
            let (hidden, layers) = (u64::from(built.hidden), u64::from(built.layers));
            let heads = u64::from(built.heads) * u64::from(built.head_size);
            let cached = u64::from(built.kv_heads) * u64::from(built.head_size);
            let layer = hidden * (2 * heads + 2 * cached + gates(entry.kind) * u64::from(built.feed_forward));
            let words = hidden * u64::from(built.vocabulary) * if built.tied { 1 } else { 2 };
            let counted = (layers * layer + words) as f64;
            let off = (counted / entry.parameters as f64 - 1.0).abs();
            assert!(off < 0.05, "`{}` has {} parameters, and {counted} are counted", entry.name, entry.parameters);
        }
    }
}
