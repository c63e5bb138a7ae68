//! From a document's text to chunks: by the tokens of the embedding model, along sentences, with exact offsets.
//!
//! The chunks of a document cover its text: each byte is in one of them at least, so that the text can be put together
//! again from its chunks. No chunk but that of [`Chunking::None`] crosses from one page to the next.

mod pack;
mod semantic;
mod units;

use std::ops::Range;

use base::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) use semantic::Grouping;
pub(crate) use units::{Region, Tokens};

use pack::{Limits, pack};
use units::{Unit, units};

/// The most tokens of a chunk where nothing is said: Bedrock's.
const DEFAULT_TOKENS: usize = 300;
/// How much of a chunk is repeated in the next one where nothing is said, in percent: Bedrock's.
const DEFAULT_OVERLAP: usize = 20;

/// How documents are cut, as Bedrock's `chunkingConfiguration` has it. Where a data source says nothing, chunks have at
/// most 300 tokens, a fifth of which the next one repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chunking {
    /// A document is one chunk.
    None,
    /// Chunks of a size.
    Fixed {
        /// The most tokens of a chunk.
        max_tokens: usize,
        /// How much of a chunk is repeated in the next one, in percent.
        overlap_percentage: usize,
    },
    /// Small chunks are searched, and the larger ones that they are parts of are given.
    Hierarchical {
        /// The most tokens of a larger one.
        parent_tokens: usize,
        /// The most tokens of a smaller one.
        child_tokens: usize,
        /// The tokens that are repeated from one chunk to the next of its size.
        overlap_tokens: usize,
    },
    /// Chunks end where the text turns to something else.
    Semantic {
        /// The most tokens of a chunk.
        max_tokens: usize,
        /// How many sentences before and after a sentence are compared with it.
        buffer_size: usize,
        /// The text turns where the distance of two neighbours is above this percentile of all.
        breakpoint_percentile: u32,
    },
}

impl Chunking {
    /// # Errors
    /// Invalid: levels of which the child is not the smaller one, or an overlap that leaves nothing new.
    pub(crate) fn check(&self) -> Result<()> {
        let Self::Hierarchical { parent_tokens, child_tokens, overlap_tokens } = *self else { return Ok(()) };
        if child_tokens >= parent_tokens {
            let reason = format!("The child level's `{child_tokens}` tokens are not fewer than the parent's.");
            return Err(
                Error::invalid(reason).with_hint(format!("Give the second level fewer than {parent_tokens} tokens."))
            );
        }
        if overlap_tokens >= child_tokens {
            let reason = format!("`overlapTokens` is `{overlap_tokens}`, no less than a whole child chunk.");
            return Err(Error::invalid(reason).with_hint(format!("Give fewer than {child_tokens}.")));
        }
        Ok(())
    }
}

/// A part of a document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Its bytes.
    pub(crate) span: Range<usize>,
    /// The numbers of the chunks that make its parent.
    pub(crate) parent: Option<Range<usize>>,
    /// The page that it begins on.
    pub(crate) page: Option<u32>,
    /// Its tokens.
    pub(crate) tokens: usize,
}

/// What is to be done for the chunks of a text.
pub(crate) enum Plan {
    /// They are known.
    Cuts(Vec<Cut>),
    /// They depend on how alike these groups of sentences are: their vectors go into [`Grouping::cuts`].
    Groups(Grouping),
}

impl Plan {
    /// How many vectors it takes to embed the text: one for each chunk, or, where the chunks are not known, for each group, which are
    /// no fewer.
    pub(crate) fn most_chunks(&self) -> usize {
        match self {
            Self::Cuts(cuts) => cuts.len(),
            Self::Groups(grouping) => grouping.sentences(),
        }
    }
}

/// Plans the chunks of a text that consists of these regions. A blank text has none.
pub(crate) fn plan(text: &str, regions: &[Region], tokens: &Tokens, chunking: Option<&Chunking>) -> Plan {
    if text.trim().is_empty() {
        return Plan::Cuts(Vec::new());
    }
    let fixed = |max: usize, overlap: usize| {
        let units = units(text, regions, tokens, max);
        Plan::Cuts(cuts(&units, &pack(&units, Limits { max, overlap })))
    };
    match chunking {
        None => fixed(DEFAULT_TOKENS, DEFAULT_TOKENS * DEFAULT_OVERLAP / 100),
        Some(Chunking::None) => {
            let span = 0..text.len();
            Plan::Cuts(vec![Cut { tokens: tokens.within(&span), span, parent: None, page: None }])
        }
        Some(Chunking::Fixed { max_tokens, overlap_percentage }) => {
            fixed(*max_tokens, max_tokens * overlap_percentage / 100)
        }
        Some(Chunking::Hierarchical { parent_tokens, child_tokens, overlap_tokens }) => {
            let (parent, child) = (*parent_tokens, *child_tokens);
            Plan::Cuts(hierarchical(text, regions, tokens, (parent, child, *overlap_tokens)))
        }
        Some(Chunking::Semantic { max_tokens, buffer_size, breakpoint_percentile }) => {
            let units = units(text, regions, tokens, *max_tokens);
            Plan::Groups(Grouping::new(units, *max_tokens, *buffer_size, *breakpoint_percentile))
        }
    }
}

fn hierarchical(
    text: &str,
    regions: &[Region],
    tokens: &Tokens,
    (parent, child, overlap): (usize, usize, usize),
) -> Vec<Cut> {
    let units = units(text, regions, tokens, child);
    let mut all = Vec::new();
    for of_parent in pack(&units, Limits { max: parent, overlap }) {
        let units = &units[of_parent];
        let first = all.len();
        let mut children = cuts(units, &pack(units, Limits { max: child, overlap }));
        let siblings = first..first + children.len();
        children.iter_mut().for_each(|cut| cut.parent = Some(siblings.clone()));
        all.extend(children);
    }
    all
}

/// The parts of the text that these runs of units are.
fn cuts(units: &[Unit], runs: &[Range<usize>]) -> Vec<Cut> {
    let cut = |run: &Range<usize>| {
        let units = &units[run.clone()];
        Cut {
            span: units[0].span.start..units[units.len() - 1].span.end,
            parent: None,
            page: units[0].page,
            tokens: units.iter().map(|unit| unit.tokens).sum(),
        }
    };
    runs.iter().map(cut).collect()
}

#[cfg(test)]
mod tests;
