//! What jobs of this module share: telling how far they are, waiting for room, and ending when they shall.

use std::future::Future;
use std::time::{Duration, Instant};

use base::{Error, ErrorKind, Result};
use jobs::{JobContext, Progress};

use crate::pull::Meter;

/// How often a job's progress is reported.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// How long a job waits for memory that other models take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Does the work of a job, and tells what the meter shows meanwhile. The work goes on while that is told: it may hold the
/// database's writer, which telling waits for.
pub(crate) async fn metered<T>(job: &JobContext, meter: &Meter, doing: impl Future<Output = T>) -> T {
    tokio::pin!(doing);
    let mut report = tokio::time::interval(REPORT_EVERY);
    loop {
        let telling = async {
            report.tick().await;
            tell(job, meter).await;
        };
        tokio::select! {
            outcome = &mut doing => {
                tell(job, meter).await;
                return outcome;
            }
            () = telling => {}
        }
    }
}

/// Tells what the meter shows.
pub(crate) async fn tell(job: &JobContext, meter: &Meter) {
    let reading = meter.read();
    let progress =
        Progress { done: reading.done, total: reading.total, unit: reading.unit.to_owned(), message: reading.message };
    // Progress is told to whoever watches; the work goes on where it cannot be.
    job.progress(progress).await;
}

/// # Errors
/// Conflict, where the job is cancelled first.
pub(crate) async fn unless_cancelled<T>(work: &JobContext, doing: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = doing => done,
        () = work.cancelled().cancelled_owned() => Err(Error::conflict("The job was cancelled.")),
    }
}

/// How long to wait for room.
pub(crate) struct Patience<'a> {
    work: &'a JobContext,
    until: Instant,
}

impl<'a> Patience<'a> {
    pub(crate) fn of(work: &'a JobContext, patience: Duration) -> Self {
        Self { work, until: Instant::now() + patience }
    }

    pub(crate) fn long(work: &'a JobContext) -> Self {
        Self::of(work, PATIENCE)
    }

    /// Waits where there is no room at the moment.
    ///
    /// # Errors
    /// Any other error at once, and this one in the end; Conflict, where the job is cancelled.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<()> {
        if error.kind != ErrorKind::Throttled || Instant::now() >= self.until {
            return Err(error);
        }
        let pause = tokio::time::sleep(Duration::from_secs(1));
        let waited = async {
            pause.await;
            Ok(())
        };
        unless_cancelled(self.work, waited).await
    }
}
