//! The room that a model would have on this machine, for who asks before there is a server.

use std::path::Path;
use std::str::FromStr;

use anyhow::Result;
use cli::UpArgs;
use inference::LoadOptions;

use super::{CONTEXT, File, Machine, PARALLEL, load, memory_budget, positive};

/// The settings that say how large a model may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelRoom {
    /// Bytes that loaded models may take.
    pub(crate) memory_budget: u64,
    /// How a model is loaded, as far as that takes memory.
    pub(crate) load: LoadOptions,
}

impl ModelRoom {
    /// As `craton up` would find it here: the variables, then the settings file, then the defaults.
    ///
    /// # Errors
    /// A setting that cannot be read.
    pub(crate) fn resolve(variable: impl Fn(&str) -> Option<String>, machine: &Machine) -> Result<Self> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let file = File::read(given("CRATON_CONFIG").as_deref().map(Path::new))?;
        let args = UpArgs {
            replicas: number(given("CRATON_REPLICAS"))?,
            cores: given("CRATON_CORES"),
            replica_gpus: given("CRATON_REPLICA_GPUS"),
            cache_type: given("CRATON_CACHE_TYPE"),
            one_pass_attention: number(given("CRATON_ONE_PASS_ATTENTION"))?,
            shared_cells: number(given("CRATON_SHARED_CELLS"))?,
            ..UpArgs::default()
        };
        let (context, parallel) = (number(given("CRATON_CONTEXT"))?, number(given("CRATON_PARALLEL"))?);
        Ok(Self {
            memory_budget: memory_budget(
                given("CRATON_MEMORY_BUDGET").or_else(|| file.memory_budget.clone()).as_deref(),
                machine,
            )?,
            load: LoadOptions {
                context_per_sequence: positive("context", context.or(file.context))?.unwrap_or(CONTEXT),
                parallel: positive("parallel", parallel.or(file.parallel))?.unwrap_or(PARALLEL),
                ..load::resolve(&args, &file, machine)?
            },
        })
    }
}

fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(text: Option<String>) -> Result<Option<T>> {
    Ok(text.map(|text| text.parse()).transpose()?)
}
