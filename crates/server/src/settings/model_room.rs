//! The room that a model would have on this machine, for who asks before there is a server.

use std::path::Path;

use anyhow::Result;

use super::{CONTEXT, File, Machine, PARALLEL, memory_budget, positive};

/// The settings that say how large a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModelRoom {
    /// Bytes that loaded models may take.
    pub(crate) memory_budget: u64,
    /// Tokens that one request may use.
    pub(crate) context: u32,
    /// Requests that a model answers at the same time.
    pub(crate) parallel: u32,
}

impl ModelRoom {
    /// As `craton up` would find it here: the variables, then the settings file, then the defaults.
    ///
    /// # Errors
    /// A setting that cannot be read.
    pub(crate) fn resolve(variable: impl Fn(&str) -> Option<String>, machine: &Machine) -> Result<Self> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let file = File::read(given("CRATON_CONFIG").as_deref().map(Path::new))?;
        let number = |name: &str| given(name).map(|text| text.parse()).transpose();
        Ok(Self {
            memory_budget: memory_budget(given("CRATON_MEMORY_BUDGET").or(file.memory_budget).as_deref(), machine)?,
            context: positive("context", number("CRATON_CONTEXT")?.or(file.context))?.unwrap_or(CONTEXT),
            parallel: positive("parallel", number("CRATON_PARALLEL")?.or(file.parallel))?.unwrap_or(PARALLEL),
        })
    }
}
