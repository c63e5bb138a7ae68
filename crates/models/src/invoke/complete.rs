//! Raw prompts.

use base::{Error, Result};
use identity::Ctx;
use inference::Loaded;

use super::answer::{ChatStream, ServedBy};
use super::request::{ChatRequest, CompletionRequest};
use super::{Place, chat, errors, local, prompts};
use crate::Models;
use crate::aliases::Resolved;
use crate::loaded::Lease;

impl Models {
    /// Answers a raw prompt. A prompt in a vendor's chat template is read into messages (see
    /// [`crate::PromptFormat`]) and written in the answering model's own; anything else is one user message. A local
    /// model without a chat template continues a prompt that is in no vendor's template as it stands.
    ///
    /// # Errors
    /// As [`Models::chat`].
    pub async fn complete(&self, ctx: &Ctx, request: CompletionRequest) -> Result<ChatStream> {
        let resolved = self.resolve(ctx, &request.model).await?;
        self.complete_with(ctx, resolved, request).await
    }

    /// [`Models::complete`] by what was resolved already.
    ///
    /// # Errors
    /// As [`Models::complete`].
    pub async fn complete_with(&self, ctx: &Ctx, resolved: Resolved, request: CompletionRequest) -> Result<ChatStream> {
        chat::check_limit(request.max_tokens)?;
        if request.prompt.is_empty() {
            return Err(Error::invalid("The prompt is empty."));
        }
        let (request, serving) = (&request, request.serving.of(ctx));
        self.metered(ctx, resolved, |attempt| async move {
            let (place, served_by, settling) = attempt.parts();
            let request = request.clone();
            let answer = match place {
                Place::Here(here) => {
                    let lease = self.lease_here(ctx, &here).await?;
                    let foreign_format = self.misread(lease.name(), &request.prompt).await;
                    let served_by = ServedBy { foreign_format, ..served_by };
                    if continues_as_it_stands(&lease, &request.prompt)? {
                        local::complete(lease, request, serving, served_by).await?
                    } else {
                        local::chat(lease, as_chat(request)?, serving, served_by, self.inner.random.clone()).await?
                    }
                }
                Place::Pool(pool) => {
                    let (serving, chat) = (request.serving.at_an_upstream(ctx)?, as_chat(request)?);
                    pool.chat(self.inner.pools.client(), &chat, &served_by, serving).await?
                }
            };
            settling.settle(ctx, answer).await
        })
        .await
    }

    /// The format of a raw prompt that is neither read into messages nor the model's own.
    async fn misread(&self, name: &str, prompt: &str) -> Option<&'static str> {
        match prompts::format_of(prompt) {
            prompts::PromptFormat::Plain => self.foreign_format(name, prompt).await,
            _ => None,
        }
    }
}

/// Whether the model is a base model and the prompt plain text.
pub(crate) fn continues_as_it_stands(lease: &Lease, prompt: &str) -> Result<bool> {
    match lease.model() {
        Loaded::Generator(generator) => {
            Ok(!generator.info().has_chat_template && prompts::format_of(prompt) == prompts::PromptFormat::Plain)
        }
        Loaded::Embedder(_) => Err(errors::wrong_kind(lease.name(), "generate text")),
    }
}

/// The raw prompt as a conversation.
pub(crate) fn as_chat(request: CompletionRequest) -> Result<ChatRequest> {
    let parsed = prompts::parse(&request.prompt);
    let chat = ChatRequest {
        model: request.model,
        system: request.system.into_iter().chain(parsed.system).collect(),
        messages: parsed.messages,
        sampling: request.sampling,
        max_tokens: request.max_tokens,
        stop: request.stop,
        logprobs: request.logprobs,
        serving: request.serving,
        ..ChatRequest::default()
    };
    chat::check(&chat)?;
    Ok(chat)
}
