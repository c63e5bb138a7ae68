//! Whether an import would succeed, before it is started: every permission that it needs, then the checkpoint.

use std::sync::Arc;

use base::{Error, Result};
use checkpoint::{ModelFacts, Source};
use identity::Ctx;
use serde_json::Value;

use super::job::{ImportJob, NewImport};
use super::location::Location;
use super::{failure, work};
use crate::Models;
use crate::bucket::BucketFolder;

/// The checks, in order.
const STEPS: [(&str, &str); 6] = [
    ("pass-role", "You may hand the role to Amazon Bedrock"),
    ("assume-role", "Amazon Bedrock may assume the role"),
    ("list", "The role may list the checkpoint's files"),
    ("read", "The role may read and decrypt them"),
    ("examine", "The checkpoint can be imported"),
    ("encrypt", "The role may use the key of the imported model"),
];

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportCheck {
    /// Each check, in order.
    pub steps: Vec<CheckStep>,
    /// What the examination found, as in [`ImportJob::report`]; none where it was not reached.
    pub report: Option<Value>,
    /// What the checkpoint says of its model, where that could be read.
    pub facts: Option<ModelFacts>,
    /// Bytes of the model in memory, with working buffers and the caches of the requests that it answers at the same time; none where it cannot
    /// be imported.
    pub memory_bytes: Option<u64>,
}

impl ImportCheck {
    /// Whether an import would succeed as things are.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.steps.iter().all(|step| !matches!(step.outcome, CheckOutcome::Failed { .. }))
            && self.report.as_ref().is_some_and(|report| report["passes"] == true)
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// `pass-role`, `assume-role`, `list`, `read`, `examine`, `encrypt`.
    pub name: &'static str,
    /// What it checks.
    pub title: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It is as it must be.
    Passed,
    /// It is not.
    Failed {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// The request whose audit record tells of it, where one does.
        request_id: Option<String>,
    },
    /// It was not reached, or there is nothing to check.
    Skipped,
}

impl Models {
    /// Does everything that an import does but copying: nothing is kept. What is wrong stands in the result.
    ///
    /// # Errors
    /// Invalid, where a name, ARN or URI is malformed; Unavailable, where the server cannot check.
    pub async fn check_import(&self, ctx: &Ctx, new: &NewImport) -> Result<ImportCheck> {
        super::job::check(ctx, new)?;
        let mut checks = Checks::default();
        checks.asking(Some(ctx));
        let passed = self.inner.identity.pass_role(ctx, &new.role_arn, work::SERVICE).await;
        // Who may not hand the role over learns nothing by it.
        if checks.note(passed)?.is_none() {
            return Ok(checks.done());
        }
        // The import would be this one: the role's trust policy is asked about its ARN.
        let job = self.row(ctx, new.clone());
        checks.asking(None);
        let Some(role) = checks.note(self.role(ctx, &job).await)? else { return Ok(checks.done()) };
        checks.asking(Some(&role));
        let location = Location::parse(&new.source_uri)?;
        let objects = self.inner.objects.clone();
        let source = Arc::new(BucketFolder::new(objects, role.clone(), &location.bucket, &location.prefix));
        let listed = source.files().await.map_err(|error| failure::no_access(&new.source_uri, error));
        let files = checks.note(listed)?;
        if let Some(files) = files {
            let first = files.iter().find(|file| file.name == "config.json").or(files.first());
            let read = match first {
                Some(file) => source.read(&file.name, 0, file.bytes.min(1)).await.map(drop),
                None => Ok(()),
            };
            let read = checks.note(read.map_err(|error| failure::no_access(&new.source_uri, error)))?;
            if read.is_some() {
                self.check_checkpoint(&mut checks, &job, new, &source).await?;
            } else {
                checks.skip();
            }
        } else {
            checks.skip();
            checks.skip();
        }
        if new.kms_key.is_some() {
            // Assumed again: its request has an id of its own, by which this refusal is explained and not the one before.
            checks.asking(None);
            let used = match self.role(ctx, &job).await {
                Ok(role) => {
                    checks.asking(Some(&role));
                    self.check_key(&role, &job).await
                }
                Err(error) => Err(error),
            };
            checks.note(used)?;
        }
        Ok(checks.done())
    }

    async fn check_checkpoint(
        &self,
        checks: &mut Checks,
        job: &ImportJob,
        new: &NewImport,
        source: &Arc<BucketFolder>,
    ) -> Result<()> {
        match self.examined(source.clone(), new.quantization).await? {
            Ok(examined) => {
                checks.found.report = Some(super::report_json(&examined.report));
                if let (Some(accepted), Some(facts)) = (&examined.accepted, &examined.facts) {
                    let room = self.import_room().await?;
                    checks.found.memory_bytes = Some(room.memory_needed(accepted.config(), facts.model_bytes));
                }
                checks.found.facts = examined.facts;
                match examined.report.passes() {
                    true => checks.push(CheckOutcome::Passed),
                    false => checks.fail(failure::unfit(&examined.report), None),
                }
            }
            Err(error) => drop(checks.note(Err::<(), Error>(work::of_reading(job, error)))?),
        }
        Ok(())
    }

    /// Makes a data key and opens it, as an import does.
    async fn check_key(&self, role: &Ctx, job: &ImportJob) -> Result<()> {
        let key = self.new_data_key(role, job).await?;
        let opened = self.open_data_key(role, &key.sealed, &job.model_arn.to_string()).await;
        let key = job.kms_key_arn.as_deref().unwrap_or_default();
        opened.map(drop).map_err(|error| failure::no_key(key, error))
    }
}

/// The checks as they are made.
struct Checks {
    found: ImportCheck,
    /// The request that the next checks are part of.
    request_id: Option<String>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            found: ImportCheck { steps: Vec::new(), report: None, facts: None, memory_bytes: None },
            request_id: None,
        }
    }
}

impl Checks {
    /// Says whose request the next checks are part of.
    fn asking(&mut self, ctx: Option<&Ctx>) {
        self.request_id = ctx.map(|ctx| ctx.request_id().to_string());
    }

    /// Notes the next check. None where it failed.
    ///
    /// # Errors
    /// A fault of the server, which says nothing of the import.
    fn note<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => {
                self.push(CheckOutcome::Passed);
                Ok(Some(value))
            }
            Err(error) if failure::is_fault(&error) => Err(error),
            Err(error) => {
                self.fail(error, self.request_id.clone());
                Ok(None)
            }
        }
    }

    fn fail(&mut self, error: Error, request_id: Option<String>) {
        self.push(CheckOutcome::Failed { message: error.message, hint: error.hint, request_id });
    }

    fn skip(&mut self) {
        self.push(CheckOutcome::Skipped);
    }

    fn push(&mut self, outcome: CheckOutcome) {
        if let Some((name, title)) = STEPS.get(self.found.steps.len()) {
            self.found.steps.push(CheckStep { name, title, outcome });
        }
    }

    /// The result; what was not reached was skipped.
    fn done(mut self) -> ImportCheck {
        while self.found.steps.len() < STEPS.len() {
            self.skip();
        }
        self.found
    }
}
