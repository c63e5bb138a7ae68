//! Texts that are continued as they stand.

use base::{Error, Result};
use identity::Ctx;
use inference::{Loaded, Prompt};

use super::answer::ChatStream;
use super::request::{ContinuationRequest, RawPrompt};
use super::{Place, chat, errors, local, score};
use crate::Models;
use crate::aliases::Resolved;

impl Models {
    /// Continues a text as it stands: no template is put around it, and a control token that it spells is that token.
    /// A model that wants an opening token gets it.
    ///
    /// # Errors
    /// Timeout, in the answer, where it is not complete at the context's deadline. Invalid for an empty prompt and for token ids that the model's vocabulary does not have; otherwise as
    /// [`Models::chat`].
    pub async fn continue_text(&self, ctx: &Ctx, request: ContinuationRequest) -> Result<ChatStream> {
        let resolved = self.resolve(ctx, &request.model).await?;
        self.continue_with(ctx, resolved, request).await
    }

    /// [`Models::continue_text`] by what was resolved already.
    ///
    /// # Errors
    /// As [`Models::continue_text`].
    pub async fn continue_with(
        &self,
        ctx: &Ctx,
        resolved: Resolved,
        request: ContinuationRequest,
    ) -> Result<ChatStream> {
        if !request.echo {
            chat::check_limit(request.max_tokens)?;
        }
        if request.prompt.is_empty() {
            return Err(Error::invalid("The prompt is empty."));
        }
        let (request, serving) = (&request, request.serving.of(ctx));
        self.metered(ctx, resolved, |attempt| async move {
            let (place, served_by, settling) = attempt.parts();
            let answer = match place {
                Place::Here(here) => {
                    let lease = self.lease_here(ctx, &here).await?;
                    if matches!(lease.model(), Loaded::Embedder(_)) {
                        return Err(errors::wrong_kind(lease.name(), "generate text"));
                    }
                    if request.echo {
                        let serving = inference::Serving { deadline: ctx.deadline(), ..serving };
                        score::continue_echoed(lease, request.clone(), serving, served_by).await?
                    } else {
                        local::continue_prompt(lease, request.clone(), serving, served_by).await?
                    }
                }
                Place::Pool(pool) => {
                    let serving = request.serving.at_an_upstream(ctx)?;
                    pool.continue_text(self.inner.pools.client(), request, &served_by, serving).await?
                }
            };
            settling.settle(ctx, answer).await
        })
        .await
    }
}

/// The prompt as the engine takes it.
pub(crate) fn prompt(raw: RawPrompt) -> Prompt {
    match raw {
        RawPrompt::Text(text) => Prompt::Text { text, parse_special: true, add_bos: true },
        RawPrompt::Tokens(tokens) => Prompt::Tokens(tokens),
    }
}
