//! The labels that people can give, too: what places on a metric's scale mean, and whether those beside a record are some.

use serde_json::{Map, Value};

use super::calibration::{asked_labels, scale_of};
use super::plan::{AskedCustom, Metric, Plan, Problem};
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

/// What is wrong with the labels that stand beside the records of a dataset, line by line: `"labels"` of a line is an object by metric or,
/// of several turns, a list of such. Of metrics without one of these scales nothing is said, nor of what is no such label at all.
pub(super) fn unplaced(text: &str, scales: &[LabelScale]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { continue };
        let turns: &[Value] = match record.get("labels") {
            Some(Value::Array(turns)) => turns,
            Some(one) => std::slice::from_ref(one),
            None => continue,
        };
        for given in turns.iter().filter_map(Value::as_object) {
            let wrong = scales.iter().filter_map(|scale| unlike(given, scale));
            let problem = |message: String| Problem {
                line: Some(number),
                message: format!("Line {number} of the dataset {message}"),
            };
            problems.extend(wrong.map(problem));
        }
    }
    problems
}

/// What is wrong with the label of a metric, where there is one.
fn unlike(given: &Map<String, Value>, LabelScale { metric, labels }: &LabelScale) -> Option<String> {
    let label = given.get(metric)?;
    let place = label.as_u64().and_then(|label| usize::try_from(label).ok());
    if place.is_some_and(|place| place < labels.len()) {
        return None;
    }
    let known = labels.iter().enumerate().map(|(at, label)| format!("{at} {label}")).collect::<Vec<_>>().join(", ");
    Some(format!("has the label `{label}` of `{metric}`, which is no place on its scale: {known}."))
}

#[cfg(test)]
#[path = "label_scales_tests.rs"]
mod tests;
