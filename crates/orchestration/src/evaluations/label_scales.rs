//! The labels that people can give, too: what places on a metric's scale mean.

use super::calibration::{asked_labels, scale_of};
use super::plan::{AskedCustom, Metric, Plan};
use super::verdict::LabelValue;

/// The labels of a metric, as people name them when they rate: by the place, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelScale {
    /// The metric.
    pub metric: String,
    /// The labels: the lowest first of a built-in metric, as they were asked for of a user's own.
    pub labels: Vec<String>,
}

/// The scales of a dataset's metrics on which people and a judge can be compared: those whose labels count numbers.
pub(super) fn label_scales(plan: &Plan, dataset: usize, asked: &[AskedCustom]) -> Vec<LabelScale> {
    let of_metric = |metric: &Metric| {
        let scale = scale_of(metric, plan.family, plan.evaluator)?;
        let counts = (0..scale.len()).all(|at| matches!(scale.value(at), Some(LabelValue::Score(_))));
        let labels: Vec<String> = match metric {
            Metric::Custom(custom) => asked_labels(asked, &custom.name).into_iter().map(str::to_owned).collect(),
            Metric::Builtin(_) | Metric::Computed(_) | Metric::Similarity => {
                scale.labels().map(str::to_owned).collect()
            }
        };
        counts.then(|| LabelScale { metric: metric.name().to_owned(), labels })
    };
    plan.metrics[dataset].iter().filter_map(of_metric).collect()
}

#[cfg(test)]
#[path = "label_scales_tests.rs"]
mod tests;
