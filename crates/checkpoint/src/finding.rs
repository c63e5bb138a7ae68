//! What an examination finds.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; the model is not touched by it.
    Note,
    /// The model is imported and may answer otherwise than where it was made.
    Warning,
    /// The model cannot be imported.
    Error,
}

/// One thing that was found: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file that it is in; none where no one file is to blame.
    pub file: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    pub(crate) fn error(file: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Error, file: Some(file.into()), problem: problem.into(), fix: fix.into() }
    }

    pub(crate) fn warning(file: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, problem, fix) }
    }

    pub(crate) fn note(file: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(file, problem, fix) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "`{file}`: ")?;
        }
        write!(f, "{}. {}", self.problem, self.fix)
    }
}

/// All that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which the files are read.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing stands in the way.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.errors().next().is_none()
    }

    /// What stands in the way.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Notes the finding of a failed step and goes on without its result.
    pub(crate) fn keep<T>(&mut self, outcome: Result<T, Finding>) -> Option<T> {
        outcome.map_err(|finding| self.add(finding)).ok()
    }
}
