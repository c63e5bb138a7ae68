//! `ConverseStream`: the same answer as `Converse`, piece by piece.

use std::time::Instant;

use aws_wire::generated::bedrock_runtime::{
    ContentBlockDelta, ContentBlockDeltaEvent, ContentBlockStart, ContentBlockStartEvent, ContentBlockStopEvent,
    ConversationRole, ConverseStreamMetadataEvent, ConverseStreamMetrics, ConverseStreamOutput, ConverseStreamRequest,
    ConverseStreamResponse, MessageStartEvent, MessageStopEvent, ToolUseBlockDelta, ToolUseBlockStart,
};
use models::ChatEvent;

use super::converse::{additional_fields, stop_reason, token_usage};
use super::converse_request::Conversation;
use super::errors::Exceptions;
use super::event_stream;
use super::invoke_model::millis;
use super::providers::{BlockStep, Blocks};
use crate::body::streamed;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;
use crate::openai::sse::started;

/// Answers in events.
pub(super) async fn converse_stream(call: AwsCall) -> Answer {
    let conversation = Conversation::from(call.decode::<ConverseStreamRequest>()?);
    let (paths, arrived) = (conversation.response_paths.clone(), Instant::now());
    let request = conversation.decode()?;
    let mut writer = Writer { blocks: Blocks::default(), paths, pointed: !request.cache_points.is_empty(), arrived };
    let events = call.chat(request).await?;
    let served_by = events.served_by().clone();
    let pieces = event_stream::write(started(events).await?, Exceptions::Converse, move |event| {
        writer.events(event).iter().map(aws_wire::event).collect()
    });
    let mut response = call.encode_stream_head(&ConverseStreamResponse {}).map(|()| streamed(pieces));
    name_model(&mut response, &served_by);
    Ok(response)
}

struct Writer {
    blocks: Blocks,
    paths: Vec<String>,
    pointed: bool,
    arrived: Instant,
}

impl Writer {
    fn events(&mut self, event: &ChatEvent) -> Vec<ConverseStreamOutput> {
        let mut out: Vec<ConverseStreamOutput> = self.blocks.steps(event).into_iter().filter_map(block_event).collect();
        match event {
            ChatEvent::Started { .. } => {
                out.push(ConverseStreamOutput::MessageStart(MessageStartEvent { role: ConversationRole::Assistant }));
            }
            ChatEvent::Finished { reason, usage, .. } => {
                out.push(ConverseStreamOutput::MessageStop(MessageStopEvent {
                    stop_reason: stop_reason(reason),
                    additional_model_response_fields: additional_fields(&self.paths, reason),
                }));
                let latency = i64::try_from(millis(self.arrived.elapsed())).unwrap_or(i64::MAX);
                out.push(ConverseStreamOutput::Metadata(ConverseStreamMetadataEvent {
                    usage: token_usage(*usage, self.pointed),
                    metrics: ConverseStreamMetrics { latency_ms: latency },
                    ..ConverseStreamMetadataEvent::default()
                }));
            }
            _ => {}
        }
        out
    }
}

/// The service tells the start of tool calls only; a text begins with its first piece.
fn block_event(step: BlockStep<'_>) -> Option<ConverseStreamOutput> {
    let index = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let delta = |at: usize, delta: ContentBlockDelta| {
        ConverseStreamOutput::ContentBlockDelta(ContentBlockDeltaEvent { delta, content_block_index: index(at) })
    };
    Some(match step {
        BlockStep::TextStart(_) => return None,
        BlockStep::Text(at, text) => delta(at, ContentBlockDelta::Text(text.to_owned())),
        BlockStep::ToolStart(at, id, name) => ConverseStreamOutput::ContentBlockStart(ContentBlockStartEvent {
            start: ContentBlockStart::ToolUse(ToolUseBlockStart {
                tool_use_id: id.to_owned(),
                name: name.to_owned(),
                r#type: None,
            }),
            content_block_index: index(at),
        }),
        BlockStep::ToolInput(at, json) => {
            delta(at, ContentBlockDelta::ToolUse(ToolUseBlockDelta { input: json.to_owned() }))
        }
        BlockStep::Stop(at) => {
            ConverseStreamOutput::ContentBlockStop(ContentBlockStopEvent { content_block_index: index(at) })
        }
    })
}
