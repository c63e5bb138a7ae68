//! What runs a job.

use std::future::Future;

use base::Result;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::JobContext;

/// The code of one kind of job. Closures `|job: JobContext| async move { … }` are handlers too.
pub trait Handler: Send + Sync + 'static {
    /// Does the job's work and returns its output. May be called again for the same job after a failure or the death of
    /// the process; [`JobContext::checkpoint`] then tells how far it came. Returns soon after
    /// [`JobContext::cancelled`] was cancelled.
    ///
    /// # Errors
    /// Throttled, Unavailable, Timeout and Internal are tried again with growing pauses, up to the job's
    /// `max_attempts`, and beyond as long as each attempt gets further or is put off ([`JobContext::put_off`]); the other
    /// kinds fail the job at once.
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>>;
}

impl<F, Fut> Handler for F
where
    F: Fn(JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value>> + Send + 'static,
{
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(self(job))
    }
}
