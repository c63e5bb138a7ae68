//! Judge passports: how far a judge agrees with people on a metric, and whether its scores may be used.

use std::collections::BTreeSet;

use learn::agreement::{self, Weights};
use learn::isotonic::{Balance, Isotonic, OrdinalMapping};
use learn::python_random::PythonRandom;
use learn::resampling::{Bootstrap, Interval};
use serde::{Deserialize, Serialize};

use super::classifier::Classifier;
use super::features;

/// Below so many items with human labels nothing is said of a judge.
pub const FEWEST_ITEMS: usize = 20;
/// What is said of a passport whose classifier cannot be used any more.
const OUTDATED: &str = "its classifier was fitted to what an earlier version knew of scores: run the evaluation again, and calibrate the judge by the \
                        new job";
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
    /// What metrics that need no judge say, by their names.
    pub computed: Vec<(String, f64)>,
}

impl Rated {
    fn computed(&self, name: &str) -> Option<f64> {
        self.computed.iter().find(|(known, _)| known == name).map(|(_, score)| *score)
    }
}

/// What turns a judge's verdict into the label that people would give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The judge's label as it is.
    Label,
    /// The judge's expected score, by a mapping that one half of the labels gave.
    Expected,
    /// A classifier over what is known of the score, trained on the same half.
    Classifier,
    /// No judge, but the metric of this name that needs none, by a mapping that the same half gave.
    Computed(String),
}

/// How well a method does on the half of the labels that it was not fitted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// In words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Label => "label",
            Self::Expected => "expected score",
            Self::Classifier => "classifier",
            Self::Computed(metric) => metric,
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
    /// Which features the classifier was fitted to (`features::VERSION`); those of the first version where nothing is said.
    #[serde(default)]
    pub features: u32,
    /// The points of the mapping of the metric that is recommended in place of the judge, as those of `mapping`.
    #[serde(default)]
    pub computed: Option<Vec<Vec<(f64, f64)>>>,
    /// Does the best method that asks the judge beat whoever always says the same, with an interval of the difference that
    /// excludes 0?
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
        let labelled: Vec<usize> = items.iter().map(|item| item.label).collect();
        let human: Vec<usize> = items.iter().map(|item| item.human).collect();
        let expected: Vec<f64> = items.iter().map(|item| item.expected).collect();
        let wanted: Vec<f64> = items.iter().map(|item| item.human as f64 / top).collect();
        let off: Vec<f64> = expected.iter().zip(&wanted).map(|(expected, wanted)| expected - wanted).collect();
        let lengths: Vec<f64> = items.iter().map(|item| item.length as f64).collect();
        let over = |statistic: &dyn Fn(&[usize]) -> Option<f64>| {
            Bootstrap::default().interval(items.len(), statistic).map(Figure::from)
        };
        let kappa = |weights| {
            over(&|at: &[usize]| agreement::kappa(&drawn(&labelled, at), &drawn(&human, at), labels, weights))
        };
        let Calibration { mapping, classifier, computed, methods, baseline } = Calibration::new(items, labels);
        let best = best(methods.iter());
        let of_best =
            |best: &Tried| computed.into_iter().find(|(name, _)| best.method == Method::Computed(name.clone()));
        let accuracy = methods.iter().find(|tried| tried.method == Method::Expected).map(|tried| tried.accuracy);
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
                agreement::balanced_accuracy(&drawn(&human, at), &drawn(&labelled, at))
            }),
            baseline,
            bias: over(&|at: &[usize]| learn::mean(&drawn(&off, at))),
            verbosity: over(&|at: &[usize]| agreement::spearman(&drawn(&off, at), &drawn(&lengths, at))),
            position: Bootstrap::default().mean(&falling).map(Figure::from),
            is_usable: judged(&methods).is_some_and(|judged| judged.gain.low > 0.0),
            computed: best.and_then(of_best).map(|(_, mapping)| points(&mapping)),
            recommended: best.map(|best| best.method.clone()),
            calibrated: accuracy,
            methods,
            classifier,
            features: features::VERSION,
            mapping,
        })
    }

    /// Is what it recommends a classifier that was fitted to other features than there are today? It tells nothing then.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.recommended == Some(Method::Classifier) && self.features != features::VERSION
    }

    /// What it is kept under, beside its judge.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.metric, self.rubric)
    }

    /// The label that the recommended method gives, as its place on the scale: the label that people would probably give. None of
    /// an outdated classifier.
    #[must_use]
    pub fn told(&self, item: &Rated) -> Option<usize> {
        if self.is_outdated() {
            return None;
        }
        match self.recommended.as_ref()? {
            Method::Label => Some(item.label),
            Method::Expected => Some(through(&self.mapping)?.label(item.expected)),
            Method::Classifier => self.classifier.as_ref()?.label(&item.features),
            Method::Computed(metric) => Some(through(self.computed.as_ref()?)?.label(item.computed(metric)?)),
        }
    }

    /// Does the recommended method beat whoever always says the same, with an interval of the difference that excludes 0?
    #[must_use]
    pub fn is_telling(&self) -> bool {
        best(self.methods.iter()).is_some_and(|best| best.gain.low > 0.0)
    }

    /// In a line, for reports.
    #[must_use]
    pub fn line(&self) -> String {
        let told = |figure: Option<Figure>| {
            figure.map_or_else(|| "-".to_owned(), |f| format!("{:.2} [{:.2}, {:.2}]", f.value, f.low, f.high))
        };
        let verdict = if self.is_usable { "usable" } else { "not usable for this metric" };
        let (by, accuracy) = match judged(&self.methods) {
            Some(best) => (best.method.as_str(), Some(best.accuracy)),
            None => (Method::Expected.as_str(), self.calibrated),
        };
        let instead = match &self.recommended {
            Some(Method::Computed(metric)) => format!("; {metric} agrees better with people"),
            Some(_) if self.is_outdated() => format!("; {OUTDATED}"),
            _ => String::new(),
        };
        let others = self.methods.iter().filter(|tried| tried.method.as_str() != by);
        let others = others.map(|tried| format!("{} {:.2}, ", tried.method.as_str(), tried.accuracy.value));
        format!(
            "{verdict}: balanced accuracy {} by the {by} ({}baseline {:.2}), quadratic kappa {}, Spearman {}, bias {}, {} items{instead}",
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

/// The method with the highest accuracy, of equals the first.
fn best<'a>(methods: impl Iterator<Item = &'a Tried>) -> Option<&'a Tried> {
    methods.reduce(|best, next| if next.accuracy.value > best.accuracy.value { next } else { best })
}

/// The best method that asks the judge.
fn judged(methods: &[Tried]) -> Option<&Tried> {
    best(methods.iter().filter(|tried| !matches!(tried.method, Method::Computed(_))))
}

fn drawn<T: Copy>(values: &[T], at: &[usize]) -> Vec<T> {
    at.iter().map(|at| values[*at]).collect()
}

/// The balanced accuracy of whoever always says the same: 1 by the number of labels that people gave.
fn baseline(human: &[usize]) -> f64 {
    let given: BTreeSet<&usize> = human.iter().collect();
    1.0 / given.len().max(1) as f64
}

/// The points of a mapping's steps.
fn points(mapping: &OrdinalMapping) -> Vec<Vec<(f64, f64)>> {
    mapping.steps().iter().map(|step| step.points().to_vec()).collect()
}

/// The mapping through these points.
fn through(points: &[Vec<(f64, f64)>]) -> Option<OrdinalMapping> {
    let steps = points.iter().map(|points| Isotonic::from_points(points.clone()));
    Some(OrdinalMapping::from_steps(steps.collect::<Option<_>>()?))
}

/// What one half of the labels gives, and how well each method does on the other.
struct Calibration {
    mapping: Vec<Vec<(f64, f64)>>,
    classifier: Option<Classifier>,
    computed: Vec<(String, OrdinalMapping)>,
    methods: Vec<Tried>,
    baseline: f64,
}

impl Calibration {
    fn new(items: &[Rated], labels: usize) -> Self {
        let mut order: Vec<usize> = (0..items.len()).collect();
        PythonRandom::new(SEED).shuffle(&mut order);
        let (fitted, scored) = order.split_at(items.len() / 2);
        let given: Vec<usize> = fitted.iter().map(|at| items[*at].human).collect();
        let mapping = |score: &dyn Fn(&Rated) -> Option<f64>| {
            let x: Vec<f64> = fitted.iter().map(|at| score(&items[*at])).collect::<Option<_>>()?;
            OrdinalMapping::fit(&x, &given, labels, Balance::Labels)
        };
        let names: BTreeSet<&String> = items.iter().flat_map(|item| &item.computed).map(|(name, _)| name).collect();
        let computed = names.into_iter().filter_map(|name| Some((name.clone(), mapping(&|item| item.computed(name))?)));
        let computed: Vec<(String, OrdinalMapping)> = computed.collect();
        let mapping = mapping(&|item| Some(item.expected));
        let features: Vec<&[f64]> = fitted.iter().map(|at| items[*at].features.as_slice()).collect();
        let classifier = Classifier::fit(&features, &given, labels);
        let human: Vec<usize> = scored.iter().map(|at| items[*at].human).collect();
        let of_judge = [Method::Label, Method::Expected, Method::Classifier].into_iter();
        let all: Vec<Method> =
            of_judge.chain(computed.iter().map(|(name, _)| Method::Computed(name.clone()))).collect();
        let tried = |method: &Method| {
            let label = |at: &usize| {
                let item = &items[*at];
                match method {
                    Method::Label => Some(item.label),
                    Method::Expected => mapping.as_ref().map(|mapping| mapping.label(item.expected)),
                    Method::Classifier => classifier.as_ref()?.label(&item.features),
                    Method::Computed(name) => {
                        let (_, mapping) = computed.iter().find(|(known, _)| known == name)?;
                        Some(mapping.label(item.computed(name)?))
                    }
                }
            };
            let told: Vec<usize> = scored.iter().map(label).collect::<Option<_>>()?;
            let accuracy = |at: &[usize]| agreement::balanced_accuracy(&drawn(&human, at), &drawn(&told, at));
            // A resample may lack a label: whoever always says the same is then right more often, too.
            let gain = |at: &[usize]| accuracy(at).map(|accuracy| accuracy - baseline(&drawn(&human, at)));
            let wide = Bootstrap { confidence: 1.0 - 0.05 / all.len() as f64, ..Bootstrap::default() };
            Some(Tried {
                method: method.clone(),
                accuracy: Bootstrap::default().interval(scored.len(), accuracy)?.into(),
                gain: wide.interval(scored.len(), gain)?.into(),
            })
        };
        let methods = all.iter().filter_map(tried).collect();
        Self {
            mapping: mapping.as_ref().map(points).unwrap_or_default(),
            methods,
            classifier,
            computed,
            baseline: baseline(&human),
        }
    }
}

#[cfg(test)]
#[path = "passport_tests.rs"]
mod tests;
