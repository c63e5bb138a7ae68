//! Conversations.

use base::{Error, Result};
use identity::Ctx;

use super::answer::ChatStream;
use super::request::{ChatRequest, Content, ToolChoice};
use super::{Place, local};
use crate::Models;
use crate::aliases::Resolved;

impl Models {
    /// Continues a conversation. The answer streams; [`ChatStream::collect`] waits for the whole of it.
    ///
    /// The answer ends with an error of the kind Timeout where it is not complete at the context's deadline.
    ///
    /// A forced tool (`Any`, `Tool`) constrains the answer to one valid call, a response schema to JSON that it admits,
    /// and a response schema beside tools that may be called to either; what a tool's schema says and cannot be enforced
    /// is passed over. Otherwise calls are found in what the
    /// model writes in its own format; a model whose template knows no tools is told of them in the system message.
    ///
    /// # Errors
    /// Invalid for requests that can never be answered (also images, which no model reads, and prompts beyond the
    /// context); NotFound, where the model is not pulled; Damaged, where its files are; Throttled, where its queue is
    /// full; Unavailable, where it cannot be loaded or its upstream not be reached.
    pub async fn chat(&self, ctx: &Ctx, request: ChatRequest) -> Result<ChatStream> {
        check(&request)?;
        let resolved = self.resolve(ctx, &request.model).await?;
        self.chat_with(ctx, resolved, request).await
    }

    /// [`Models::chat`] by what was resolved already.
    ///
    /// # Errors
    /// As [`Models::chat`].
    pub async fn chat_with(&self, ctx: &Ctx, resolved: Resolved, request: ChatRequest) -> Result<ChatStream> {
        check(&request)?;
        let (request, serving) = (&request, request.serving.of(ctx));
        self.metered(ctx, resolved, |attempt| async move {
            let (place, served_by, settling) = attempt.parts();
            let answer = match place {
                Place::Here(here) => {
                    let lease = self.lease_here(ctx, &here).await?;
                    local::chat(lease, request.clone(), serving, served_by, self.inner.random.clone()).await?
                }
                Place::Pool(pool) => {
                    let serving = request.serving.at_an_upstream(ctx)?;
                    pool.chat(self.inner.pools.client(), request, &served_by, serving).await?
                }
            };
            settling.settle(ctx, answer).await
        })
        .await
    }
}

/// Refuses what no model can answer.
pub(crate) fn check(request: &ChatRequest) -> Result<()> {
    if request.messages.iter().all(|message| message.content.is_empty()) {
        return Err(Error::invalid("A conversation needs at least one message."));
    }
    check_limit(request.max_tokens)?;
    for content in request.messages.iter().flat_map(|message| &message.content) {
        if let Content::Unsupported { what } = content {
            return Err(Error::invalid(format!("The model cannot read this content: {what}."))
                .with_hint("No model served here reads anything but text yet. Send text only."));
        }
    }
    if request.constraint.is_some() && !(request.tools.is_empty() && request.response_schema.is_none()) {
        return Err(Error::invalid("A constraint of the answer's text goes with neither tools nor a response schema."));
    }
    match &request.tool_choice {
        ToolChoice::Any if request.tools.is_empty() => {
            Err(Error::invalid("A tool must be called and none is offered."))
        }
        ToolChoice::Tool(name) if !request.tools.iter().any(|tool| tool.name == *name) => {
            Err(Error::invalid(format!("The tool `{name}` must be called and is not offered.")))
        }
        _ => Ok(()),
    }
}

/// Refuses a limit of no tokens.
pub(crate) fn check_limit(max_tokens: Option<u32>) -> Result<()> {
    if max_tokens == Some(0) {
        return Err(Error::invalid("The most tokens to generate must be at least 1."));
    }
    Ok(())
}
