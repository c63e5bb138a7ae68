//! Looking at a dataset before a job reads it: all that is wrong with it, by line.

use base::{Error, Result};
use identity::Ctx;

use super::alignment::off_thread;
use super::place::Place;
use super::plan::{Asked, AskedDataset, Plan, Problem, System};
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
    /// What is wrong, in the order of the lines, at most 100.
    pub problems: Vec<Problem>,
}

impl Evaluations {
    /// Looks at a dataset for a job of such a system with these metrics, of more prompts than AWS takes where `unlimited`.
    ///
    /// # Errors
    /// Invalid, where there is no such dataset, or the metrics do not go with the system; Denied, where the caller may not
    /// read it.
    pub async fn check_dataset(
        &self,
        ctx: &Ctx,
        system: System,
        metrics: Vec<String>,
        (dataset, unlimited): (DatasetText, bool),
    ) -> Result<DatasetCheck> {
        let text = match dataset {
            DatasetText::Lines(text) => text,
            DatasetText::Uri(uri) => Place::parse(&uri)?.read(&self.inner.objects, ctx).await?,
        };
        if metrics.is_empty() {
            return Err(Error::invalid("No metric is named.").with_hint("What a record needs depends on the metrics."));
        }
        // Who would judge does not matter here.
        let asked = Asked {
            systems: vec![system],
            datasets: vec![AskedDataset { name: String::new(), uri: String::new(), task: String::new(), metrics }],
            judge: Some(String::new()),
            custom: Vec::new(),
            custom_judge: None,
            output: String::new(),
            unlimited,
            askings: 1,
            embedder: None,
        };
        let plan = Plan::new(&asked)?;
        let (records, problems) = off_thread(move || plan.check(0, &text, MOST_PROBLEMS)).await?;
        Ok(DatasetCheck { records, problems })
    }
}
