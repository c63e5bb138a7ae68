//! The vendors' own request and response bodies, which `InvokeModel` carries: one file for each.
//!
//! Ranges and defaults are the ones that each vendor's page of the Bedrock user guide states. Where a page states a
//! default temperature, the local model's own default is used instead: the number was chosen for another model.

mod anthropic;
mod blocks;
mod cohere_embed;
mod endpoint;
mod imported;
mod llama;
mod mistral;
mod nova;
mod openai;
mod titan_embed;
mod titan_text;

pub(crate) use blocks::{BlockStep, Blocks};

use base::{Error, Result, Timestamp};
use models::{
    Chat, ChatEvent, ChatRequest, CompletionRequest, ContinuationRequest, EmbedRequest, EmbedResponse, Provider,
};
use serde_json::Value;

/// What an encoder needs to know beside the body.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The model id as the client sent it.
    pub(crate) requested: String,
    /// The id without ARN and inference profile, such as `anthropic.claude-3-haiku-20240307-v1:0`.
    pub(crate) model: String,
    /// Unique to this request: 24 lower-case letters and digits.
    pub(crate) unique: String,
    /// When the request came.
    pub(crate) time: Timestamp,
}

/// A decoded body and the vendor's way to answer it.
pub(crate) enum Decoded {
    /// A conversation.
    Chat(Box<ChatRequest>, Box<dyn Encode>),
    /// A raw prompt in the template of its vendor, or in none.
    Completion(Box<CompletionRequest>, Box<dyn Encode>),
    /// A raw prompt that is continued as it stands.
    Continuation(Box<ContinuationRequest>, Box<dyn Encode>),
    /// Texts to be embedded.
    Embed(EmbedRequest, EncodeVectors),
}

/// Writes vectors as the vendor does.
pub(crate) type EncodeVectors = Box<dyn FnOnce(EmbedResponse) -> Value + Send>;

/// Writes answers as the vendor does.
pub(crate) trait Encode: Send + Sync {
    /// The whole answer.
    fn answer(&self, chat: &Chat) -> Value;

    /// The chunks that tell one event of a stream. Those of the last event end with an object, to which the caller
    /// adds `amazon-bedrock-invocationMetrics`.
    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value>;

    /// What ends a stream of server-sent events, where the dialect has something for it.
    fn sse_end(&self) -> Option<&'static str> {
        None
    }
}

/// Decodes a body as `provider` writes it.
///
/// Craton's own model names belong to no vendor: for them the body's members tell whose it is.
pub(crate) fn decode(provider: Provider, origin: Origin, body: &Value) -> Result<Decoded> {
    match provider {
        Provider::Anthropic => anthropic::decode(origin, body),
        Provider::Nova => nova::decode(origin, body),
        Provider::TitanText => titan_text::decode(origin, body),
        Provider::TitanEmbedV1 => titan_embed::decode_v1(origin, body),
        Provider::TitanEmbedV2 => titan_embed::decode_v2(origin, body),
        Provider::CohereEmbed => cohere_embed::decode(origin, body),
        Provider::AmazonRerank | Provider::CohereRerank => {
            Err(Error::not_implemented("Ranking texts by `InvokeModel` is not implemented.")
                .with_hint("`Rerank` of bedrock-agent-runtime ranks them."))
        }
        Provider::Llama => llama::decode(origin, body),
        Provider::Mistral => mistral::decode(origin, body),
        Provider::OpenAi => openai::decode(origin, body),
        Provider::Imported(family) => imported::decode(family, origin, body),
        Provider::Endpoint { embeds } => endpoint::decode(embeds, origin, body),
        Provider::Craton => decode(provider_of(body)?, origin, body),
    }
}

fn provider_of(body: &Value) -> Result<Provider> {
    let signs = [
        ("anthropic_version", Provider::Anthropic),
        ("textGenerationConfig", Provider::TitanText),
        ("inputText", Provider::TitanEmbedV2),
        ("texts", Provider::CohereEmbed),
        ("schemaVersion", Provider::Nova),
        ("inferenceConfig", Provider::Nova),
        ("messages", Provider::OpenAi),
        ("max_gen_len", Provider::Llama),
        ("prompt", Provider::Mistral),
    ];
    signs.into_iter().find(|(key, _)| body.get(key).is_some()).map(|(_, provider)| provider).ok_or_else(|| {
        Error::invalid("Malformed input request: the body is in no known vendor's format.").with_hint(
            "Send an OpenAI chat body (`messages`), an Anthropic body (`anthropic_version`), or `inputText`.",
        )
    })
}

#[cfg(test)]
mod tests;
