//! `craton kb`: knowledge bases, from a bucket of documents to cited answers.

mod add;
mod ask;
mod aws;
mod chunks;
mod create;
mod delete;
mod documents;
mod remove;
mod show;
mod sync;
#[cfg(test)]
mod tests;

use anyhow::Result;

use crate::args::Global;
use crate::client::Client;
use crate::kb_args::Kb;

/// Runs a command of a knowledge base.
pub(super) async fn run(client: &Client, command: Kb, global: &Global) -> Result<()> {
    let (format, here) = (global.output, &*super::import::here(global));
    match command {
        Kb::Create(args) => create::run(client, &args, format, here).await,
        Kb::List => show::list(client, format).await,
        Kb::Show { base } => show::one(client, &base, format).await,
        Kb::Sync { base, source, no_wait } => sync::run(client, &base, source.as_deref(), no_wait, format, here).await,
        Kb::Syncs { base, source } => sync::list(client, &base, source.as_deref(), format, here).await,
        Kb::Follow { base, job } => sync::follow(client, &base, &job, format, here).await,
        Kb::Stop { base, job } => sync::stop(client, &base, &job, format, here).await,
        Kb::Add(args) => add::run(client, &args, format, here).await,
        Kb::Remove { base, documents, source, wait } => {
            remove::run(client, (&base, &documents), (source.as_deref(), wait), format, here).await
        }
        Kb::Chunks { base, document, source } => {
            chunks::run(client, (&base, &document), source.as_deref(), format, here).await
        }
        Kb::Documents { base, failed } => show::documents_of(client, &base, failed, format).await,
        Kb::Ask { query, model, session } => {
            ask::ask(client, &query, model.as_deref(), session.as_deref(), format).await
        }
        Kb::Search(query) => ask::search(client, &query, format).await,
        Kb::Explain(query) => ask::explain(client, &query, format).await,
        Kb::Delete { base, yes } => delete::run(client, &base, yes, format).await,
    }
}
