//! Judge passports: how far a judge agrees with people on a metric, and whether its scores may be used.

use learn::agreement::{self, Weights};
use learn::isotonic::{Balance, Isotonic, OrdinalMapping};
use learn::python_random::PythonRandom;
use learn::resampling::{Bootstrap, Interval};
use serde::{Deserialize, Serialize};

use super::classifier::Classifier;

/// Below so many items with human labels nothing is said of a judge.
pub const FEWEST_ITEMS: usize = 20;
/// Where the halves are drawn from.
const SEED: u64 = 42;

/// An item that a judge and people rated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rated {
    /// The judge's label, as its place on the scale from 0.
    pub label: usize,
    /// The judge's expected score, from 0 to 1.
    pub expected: f64,
    /// The people's label.
    pub human: usize,
    /// The characters of the answer that was rated.
    pub length: usize,
    /// How the expected score changes where the labels are listed from the highest down; none where that was not asked.
    pub falling: Option<f64>,
    /// What else is known, the same of each item.
    pub features: Vec<f64>,
}

/// What turns a judge's verdict into the label that people would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The judge's label as it is.
    Label,
    /// The judge's expected score, by a mapping that one half of the labels gave.
    Expected,
    /// A classifier over what is known of the score, trained on the same half.
    Classifier,
}

/// How well a method does on the half of the labels that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The method.
    pub method: Method,
    /// Its balanced accuracy.
    pub accuracy: Figure,
    /// That less the accuracy of whoever always says the same. Its interval is wider than 95 %, as it is the best of several
    /// methods that is recommended: 1 − 0.05 / their number (Bonferroni).
    pub gain: Figure,
}

impl Method {
    const ALL: [Self; 3] = [Self::Label, Self::Expected, Self::Classifier];

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Expected => "expected score",
            Self::Classifier => "classifier",
        }
    }
}

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval of 95 %.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl From<Interval> for Figure {
    fn from(interval: Interval) -> Self {
        Self { value: interval.value, low: interval.low, high: interval.high }
    }
}

/// How far a judge agrees with people on a metric. What cannot be told, as one side always says the same, is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passport {
    /// The metric.
    pub metric: String,
    /// What the judge was asked, by its key (`Metric::rubric_key`): of another question nothing is known.
    #[serde(default)]
    pub rubric: String,
    /// How many labels the scale has.
    pub labels: usize,
    /// Items that both rated.
    pub items: usize,
    /// Cohen's κ of the labels.
    pub kappa: Option<Figure>,
    /// Quadratic-weighted κ of the labels.
    pub quadratic_kappa: Option<Figure>,
    /// Spearman's ρ of the expected score and the people's label.
    pub spearman: Option<Figure>,
    /// Kendall's τ-b of the same.
    pub kendall: Option<Figure>,
    /// Balanced accuracy of the labels.
    pub balanced_accuracy: Option<Figure>,
    /// What whoever always says the same reaches, on the half that the calibrated labels are compared on.
    pub baseline: f64,
    /// The mean of the expected score less the people's, from −1 to 1: above 0 the judge is too kind.
    pub bias: Option<Figure>,
    /// Spearman's ρ of that difference and the answer's length: above 0 the judge likes long answers.
    pub verbosity: Option<Figure>,
    /// Balanced accuracy on one half of the labels that the mapping, fitted on the other half, gives.
    pub calibrated: Option<Figure>,
    /// For each label but the lowest, the points of the mapping, fitted on one half: score, and the probability of that label
    /// or a higher one.
    pub mapping: Vec<Vec<(f64, f64)>>,
    /// How the expected score changes where the labels are listed from the highest down: 0 without an effect of position. None
    /// where the job asked once for each verdict.
    #[serde(default)]
    pub position: Option<Figure>,
    /// The methods, each scored on the half that it was not fitted to.
    #[serde(default)]
    pub methods: Vec<Tried>,
    /// The method with the highest balanced accuracy, of equals the simplest.
    #[serde(default)]
    pub recommended: Option<Method>,
    /// The classifier, where the items have features.
    #[serde(default)]
    pub classifier: Option<Classifier>,
    /// Does the recommended method beat whoever always says the same, with an interval of the difference that excludes 0?
    pub is_usable: bool,
}

impl Passport {
    /// The passport of a judge for a metric, with its rubric's key, whose scale has so many labels; none of fewer than
    /// [`FEWEST_ITEMS`] items.
    #[must_use]
    pub fn new((metric, rubric): (&str, &str), labels: usize, items: &[Rated]) -> Option<Self> {
        if items.len() < FEWEST_ITEMS || labels < 2 {
            return None;
        }
        let top = (labels - 1) as f64;
        let judged: Vec<usize> = items.iter().map(|item| item.label).collect();
        let human: Vec<usize> = items.iter().map(|item| item.human).collect();
        let expected: Vec<f64> = items.iter().map(|item| item.expected).collect();
        let wanted: Vec<f64> = items.iter().map(|item| item.human as f64 / top).collect();
        let off: Vec<f64> = expected.iter().zip(&wanted).map(|(expected, wanted)| expected - wanted).collect();
        let lengths: Vec<f64> = items.iter().map(|item| item.length as f64).collect();
        let over = |statistic: &dyn Fn(&[usize]) -> Option<f64>| {
            Bootstrap::default().interval(items.len(), statistic).map(Figure::from)
        };
        let kappa =
            |weights| over(&|at: &[usize]| agreement::kappa(&drawn(&judged, at), &drawn(&human, at), labels, weights));
        let Calibration { mapping, classifier, methods, baseline } = Calibration::new(items, labels);
        let better = |best: Tried, next: Tried| if next.accuracy.value > best.accuracy.value { next } else { best };
        let best = methods.iter().copied().reduce(better);
        let accuracy = |method| methods.iter().find(|tried| tried.method == method).map(|tried| tried.accuracy);
        let falling: Vec<f64> = items.iter().filter_map(|item| item.falling).collect();
        Some(Self {
            metric: metric.to_owned(),
            rubric: rubric.to_owned(),
            labels,
            items: items.len(),
            kappa: kappa(Weights::Nominal),
            quadratic_kappa: kappa(Weights::Quadratic),
            spearman: over(&|at: &[usize]| agreement::spearman(&drawn(&expected, at), &drawn(&wanted, at))),
            kendall: over(&|at: &[usize]| agreement::kendall(&drawn(&expected, at), &drawn(&wanted, at))),
            balanced_accuracy: over(&|at: &[usize]| {
                agreement::balanced_accuracy(&drawn(&human, at), &drawn(&judged, at))
            }),
            baseline,
            bias: over(&|at: &[usize]| learn::mean(&drawn(&off, at))),
            verbosity: over(&|at: &[usize]| agreement::spearman(&drawn(&off, at), &drawn(&lengths, at))),
            position: Bootstrap::default().mean(&falling).map(Figure::from),
            is_usable: best.is_some_and(|best| best.gain.low > 0.0),
            recommended: best.map(|best| best.method),
            calibrated: accuracy(Method::Expected),
            methods,
            classifier,
            mapping,
        })
    }

    /// What it is kept under, beside its judge.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.metric, self.rubric)
    }

    /// The label that the recommended method gives, as its place on the scale: the label that people would probably give.
    #[must_use]
    pub fn told(&self, label: usize, expected: f64, features: &[f64]) -> Option<usize> {
        match self.recommended? {
            Method::Label => Some(label),
            Method::Expected => {
                let steps = self.mapping.iter().map(|points| Isotonic::from_points(points.clone()));
                Some(OrdinalMapping::from_steps(steps.collect::<Option<_>>()?).label(expected))
            }
            Method::Classifier => self.classifier.as_ref()?.label(features),
        }
    }

    /// In a line, for reports.
    #[must_use]
    pub fn line(&self) -> String {
        let told = |figure: Option<Figure>| {
            figure.map_or_else(|| "-".to_owned(), |f| format!("{:.2} [{:.2}, {:.2}]", f.value, f.low, f.high))
        };
        let verdict = if self.is_usable { "usable" } else { "not usable for this metric" };
        let best = self.methods.iter().find(|tried| Some(tried.method) == self.recommended);
        let (by, accuracy) = match best {
            Some(best) => (best.method.as_str(), Some(best.accuracy)),
            None => (Method::Expected.as_str(), self.calibrated),
        };
        let others = self.methods.iter().filter(|tried| Some(tried.method) != self.recommended);
        let others = others.map(|tried| format!("{} {:.2}, ", tried.method.as_str(), tried.accuracy.value));
        format!(
            "{verdict}: balanced accuracy {} by the {by} ({}baseline {:.2}), quadratic kappa {}, Spearman {}, bias {}, {} items",
            told(accuracy),
            others.collect::<String>(),
            self.baseline,
            told(self.quadratic_kappa),
            told(self.spearman),
            told(self.bias),
            self.items
        )
    }
}

fn drawn<T: Copy>(values: &[T], at: &[usize]) -> Vec<T> {
    at.iter().map(|at| values[*at]).collect()
}

/// The balanced accuracy of whoever always says the same: 1 by the number of labels that people gave.
fn baseline(human: &[usize]) -> f64 {
    let given: std::collections::BTreeSet<&usize> = human.iter().collect();
    1.0 / given.len().max(1) as f64
}

/// What one half of the labels gives, and how well each method does on the other.
struct Calibration {
    mapping: Vec<Vec<(f64, f64)>>,
    classifier: Option<Classifier>,
    methods: Vec<Tried>,
    baseline: f64,
}

impl Calibration {
    fn new(items: &[Rated], labels: usize) -> Self {
        let mut order: Vec<usize> = (0..items.len()).collect();
        PythonRandom::new(SEED).shuffle(&mut order);
        let (fitted, scored) = order.split_at(items.len() / 2);
        let given: Vec<usize> = fitted.iter().map(|at| items[*at].human).collect();
        let x: Vec<f64> = fitted.iter().map(|at| items[*at].expected).collect();
        let features: Vec<&[f64]> = fitted.iter().map(|at| items[*at].features.as_slice()).collect();
        let mapping = OrdinalMapping::fit(&x, &given, labels, Balance::Labels);
        let classifier = Classifier::fit(&features, &given, labels);
        let human: Vec<usize> = scored.iter().map(|at| items[*at].human).collect();
        let tried = |method: Method| {
            let label = |at: &usize| {
                let item = &items[*at];
                match method {
                    Method::Label => Some(item.label),
                    Method::Expected => mapping.as_ref().map(|mapping| mapping.label(item.expected)),
                    Method::Classifier => classifier.as_ref()?.label(&item.features),
                }
            };
            let told: Vec<usize> = scored.iter().map(label).collect::<Option<_>>()?;
            let accuracy = |at: &[usize]| agreement::balanced_accuracy(&drawn(&human, at), &drawn(&told, at));
            // A resample may lack a label: whoever always says the same is then right more often, too.
            let gain = |at: &[usize]| accuracy(at).map(|accuracy| accuracy - baseline(&drawn(&human, at)));
            let wide = Bootstrap { confidence: 1.0 - 0.05 / Method::ALL.len() as f64, ..Bootstrap::default() };
            Some(Tried {
                method,
                accuracy: Bootstrap::default().interval(scored.len(), accuracy)?.into(),
                gain: wide.interval(scored.len(), gain)?.into(),
            })
        };
        let methods = Method::ALL.into_iter().filter_map(tried).collect();
        let steps = mapping.iter().flat_map(|mapping| mapping.steps());
        Self {
            mapping: steps.map(|step| step.points().to_vec()).collect(),
            methods,
            classifier,
            baseline: baseline(&human),
        }
    }
}

#[cfg(test)]
#[path = "passport_tests.rs"]
mod tests;
