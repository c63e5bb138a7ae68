//! Durable jobs: work that takes longer than a request and survives the death of the process at any instruction.
//!
//! A job is a row. A worker takes it under a lease, which it renews while the [`Handler`] runs; when the worker dies the
//! lease lapses and the job is taken again with its last checkpoint. A handler may therefore run more than once for the
//! same job, and makes its steps repeatable; a job whose success was recorded never runs again.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # async fn example(store: store::Store, owner: jobs::Owner) -> base::Result<()> {
//! use jobs::{JobContext, Jobs, NewJob};
//!
//! let jobs = Jobs::open(store, Arc::new(base::SystemClock), Arc::new(base::SystemRandom)).await?;
//! jobs.register("count", Arc::new(|job: JobContext| async move { Ok(serde_json::json!({ "saw": job.input() })) }));
//! let running = jobs.start(4);
//! let input = serde_json::json!("text");
//! let job = jobs.submit(NewJob { kind: "count", owner, input, dedup_key: None, max_attempts: 3, run_at: None }).await?;
//! # let _ = job;
//! running.stop().await;
//! # Ok(())
//! # }
//! ```

mod context;
mod handler;
mod job;
mod lane;
mod run;
mod schedule;
mod service;
mod store;
mod transition;
mod watch;
mod worker;

pub use context::JobContext;
pub use handler::Handler;
pub use job::{Job, JobError, JobId, NewJob, Owner, Progress, State};
pub use lane::Lane;
pub use schedule::{Every, NewSchedule, Schedule};
pub use service::Jobs;
pub use store::TABLES;
pub use worker::Running;

#[cfg(test)]
mod tests;
