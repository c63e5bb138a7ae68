//! Batch inference: many records out of S3, answered as the operations of one request answer them, into S3.
//!
//! A job counts its records first, then answers them: in windows of bounded size, each sorted by the prompt so that
//! records which begin alike follow one another, many at a time and after whoever waits for an answer. What became of a
//! record is kept in the database, sealed, until the results are written; so a job that is broken off anywhere goes on
//! with the records that are left.

mod answer;
mod dialect;
mod failure;
mod input;
mod job;
mod lines;
mod output;
mod place;
mod record;
mod run;
mod stops;
mod store;
mod window;

use std::time::Duration;

use ::store::{Migration, Module};

pub use dialect::{Asked, Dialects, EncodeChat, EncodeVectors, InvocationType, RecordBody};
pub use job::{BatchCounts, BatchError, BatchFilter, BatchJob, BatchPlace, BatchStatus, NewBatch};
pub(crate) use lines::of_objects;
pub(crate) use place::Place;
pub(crate) use run::{BatchHandler, JOB_KIND};
pub(crate) use stops::Stops;
pub(crate) use store::change_tags as change_batch_tags;
pub(crate) use store::tags as batch_tags;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "batch", include_str!("migrations/0001_batch.sql"))];

/// The tables of batch inference.
pub const TABLES: Module = Module { name: "model-batch", migrations: MIGRATIONS };

/// What a job may bring, and how it is worked. A record beyond its limit is an error of that record; a job beyond the
/// others fails when its input is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Bytes of a record: a line.
    pub record_bytes: usize,
    /// Bytes of an input file.
    pub file_bytes: u64,
    /// Bytes of all input files of a job.
    pub job_bytes: u64,
    /// Input files of a job.
    pub files: usize,
    /// Records of a job.
    pub records: u64,
    /// The fewest records of a job.
    pub fewest_records: u64,
    /// Bytes of the records that are sorted together.
    pub window_bytes: usize,
    /// Records that are sorted together.
    pub window_records: usize,
    /// The pause before a record is asked again that the model was not ready for; each further one is twice as long.
    pub pause: Duration,
}

impl Default for BatchLimits {
    /// AWS's own limits of sizes; a million records; no fewest.
    fn default() -> Self {
        Self {
            record_bytes: 25_000_000,
            file_bytes: 1 << 30,
            job_bytes: 5 << 30,
            files: 1_000,
            records: 1_000_000,
            fewest_records: 1,
            window_bytes: 16 << 20,
            window_records: 4_096,
            pause: Duration::from_millis(250),
        }
    }
}

#[cfg(test)]
mod tests;
