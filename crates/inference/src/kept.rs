//! What a model made of the beginnings of prompts, where it outlives the model's time in memory.

use std::sync::Arc;

use crate::Token;
use crate::generation::Tenant;
use crate::prefix::Used;

/// What a model made of a prompt's beginning. It is of use to an engine alone whose
/// [`ModelInfo::states`](crate::ModelInfo::states) are the same, over the same weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPrefix {
    /// Whose prompt it was: for nobody else it is of use.
    pub tenant: Tenant,
    /// The prompt's first tokens.
    pub tokens: Vec<Token>,
    /// How many of the first of them were read in the pieces of deterministic requests, each alone: what these begin with.
    pub exact: usize,
    /// How many prompts began with most of it, or asked for it to be kept.
    pub uses: u32,
    /// What the engine wrote down.
    pub state: Arc<Vec<u8>>,
}

impl KeptPrefix {
    /// Whether this makes the other one superfluous: it is for the same tenant, begins with all its tokens, and as many of
    /// those were read exactly.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.tenant == other.tenant && self.exact >= other.exact && self.tokens.starts_with(&other.tokens)
    }
}

impl From<Used<Arc<Vec<u8>>>> for KeptPrefix {
    fn from(used: Used<Arc<Vec<u8>>>) -> Self {
        let Used { tenant, tokens, exact, uses, value } = used;
        Self { tenant, tokens, exact, uses, state: value }
    }
}
