//! Models that read the trials.

use std::sync::Arc;

use base::{ErrorKind, Result};
use jobs::JobContext;

use super::{Read, Trials};
use crate::Models;
use crate::loaded::Weights;
use crate::pull::Meter;
use crate::work::{Patience, unless_cancelled};

impl Models {
    /// Has a model read the trials, loaded for that alone under a name of its own. Where they do not fit into its context,
    /// which is of so many tokens, they are cut to what does.
    ///
    /// # Errors
    /// Invalid, where the model computes no numbers or somebody's own tasks are too long for it; Throttled, where other
    /// models take the memory for long; Damaged, where its file is; Conflict, where the job is cancelled.
    pub(crate) async fn read_trials(
        &self,
        work: &JobContext,
        (name, weights): (String, impl Into<Weights>),
        (trials, context): (&mut Trials, u64),
        (meter, message): (&Meter, &str),
    ) -> Result<Read> {
        let (weights, mut patience) = (weights.into(), Patience::long(work));
        loop {
            let done = meter.count(message, "texts", trials.len() as u64);
            let passages = Arc::new(trials.passages());
            let reading = self.inner.loaded.read_all(&name, weights.clone(), passages, done);
            match unless_cancelled(work, reading).await {
                Ok(readings) => return trials.read(readings),
                Err(error) if error.kind == ErrorKind::Invalid => match trials.cut(context) {
                    true => {}
                    false => return Err(error),
                },
                Err(error) => patience.wait(error).await?,
            }
        }
    }
}
