//! A Converse request in Craton's own terms, checked as the service checks it.

use aws_wire::generated::bedrock_runtime::{
    ContentBlock, ConversationRole, ConverseRequest, ConverseStreamRequest, ConverseTokensRequest,
    GuardrailConverseContentBlock, InferenceConfiguration, Message as WireMessage, OutputConfig, OutputFormatStructure,
    PerformanceConfigLatency, SystemContentBlock, Tool, ToolChoice as WireChoice, ToolConfiguration, ToolInputSchema,
    ToolResultBlock, ToolResultContentBlock, ToolResultStatus,
};
use base::{Error, Result};
use models::{CachePoint, ChatRequest, Constraint, Content, Message, Role, Sampling, Serving, ToolChoice, ToolSpec};
use serde_json::Value;

use super::invoke_model::refuse_guardrail;
use super::turns;
use super::usage::MOST_CACHE_POINTS;
use crate::json_fields::{Fields, Wording};
use crate::openai::{repetition, serving, structured};

/// The additional field that says what an answer must look like.
const FORM: &str = "structured_outputs";

/// What `Converse`, `ConverseStream` and `CountTokens` have in common.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) model_id: String,
    pub(super) messages: Vec<WireMessage>,
    pub(super) system: Vec<SystemContentBlock>,
    pub(super) inference: Option<InferenceConfiguration>,
    pub(super) tools: Option<ToolConfiguration>,
    pub(super) guardrail: Option<String>,
    pub(super) additional: Option<Value>,
    pub(super) response_paths: Vec<String>,
    pub(super) prompt_variables: bool,
    pub(super) optimized_latency: bool,
    pub(super) output: Option<OutputConfig>,
}

macro_rules! from_request {
    ($($request:ty),*) => {$(
        impl From<$request> for Conversation {
            fn from(request: $request) -> Self {
                let latency = request.performance_config.and_then(|config| config.latency);
                Self {
                    model_id: request.model_id,
                    messages: request.messages.unwrap_or_default(),
                    system: request.system.unwrap_or_default(),
                    inference: request.inference_config,
                    tools: request.tool_config,
                    guardrail: request.guardrail_config.map(|config| config.guardrail_identifier.unwrap_or_default()),
                    additional: request.additional_model_request_fields,
                    response_paths: request.additional_model_response_field_paths.unwrap_or_default(),
                    prompt_variables: request.prompt_variables.is_some_and(|variables| !variables.is_empty()),
                    optimized_latency: latency == Some(PerformanceConfigLatency::Optimized),
                    output: request.output_config,
                }
            }
        }
    )*};
}

from_request!(ConverseRequest, ConverseStreamRequest);

impl Conversation {
    /// The conversation whose tokens are to be counted.
    pub(super) fn to_count(model_id: String, request: ConverseTokensRequest) -> Self {
        Self {
            model_id,
            messages: request.messages.unwrap_or_default(),
            system: request.system.unwrap_or_default(),
            tools: request.tool_config,
            additional: request.additional_model_request_fields,
            ..Self::default()
        }
    }

    /// The request in Craton's terms.
    pub(super) fn decode(self) -> Result<ChatRequest> {
        refuse_guardrail(self.guardrail.as_deref())?;
        if self.prompt_variables {
            return Err(Error::not_implemented("Prompt management is not implemented (`promptVariables`)."));
        }
        if self.optimized_latency {
            return Err(Error::invalid("Latency performance configuration is not supported for this model."));
        }
        if let Some(path) = self.response_paths.iter().find(|path| !path.starts_with('/')) {
            return Err(Error::invalid(format!(
                "The path `{path}` in additionalModelResponseFieldPaths is not a JSON pointer."
            ))
            .with_hint("A JSON pointer begins with `/`."));
        }
        check_turns(&self.messages)?;
        let cache_points = cache_points(&self.system, &self.messages, self.tools.as_ref())?;
        let messages = messages(self.messages)?;
        turns::check_tool_results(&messages)?;
        let (tools, tool_choice) = match self.tools {
            Some(config) => tools(config)?,
            None => {
                turns::check_without_tools(&messages)?;
                (Vec::new(), ToolChoice::Auto)
            }
        };
        let inference = self.inference.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "sampling parameters are single precision")]
        let mut sampling = Sampling {
            temperature: inference.temperature.map(|t| t as f32),
            top_p: inference.top_p.map(|p| p as f32),
            ..Sampling::default()
        };
        let (serving, form) = match &self.additional {
            Some(fields) => beyond_converse(fields, &mut sampling)?,
            None => (Serving::default(), None),
        };
        let (response_schema, constraint) = match (self.output.map(response_schema).transpose()?.flatten(), form) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(format!("`outputConfig` and `{FORM}` exclude each other."))
                    .with_hint("Leave one of them out."));
            }
            (None, Some(Constraint::JsonSchema(schema))) => (Some(schema), None),
            (schema, form) => (schema, form),
        };
        Ok(ChatRequest {
            model: self.model_id,
            serving,
            cache_points,
            system: system(self.system)?,
            messages,
            tools,
            tool_choice,
            sampling,
            max_tokens: inference.max_tokens.and_then(|n| u32::try_from(n).ok()),
            stop: inference.stop_sequences.unwrap_or_default(),
            response_schema,
            constraint,
            ..ChatRequest::default()
        })
    }
}

/// Where the request has cache points. Blocks that nothing is read of count for none.
fn cache_points(
    system: &[SystemContentBlock],
    messages: &[WireMessage],
    tools: Option<&ToolConfiguration>,
) -> Result<Vec<CachePoint>> {
    let mut points = Vec::new();
    let (mut offered, mut said) = (0, 0);
    for tool in tools.iter().flat_map(|config| &config.tools) {
        match tool {
            Tool::CachePoint(_) => points.push(CachePoint::Tools(offered)),
            _ => offered += 1,
        }
    }
    for block in system {
        match block {
            SystemContentBlock::CachePoint(_) => points.push(CachePoint::System(said)),
            _ => said += 1,
        }
    }
    for (at, message) in messages.iter().enumerate() {
        let mut blocks = 0;
        for block in &message.content {
            match block {
                ContentBlock::CachePoint(_) => points.push(CachePoint::Message { message: at, blocks }),
                ContentBlock::ReasoningContent(_) => {}
                _ => blocks += 1,
            }
        }
    }
    if points.len() > MOST_CACHE_POINTS {
        return Err(Error::invalid(format!(
            "The request has {} cache points. The maximum number of cache points is {MOST_CACHE_POINTS}.",
            points.len()
        )));
    }
    Ok(points)
}

fn check_turns(messages: &[WireMessage]) -> Result<()> {
    if messages.iter().any(|message| message.role == ConversationRole::System) {
        return Err(Error::invalid(
            "The model that serves this id does not support system messages in a conversation.",
        )
        .with_hint("Use the `system` field."));
    }
    turns::check_order(messages.iter().map(|message| message.role), ConversationRole::User)?;
    turns::check_content(messages.iter().map(|message| message.content.len()))
}

fn messages(messages: Vec<WireMessage>) -> Result<Vec<Message>> {
    let mut turns = Vec::with_capacity(messages.len());
    for (at, message) in messages.into_iter().enumerate() {
        let role = if message.role == ConversationRole::Assistant { Role::Assistant } else { Role::User };
        let mut content = Vec::with_capacity(message.content.len());
        for (nth, block) in message.content.into_iter().enumerate() {
            content.extend(decode_block(block, at, nth)?);
        }
        turns.push(Message { role, content });
    }
    Ok(turns)
}

fn decode_block(block: ContentBlock, at: usize, nth: usize) -> Result<Option<Content>> {
    Ok(Some(match block {
        ContentBlock::Text(text) if text.trim().is_empty() => {
            return Err(Error::invalid(format!(
                "The text field in the ContentBlock object at messages.{at}.content.{nth} is blank. Add text to the text field, and try again."
            )));
        }
        ContentBlock::Text(text) => Content::Text(text),
        ContentBlock::ToolUse(call) => Content::ToolUse { id: call.tool_use_id, name: call.name, input: call.input },
        ContentBlock::ToolResult(result) => tool_result(result),
        ContentBlock::GuardContent(GuardrailConverseContentBlock::Text(text)) => Content::Text(text.text),
        ContentBlock::CitationsContent(cited) => Content::Text(cited_text(cited)),
        ContentBlock::GuardContent(GuardrailConverseContentBlock::Image(_)) | ContentBlock::Image(_) => {
            Content::Unsupported { what: "image" }
        }
        ContentBlock::Document(_) => Content::Unsupported { what: "document" },
        ContentBlock::Video(_) => Content::Unsupported { what: "video" },
        ContentBlock::Audio(_) => Content::Unsupported { what: "audio" },
        ContentBlock::SearchResult(_) => Content::Unsupported { what: "search result" },
        ContentBlock::ToolAddition(_) | ContentBlock::ToolRemoval(_) => {
            Content::Unsupported { what: "change of tools" }
        }
        // Cache points are no content; thoughts of earlier turns are not read again.
        ContentBlock::CachePoint(_) | ContentBlock::ReasoningContent(_) => return Ok(None),
    }))
}

fn cited_text(cited: aws_wire::generated::bedrock_runtime::CitationsContentBlock) -> String {
    use aws_wire::generated::bedrock_runtime::CitationGeneratedContent;
    let pieces = cited.content.unwrap_or_default();
    pieces.into_iter().map(|CitationGeneratedContent::Text(text)| text).collect()
}

fn tool_result(result: ToolResultBlock) -> Content {
    let mut text = String::new();
    for part in result.content {
        if !text.is_empty() {
            text.push('\n');
        }
        match part {
            ToolResultContentBlock::Text(piece) => text.push_str(&piece),
            ToolResultContentBlock::Json(json) => text.push_str(&json.to_string()),
            ToolResultContentBlock::Image(_) => return Content::Unsupported { what: "image" },
            ToolResultContentBlock::Document(_) => return Content::Unsupported { what: "document" },
            ToolResultContentBlock::Video(_) => return Content::Unsupported { what: "video" },
            ToolResultContentBlock::SearchResult(_) => return Content::Unsupported { what: "search result" },
        }
    }
    Content::ToolResult {
        id: result.tool_use_id,
        content: text,
        is_error: result.status == Some(ToolResultStatus::Error),
    }
}

fn system(blocks: Vec<SystemContentBlock>) -> Result<Vec<String>> {
    let mut texts = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            SystemContentBlock::Text(text) => texts.push(text),
            SystemContentBlock::GuardContent(GuardrailConverseContentBlock::Text(text)) => texts.push(text.text),
            SystemContentBlock::GuardContent(GuardrailConverseContentBlock::Image(_)) => {
                return Err(Error::invalid("The model that serves this id does not support images."));
            }
            SystemContentBlock::CachePoint(_) => {}
        }
    }
    Ok(texts)
}

fn tools(config: ToolConfiguration) -> Result<(Vec<ToolSpec>, ToolChoice)> {
    let mut tools: Vec<ToolSpec> = Vec::with_capacity(config.tools.len());
    for (at, tool) in config.tools.into_iter().enumerate() {
        match tool {
            Tool::ToolSpec(spec) => {
                let ToolInputSchema::Json(schema) = spec.input_schema;
                if schema.get("type").and_then(Value::as_str) != Some("object") {
                    return Err(Error::invalid(format!(
                        "The value at toolConfig.tools.{at}.toolSpec.inputSchema.json.type must be one of the following: object."
                    )));
                }
                if tools.iter().any(|other| other.name == spec.name) {
                    return Err(Error::invalid(format!(
                        "The tool {} is already defined at toolConfig.tools.",
                        spec.name
                    )));
                }
                tools.push(ToolSpec { name: spec.name, description: spec.description, schema });
            }
            Tool::SystemTool(tool) => {
                return Err(Error::not_implemented(format!("System tools are not implemented (`{}`).", tool.name)));
            }
            Tool::CachePoint(_) => {}
        }
    }
    let choice = match config.tool_choice {
        None | Some(WireChoice::Auto(_)) => ToolChoice::Auto,
        Some(WireChoice::Any(_)) => ToolChoice::Any,
        Some(WireChoice::Tool(tool)) => {
            turns::check_choice(&tools, &tool.name)?;
            ToolChoice::Tool(tool.name)
        }
    };
    Ok((tools, choice))
}

fn response_schema(output: OutputConfig) -> Result<Option<Value>> {
    let Some(format) = output.text_format else { return Ok(None) };
    let OutputFormatStructure::JsonSchema(definition) = format.structure;
    let schema = serde_json::from_str(&definition.schema).map_err(|e| {
        Error::invalid("The value at outputConfig.textFormat.structure.jsonSchema.schema is not JSON.").with_detail(e)
    })?;
    Ok(Some(schema))
}

/// The additional fields of a conversation: [`additional_fields`], and the form of its answer.
fn beyond_converse(fields: &Value, sampling: &mut Sampling) -> Result<(Serving, Option<Constraint>)> {
    let Value::Object(members) = fields else { return Ok((additional_fields(fields, sampling)?, None)) };
    let mut others = members.clone();
    let form = match others.remove(FORM) {
        Some(_) => structured::outputs(&Fields::root(fields, Wording::Schema)?)?,
        None => None,
    };
    Ok((additional_fields(&Value::Object(others), sampling)?, form))
}

/// The fields that vendors' own bodies have beyond Converse's: Anthropic's `top_k`, Nova's `inferenceConfig.topK`, and
/// those of the open models and of Craton. What is not known is refused, as a vendor's body would be.
pub(crate) fn additional_fields(fields: &Value, sampling: &mut Sampling) -> Result<Serving> {
    if fields.is_null() {
        return Ok(Serving::default());
    }
    let root = Fields::root(fields, Wording::Schema)?;
    root.only(&[
        "anthropic_beta",
        "deterministic",
        "frequency_penalty",
        "inferenceConfig",
        "loop_detection",
        "min_p",
        "no_repeat_ngram_scope",
        "no_repeat_ngram_size",
        "presence_penalty",
        "priority",
        "seed",
        "thinking",
        "top_k",
        "topK",
    ])?;
    if let Some(thinking) = root.object("thinking")?
        && thinking.text("type")? != Some("disabled")
    {
        return Err(Error::invalid("Extended thinking is not supported by the model that serves this id."));
    }
    let nova = root.object("inferenceConfig")?;
    if let Some(nova) = &nova {
        nova.only(&["topK"])?;
    }
    let top_k = match (root.count("top_k", 0, u32::MAX)?, root.count("topK", 0, u32::MAX)?, nova) {
        (Some(k), ..) | (None, Some(k), _) => Some(k),
        (None, None, Some(nova)) => nova.count("topK", 0, u32::MAX)?,
        (None, None, None) => None,
    };
    sampling.top_k = top_k.filter(|k| *k > 0);
    sampling.min_p = root.number("min_p", 0.0, 1.0)?;
    sampling.seed = root.integer("seed", 0, i64::MAX)?.and_then(|seed| u64::try_from(seed).ok());
    sampling.frequency_penalty = root.number("frequency_penalty", -2.0, 2.0)?;
    sampling.presence_penalty = root.number("presence_penalty", -2.0, 2.0)?;
    sampling.no_repeat_ngram = repetition::no_repeat_ngram(&root)?;
    sampling.loop_detector = repetition::loop_detector(&root)?;
    serving::serving(&root)
}
