//! `craton batch`: many records out of a bucket, answered into a bucket.

mod create;
mod follow;
mod job;
mod results;

#[cfg(test)]
mod tests;

use anyhow::Result;

use crate::args::Global;
use crate::batch_args::Batch;
use crate::client::Client;

/// Runs a command of a batch.
pub(super) async fn run(client: &Client, command: Batch, global: &Global) -> Result<()> {
    let (format, here) = (global.output, &*super::import::here(global));
    match command {
        Batch::Create(args) => create::run(client, &args, format, here).await,
        Batch::Status { job, wait } => job::status(client, &job, wait, format, here).await,
        Batch::List(asked) => job::list(client, &asked, format).await,
        Batch::Stop { job } => job::stop(client, &job, format, here).await,
        Batch::Results { job, to, errors } => results::run(client, &job, to.as_deref(), errors).await,
    }
}
