//! Tokens of a request as the service counts them.

use models::Usage;

/// The most cache points that a request may have.
pub(super) const MOST_CACHE_POINTS: usize = 4;

/// The tokens of a request. Of one that is *pointed* at by cache points those that were taken from the cache or kept in it
/// are no input tokens; of any other the whole prompt is input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Input tokens.
    pub(super) input: u32,
    /// Tokens that were taken from the cache.
    pub(super) cache_read: u32,
    /// Tokens that were read and kept at cache points.
    pub(super) cache_write: u32,
    /// Output tokens.
    pub(super) output: u32,
    /// All of them, each once.
    pub(super) total: u32,
}

impl Counted {
    /// What the models count as `usage`.
    pub(super) fn of(usage: Usage, pointed: bool) -> Self {
        let apart = if pointed { usage.cached.saturating_add(usage.cache_written) } else { 0 };
        Self {
            input: usage.input.saturating_sub(apart),
            cache_read: usage.cached,
            cache_write: usage.cache_written,
            output: usage.output,
            total: usage.input.saturating_add(usage.output),
        }
    }
}
