//! What jobs of this module share: telling how far they are, waiting for room, and ending when they shall.

use std::convert::Infallible;
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
    let mut report = tokio::time::interval(REPORT_EVERY);
    let telling = async {
        loop {
            report.tick().await;
            tell(job, meter).await;
        }
    };
    let outcome = beside(doing, telling).await;
    tell(job, meter).await;
    outcome
}

/// Does something beside something else that never ends: neither stands still where the other waits.
async fn beside<T>(doing: impl Future<Output = T>, other: impl Future<Output = Infallible>) -> T {
    tokio::select! {
        outcome = doing => outcome,
        never = other => match never {},
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::{Mutex, Notify};

    use super::*;

    #[test]
    fn the_work_goes_on_while_what_is_told_waits_for_something_that_the_work_holds() {
        let (writer, held_now, told) = (Mutex::new(()), Notify::new(), Notify::new());
        let work = async {
            let held = writer.lock().await;
            held_now.notify_one();
            // The telling has begun, and waits.
            told.notified().await;
            drop(held);
            7
        };
        let telling = async {
            loop {
                held_now.notified().await;
                told.notify_one();
                let _written = writer.lock().await;
            }
        };
        let mut both = pin!(beside(work, telling));
        let mut context = Context::from_waker(Waker::noop());
        // Nobody else is there: whoever is not polled stands still.
        let ended = (0..8).find_map(|_| match both.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        });
        assert_eq!(ended, Some(7));
    }
}
