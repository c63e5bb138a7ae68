//! `InvokeEndpoint`: a container's own body in, a container's own body out.

use aws_wire::Blob;
use aws_wire::generated::sagemaker_runtime::{InvokeEndpointInput, InvokeEndpointOutput};
use base::{Error, Result};
use models::{Resolved, ServedBy, Target};
use serde_json::Value;

use super::errors::of_model;
use crate::bedrock_runtime::providers::{self, Decoded, Encode, Origin};
use crate::body::full;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// Answers as a whole.
pub(super) async fn invoke_endpoint(call: AwsCall) -> Answer {
    let input: InvokeEndpointInput = decode(&call)?;
    refuse_unserved(&[
        (input.target_model.is_some(), "Multi-model endpoints (`TargetModel`)"),
        (input.target_container_hostname.is_some(), "Endpoints of several containers (`TargetContainerHostname`)"),
        (input.inference_component_name.is_some(), "Inference components (`InferenceComponentName`)"),
        (input.enable_explanations.is_some(), "Explaining answers (`EnableExplanations`)"),
        (input.session_id.is_some(), "Stateful sessions (`SessionId`)"),
    ])?;
    let models = call.api.models();
    let resolved = models.resolve_endpoint(&call.ctx, &input.endpoint_name, input.target_variant.as_deref()).await?;
    let variant = variant_of(&resolved).to_owned();
    let answered = answer(&call, resolved, &input.body.0, input.content_type.as_deref()).await;
    let (body, content_type, served_by) = answered.map_err(|error| of_model(&call.ctx, &variant, error))?;
    let output = InvokeEndpointOutput {
        body: Blob::from(body),
        content_type: Some(content_type.to_owned()),
        invoked_production_variant: Some(variant),
        custom_attributes: input.custom_attributes,
        new_session_id: None,
        closed_session_id: None,
    };
    let mut response = call.encode(&output).map(full);
    name_model(&mut response, &served_by);
    Ok(response)
}

/// The request. What is wrong with it is told in the code of this service.
pub(super) fn decode<I: aws_wire::Input>(call: &AwsCall) -> Result<I, Failure> {
    aws_wire::decode(&call.route, &call.parts, &call.body).map_err(|violation| {
        let mut wire = violation.to_wire();
        if wire.code == "ValidationException" {
            "ValidationError".clone_into(&mut wire.code);
        }
        Failure::Wire(wire)
    })
}

/// # Errors
/// NotImplemented, naming the first that is asked for.
pub(super) fn refuse_unserved(asked: &[(bool, &str)]) -> Result<()> {
    match asked.iter().find(|(is_asked, _)| *is_asked) {
        Some((_, what)) => Err(Error::not_implemented(format!("{what} are not implemented."))),
        None => Ok(()),
    }
}

/// The variant that answers.
pub(super) fn variant_of(resolved: &Resolved) -> &str {
    match &resolved.target {
        Target::Endpoint(target) => &target.variant,
        _ => "",
    }
}

/// The body in the dialect of the container, which its members tell.
pub(super) fn read(call: &AwsCall, resolved: &Resolved, body: &[u8], media: Option<&str>) -> Result<(Value, Decoded)> {
    check_media(media)?;
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Error::invalid("The body is not JSON.").with_hint(format!("It says: {error}.")))?;
    let origin = Origin {
        requested: resolved.requested.clone(),
        model: resolved.serving_name.clone(),
        unique: call.api.unique(),
        time: call.ctx.now(),
    };
    let decoded = providers::decode(resolved.provider, origin, &body)?;
    Ok((body, decoded))
}

/// # Errors
/// Invalid, for anything but JSON. Clients that say nothing send that, and some SDKs then call it a stream of bytes.
pub(super) fn check_media(media: Option<&str>) -> Result<()> {
    let media = media.map(|media| media.split(';').next().unwrap_or(media).trim());
    match media {
        None | Some("" | "application/json" | "application/octet-stream" | "*/*") => Ok(()),
        Some(_) => {
            Err(Error::invalid("The content type is not supported by this model.")
                .with_hint("Send `application/json`."))
        }
    }
}

/// Whether the body asks for a stream of events.
pub(super) fn streams(body: &Value) -> bool {
    body.get("stream").and_then(Value::as_bool).unwrap_or(false)
}

async fn answer(
    call: &AwsCall,
    resolved: Resolved,
    body: &[u8],
    media: Option<&str>,
) -> Result<(String, &'static str, ServedBy)> {
    let (body, decoded) = read(call, &resolved, body, media)?;
    let (models, ctx) = (call.api.models(), &call.ctx);
    let (events, encode) = match decoded {
        Decoded::Embed(request, encode) => {
            let answer = models.embed_with(ctx, resolved, request).await?;
            let served_by = answer.served_by.clone();
            return Ok((encode(answer).to_string(), "application/json", served_by));
        }
        Decoded::Chat(request, encode) => (models.chat_with(ctx, resolved, *request).await?, encode),
        Decoded::Completion(request, encode) => (models.complete_with(ctx, resolved, *request).await?, encode),
        Decoded::Continuation(request, encode) => (models.continue_with(ctx, resolved, *request).await?, encode),
    };
    let events = call.answered.watch(events);
    if streams(&body) {
        let served_by = events.served_by().clone();
        return Ok((events_as_text(events, encode).await?, "text/event-stream", served_by));
    }
    let chat = events.collect().await?.in_blocks()?;
    Ok((encode.answer(&chat).to_string(), "application/json", chat.served_by))
}

/// All events of a stream, as the container would have sent them in one body.
async fn events_as_text(mut events: models::ChatStream, mut encode: Box<dyn Encode>) -> Result<String> {
    use futures::stream::StreamExt as _;
    let mut text = String::new();
    while let Some(event) = events.next().await {
        for chunk in encode.chunks(&event?) {
            text.push_str(&format!("data: {chunk}\n\n"));
        }
    }
    if let Some(end) = encode.sse_end() {
        text.push_str(&format!("data: {end}\n\n"));
    }
    Ok(text)
}
