//! Evaluation jobs: how good answers are, by judges that are models, and how far these can be trusted.
//!
//! - [`metrics`], [`custom`]: what is measured; [`prompts`]: what a judge reads; [`verdict`]: how its verdict is chosen.
//! - [`dataset`]: what is evaluated.
//! - [`alignment`], [`lexical`], [`clinical`]: what needs no judge.
//! - [`card`], [`comparison`]: what comes of it.

pub mod alignment;
pub mod card;
pub mod clinical;
pub mod comparison;
pub mod custom;
pub mod dataset;
pub mod lexical;
pub mod metrics;
pub mod outcome;
pub mod prompts;
mod rubrics;
pub mod text;
pub mod verdict;
