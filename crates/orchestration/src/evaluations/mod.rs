//! Evaluation jobs: how good answers are, by judges that are models, and how far these can be trusted.
//!
//! - [`metrics`], [`custom`]: what is measured; [`prompts`]: what a judge reads; [`verdict`]: how its verdict is chosen.
//! - [`dataset`], [`plan`]: what is evaluated.
//! - [`alignment`], [`lexical`], [`clinical`], [`similarity`]: what needs no judge; [`support`]: what of an answer its passages
//!   support, by their words, with their `negation`, and by the judge.
//! - [`Evaluations`]: the jobs; `run` does their work, `record` that of one record, `judge` asks, `spans` of each sentence, with
//!   `patience`; `upstream` asks judges of other servers, `judges` tells which model a judge is, and `seen` what its prompts have in
//!   common.
//! - [`passport`]: how far a judge agrees with people, with the `classifier` over its `features`; `calibration` keeps it.
//! - [`pairwise`]: which of two jobs answers better, in both orders. `check`: datasets before a job reads them, with the
//!   `label_scales` that people rate on.
//! - [`prices`]: what a job costs. [`output`], [`card`], [`comparison`], [`report`]: what comes of it.

pub mod alignment;
mod calibration;
pub mod card;
mod check;
pub mod classifier;
pub mod clinical;
pub mod comparison;
pub mod custom;
pub mod dataset;
mod features;
mod job;
mod judge;
mod judges;
mod label_scales;
pub mod lexical;
pub mod metrics;
mod negation;
pub mod outcome;
pub mod output;
pub mod pairwise;
pub mod passport;
mod patience;
mod place;
pub mod plan;
pub mod prices;
pub mod prompts;
mod record;
pub mod report;
mod rubrics;
mod run;
mod seen;
mod service;
pub mod similarity;
mod spans;
mod store;
pub mod support;
mod tags;
mod tally;
pub mod text;
mod upstream;
pub mod verdict;

pub use calibration::HumanLabel;
pub use check::{DatasetCheck, DatasetText, Variables};
pub use job::{Begun, EvaluationFilter, EvaluationJob, EvaluationStatus, MOST_DELETED, NewEvaluation};
pub use label_scales::LabelScale;
pub use patience::FIRST_PAUSE;
pub use record::Shown;
pub use service::{AT_ONCE, Evaluations, Parts, Rag};
pub use store::TABLES;
