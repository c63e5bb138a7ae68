use std::time::Duration;

use models::{CachePoint, Content, Message, Role, ServedBy, Stop, Timing, ToolChoice, Truncate, Usage};
use serde_json::json;

use super::*;

fn origin(model: &str) -> Origin {
    Origin {
        requested: model.to_owned(),
        model: model.to_owned(),
        unique: "abc".to_owned(),
        time: Timestamp(1_700_000_000_999),
    }
}

fn decode_for(model: &str, body: Value) -> Result<Decoded> {
    decode(Provider::of(model), origin(model), &body)
}

fn chat(model: &str, body: Value) -> (ChatRequest, Box<dyn Encode>) {
    match decode_for(model, body).unwrap_or_else(|e| panic!("{e:?}")) {
        Decoded::Chat(request, encode) => (*request, encode),
        _ => panic!("{model} is no chat"),
    }
}

fn completion(model: &str, body: Value) -> (CompletionRequest, Box<dyn Encode>) {
    match decode_for(model, body).unwrap_or_else(|e| panic!("{e:?}")) {
        Decoded::Completion(request, encode) => (*request, encode),
        _ => panic!("{model} is no completion"),
    }
}

fn embed(model: &str, body: Value) -> (EmbedRequest, EncodeVectors) {
    match decode_for(model, body).unwrap_or_else(|e| panic!("{e:?}")) {
        Decoded::Embed(request, encode) => (request, encode),
        _ => panic!("{model} does not embed"),
    }
}

fn refused(model: &str, body: Value) -> String {
    decode_for(model, body).map(|_| ()).unwrap_err().message
}

fn served_by() -> ServedBy {
    ServedBy::model("tiny", true)
}

const USAGE: Usage = Usage { input: 7, output: 3, cached: 0, cache_written: 0 };

fn answer(content: Vec<Content>, reason: Stop) -> Chat {
    let timing = Timing::default();
    Chat { content, reason, usage: USAGE, timing, served_by: served_by(), logprobs: Vec::new() }
}

fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

/// An answer of a text and a tool call, as the models tell it.
fn events(reason: Stop) -> Vec<ChatEvent> {
    let piece = |text: &str| ChatEvent::Text { text: text.into(), logprobs: Vec::new() };
    vec![
        ChatEvent::Started { served_by: served_by(), prompt_tokens: 7, cached: 0, cache_written: 0 },
        piece("Hel"),
        piece("lo"),
        ChatEvent::ToolUseStart { index: 0, id: "t1".into(), name: "sum".into() },
        ChatEvent::ToolUseInput { index: 0, json_fragment: "{\"a\":".into() },
        ChatEvent::ToolUseInput { index: 0, json_fragment: "1}".into() },
        ChatEvent::ToolUseEnd { index: 0 },
        finished(reason),
    ]
}

fn finished(reason: Stop) -> ChatEvent {
    let timing = Timing { first_token: Duration::from_millis(5), ..Timing::default() };
    ChatEvent::Finished { reason, usage: USAGE, timing }
}

fn chunks(mut encode: Box<dyn Encode>, events: &[ChatEvent]) -> Vec<Value> {
    events.iter().flat_map(|event| encode.chunks(event)).collect()
}

fn plain_events(reason: Stop) -> Vec<ChatEvent> {
    let mut events = events(reason);
    events.drain(3..7);
    events
}

const CLAUDE: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const NOVA: &str = "amazon.nova-micro-v1:0";
const TITAN: &str = "amazon.titan-text-express-v1";
const TITAN_V1: &str = "amazon.titan-embed-text-v1";
const TITAN_V2: &str = "amazon.titan-embed-text-v2:0";
const COHERE: &str = "cohere.embed-multilingual-v3";
const LLAMA: &str = "meta.llama3-8b-instruct-v1:0";
const MISTRAL: &str = "mistral.mistral-7b-instruct-v0:2";
const OPENAI: &str = "openai.gpt-oss-20b-1:0";

#[test]
fn anthropic_bodies_become_chat_requests() {
    let (request, _) = chat(
        CLAUDE,
        json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 9_999_999_999_i64,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "What is 1+1?"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "sum", "input": {"a": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "2"}]},
                    {"type": "text", "text": "Well?"},
                ]},
                {"role": "user", "content": "Say it."},
            ],
            "temperature": 0, "top_p": 0.5, "top_k": 40, "stop_sequences": ["END"],
            "tools": [{"name": "sum", "description": "adds", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": "sum"},
        }),
    );
    assert_eq!(request.max_tokens, Some(u32::MAX));
    assert_eq!(request.system, ["Be brief."]);
    assert_eq!((request.sampling.temperature, request.sampling.top_k), (Some(0.0), Some(40)));
    assert_eq!(request.stop, ["END"]);
    assert_eq!(request.tool_choice, ToolChoice::Tool("sum".into()));
    assert_eq!(request.messages.len(), 3, "turns of one role are joined");
    assert_eq!(
        request.messages[2],
        Message {
            role: Role::User,
            content: vec![
                Content::ToolResult { id: "t1".into(), content: "2".into(), is_error: false },
                text("Well?"),
                text("Say it."),
            ],
        }
    );
}

#[test]
fn anthropic_errors_use_the_vendors_words() {
    let with = |key: &str, value: Value| {
        let mut body = json!({
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 5,
            "messages": [{"role": "user", "content": "x"}],
        });
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(key)),
            value => body[key] = value,
        }
        refused(CLAUDE, body)
    };
    assert_eq!(with("anthropic_version", Value::Null), "anthropic_version: Field required");
    assert_eq!(with("max_tokens", Value::Null), "max_tokens: Field required");
    assert_eq!(with("messages", Value::Null), "messages: Field required");
    assert_eq!(with("max_tokens", json!(0)), "max_tokens: Input should be greater than or equal to 1");
    assert_eq!(with("temperature", json!(1.5)), "temperature: Input should be less than or equal to 1");
    assert_eq!(with("stream", json!(true)), "stream: Extra inputs are not permitted");
    assert_eq!(with("messages", json!([])), "messages: at least one message is required");
    let first = with("messages", json!([{"role": "assistant", "content": "x"}]));
    assert_eq!(first, "messages: first message must use the \"user\" role");
    let blank = with("messages", json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y "}]));
    assert_eq!(blank, "messages: final assistant content cannot end with trailing whitespace");
    let orphan = json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9"}]}]);
    assert!(with("messages", orphan).contains("unexpected `tool_use_id` found in `tool_result` blocks: t9"));
    assert!(with("thinking", json!({"type": "enabled", "budget_tokens": 1024})).contains("not supported"));
    assert!(with("tool_choice", json!({"type": "any"})).contains("while providing tools"));
}

#[test]
fn images_are_passed_on_as_what_no_model_reads() {
    let image = json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]);
    let (request, _) = chat(
        CLAUDE,
        json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": image}]}),
    );
    assert_eq!(request.messages[0].content, [Content::Unsupported { what: "image" }]);
}

fn claude_encoder() -> Box<dyn Encode> {
    let message = json!([{"role": "user", "content": "x"}]);
    chat(CLAUDE, json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": message})).1
}

#[test]
fn anthropic_answers() {
    let call = Content::ToolUse { id: "t1".into(), name: "sum".into(), input: json!({"a": 1}) };
    assert_eq!(
        claude_encoder().answer(&answer(vec![text("Hi"), call], Stop::ToolUse)),
        json!({
            "id": "msg_bdrk_abc", "type": "message", "role": "assistant", "model": "claude-3-haiku-20240307",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "tool_use", "id": "t1", "name": "sum", "input": {"a": 1}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {
                "input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3,
            },
        })
    );
    let stopped = claude_encoder().answer(&answer(vec![text("Hi")], Stop::StopSequence("END".into())));
    assert_eq!((&stopped["stop_reason"], &stopped["stop_sequence"]), (&json!("stop_sequence"), &json!("END")));
}

#[test]
fn anthropic_streams() {
    let all = chunks(claude_encoder(), &events(Stop::ToolUse));
    let types: Vec<&str> = all.iter().map(|chunk| chunk["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(all[0]["message"]["usage"]["input_tokens"], 7);
    assert_eq!(
        all[2],
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}})
    );
    assert_eq!(all[5]["content_block"], json!({"type": "tool_use", "id": "t1", "name": "sum", "input": {}}));
    assert_eq!(all[7]["delta"], json!({"type": "input_json_delta", "partial_json": "1}"}));
    assert_eq!(all[7]["index"], 1);
    assert_eq!(all[9]["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!(all[9]["usage"]["output_tokens"], 3);
}

/// A Messages body with a `cache_control` wherever one may be.
fn claude_with_cache_controls() -> Value {
    let control = json!({"type": "ephemeral"});
    json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 5,
        "tools": [
            {"name": "sum", "input_schema": {"type": "object"}, "cache_control": control},
            {"name": "mean", "input_schema": {"type": "object"}},
        ],
        "system": [
            {"type": "text", "text": "One."},
            {"type": "text", "text": "Two.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": "Three."},
        ],
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b", "cache_control": control}, {"type": "text", "text": "c"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "sum", "input": {}},
            ]},
            {"role": "user", "content": [{
                "type": "tool_result", "tool_use_id": "t1",
                "content": [{"type": "text", "text": "2", "cache_control": control}],
            }]},
        ],
    })
}

#[test]
fn anthropic_cache_controls_are_cache_points_after_their_blocks() {
    let (request, _) = chat(CLAUDE, claude_with_cache_controls());
    let of_turn = |message, blocks| CachePoint::Message { message, blocks };
    assert_eq!(request.cache_points, [CachePoint::Tools(1), CachePoint::System(2), of_turn(0, 2), of_turn(2, 1)]);
    assert_eq!(request.messages[0].content.len(), 3, "turns of one role are joined");
}

#[test]
fn anthropic_refuses_too_many_cache_controls_and_wrong_ones() {
    let mut five = claude_with_cache_controls();
    five["messages"][1]["content"][1]["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(refused(CLAUDE, five), "A maximum of 4 blocks with cache_control may be provided. Found 5.");
    let with = |pointer: &str, control: Value| {
        let mut body = claude_with_cache_controls();
        body.pointer_mut(pointer).unwrap()["cache_control"] = control;
        decode_for(CLAUDE, body).map(|_| ()).map_err(|error| error.message)
    };
    let said = with("/system/1", json!({"type": "forever"})).unwrap_err();
    assert!(said.starts_with("system.1.cache_control.type: "), "{said}");
    let said = with("/tools/0", json!({"type": "ephemeral", "ttl": "2h"})).unwrap_err();
    assert!(said.starts_with("tools.0.cache_control.ttl: "), "{said}");
    let said = with("/messages/2/content/0", json!({"type": "ephemeral"})).unwrap_err();
    assert_eq!(said, "messages.2.content.0.cache_control: Extra inputs are not permitted");
    assert_eq!(with("/system/1", Value::Null), Ok(()));
}

#[test]
fn anthropic_counts_what_was_cached_apart() {
    let used = Usage { input: 100, output: 3, cached: 60, cache_written: 30 };
    let usage = |output: u32| {
        json!({
            "input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 60,
            "output_tokens": output,
        })
    };
    let (_, encode) = chat(CLAUDE, claude_with_cache_controls());
    let whole = encode.answer(&Chat { usage: used, ..answer(vec![text("Hi")], Stop::EndTurn) });
    assert_eq!(whole["usage"], usage(3));
    let begun = ChatEvent::Started { served_by: served_by(), prompt_tokens: 100, cached: 60, cache_written: 30 };
    let ended = ChatEvent::Finished { reason: Stop::EndTurn, usage: used, timing: Timing::default() };
    let all = chunks(encode, &[begun, ended]);
    assert_eq!(all[0]["message"]["usage"], usage(0));
    let delta = all.iter().find(|chunk| chunk["type"] == "message_delta").unwrap();
    assert_eq!(delta["usage"], usage(3));
    let plain = claude_encoder().answer(&Chat { usage: used, ..answer(vec![text("Hi")], Stop::EndTurn) });
    let all_input = (&plain["usage"]["input_tokens"], &plain["usage"]["cache_read_input_tokens"]);
    assert_eq!(all_input, (&json!(100), &json!(0)), "without cache points all of it is input");
}

#[test]
fn nova_cache_points_and_their_counts() {
    let point = json!({"cachePoint": {"type": "default"}});
    let tool = |name: &str| json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}});
    let body = |more: usize| {
        let mut content = vec![json!({"text": "x"}), point.clone(), json!({"text": "y"})];
        content.extend((0..more).map(|_| point.clone()));
        json!({
            "system": [{"text": "One."}, point, {"text": "Two."}],
            "messages": [{"role": "user", "content": content}],
            "toolConfig": {"tools": [tool("a"), tool("b"), point]},
        })
    };
    let (request, encode) = chat(NOVA, body(1));
    let of_turn = |blocks| CachePoint::Message { message: 0, blocks };
    assert_eq!(request.cache_points, [CachePoint::Tools(2), CachePoint::System(1), of_turn(1), of_turn(2)]);
    assert_eq!((request.system.len(), request.tools.len(), request.messages[0].content.len()), (2, 2, 2));
    let usage = Usage { input: 100, output: 3, cached: 60, cache_written: 30 };
    let told = encode.answer(&Chat { usage, ..answer(vec![text("Hi")], Stop::EndTurn) })["usage"].clone();
    let counts = json!({
        "inputTokens": 10, "outputTokens": 3, "totalTokens": 103,
        "cacheReadInputTokenCount": 60, "cacheWriteInputTokenCount": 30,
    });
    assert_eq!(told, counts);
    let said = refused(NOVA, body(2));
    assert_eq!(said, "The request has 5 cache points. The maximum number of cache points is 4.");
}

#[test]
fn nova_bodies_and_answers() {
    let (request, encode) = chat(
        NOVA,
        json!({
            "schemaVersion": "messages-v1",
            "system": [{"text": "S"}],
            "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
            "inferenceConfig": {"maxTokens": 12, "temperature": 0.1, "topP": 0.9, "topK": 20, "stopSequences": ["x"]},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "sum", "description": "d", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"any": {}},
            },
        }),
    );
    assert_eq!((request.max_tokens, request.sampling.top_k), (Some(12), Some(20)));
    assert_eq!((request.tools.len(), &request.tool_choice), (1, &ToolChoice::Any));
    assert_eq!(
        encode.answer(&answer(vec![text("Hello")], Stop::EndTurn)),
        json!({
            "output": {"message": {"content": [{"text": "Hello"}], "role": "assistant"}},
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": 7, "outputTokens": 3, "totalTokens": 10,
                "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0,
            },
        })
    );
    let all = chunks(encode, &events(Stop::ToolUse));
    let kinds: Vec<&String> = all.iter().map(|chunk| chunk.as_object().unwrap().keys().next().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "messageStart",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockStop",
            "contentBlockStart",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
        ]
    );
    assert_eq!(all[1], json!({"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 0}}));
    assert_eq!(all[9]["metadata"]["usage"]["totalTokens"], 10);
}

#[test]
fn nova_errors_name_the_member() {
    let message = json!([{"role": "user", "content": [{"text": "Hi"}]}]);
    let wrong = refused(NOVA, json!({"messages": message, "inferenceConfig": {"temperature": 3}}));
    assert!(wrong.starts_with("Malformed input request: #/inferenceConfig/temperature: 3 is not less or equal to 1"));
    assert!(refused(NOVA, json!({})).contains("required key [messages] not found"));
    assert!(refused(NOVA, json!({"messages": message, "max_tokens": 3})).contains("extraneous key [max_tokens]"));
    assert!(refused(NOVA, json!({"messages": []})).contains("minimum item count"));
}

#[test]
fn nova_conversations_are_checked_as_those_of_converse() {
    let turn = |role: &str, content: Value| json!({"role": role, "content": content});
    let said = |role: &str| turn(role, json!([{"text": "x"}]));
    let call = turn("assistant", json!([{"toolUse": {"toolUseId": "t1", "name": "sum", "input": {}}}]));
    let result = |id: &str| turn("user", json!([{"toolResult": {"toolUseId": id, "content": [{"text": "1"}]}}]));
    let tools = json!([{"toolSpec": {"name": "sum", "inputSchema": {"json": {"type": "object"}}}}]);
    let body = |messages: Value| json!({"messages": messages, "toolConfig": {"tools": tools}});
    chat(NOVA, body(json!([said("user"), call, result("t1")])));
    for (messages, says) in [
        (json!([said("assistant")]), "A conversation must start with a user message."),
        (json!([said("user"), said("user")]), "A conversation must alternate between user and assistant roles."),
        (json!([turn("user", json!([]))]), "The content field in the Message object at messages.0 is empty."),
        (json!([result("t1")]), "The number of toolResult blocks at messages.0.content exceeds"),
        (
            json!([said("user"), call, said("user")]),
            "Expected toolResult blocks at messages.2.content for the following",
        ),
    ] {
        let message = refused(NOVA, body(messages));
        assert!(message.starts_with(says), "{message}");
    }
    let without = refused(NOVA, json!({"messages": [said("user"), call, result("t1")]}));
    assert!(without.starts_with("The toolConfig field must be defined"), "{without}");
    let mut other = body(json!([said("user")]));
    other["toolConfig"]["toolChoice"] = json!({"tool": {"name": "other"}});
    assert!(refused(NOVA, other).starts_with("The tool other of toolConfig.toolChoice.tool.name is not among"));
}

#[test]
fn anthropic_turns_have_content_but_for_the_last_beginning() {
    let body =
        |messages: Value| json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": messages});
    let turn = |role: &str, content: Value| json!({"role": role, "content": content});
    let (user, assistant) = (turn("user", json!("Hi")), turn("assistant", json!("Ho")));
    for empty in [json!([]), json!("")] {
        for (at, messages) in [
            (0, json!([turn("user", empty.clone())])),
            (0, json!([turn("user", empty.clone()), assistant, user])),
            (1, json!([user, turn("assistant", empty.clone()), user])),
            (2, json!([user, assistant, turn("user", empty.clone())])),
        ] {
            let says = format!(
                "messages.{at}: all messages must have non-empty content except for the optional final assistant message"
            );
            assert_eq!(refused(CLAUDE, body(messages)), says);
        }
        let (request, _) = chat(CLAUDE, body(json!([user, turn("assistant", empty)])));
        assert_eq!(request.messages.len(), 1, "an empty beginning is none");
    }
}

#[test]
fn mistral_chat_bodies_may_write_null_for_what_is_not_set() {
    let large = "mistral.mistral-large-2407-v1:0";
    let mut body = json!({"messages": [
        {"role": "user", "content": "Hi", "name": null},
        {"role": "assistant", "content": "Ho", "tool_calls": null},
        {"role": "user", "content": "Bye"},
    ]});
    for key in ["tools", "tool_choice", "max_tokens", "stop", "temperature", "top_p", "top_k", "random_seed"] {
        body[key] = Value::Null;
    }
    let (request, _) = chat(large, body);
    assert_eq!((request.messages.len(), request.max_tokens, request.sampling.seed), (3, Some(8192), None));
    assert!(refused(large, json!({"messages": null})).contains("required key [messages] not found"));
    let text = refused(MISTRAL, json!({"prompt": "Hi", "max_tokens": null}));
    assert!(text.contains("#/max_tokens: expected type: Integer, found: Null"), "{text}");
}

#[test]
fn an_empty_answer_has_one_empty_block() {
    let whole = answer(Vec::new(), Stop::StopSequence("|".into())).in_blocks().unwrap();
    let empty_events = [events(Stop::EndTurn)[0].clone(), finished(Stop::StopSequence("|".into()))];
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}],
    });
    let (_, claude) = chat(CLAUDE, body);
    assert_eq!(claude.answer(&whole)["content"], json!([{"type": "text", "text": ""}]));
    let kinds: Vec<Value> = chunks(claude, &empty_events).iter().map(|chunk| chunk["type"].clone()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let (_, nova) = chat(NOVA, json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}));
    assert_eq!(nova.answer(&whole)["output"]["message"]["content"], json!([{"text": ""}]));
    let told = chunks(nova, &empty_events);
    assert_eq!(told[1], json!({"contentBlockDelta": {"delta": {"text": ""}, "contentBlockIndex": 0}}));
    assert_eq!(told[2], json!({"contentBlockStop": {"contentBlockIndex": 0}}));
}

#[test]
fn titan_text_bodies_and_answers() {
    let config = json!({"temperature": 0.5, "topP": 0.5, "maxTokenCount": 9, "stopSequences": ["|"]});
    let (request, encode) = completion(TITAN, json!({"inputText": "Hi", "textGenerationConfig": config}));
    assert_eq!((request.prompt.as_str(), request.max_tokens, request.stop.len()), ("Hi", Some(9), 1));
    assert_eq!(completion(TITAN, json!({"inputText": "Hi"})).0.max_tokens, Some(512));
    assert_eq!(
        encode.answer(&answer(vec![text("Hello")], Stop::MaxTokens)),
        json!({
            "inputTextTokenCount": 7,
            "results": [{"tokenCount": 3, "outputText": "Hello", "completionReason": "LENGTH"}],
        })
    );
    let all = chunks(encode, &plain_events(Stop::EndTurn));
    assert_eq!(all.len(), 3);
    assert_eq!(all[1]["outputText"], "lo");
    assert_eq!((&all[2]["completionReason"], &all[2]["totalOutputTextTokenCount"]), (&json!("FINISH"), &json!(3)));
    assert!(refused(TITAN, json!({"inputText": 3})).contains("#/inputText: expected type: String, found: Integer"));
    assert!(
        refused(TITAN, json!({"inputText": "x", "textGenerationConfig": {"maxTokenCount": 0}}))
            .contains("greater or equal to 1")
    );
}

#[test]
fn llama_bodies_and_answers() {
    let (request, encode) = completion(LLAMA, json!({"prompt": "Hi", "max_gen_len": 4, "temperature": 0, "top_p": 1}));
    assert_eq!((request.max_tokens, request.sampling.top_p), (Some(4), Some(1.0)));
    assert_eq!(
        encode.answer(&answer(vec![text("Hello")], Stop::MaxTokens)),
        json!({"generation": "Hello", "prompt_token_count": 7, "generation_token_count": 3, "stop_reason": "length"})
    );
    let all = chunks(encode, &plain_events(Stop::EndTurn));
    assert_eq!(all[0]["prompt_token_count"], 7);
    assert_eq!(all[1]["prompt_token_count"], Value::Null);
    assert_eq!((&all[2]["generation_token_count"], &all[2]["stop_reason"]), (&json!(3), &json!("stop")));
    assert!(refused(LLAMA, json!({"prompt": "x", "images": ["aGk="]})).contains("does not support images"));
}

#[test]
fn mistral_text_bodies_and_answers() {
    let (request, encode) =
        completion(MISTRAL, json!({"prompt": "<s>[INST] Hi [/INST]", "max_tokens": 4, "stop": ["x"]}));
    assert_eq!((request.max_tokens, request.stop.len()), (Some(4), 1));
    assert_eq!(
        encode.answer(&answer(vec![text("Hello")], Stop::EndTurn)),
        json!({"outputs": [{"text": "Hello", "stop_reason": "stop"}]})
    );
    let all = chunks(encode, &plain_events(Stop::MaxTokens));
    assert_eq!(all[0], json!({"outputs": [{"text": "Hel", "stop_reason": null}]}));
    assert_eq!(all[2], json!({"outputs": [{"text": "", "stop_reason": "length"}]}));
}

#[test]
fn mistral_chat_bodies_and_answers() {
    let (request, encode) = chat(
        "mistral.mistral-large-2407-v1:0",
        json!({
            "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": {"name": "sum", "parameters": {"type": "object"}}}],
            "tool_choice": "any",
        }),
    );
    assert_eq!((request.system.len(), &request.tool_choice), (1, &ToolChoice::Any));
    let call = Content::ToolUse { id: "t1".into(), name: "sum".into(), input: json!({"a": 1}) };
    let out = encode.answer(&answer(vec![call], Stop::ToolUse));
    let choice = &out["choices"][0];
    assert_eq!(choice["stop_reason"], "tool_calls");
    assert_eq!(choice["message"]["tool_calls"][0]["function"], json!({"name": "sum", "arguments": "{\"a\":1}"}));
}

#[test]
fn a_message_that_only_calls_tools_may_have_null_for_its_text() {
    let call = json!({"id": "t1", "type": "function", "function": {"name": "sum", "arguments": "{}"}});
    for (id, said) in [("mistral.mistral-large-2407-v1:0", json!(null)), (OPENAI, json!(null)), (OPENAI, json!(""))] {
        let messages = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": said, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "t1", "content": "2"},
        ]);
        let (request, _) = chat(id, json!({"messages": messages}));
        assert_eq!(request.messages[1].content.len(), 1, "{id}");
    }
}

#[test]
fn openai_bodies_and_answers() {
    let (request, encode) = chat(
        OPENAI,
        json!({
            "messages": [{"role": "developer", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "max_completion_tokens": 8, "temperature": 2,
        }),
    );
    assert_eq!((request.max_tokens, request.system.len()), (Some(8), 1));
    let out = encode.answer(&answer(vec![text("Hello")], Stop::EndTurn));
    assert_eq!(
        (&out["object"], &out["id"], &out["created"]),
        (&json!("chat.completion"), &json!("chatcmpl-abc"), &json!(1_700_000_000))
    );
    assert_eq!(out["choices"][0]["finish_reason"], "stop");
    let all = chunks(encode, &plain_events(Stop::EndTurn));
    assert_eq!(all[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(all[1]["choices"][0]["delta"], json!({"content": "Hel"}));
    assert_eq!(all.last().unwrap()["choices"][0]["finish_reason"], "stop");
}

fn vectors(vectors: Vec<Vec<f32>>) -> EmbedResponse {
    let token_counts = vectors.iter().map(|_| 4).collect();
    EmbedResponse { vectors, token_counts, served_by: served_by() }
}

#[test]
fn titan_embeddings() {
    let (request, encode) = embed(TITAN_V1, json!({"inputText": "Hi"}));
    assert_eq!((request.texts.len(), request.dimensions), (1, None));
    assert_eq!(encode(vectors(vec![vec![0.5, -0.5]])), json!({"embedding": [0.5, -0.5], "inputTextTokenCount": 4}));
    let (request, encode) = embed(
        TITAN_V2,
        json!({"inputText": "Hi", "dimensions": 256, "normalize": false, "embeddingTypes": ["float", "binary"]}),
    );
    assert_eq!((request.dimensions, request.normalize), (Some(256), Some(false)));
    assert_eq!(
        encode(vectors(vec![vec![0.5, -0.5]])),
        json!({
            "embedding": [0.5, -0.5],
            "embeddingsByType": {"binary": [1, 0], "float": [0.5, -0.5]},
            "inputTextTokenCount": 4,
        })
    );
    let (_, encode) = embed(TITAN_V2, json!({"inputText": "Hi", "embeddingTypes": ["binary"]}));
    assert!(encode(vectors(vec![vec![1.0]])).get("embedding").is_none());
    assert!(refused(TITAN_V2, json!({"inputText": "Hi", "dimensions": 300})).contains("300 is not a valid enum value"));
    assert!(refused(TITAN_V1, json!({"inputText": ""})).contains("expected minLength: 1, actual: 0"));
    assert!(refused(TITAN_V1, json!({"inputText": "x", "normalize": true})).contains("extraneous key [normalize]"));
}

#[test]
fn cohere_embeddings() {
    let body = json!({"texts": ["a", "b"], "input_type": "search_document", "truncate": "END"});
    let (request, encode) = embed(COHERE, body);
    assert_eq!((request.texts.len(), request.truncate), (2, Truncate::End));
    assert_eq!(
        encode(vectors(vec![vec![1.0], vec![0.5]])),
        json!({"id": "abc", "texts": ["a", "b"], "embeddings": [[1.0], [0.5]], "response_type": "embeddings_floats"})
    );
    let types = json!(["float", "int8", "uint8", "ubinary", "binary"]);
    let (request, encode) =
        embed(COHERE, json!({"texts": ["a"], "input_type": "classification", "embedding_types": types}));
    assert_eq!(request.truncate, Truncate::None, "the vendor's default is to refuse what is too long");
    let vector = vec![0.5, -0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1];
    let out = encode(vectors(vec![vector]));
    assert_eq!(out["response_type"], "embeddings_by_type");
    assert_eq!(out["embeddings"]["int8"], json!([[127, -127, 64, 0, 0, 0, 0, 127, 25]]));
    assert_eq!(out["embeddings"]["uint8"], json!([[255, 1, 192, 128, 128, 128, 128, 255, 153]]));
    assert_eq!(out["embeddings"]["ubinary"], json!([[0b1010_0001, 0b1000_0000]]));
    assert_eq!(out["embeddings"]["binary"], json!([[33, 0]]));
}

#[test]
fn cohere_limits() {
    let body = |texts: Value| json!({"texts": texts, "input_type": "clustering"});
    assert!(refused(COHERE, body(json!(vec!["x"; 97]))).contains("expected maximum item count: 96, found: 97"));
    assert!(
        refused(COHERE, body(json!(["x".repeat(2049)]))).contains("#/texts/0: expected maxLength: 2048, actual: 2049")
    );
    assert!(embed(COHERE, body(json!(["é".repeat(2048)]))).0.texts[0].len() > 2048, "characters count, not bytes");
    assert!(refused(COHERE, json!({"texts": ["x"]})).contains("required key [input_type] not found"));
    assert!(refused(COHERE, json!({"texts": ["x"], "input_type": "poem"})).contains("poem is not a valid enum value"));
    assert!(refused(COHERE, json!({"inputText": "x", "input_type": "clustering"})).contains("required key [texts]"));
    assert!(refused(COHERE, json!({"texts": ["x"], "input_type": "image"})).contains("does not support images"));
}

#[test]
fn a_zero_vector_is_compressed_to_zeros() {
    let (_, encode) = embed(COHERE, json!({"texts": ["a"], "input_type": "clustering", "embedding_types": ["int8"]}));
    assert_eq!(encode(vectors(vec![vec![0.0, 0.0]]))["embeddings"]["int8"], json!([[0, 0]]));
}

#[test]
fn bodies_for_own_names_are_told_by_their_members() {
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]});
    assert!(chat("smollm2-135m-instruct", body).1.answer(&answer(vec![], Stop::EndTurn))["type"] == "message");
    assert!(matches!(decode_for("all-minilm-l6-v2", json!({"inputText": "x"})), Ok(Decoded::Embed(..))));
    assert!(matches!(decode_for("x", json!({"messages": [{"role": "user", "content": "x"}]})), Ok(Decoded::Chat(..))));
    assert!(refused("x", json!({"hello": 1})).contains("no known vendor's format"));
}

#[test]
fn every_stream_ends_with_an_object_that_metrics_can_be_added_to() {
    let message = json!([{"role": "user", "content": "x"}]);
    let encoders = [
        claude_encoder(),
        chat(NOVA, json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]})).1,
        completion(TITAN, json!({"inputText": "x"})).1,
        completion(LLAMA, json!({"prompt": "x"})).1,
        completion(MISTRAL, json!({"prompt": "x"})).1,
        chat(MISTRAL, json!({"messages": message})).1,
        chat(OPENAI, json!({"messages": message})).1,
    ];
    for mut encode in encoders {
        encode.chunks(&ChatEvent::Started { served_by: served_by(), prompt_tokens: 1, cached: 0, cache_written: 0 });
        assert!(encode.chunks(&finished(Stop::EndTurn)).last().unwrap().is_object());
    }
}
