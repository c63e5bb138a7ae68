//! Metrics of texts, agreement of raters, resampling, and classifiers small enough to be fitted while one waits. Pure
//! computation: no I/O, no clock, and all chance from a seed.
//!
//! - [`rouge`], [`overlap`]: how near a text is to a reference, without a model.
//! - [`agreement`]: how far two raters, or two systems, agree.
//! - [`resampling`]: intervals by bootstrap, comparisons of two systems on the same items.
//! - [`isotonic`], [`logistic`]: what turns a score into a label that people would give.
//! - [`python_random`]: Python's `random`, draw for draw.
//!
//! Every formula is checked against the package that its field uses (`tests/data/golden.json`).

pub mod agreement;
pub mod isotonic;
mod linear;
pub mod logistic;
pub mod overlap;
mod porter;
pub mod python_random;
pub mod resampling;
pub mod rouge;
mod summary;

pub use porter::stem;
pub use summary::{mean, quantile, standard_deviation};
