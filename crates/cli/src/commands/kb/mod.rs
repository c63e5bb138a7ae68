//! `craton kb`: knowledge bases, from a bucket of documents to cited answers.

mod ask;
mod aws;
mod create;
mod delete;
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
        Kb::Documents { base, failed } => show::documents(client, &base, failed, format).await,
        Kb::Ask { query, model, session } => {
            ask::ask(client, &query, model.as_deref(), session.as_deref(), format).await
        }
        Kb::Search(query) => ask::search(client, &query, format).await,
        Kb::Explain(query) => ask::explain(client, &query, format).await,
        Kb::Delete { base, yes } => delete::run(client, &base, yes, format).await,
    }
}
