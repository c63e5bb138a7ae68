//! `InvokeEndpointWithResponseStream`: the same, piece by piece.

use aws_wire::generated::sagemaker_runtime::{
    InvokeEndpointWithResponseStreamInput, InvokeEndpointWithResponseStreamOutput,
};
use base::{Error, ErrorKind};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use models::ChatEvent;

use super::errors::{of_model, wire};
use super::invoke::{decode, read, refuse_unserved, streams, variant_of};
use crate::bedrock_runtime::providers::{Decoded, Encode};
use crate::body::streamed;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;
use crate::observe;
use crate::openai::sse::started;

/// Answers piece by piece: server-sent events where the body asks for them, otherwise the whole answer in one piece.
pub(super) async fn invoke_endpoint(call: AwsCall) -> Answer {
    let input: InvokeEndpointWithResponseStreamInput = decode(&call)?;
    refuse_unserved(&[
        (input.target_container_hostname.is_some(), "Endpoints of several containers (`TargetContainerHostname`)"),
        (input.inference_component_name.is_some(), "Inference components (`InferenceComponentName`)"),
        (input.session_id.is_some(), "Stateful sessions (`SessionId`)"),
    ])?;
    let (models, ctx) = (call.api.models(), &call.ctx);
    let resolved = models.resolve_endpoint(ctx, &input.endpoint_name, input.target_variant.as_deref()).await?;
    let variant = variant_of(&resolved).to_owned();
    let failed = |error| of_model(ctx, &variant, error);
    let (body, decoded) = read(&call, &resolved, &input.body.0, input.content_type.as_deref()).map_err(failed)?;
    let (events, encode) = match decoded {
        Decoded::Embed(..) => {
            return Err(failed(Error::invalid("The model embeds text and has nothing to stream.")));
        }
        Decoded::Chat(request, encode) => (models.chat_with(ctx, resolved, *request).await.map_err(failed)?, encode),
        Decoded::Completion(request, encode) => {
            (models.complete_with(ctx, resolved, *request).await.map_err(failed)?, encode)
        }
        Decoded::Continuation(request, encode) => {
            (models.continue_with(ctx, resolved, *request).await.map_err(failed)?, encode)
        }
    };
    let events = call.answered.watch(events);
    let served_by = events.served_by().clone();
    let is_streamed = streams(&body);
    let output = InvokeEndpointWithResponseStreamOutput {
        content_type: Some(if is_streamed { "text/event-stream" } else { "application/json" }.to_owned()),
        invoked_production_variant: Some(variant.clone()),
        custom_attributes: input.custom_attributes,
    };
    let head = call.encode_stream_head(&output);
    let mut response = if is_streamed {
        let events = started(events).await.map_err(failed)?;
        head.map(|()| streamed(pieces(events, encode)))
    } else {
        let chat = events.collect().await.and_then(models::Chat::in_blocks).map_err(failed)?;
        let whole = part(encode.answer(&chat).to_string());
        head.map(|()| streamed(stream::iter([whole])))
    };
    name_model(&mut response, &served_by);
    Ok(response)
}

/// The events as server-sent events, each in a piece of its own. An error ends the stream.
fn pieces(
    events: impl Stream<Item = Result<ChatEvent, Error>> + Send + 'static,
    mut encode: Box<dyn Encode>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let mut failed = false;
    events.map(Some).chain(stream::iter([None])).flat_map(move |item| {
        stream::iter(match item {
            _ if failed => Vec::new(),
            Some(Ok(event)) => encode.chunks(&event).iter().map(|chunk| part(format!("data: {chunk}\n\n"))).collect(),
            Some(Err(error)) => {
                failed = true;
                observe::broke_off(wire(&error).code, &error);
                vec![aws_wire::named_exception_event("ModelStreamError", code_of(&error), &error.public_text())]
            }
            None => encode.sse_end().map(|end| part(format!("data: {end}\n\n"))).into_iter().collect(),
        })
    })
}

/// Which of the two ends a stream had that AWS tells apart.
fn code_of(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::Timeout => "ModelInvocationTimeExceeded",
        _ => "StreamBroken",
    }
}

fn part(text: String) -> Bytes {
    aws_wire::payload_event("PayloadPart", Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_breaks_says_how_in_the_words_of_aws() {
        struct Nothing;
        impl Encode for Nothing {
            fn answer(&self, _: &models::Chat) -> serde_json::Value {
                serde_json::Value::Null
            }

            fn chunks(&mut self, _: &ChatEvent) -> Vec<serde_json::Value> {
                Vec::new()
            }
        }
        for (error, code) in
            [(Error::timeout("too late"), "ModelInvocationTimeExceeded"), (Error::internal("broken"), "StreamBroken")]
        {
            let events = stream::iter([Err(error)]);
            let sent: Vec<Bytes> = pieces(events, Box::new(Nothing)).collect().await;
            let text = String::from_utf8_lossy(&sent[0]).into_owned();
            assert!(sent.len() == 1 && text.contains("ModelStreamError"), "{text}");
            assert!(text.contains(&format!("\"ErrorCode\":\"{code}\"")), "{text}");
        }
    }
}
