//! Texts that an upstream's model continues as they stand.

use base::Error;
use serde_json::{Value, json};

use super::{Client, Failure, Upstream, answer, sampling};
use crate::invoke::answer::{ChatStream, ServedBy};
use crate::invoke::request::{ContinuationRequest, RawPrompt};

impl Client {
    /// Continues a text.
    pub(crate) async fn continue_text(
        &self,
        upstream: Upstream,
        request: &ContinuationRequest,
        served_by: ServedBy,
    ) -> Result<ChatStream, Failure> {
        super::refuse_constraint(request.constraint.as_ref()).map_err(Failure::request)?;
        if request.echo {
            return Err(Failure::request(
                Error::not_implemented("The prompt's own tokens are not told by an upstream's model.")
                    .with_hint("Ask for `echo` without `logprobs`, or a model of this deployment."),
            ));
        }
        sampling::refuse(&request.sampling).map_err(Failure::request)?;
        let body = body(&upstream.model, request);
        answer::stream(self, upstream, "completions", &body, served_by).await
    }
}

fn body(model: &str, request: &ContinuationRequest) -> Value {
    let mut body = json!({
        "model": model,
        "prompt": match &request.prompt {
            RawPrompt::Text(text) => json!(text),
            RawPrompt::Tokens(tokens) => json!(tokens),
        },
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    sampling::write(&mut body, &request.sampling);
    if let Some(limit) = request.max_tokens {
        body["max_tokens"] = json!(limit);
    }
    if !request.stop.is_empty() {
        body["stop"] = json!(request.stop);
    }
    if let Some(count) = request.logprobs {
        body["logprobs"] = json!(count);
    }
    body
}
