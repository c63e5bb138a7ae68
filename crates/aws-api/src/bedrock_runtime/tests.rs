use aws_wire::generated::bedrock_runtime::ConverseRequest;
use models::{ChatRequest, Content, ToolChoice};
use serde_json::{Value, json};

use super::converse_request::Conversation;

fn decode(mut body: Value) -> base::Result<ChatRequest> {
    body["modelId"] = json!("amazon.nova-micro-v1:0");
    let request: ConverseRequest = serde_json::from_value(body).unwrap();
    Conversation::from(request).decode()
}

fn refused(body: Value) -> String {
    decode(body).map(|_| ()).unwrap_err().message
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"text": text}]})
}

#[test]
fn conversations_become_chat_requests() {
    let request = decode(json!({
        "messages": [user("Hi")],
        "system": [{"text": "S"}, {"cachePoint": {"type": "default"}}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.0, "topP": 0.5, "stopSequences": ["x"]},
        "additionalModelRequestFields": {"inferenceConfig": {"topK": 7}},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "sum", "inputSchema": {"json": {"type": "object"}}}}],
            "toolChoice": {"tool": {"name": "sum"}},
        },
    }))
    .unwrap();
    assert_eq!((request.max_tokens, request.sampling.top_k), (Some(9), Some(7)));
    assert_eq!((request.system.len(), request.tool_choice), (1, ToolChoice::Tool("sum".into())));
}

#[test]
fn empty_system_and_inference_config_are_accepted() {
    let request = decode(json!({"messages": [user("Hi")], "system": [], "inferenceConfig": {}})).unwrap();
    assert!(request.system.is_empty() && request.max_tokens.is_none());
}

#[test]
fn a_last_assistant_turn_is_continued() {
    let prefill = json!({"role": "assistant", "content": [{"text": "The answer is"}]});
    assert_eq!(decode(json!({"messages": [user("Hi"), prefill]})).unwrap().messages.len(), 2);
}

#[test]
fn turns_must_alternate_and_begin_with_the_user() {
    let assistant = json!({"role": "assistant", "content": [{"text": "x"}]});
    assert!(refused(json!({"messages": [assistant]})).starts_with("A conversation must start with a user message."));
    assert!(refused(json!({"messages": []})).starts_with("A conversation must start with a user message."));
    assert!(refused(json!({})).starts_with("A conversation must start with a user message."));
    assert!(refused(json!({"messages": [user("a"), user("b")]})).starts_with("A conversation must alternate between"));
}

#[test]
fn blank_text_and_empty_content_are_refused() {
    let blank = refused(json!({"messages": [user(" ")]}));
    assert_eq!(
        blank,
        "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again."
    );
    let empty = refused(json!({"messages": [{"role": "user", "content": []}]}));
    assert!(empty.starts_with("The content field in the Message object at messages.0 is empty."));
}

fn with_tools(messages: Value) -> Value {
    json!({
        "messages": messages,
        "toolConfig": {"tools": [{"toolSpec": {"name": "sum", "inputSchema": {"json": {"type": "object"}}}}]},
    })
}

#[test]
fn tool_results_answer_the_calls_of_the_turn_before() {
    let call =
        json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "sum", "input": {"a": 1}}}]});
    let result = |id: &str| {
        json!({"role": "user", "content": [{"toolResult": {
            "toolUseId": id, "content": [{"json": {"x": 2}}, {"text": "ok"}], "status": "error",
        }}]})
    };
    let request = decode(with_tools(json!([user("Hi"), call, result("t1")]))).unwrap();
    assert_eq!(
        request.messages[2].content,
        [Content::ToolResult { id: "t1".into(), content: "{\"x\":2}\nok".into(), is_error: true }]
    );
    assert_eq!(
        refused(with_tools(json!([user("Hi"), call, result("t2")]))),
        "Expected toolResult blocks at messages.2.content for the following Ids: t1"
    );
    assert_eq!(
        refused(with_tools(json!([result("t1")]))),
        "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn."
    );
    let without = json!({"messages": [user("Hi"), call, result("t1")]});
    assert_eq!(
        refused(without),
        "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    );
}

#[test]
fn what_is_not_built_is_named() {
    let guarded =
        json!({"messages": [user("Hi")], "guardrailConfig": {"guardrailIdentifier": "gr1", "guardrailVersion": "1"}});
    let error = decode(guarded).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (base::ErrorKind::NotImplemented, "Guardrails are not implemented (`gr1`).")
    );
    let fields = json!({"messages": [user("Hi")], "additionalModelRequestFields": {"warp": 9}});
    assert!(refused(fields).contains("extraneous key [warp] is not permitted"));
    let thinking = json!({"messages": [user("Hi")], "additionalModelRequestFields": {"thinking": {"type": "enabled"}}});
    assert!(refused(thinking).contains("thinking is not supported"));
}

#[test]
fn repetition_is_controlled_by_additional_fields() {
    let sampling = |fields: Value| {
        decode(json!({"messages": [user("Hi")], "additionalModelRequestFields": fields}))
            .map(|request| request.sampling)
    };
    let asked = sampling(json!({"no_repeat_ngram_size": 3, "loop_detection": true})).unwrap();
    let ngram = models::NoRepeatNgram { size: 3, scope: models::NgramScope::PromptAndOutput };
    assert_eq!((asked.no_repeat_ngram, asked.loop_detector), (Some(ngram), Some(models::LoopDetector::default())));
    let off = sampling(json!({"no_repeat_ngram_size": 0, "loop_detection": false})).unwrap();
    assert_eq!((off.no_repeat_ngram, off.loop_detector), (None, None));
    let message = |fields: Value| sampling(fields).unwrap_err().message;
    assert!(message(json!({"no_repeat_ngram_size": 257})).contains("#/no_repeat_ngram_size: 257 is not less or equal"));
    assert!(message(json!({"no_repeat_ngram_size": "3"})).contains("expected type: Integer, found: String"));
    assert!(message(json!({"no_repeat_ngram_scope": "prompt"})).contains("prompt is not a valid enum value"));
    assert!(message(json!({"loop_detection": {"warp": 1}})).contains("extraneous key [warp] is not permitted"));
    assert!(message(json!({"loop_detection": {"repeats": 1}})).contains("1 is not greater or equal to 2"));
    assert!(message(json!({"loop_detection": 3})).contains("it must be true, false or an object"));
}

#[test]
fn the_form_of_an_answer_is_an_additional_field() {
    let asked = |fields: Value| decode(json!({"messages": [user("Hi")], "additionalModelRequestFields": fields}));
    let form = |form: Value| asked(json!({"structured_outputs": form, "priority": "high"})).unwrap();
    let regex = form(json!({"regex": "[0-9]+"}));
    assert_eq!(regex.constraint, Some(models::Constraint::Regex("[0-9]+".to_owned())));
    assert_eq!((regex.serving.priority, regex.response_schema), (models::Priority::High, None));
    let grammar = form(json!({"grammar": "start: \"yes\""}));
    assert_eq!(grammar.constraint, Some(models::Constraint::Lark("start: \"yes\"".to_owned())));
    let schema = form(json!({"json": {"type": "object"}}));
    assert_eq!((schema.response_schema, schema.constraint), (Some(json!({"type": "object"})), None));
    let message = |form: Value| asked(json!({"structured_outputs": form})).map(|_| ()).unwrap_err().message;
    assert!(message(json!({})).contains("exactly one of"), "{}", message(json!({})));
    assert!(message(json!({"regex": 1})).contains("#/structured_outputs/regex: expected type: String"));
    assert!(message(json!({"xml": "x"})).contains("extraneous key [xml] is not permitted"));
    let output = json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}});
    let both = json!({
        "messages": [user("Hi")],
        "outputConfig": output,
        "additionalModelRequestFields": {"structured_outputs": {"regex": "a"}},
    });
    assert_eq!(refused(both), "`outputConfig` and `structured_outputs` exclude each other.");
}

#[test]
fn a_loop_is_cut_like_too_many_tokens_and_told_in_detail_where_that_is_asked_for() {
    use models::Stop;

    use super::converse::{additional_fields, stop_reason};
    let told = |paths: &[&str], stop: &Stop| {
        additional_fields(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), stop)
    };
    assert_eq!(stop_reason(&Stop::Loop), stop_reason(&Stop::MaxTokens));
    let both = ["/stop_sequence", "/stop_reason_detail"];
    assert_eq!(told(&both, &Stop::Loop), Some(json!({"stop_sequence": null, "stop_reason_detail": "loop"})));
    assert_eq!(told(&both[1..], &Stop::MaxTokens), Some(json!({"stop_reason_detail": "max_tokens"})));
    assert_eq!(told(&[], &Stop::Loop), None);
}

#[test]
fn pictures_documents_and_videos_are_what_no_model_reads() {
    let blocks = json!([
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"document": {"format": "pdf", "name": "d", "source": {"bytes": "aGk="}}},
        {"video": {"format": "mp4", "source": {"bytes": "aGk="}}},
    ]);
    let request = decode(json!({"messages": [{"role": "user", "content": blocks}]})).unwrap();
    let whats = ["image", "document", "video"].map(|what| Content::Unsupported { what });
    assert_eq!(request.messages[0].content, whats);
}
