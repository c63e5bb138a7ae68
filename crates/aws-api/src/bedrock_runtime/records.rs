//! The records of batches: the bodies of `InvokeModel` and `Converse`, read and answered as those operations do.

use std::sync::Arc;
use std::time::Duration;

use aws_wire::Routed;
use aws_wire::generated::bedrock_runtime::ConverseRequest;
use base::{Error, Result};
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use models::{Asked, Chat, Dialects, InvocationType, RecordBody, Target};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::converse::answer;
use super::converse_request::Conversation;
use super::errors;
use super::providers::{self, Decoded, Encode, Origin};

/// How the records of batches are written, for [`models::Parts`].
#[must_use]
pub fn record_dialects() -> Arc<dyn Dialects> {
    Arc::new(Operations)
}

struct Operations;

impl Dialects for Operations {
    fn decode(&self, record: RecordBody<'_>) -> Result<Asked> {
        match record.kind {
            InvocationType::InvokeModel => invoke_model(record),
            InvocationType::Converse => converse(record),
        }
    }

    fn status(&self, error: &Error) -> u16 {
        errors::wire(error).status
    }
}

fn invoke_model(record: RecordBody<'_>) -> Result<Asked> {
    let resolved = record.resolved;
    // An endpoint names the model behind it, as `InvokeEndpoint` does.
    let model = match resolved.target {
        Target::Endpoint(_) => &resolved.serving_name,
        _ => &resolved.aws_id,
    };
    let origin = Origin {
        requested: resolved.requested.clone(),
        model: model.clone(),
        unique: record.unique.to_owned(),
        time: record.time,
    };
    let whole = |encode: Box<dyn Encode>| Box::new(move |chat: &Chat| Ok(encode.answer(chat)));
    Ok(match providers::decode(resolved.provider, origin, record.body)? {
        Decoded::Chat(request, encode) => Asked::Chat(request, whole(encode)),
        Decoded::Completion(request, encode) => Asked::Completion(request, whole(encode)),
        Decoded::Continuation(request, encode) => Asked::Continuation(request, whole(encode)),
        Decoded::Embed(request, encode) => Asked::Embed(request, Box::new(move |vectors| Ok(encode(vectors)))),
    })
}

fn converse(record: RecordBody<'_>) -> Result<Asked> {
    let body = Bytes::from(record.body.to_string());
    let (routed, parts) = routed(&record.resolved.requested, &body)?;
    // What the operation's own checks refuse is refused in the same words.
    let request: ConverseRequest =
        aws_wire::decode(&routed, &parts, &body).map_err(|violation| Error::invalid(violation.to_wire().message))?;
    let conversation = Conversation::from(request);
    let paths = conversation.response_paths.clone();
    let request = conversation.decode()?;
    let pointed = !request.cache_points.is_empty();
    let encode = move |chat: &Chat| {
        let timing = &chat.timing;
        let took: Duration = [timing.queued, timing.prefill, timing.decode].iter().sum();
        let response = aws_wire::encode(&routed, &answer(chat.clone(), &paths, pointed, took), "");
        serde_json::from_slice::<Value>(response.body()).map_err(Error::internal)
    };
    Ok(Asked::Chat(Box::new(request), Box::new(encode)))
}

/// The request of the operation that has this body.
fn routed(model: &str, body: &Bytes) -> Result<(Routed, Parts)> {
    let path = format!("/model/{}/converse", utf8_percent_encode(model, NON_ALPHANUMERIC));
    let request = Request::post(path).header(http::header::CONTENT_TYPE, "application/json").body(());
    let (parts, ()) = request.map_err(Error::internal)?.into_parts();
    match aws_wire::route("bedrock", &parts, body) {
        Ok(routed) => Ok((routed, parts)),
        Err(error) => Err(Error::internal(format!("the route of Converse: {error:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use models::{Content, Provider, Resolved, ServedBy, Stop, Timing, Usage};
    use serde_json::json;

    use super::*;

    fn resolved(id: &str) -> Resolved {
        Resolved {
            requested: id.to_owned(),
            aws_id: id.to_owned(),
            provider: Provider::of(id),
            target: Target::Local { name: "tiny".to_owned() },
            dimension: None,
            dimensions: Vec::new(),
            serving_name: "tiny".to_owned(),
            substituted: true,
            profile: None,
        }
    }

    fn decode(kind: InvocationType, id: &str, body: &Value) -> Result<Asked> {
        let resolved = resolved(id);
        Operations.decode(RecordBody { kind, resolved: &resolved, body, unique: "abc", time: Timestamp(0) })
    }

    fn chat(text: &str) -> Chat {
        Chat {
            content: vec![Content::Text(text.to_owned())],
            reason: Stop::EndTurn,
            usage: Usage { input: 3, output: 2, ..Usage::default() },
            timing: Timing { decode: Duration::from_millis(7), ..Timing::default() },
            served_by: ServedBy::model("tiny", true),
            logprobs: Vec::new(),
        }
    }

    #[test]
    fn a_vendors_body_is_read_and_answered_as_invoke_model_does() {
        let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
                          "messages": [{"role": "user", "content": "Hello"}]});
        let asked = decode(InvocationType::InvokeModel, "anthropic.claude-3-haiku-20240307-v1:0", &body).unwrap();
        let Asked::Chat(request, encode) = asked else { panic!("no conversation") };
        assert_eq!((request.messages.len(), request.max_tokens), (1, Some(9)));
        let answer = encode(&chat("Well.")).unwrap();
        assert_eq!((answer["type"].as_str(), answer["content"][0]["text"].as_str()), (Some("message"), Some("Well.")));
    }

    #[test]
    fn a_raw_prompt_is_handed_on_as_it_stands() {
        let prompt = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>";
        let body = json!({"prompt": prompt});
        let asked = decode(InvocationType::InvokeModel, "meta.llama3-8b-instruct-v1:0", &body).unwrap();
        let Asked::Completion(request, _) = asked else { panic!("no completion") };
        assert_eq!(request.prompt, prompt, "it is read into messages once, when it is answered");
    }

    #[test]
    fn a_converse_body_is_read_and_answered_as_converse_does() {
        let body = json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}],
                          "inferenceConfig": {"maxTokens": 9}});
        let asked = decode(InvocationType::Converse, "anthropic.claude-3-haiku-20240307-v1:0", &body).unwrap();
        let Asked::Chat(request, encode) = asked else { panic!("no conversation") };
        assert_eq!((request.model.as_str(), request.max_tokens), ("anthropic.claude-3-haiku-20240307-v1:0", Some(9)));
        let answer = encode(&chat("Well.")).unwrap();
        assert_eq!(answer["output"]["message"]["content"], json!([{"text": "Well."}]));
        assert_eq!((&answer["stopReason"], &answer["metrics"]["latencyMs"]), (&json!("end_turn"), &json!(7)));
        assert_eq!(answer["usage"]["totalTokens"], 5);
    }

    #[test]
    fn what_the_operation_refuses_is_an_error_of_status_400() {
        let claude = "anthropic.claude-3-haiku-20240307-v1:0";
        for (kind, body) in [
            (InvocationType::InvokeModel, json!({"max_tokens": 9})),
            (InvocationType::Converse, json!({"messages": "Hello"})),
            (InvocationType::Converse, json!({"messages": [], "inferenceConfig": {"maxTokens": 0}})),
            (InvocationType::Converse, json!({})),
        ] {
            let error = decode(kind, claude, &body).err().unwrap();
            assert_eq!(Operations.status(&error), 400, "{body}: {error:?}");
        }
        assert_eq!(Operations.status(&Error::not_implemented("x")), 501);
    }
}
