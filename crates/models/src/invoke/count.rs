//! Token counts.

use base::{Error, Result};
use identity::Ctx;
use inference::{Loaded, Prompt};

use super::answer::TokenCount;
use super::request::CountRequest;
use super::{Place, chat, complete, continuation, errors, render};
use crate::Models;
use crate::loaded::Lease;

impl Models {
    /// The tokens that the answering model would read.
    ///
    /// # Errors
    /// As [`Models::chat`]; NotImplemented, where an upstream answers, as its dialect has no such request.
    pub async fn count_tokens(&self, ctx: &Ctx, request: CountRequest) -> Result<TokenCount> {
        let model = match &request {
            CountRequest::Chat(chat) => &chat.model,
            CountRequest::Completion(completion) => &completion.model,
            CountRequest::Continuation(continuation) => &continuation.model,
            CountRequest::Text { model, .. } => model,
        };
        let resolved = self.resolve(ctx, model).await?;
        let request = &request;
        self.routed(ctx, resolved, |attempt| async move {
            let (place, served_by, _) = attempt.parts();
            match place {
                Place::Here(here) => {
                    let lease = self.lease_here(ctx, &here).await?;
                    let context = match lease.model() {
                        Loaded::Generator(generator) => generator.info().context_length,
                        Loaded::Embedder(embedder) => embedder.info().max_tokens,
                    };
                    let tokens = counted(lease, request.clone()).await?;
                    Ok(TokenCount { tokens, context: u64::from(context), served_by })
                }
                Place::Pool(_) => {
                    Err(Error::not_implemented("Counting the tokens of an upstream's model is not implemented."))
                }
            }
        })
        .await
    }
}

/// The tokens that the model would read.
async fn counted(lease: Lease, request: CountRequest) -> Result<u64> {
    let count = tokio::task::spawn_blocking(move || {
        let failed = |error| errors::of_invocation(lease.name(), error);
        match (lease.model(), request) {
            (Loaded::Generator(generator), CountRequest::Chat(request)) => {
                chat::check(&request)?;
                let prompt = render::prompt(&**generator, lease.name(), &request)?;
                generator.count(&prompt).map_err(failed)
            }
            (Loaded::Generator(generator), CountRequest::Completion(request)) => {
                let prompt = if complete::continues_as_it_stands(&lease, &request.prompt)? {
                    Prompt::Text { text: request.prompt, parse_special: false, add_bos: true }
                } else {
                    render::prompt(&**generator, lease.name(), &complete::as_chat(request)?)?
                };
                generator.count(&prompt).map_err(failed)
            }
            (Loaded::Generator(generator), CountRequest::Continuation(request)) => {
                generator.count(&continuation::prompt(request.prompt)).map_err(failed)
            }
            (Loaded::Generator(generator), CountRequest::Text { text, .. }) => {
                generator.tokenize(&text, false).map(|tokens| tokens.len()).map_err(failed)
            }
            (Loaded::Embedder(embedder), CountRequest::Text { text, .. }) => {
                embedder.count(&text).map(|count| count as usize).map_err(failed)
            }
            (Loaded::Embedder(_), _) => Err(errors::wrong_kind(lease.name(), "generate text")),
        }
    });
    Ok(count.await.map_err(Error::internal)?? as u64)
}
