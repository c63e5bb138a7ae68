//! Looking at a dataset before a job reads it: all that is wrong with it, by line.

use base::{Error, Result};
use identity::Ctx;

use super::alignment::off_thread;
use super::label_scales::{LabelScale, label_scales, unplaced};
use super::place::Place;
use super::plan::{Asked, AskedCustom, AskedDataset, Metric, Plan, Problem, System};
use super::prices::Prices;
use super::service::Evaluations;

/// The most problems that are told of a dataset.
pub(super) const MOST_PROBLEMS: usize = 100;

/// Where a dataset is.
#[derive(Debug, Clone)]
pub enum DatasetText {
    /// Here: its lines.
    Lines(String),
    /// In S3: `s3://…`.
    Uri(String),
}

/// What was found of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetCheck {
    /// Its records, those that are wrong included.
    pub records: usize,
    /// What is wrong: with all of it, then in the order of the lines, at most 100.
    pub problems: Vec<Problem>,
    /// What each metric of a user's own is filled with.
    pub custom: Vec<Variables>,
    /// What people can say in each metric whose judge they can be compared with.
    pub scales: Vec<LabelScale>,
}

/// What a metric of a user's own is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    /// The metric.
    pub metric: String,
    /// The variables that its instructions name, in the order of [`VARIABLES`](super::prompts::VARIABLES).
    pub names: Vec<&'static str>,
}

impl Evaluations {
    /// Looks at a dataset for a job of such a system and judge with these metrics, those of users' own that they name included,
    /// of more prompts than AWS takes where `unlimited`. Only the scales depend on the judge, and with them whether labels of people
    /// beside the records are some.
    ///
    /// # Errors
    /// Invalid, where there is no such dataset, where the metrics do not go with the system, or where one of a user's own can
    /// never be asked; Denied, where the caller may not read the dataset.
    pub async fn check_dataset(
        &self,
        ctx: &Ctx,
        (system, judge): (System, Option<&str>),
        (metrics, custom): (Vec<String>, Vec<AskedCustom>),
        (dataset, unlimited): (DatasetText, bool),
    ) -> Result<DatasetCheck> {
        let text = match dataset {
            DatasetText::Lines(text) => text,
            DatasetText::Uri(uri) => Place::parse(&uri)?.read(&self.inner.objects, ctx).await?,
        };
        if metrics.is_empty() {
            return Err(Error::invalid("No metric is named.").with_hint("What a record needs depends on the metrics."));
        }
        // Nobody is asked here.
        let judge = Some(judge.unwrap_or_default().to_owned());
        let asked = Asked {
            systems: vec![system],
            datasets: vec![AskedDataset { name: String::new(), uri: String::new(), task: String::new(), metrics }],
            custom_judge: judge.clone(),
            judge,
            custom,
            output: String::new(),
            unlimited,
            askings: 1,
            embedder: None,
            prices: Prices::default(),
        };
        let plan = Plan::new(&asked)?;
        let own = plan.metrics.iter().flatten().filter_map(Metric::custom);
        let custom = own.map(|metric| Variables { metric: metric.name.clone(), names: metric.variables() }).collect();
        let scales = label_scales(&plan, 0, &asked.custom);
        let of_people = scales.clone();
        let found = off_thread(move || {
            let (records, mut problems) = plan.check(0, &text, MOST_PROBLEMS);
            problems.extend(unplaced(&text, &of_people));
            // What is of no line comes first.
            problems.sort_by_key(|problem| problem.line);
            problems.truncate(MOST_PROBLEMS);
            (records, problems)
        });
        let (records, problems) = found.await?;
        Ok(DatasetCheck { records, problems, custom, scales })
    }
}
