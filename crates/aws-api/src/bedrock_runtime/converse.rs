//! `Converse`: one dialect for every chat model.

use std::time::{Duration, Instant};

use aws_wire::generated::bedrock_runtime::{
    ContentBlock, ConversationRole, ConverseMetrics, ConverseOutput, ConverseRequest, ConverseResponse, Message,
    StopReason, TokenUsage, ToolUseBlock,
};
use models::{Chat, Content, Stop, Usage};
use serde_json::{Map, Value, json};

use super::converse_request::Conversation;
use super::invoke_model::millis;
use super::usage::Counted;
use crate::body::full;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;

/// Answers as a whole.
pub(super) async fn converse(call: AwsCall) -> Answer {
    let conversation = Conversation::from(call.decode::<ConverseRequest>()?);
    let paths = conversation.response_paths.clone();
    let arrived = Instant::now();
    let request = conversation.decode()?;
    let pointed = !request.cache_points.is_empty();
    let chat = call.chat(request).await?.collect().await?.in_blocks()?;
    let served_by = chat.served_by.clone();
    let mut response = call.encode(&answer(chat, &paths, pointed, arrived.elapsed())).map(full);
    name_model(&mut response, &served_by);
    Ok(response)
}

/// A whole answer, which took so long; `pointed` as for [`token_usage`].
pub(super) fn answer(chat: Chat, paths: &[String], pointed: bool, took: Duration) -> ConverseResponse {
    ConverseResponse {
        output: ConverseOutput::Message(Message {
            role: ConversationRole::Assistant,
            content: chat.content.into_iter().filter_map(encode_block).collect(),
        }),
        stop_reason: stop_reason(&chat.reason),
        usage: token_usage(chat.usage, pointed),
        metrics: ConverseMetrics { latency_ms: i64::try_from(millis(took)).unwrap_or(i64::MAX) },
        additional_model_response_fields: additional_fields(paths, &chat.reason),
        trace: None,
        performance_config: None,
        service_tier: None,
    }
}

fn encode_block(block: Content) -> Option<ContentBlock> {
    match block {
        Content::Text(text) => Some(ContentBlock::Text(text)),
        Content::ToolUse { id, name, input } => {
            Some(ContentBlock::ToolUse(ToolUseBlock { tool_use_id: id, name, input, r#type: None }))
        }
        Content::CutToolUse { .. } | Content::ToolResult { .. } | Content::Unsupported { .. } => None,
    }
}

/// Why an answer ended, as Converse says it. One that was ended because it repeated itself is cut by a bound that the
/// request set, like one with too many tokens: `/stop_reason_detail` tells them apart.
pub(super) fn stop_reason(stop: &Stop) -> StopReason {
    match stop {
        Stop::EndTurn => StopReason::EndTurn,
        Stop::MaxTokens | Stop::Loop => StopReason::MaxTokens,
        Stop::StopSequence(_) => StopReason::StopSequence,
        Stop::ToolUse => StopReason::ToolUse,
        Stop::ContextFull => StopReason::ModelContextWindowExceeded,
    }
}

/// Tokens used; `pointed` as for [`Counted::of`].
pub(super) fn token_usage(usage: Usage, pointed: bool) -> TokenUsage {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let counted = Counted::of(usage, pointed);
    TokenUsage {
        input_tokens: count(counted.input),
        output_tokens: count(counted.output),
        total_tokens: count(counted.total),
        cache_read_input_tokens: Some(count(counted.cache_read)),
        cache_write_input_tokens: Some(count(counted.cache_write)),
        cache_details: None,
    }
}

/// The fields that `additionalModelResponseFieldPaths` asks for: `/stop_sequence`, which a model's own body would have, and
/// `/stop_reason_detail`, which is the stop reason but for `loop`, that the service has no word for. Paths that lead nowhere are ignored, as at the service.
pub(super) fn additional_fields(paths: &[String], stop: &Stop) -> Option<Value> {
    let mut found = Map::new();
    if paths.iter().any(|path| path == "/stop_sequence") {
        let sequence = if let Stop::StopSequence(text) = stop { json!(text) } else { Value::Null };
        found.insert("stop_sequence".to_owned(), sequence);
    }
    if paths.iter().any(|path| path == "/stop_reason_detail") {
        let detail = if *stop == Stop::Loop { json!("loop") } else { json!(stop_reason(stop)) };
        found.insert("stop_reason_detail".to_owned(), detail);
    }
    (!found.is_empty()).then_some(Value::Object(found))
}
