//! A small classifier from what is known of a score to the label that people would give: a logistic regression over features
//! that have mean 0 and deviation 1 where it was fitted.

use learn::logistic::{Fit, Logistic};
use serde::{Deserialize, Serialize};

/// A classifier of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classifier {
    /// The mean of each feature where it was fitted.
    means: Vec<f64>,
    /// The standard deviation of each, 1 where it was constant.
    deviations: Vec<f64>,
    /// For each label, or for the second alone where there are two: the weights of the features, then the intercept.
    rows: Vec<Vec<f64>>,
}

impl Classifier {
    /// Fits it to the features of items and the labels that people gave, each label counting the same, however rare it is.
    /// None where there are no features, their numbers differ, or one is not finite.
    #[must_use]
    pub fn fit(items: &[&[f64]], given: &[usize], labels: usize) -> Option<Self> {
        let width = items.first()?.len();
        if width == 0 || items.iter().any(|item| item.len() != width) {
            return None;
        }
        let column = |at: usize| items.iter().map(|item| item[at]).collect::<Vec<f64>>();
        let means: Vec<f64> = (0..width).filter_map(|at| learn::mean(&column(at))).collect();
        let deviation = |at| learn::standard_deviation(&column(at)).filter(|deviation| *deviation > 1e-9);
        let deviations: Vec<f64> = (0..width).map(|at| deviation(at).unwrap_or(1.0)).collect();
        let mut fitted = Self { means, deviations, rows: Vec::new() };
        let scaled: Vec<Vec<f64>> = items.iter().map(|item| fitted.scaled(item)).collect();
        let logistic = Logistic::fit(&scaled, given, labels, Fit { balanced: true, ..Fit::default() })?;
        fitted.rows = logistic.rows().to_vec();
        Some(fitted)
    }

    /// The label that people would probably give, as its place on the scale; none of other features than it was fitted to.
    #[must_use]
    pub fn label(&self, features: &[f64]) -> Option<usize> {
        if features.len() != self.means.len() {
            return None;
        }
        Some(Logistic::from_rows(self.rows.clone())?.class(&self.scaled(features)))
    }

    fn scaled(&self, features: &[f64]) -> Vec<f64> {
        let ends = self.means.iter().zip(&self.deviations);
        features.iter().zip(ends).map(|(value, (mean, deviation))| (value - mean) / deviation).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_the_labels_apart_is_found_among_features_of_any_size() {
        let items: Vec<Vec<f64>> =
            (0..60).map(|at| vec![1e6 + (at * 37 % 11) as f64, (at % 3) as f64 * 0.01, 5.0]).collect();
        let given: Vec<usize> = (0..60).map(|at| at % 3).collect();
        let items: Vec<&[f64]> = items.iter().map(Vec::as_slice).collect();
        let fitted = Classifier::fit(&items, &given, 3).unwrap();
        for (item, given) in items.iter().zip(&given) {
            assert_eq!(fitted.label(item), Some(*given));
        }
        assert_eq!(fitted.label(&[1.0]), None);
        let kept: Classifier = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
        assert_eq!(kept, fitted);
    }

    #[test]
    fn without_features_there_is_none() {
        assert_eq!(Classifier::fit(&[&[], &[]], &[0, 1], 2), None);
        assert_eq!(Classifier::fit(&[], &[], 2), None);
        assert_eq!(Classifier::fit(&[&[f64::NAN], &[1.0]], &[0, 1], 2), None);
    }
}
