use std::sync::Arc;

use base::ErrorKind;
use futures::StreamExt as _;
use inference::Constraint;
use serde_json::json;

use super::answer::{ChatEvent, Stop};
use super::render::chat_prompt;
use super::request::*;
use crate::aliases::Target;
use crate::testing::{Deployment, TestLoader};

const TITAN: &str = "amazon.titan-embed-text-v1";

async fn deployment() -> Deployment {
    let deployment = Deployment::start().await;
    deployment.add_model("chatty");
    deployment.add_model("my-embed");
    deployment
}

fn ask(text: &str) -> ChatRequest {
    ChatRequest {
        model: "chatty".to_owned(),
        messages: vec![Message::user(text)],
        sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
        max_tokens: Some(64),
        ..ChatRequest::default()
    }
}

fn weather() -> ToolSpec {
    let city = json!({"type": "string", "enum": ["Rome"]});
    let schema =
        json!({"type": "object", "properties": {"city": city}, "required": ["city"], "additionalProperties": false});
    ToolSpec { name: "get_weather".to_owned(), description: Some("Tells the weather.".to_owned()), schema }
}

async fn refusal(deployment: &Deployment, request: ChatRequest) -> base::Error {
    deployment.models.chat(&deployment.ctx, request).await.err().unwrap()
}

#[tokio::test]
async fn streamed_and_collected_answers_have_the_same_text() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let events: Vec<ChatEvent> = models.chat(ctx, ask("Hi")).await.unwrap().map(|event| event.unwrap()).collect().await;
    let streamed: String = events
        .iter()
        .filter_map(|e| if let ChatEvent::Text { text, .. } = e { Some(text.as_str()) } else { None })
        .collect();
    assert!(matches!(events.first(), Some(ChatEvent::Started { prompt_tokens, .. }) if *prompt_tokens > 0));
    assert!(matches!(events.last(), Some(ChatEvent::Finished { .. })));
    let chat = models.chat(ctx, ask("Hi")).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.text(), streamed);
    assert!(!streamed.is_empty() && chat.usage.output > 0 && chat.usage.input > 0);
    assert_eq!((chat.served_by.name.as_str(), chat.served_by.substituted), ("chatty", false));
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_and_is_not_part_of_it() {
    let deployment = deployment().await;
    let request = ChatRequest { stop: vec!["STOP".to_owned()], ..ask("stops") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!((chat.text().as_str(), chat.reason), ("before ", Stop::StopSequence("STOP".to_owned())));
}

#[tokio::test]
async fn static_batches_bound_every_answer_and_tell_how_full_they_were() {
    let batching = inference::Batching::Static { size: 2, wait: std::time::Duration::from_millis(1), max_tokens: 5 };
    let deployment = Deployment::start_with(|config| config.load.batching = batching).await;
    deployment.add_model("chatty");
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    // What asks for more, or for nothing, gets as much as there is, and is told that this was the limit.
    for (asked, written) in [(Some(64), 5), (None, 5), (Some(3), 3)] {
        let chat = models.chat(ctx, ChatRequest { max_tokens: asked, ..ask("Hi") }).await.unwrap();
        let chat = chat.collect().await.unwrap();
        assert_eq!((chat.reason, chat.usage.output), (Stop::MaxTokens, written), "{asked:?}");
    }
    // What ends by itself before that ends so.
    let stopped = ChatRequest { stop: vec!["e".to_owned()], ..ask("stops") };
    let chat = models.chat(ctx, stopped).await.unwrap().collect().await.unwrap();
    assert_eq!((chat.text().as_str(), chat.reason), ("b", Stop::StopSequence("e".to_owned())));
    let two = || async { models.chat(ctx, ask("Hi")).await.unwrap().collect().await.unwrap() };
    let (one, other) = futures::future::join(two(), two()).await;
    assert_eq!((one.usage.output, other.usage.output), (5, 5));
    let status = models.status(ctx);
    assert!(status.loaded[0].occupancy.is_some_and(|occupancy| (1.0..=2.0).contains(&occupancy)), "{status:?}");
}

#[tokio::test]
async fn the_limit_of_tokens_ends_the_answer() {
    let deployment = deployment().await;
    let request = ChatRequest { max_tokens: Some(3), ..ask("Hi") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!((chat.reason, chat.usage.output), (Stop::MaxTokens, 3));
}

#[tokio::test]
async fn a_tool_call_in_the_answer_becomes_a_content_block() {
    let deployment = deployment().await;
    let request = ChatRequest { tools: vec![weather()], max_tokens: None, ..ask("weather?") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.reason, Stop::ToolUse);
    assert!(matches!(&chat.content[0], Content::Text(text) if text.trim() == "Let me see."), "{:?}", chat.content);
    let Content::ToolUse { id, name, input } = &chat.content[1] else { panic!("{:?}", chat.content) };
    assert_eq!((name.as_str(), input), ("get_weather", &json!({"city": "Rome"})));
    assert!(id.starts_with("tooluse_"));
    let request =
        ChatRequest { tools: vec![weather()], tool_choice: ToolChoice::None, max_tokens: None, ..ask("weather?") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.reason, Stop::EndTurn, "without tools on offer the same text is text");
}

#[tokio::test]
async fn a_forced_tool_is_called_whatever_the_model_would_say() {
    let deployment = deployment().await;
    for choice in [ToolChoice::Any, ToolChoice::Tool("get_weather".to_owned())] {
        let request = ChatRequest { tools: vec![weather()], tool_choice: choice, max_tokens: None, ..ask("Hi") };
        let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
        let [Content::ToolUse { name, input, .. }] = chat.content.as_slice() else { panic!("{:?}", chat.content) };
        assert_eq!((name.as_str(), input, chat.reason), ("get_weather", &json!({"city": "Rome"}), Stop::ToolUse));
    }
}

#[tokio::test]
async fn a_forced_tool_may_have_nested_and_recursive_definitions() {
    let deployment = deployment().await;
    let schema = json!({
        "type": "object",
        "$defs": {
            "City": {"type": "object", "properties": {"name": {"const": "Rome"}}, "required": ["name"], "additionalProperties": false},
            "Trip": {
                "type": "object",
                "properties": {"to": {"$ref": "#/$defs/City"}, "then": {"type": "array", "items": {"$ref": "#/$defs/Trip"}, "maxItems": 0}},
                "required": ["to", "then"],
                "additionalProperties": false,
            },
        },
        "properties": {"trip": {"$ref": "#/$defs/Trip"}},
        "required": ["trip"],
        "additionalProperties": false,
    });
    let tool = ToolSpec { name: "book".to_owned(), description: None, schema };
    for choice in [ToolChoice::Any, ToolChoice::Tool("book".to_owned())] {
        let request = ChatRequest { tools: vec![tool.clone()], tool_choice: choice, max_tokens: None, ..ask("Hi") };
        let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
        let [Content::ToolUse { input, .. }] = chat.content.as_slice() else { panic!("{:?}", chat.content) };
        assert_eq!(input, &json!({"trip": {"to": {"name": "Rome"}, "then": []}}));
    }
}

#[tokio::test]
async fn an_answer_ends_with_an_error_when_the_callers_time_is_over() {
    let deployment = deployment().await;
    let (models, now) = (&deployment.models, std::time::Instant::now());
    let late = deployment.ctx.clone().until(Some(now));
    let mut stream = models.chat(&late, ask("Hi")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind, ErrorKind::Timeout);
    assert!(stream.next().await.is_none());
    models.unload(&deployment.ctx, "chatty").await.unwrap();
    let prompt =
        CompletionRequest { model: "chatty".to_owned(), prompt: "Hi".to_owned(), ..CompletionRequest::default() };
    let completion = models.complete(&late, prompt).await.unwrap();
    assert_eq!(completion.collect().await.unwrap_err().kind, ErrorKind::Timeout);

    let in_time = deployment.ctx.clone().until(now.checked_add(std::time::Duration::from_secs(3600)));
    models.chat(&in_time, ask("Hi")).await.unwrap().collect().await.unwrap();
}

#[tokio::test]
async fn a_schema_that_cannot_be_enforced_is_refused_unless_leniency_is_asked_for() {
    let deployment = deployment().await;
    let schema = json!({"enum": ["yes"], "not": {"const": "no"}});
    let strict = ChatRequest { response_schema: Some(schema), max_tokens: None, ..ask("Hi") };
    let error = refusal(&deployment, strict.clone()).await;
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains(r#"Unimplemented keys: ["not"]"#), "{error:?}");
    let lenient = ChatRequest { lenient_schema: true, ..strict };
    let chat = deployment.models.chat(&deployment.ctx, lenient).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.text().trim(), "\"yes\"");
}

#[tokio::test]
async fn a_response_schema_is_followed() {
    let deployment = deployment().await;
    let request = ChatRequest { response_schema: Some(json!({"enum": ["yes"]})), max_tokens: None, ..ask("Hi") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.text().trim(), "\"yes\"");
}

#[tokio::test]
async fn a_constraint_is_followed_by_conversations_and_continuations() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for constraint in [Constraint::Regex("ye+s".to_owned()), Constraint::Lark("start: \"yes\"".to_owned())] {
        let raw = ContinuationRequest {
            model: "chatty".to_owned(),
            prompt: RawPrompt::Text("Hi".to_owned()),
            max_tokens: Some(40),
            constraint: Some(constraint.clone()),
            ..ContinuationRequest::default()
        };
        let raw = models.continue_text(ctx, raw).await.unwrap().collect().await.unwrap();
        let request = ChatRequest { constraint: Some(constraint), max_tokens: Some(40), ..ask("Hi") };
        let chat = models.chat(ctx, request.clone()).await.unwrap().collect().await.unwrap();
        for text in [raw.text(), chat.text()] {
            assert!(text.starts_with("ye"), "{text}");
        }
        let both = ChatRequest { response_schema: Some(json!({"enum": ["yes"]})), ..request };
        assert_eq!(refusal(&deployment, both).await.kind, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_response_schema_beside_tools_leaves_the_choice() {
    let deployment = deployment().await;
    for seed in 0..8 {
        let request = ChatRequest {
            response_schema: Some(json!({"enum": ["yes"]})),
            tools: vec![weather()],
            sampling: Sampling { temperature: Some(2.0), seed: Some(seed), ..Sampling::default() },
            max_tokens: None,
            ..ask("Hi")
        };
        let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
        match chat.content.as_slice() {
            [Content::ToolUse { name, .. }] => assert_eq!((name.as_str(), chat.reason), ("get_weather", Stop::ToolUse)),
            [Content::Text(text)] => assert_eq!((text.trim(), chat.reason), ("\"yes\"", Stop::EndTurn)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn log_probabilities_cover_the_text() {
    let deployment = deployment().await;
    let request = ChatRequest { logprobs: Some(2), max_tokens: Some(5), ..ask("Hi") };
    let chat = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.logprobs.len(), 5);
    assert!(chat.logprobs.iter().all(|token| token.top.len() == 2 && token.logprob <= Some(0.0)));
}

#[tokio::test]
async fn requests_that_can_never_be_answered_are_refused() {
    let deployment = deployment().await;
    let image = vec![Message { role: Role::User, content: vec![Content::Unsupported { what: "image" }] }];
    for (request, says) in [
        (ChatRequest { messages: image, ..ask("") }, "cannot read this content: image"),
        (ChatRequest { messages: Vec::new(), ..ask("") }, "at least one message"),
        (ChatRequest { max_tokens: Some(0), ..ask("Hi") }, "at least 1"),
        (ChatRequest { tool_choice: ToolChoice::Any, ..ask("Hi") }, "none is offered"),
        (ChatRequest { tool_choice: ToolChoice::Tool("x".to_owned()), tools: vec![weather()], ..ask("Hi") }, "`x`"),
        (ChatRequest { model: "my-embed".to_owned(), ..ask("Hi") }, "does not generate text"),
        (ask(&"word ".repeat(4000)), "Input is too long for requested model."),
    ] {
        let error = refusal(&deployment, request).await;
        assert_eq!(error.kind, ErrorKind::Invalid, "{says}");
        assert!(error.message.contains(says), "{error:?}");
    }
    let error = refusal(&deployment, ask(&"word ".repeat(4000))).await;
    assert!(error.hint.unwrap().contains("the context of `chatty` holds 4096"));
}

#[tokio::test]
async fn a_model_that_is_not_pulled_says_how_to_pull_it() {
    let deployment = deployment().await;
    let request = ChatRequest { model: "anthropic.claude-3-haiku-20240307-v1:0".to_owned(), ..ask("Hi") };
    let error = refusal(&deployment, request).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(error.hint.unwrap(), "Run `craton models pull smollm2-135m-instruct`.");
}

#[tokio::test]
async fn a_stream_keeps_its_model_in_memory() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let stream = models.chat(ctx, ask("Hi")).await.unwrap();
    assert_eq!(models.unload(ctx, "chatty").await.unwrap_err().kind, ErrorKind::Conflict);
    drop(stream);
    models.unload(ctx, "chatty").await.unwrap();
    assert!(models.status(ctx).loaded.is_empty());
}

#[tokio::test]
async fn a_schema_that_nothing_satisfies_is_refused_before_the_answer() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for schema in [json!({"enum": []}), json!({"type": "no such type"}), json!({"allOf": [{"const": 1}, {"const": 2}]})]
    {
        let request = ChatRequest { response_schema: Some(schema.clone()), ..ask("Hi") };
        let refused = models.chat(ctx, request).await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{schema}");
        assert!(refused.message.starts_with("The schema cannot be followed: "), "{refused:?}");
    }
}

#[tokio::test]
async fn repetition_is_banned_and_loops_end_where_that_is_asked_for() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let answer = |sampling| models.chat(ctx, ChatRequest { sampling, max_tokens: Some(60), ..ask("Hi") });
    let greedy = || Sampling { temperature: Some(0.0), ..Sampling::default() };
    let ngram = crate::NoRepeatNgram { size: 1, scope: crate::NgramScope::Output };
    let varied = answer(Sampling { no_repeat_ngram: Some(ngram), ..greedy() }).await.unwrap().collect().await.unwrap();
    let mut letters: Vec<u8> = varied.text().into_bytes();
    letters.retain(u8::is_ascii);
    let count = letters.len();
    letters.sort_unstable();
    letters.dedup();
    assert!(count > 0 && letters.len() == count, "no byte is written twice: {}", varied.text());
    let wrong = crate::LoopDetector { repeats: 1, ..crate::LoopDetector::default() };
    let refused = answer(Sampling { loop_detector: Some(wrong), ..greedy() }).await.err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    let detector = crate::LoopDetector { repeats: 2, max_period: 1, min_tokens: 2 };
    let mut looped = None;
    for question in ["Hi", "Ho", "Why", "Who", "Where", "When"] {
        let request = ChatRequest {
            sampling: Sampling { loop_detector: Some(detector), ..greedy() },
            max_tokens: Some(200),
            ..ask(question)
        };
        let chat = models.chat(ctx, request).await.unwrap().collect().await.unwrap();
        looped = looped.or((chat.reason == Stop::Loop).then(|| chat.text()));
    }
    let text = looped.expect("one of the answers has a doubled letter");
    let end: Vec<char> = text.chars().rev().take(2).collect();
    assert_eq!(end[0], end[1], "{text}");
}

#[tokio::test]
async fn a_raw_prompt_in_a_vendors_template_is_read() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let complete = |prompt: &str| CompletionRequest {
        model: "chatty".to_owned(),
        prompt: prompt.to_owned(),
        sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
        max_tokens: Some(64),
        ..CompletionRequest::default()
    };
    let chat = models.chat(ctx, ask("Hi")).await.unwrap().collect().await.unwrap();
    for prompt in ["Hi", "<s>[INST] Hi [/INST]", "\n\nHuman: Hi\n\nAssistant:", "User: Hi\nBot:"] {
        let answer = models.complete(ctx, complete(prompt)).await.unwrap().collect().await.unwrap();
        assert_eq!((answer.text(), answer.usage.input), (chat.text(), chat.usage.input), "{prompt}");
    }
    assert_eq!(models.complete(ctx, complete("")).await.err().unwrap().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_text_is_continued_as_it_stands() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let request = |prompt| ContinuationRequest {
        model: "chatty".to_owned(),
        prompt,
        sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
        max_tokens: Some(8),
        ..ContinuationRequest::default()
    };
    let text = |text: &str| request(RawPrompt::Text(text.to_owned()));
    let answer = models.continue_text(ctx, text("Hi")).await.unwrap().collect().await.unwrap();
    assert_eq!(answer.usage.input, 2, "the prompt's own two tokens, without a template");
    let same = request(RawPrompt::Tokens(vec![u32::from(b'H'), u32::from(b'i')]));
    let tokens = models.continue_text(ctx, same).await.unwrap().collect().await.unwrap();
    assert_eq!((tokens.text(), tokens.usage.input), (answer.text(), 2));
    let templated = models.continue_text(ctx, text("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"));
    let templated = templated.await.unwrap().collect().await.unwrap();
    let chat = models.chat(ctx, ChatRequest { max_tokens: Some(8), ..ask("Hi") }).await.unwrap();
    let chat = chat.collect().await.unwrap();
    assert_eq!((templated.text(), templated.usage.input), (chat.text(), chat.usage.input), "a template by hand");
    for (prompt, says) in [
        (RawPrompt::Text(String::new()), "empty"),
        (RawPrompt::Tokens(Vec::new()), "empty"),
        (RawPrompt::Tokens(vec![1, 999]), "there is no token 999"),
    ] {
        let error = models.continue_text(ctx, request(prompt)).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(says), "{error:?}");
    }
    let embeds = ContinuationRequest { model: "my-embed".to_owned(), ..text("Hi") };
    assert!(models.continue_text(ctx, embeds).await.err().unwrap().message.contains("does not generate text"));
}

#[tokio::test]
async fn tokens_are_counted_as_the_model_reads_them() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let chat = models.chat(ctx, ask("Hi")).await.unwrap().collect().await.unwrap();
    let counted = models.count_tokens(ctx, CountRequest::Chat(ask("Hi"))).await.unwrap().tokens;
    assert_eq!(counted, u64::from(chat.usage.input));
    let text = |model: &str| CountRequest::Text { model: model.to_owned(), text: "one two".to_owned() };
    assert_eq!(models.count_tokens(ctx, text("chatty")).await.unwrap().tokens, 7);
    assert_eq!(models.count_tokens(ctx, text("my-embed")).await.unwrap().tokens, 2);
}

fn embed(model: &str, dimensions: Option<usize>, normalize: Option<bool>) -> EmbedRequest {
    let texts = vec!["one two".to_owned(), "three".to_owned()];
    EmbedRequest {
        model: model.to_owned(),
        texts,
        truncate: Truncate::None,
        dimensions,
        normalize,
        purpose: Purpose::Unstated,
        serving: Serving::default(),
    }
}

async fn first(deployment: &Deployment, request: EmbedRequest) -> base::Result<Vec<f32>> {
    let answer = deployment.models.embed(&deployment.ctx, request).await?;
    assert_eq!(answer.token_counts, [2, 1]);
    Ok(answer.vectors[0].clone())
}

#[tokio::test]
async fn vectors_have_the_length_that_the_id_has() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for id in [TITAN, "amazon.titan-embed-text-v2:0", "cohere.embed-english-v3"] {
        models.set_alias(ctx, id, Target::Local { name: "my-embed".to_owned() }).await.unwrap();
    }
    let padded = first(&deployment, embed(TITAN, None, None)).await.unwrap();
    assert_eq!((padded.len(), &padded[..3]), (1536, [0.6, 0.0, 0.8].as_slice()));
    assert!(padded[3..].iter().all(|x| *x == 0.0));
    assert_eq!(first(&deployment, embed("cohere.embed-english-v3", None, None)).await.unwrap().len(), 1024);
    let v2 = "amazon.titan-embed-text-v2:0";
    for length in [256, 512, 1024] {
        assert_eq!(first(&deployment, embed(v2, Some(length), None)).await.unwrap().len(), length);
    }
    let error = first(&deployment, embed(v2, Some(300), None)).await.unwrap_err();
    assert_eq!(error.hint.unwrap(), "It has 1024, 512, 256.");
    assert_eq!(first(&deployment, embed("my-embed", None, None)).await.unwrap(), [0.6, 0.0, 0.8]);
}

#[tokio::test]
async fn shortened_vectors_are_scaled_unless_that_is_switched_off() {
    let deployment = deployment().await;
    assert_eq!(first(&deployment, embed("my-embed", Some(2), None)).await.unwrap(), [1.0, 0.0]);
    assert_eq!(first(&deployment, embed("my-embed", Some(2), Some(false))).await.unwrap(), [0.6, 0.0]);
    for wrong in [0, 4] {
        let error = first(&deployment, embed("my-embed", Some(wrong), None)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn texts_that_are_too_long_are_refused_or_cut_as_asked() {
    let deployment = deployment().await;
    let long =
        |truncate| EmbedRequest { texts: vec!["a b c d e".to_owned()], truncate, ..embed("my-embed", None, None) };
    let error = deployment.models.embed(&deployment.ctx, long(Truncate::None)).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, "Input is too long for requested model."));
    let cut = deployment.models.embed(&deployment.ctx, long(Truncate::End)).await.unwrap();
    assert_eq!(cut.token_counts, [4]);
    let none = EmbedRequest { texts: Vec::new(), ..embed("my-embed", None, None) };
    assert_eq!(deployment.models.embed(&deployment.ctx, none).await.unwrap_err().kind, ErrorKind::Invalid);
    let error = deployment.models.embed(&deployment.ctx, embed("chatty", None, None)).await.unwrap_err();
    assert!(error.message.contains("does not embed text"));
}

#[tokio::test]
async fn a_long_list_of_texts_is_embedded_in_parts_as_if_at_once_and_refused_before_it_is_begun() {
    let deployment = deployment().await;
    let long = || "x".repeat(20_000);
    let texts = vec![long(), "one two".to_owned(), long(), long(), "three".to_owned()];
    let request = EmbedRequest { texts: texts.clone(), ..embed("my-embed", None, None) };
    let answer = deployment.models.embed(&deployment.ctx, request).await.unwrap();
    assert_eq!((answer.vectors.len(), answer.token_counts.as_slice()), (5, [1, 2, 1, 1, 1].as_slice()));
    let mut texts = texts;
    texts.push("a b c d e".to_owned());
    let request = EmbedRequest { texts, ..embed("my-embed", None, None) };
    let error = deployment.models.embed(&deployment.ctx, request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.hint.as_ref().unwrap().contains("Text 5 has 5 tokens"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_wait_by_priority_and_account_for_their_turn_to_be_embedded() {
    let loader = Arc::new(TestLoader::default());
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader.clone(), store, dir, |_| {}).await;
    deployment.add_model("my-embed");
    let other = deployment.context("210987654321", "us-east-1").await;
    let lease = deployment.models.lease("my-embed").await.unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut held = Vec::new();
    for _ in 0..cores {
        held.push(lease.turn_to_embed(inference::Serving::default(), 1).await.unwrap());
    }
    let mut asked = Vec::new();
    for (name, ctx, priority) in [
        ("background", &deployment.ctx, crate::Priority::Low),
        ("bulk 1", &deployment.ctx, crate::Priority::Normal),
        ("bulk 2", &deployment.ctx, crate::Priority::Normal),
        ("other", &other, crate::Priority::Normal),
        ("urgent", &deployment.ctx, crate::Priority::High),
    ] {
        let serving = Serving { priority, ..Serving::default() };
        let request = EmbedRequest { texts: vec![name.to_owned()], serving, ..embed("my-embed", None, None) };
        let (models, ctx) = (deployment.models.clone(), ctx.clone());
        asked.push(tokio::spawn(async move { models.embed(&ctx, request).await }));
        while (deployment.models.status(&deployment.ctx).loaded[0].queued as usize) < asked.len() {
            tokio::task::yield_now().await;
        }
    }
    // One turn goes round.
    held.pop();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    let embedded = loader.embedded.lock().unwrap().clone();
    assert_eq!(embedded, ["urgent", "bulk 1", "other", "bulk 2", "background"]);
}

#[test]
fn turns_of_one_speaker_are_joined_and_tool_results_stand_alone() {
    let call = Content::ToolUse { id: "1".to_owned(), name: "f".to_owned(), input: json!({}) };
    let result = Content::ToolResult { id: "1".to_owned(), content: "no".to_owned(), is_error: true };
    let request = ChatRequest {
        system: vec!["Be".to_owned(), String::new(), "brief".to_owned()],
        messages: vec![
            Message::user("a"),
            Message::user("b"),
            Message { role: Role::Assistant, content: vec![Content::Text("let me".to_owned()), call] },
            Message { role: Role::User, content: vec![result, Content::Text("c".to_owned())] },
        ],
        ..ChatRequest::default()
    };
    let prompt = chat_prompt(&request);
    let shown: Vec<String> = prompt.messages.iter().map(|m| format!("{:?}: {}", m.role, m.content)).collect();
    assert_eq!(shown, ["System: Be\n\nbrief", "User: a\nb", "Assistant: let me", "Tool: Error: no", "User: c"]);
    assert_eq!(prompt.messages[2].tool_calls.len(), 1);
    assert_eq!(prompt.messages[3].tool_call_id.as_deref(), Some("1"));
    assert!(prompt.add_generation_prompt && !prompt.continue_last);
}

#[test]
fn a_last_turn_of_the_assistant_is_continued() {
    let mut request = ask("Hi");
    request.messages.push(Message::assistant("Well,"));
    let prompt = chat_prompt(&request);
    assert!(prompt.continue_last && !prompt.add_generation_prompt);
    request.messages.last_mut().unwrap().content.clear();
    let prompt = chat_prompt(&request);
    assert!(!prompt.continue_last && prompt.add_generation_prompt, "an empty turn is no beginning");
}

#[test]
fn a_template_that_cannot_be_rendered_now_may_be_asked_again() {
    let error = inference::Error::TemplateUnavailable { reason: "its process was ended".to_owned() };
    let error = super::errors::of_invocation("m", error);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.message, "The chat template of `m` could not be rendered: its process was ended.");
}

#[tokio::test]
async fn what_comes_before_a_cache_point_is_kept_and_taken_again() {
    let deployment = deployment().await;
    let rubric = "Judge what follows by these rules. ".repeat(12);
    let asked = |text: &str| ChatRequest {
        system: vec![rubric.clone()],
        cache_points: vec![CachePoint::System(1), CachePoint::Tools(0)],
        max_tokens: Some(2),
        ..ask(text)
    };
    let answered = async |ctx: &identity::Ctx, request| {
        deployment.models.chat(ctx, request).await.unwrap().collect().await.unwrap().usage
    };
    let first = answered(&deployment.ctx, asked("One thing.")).await;
    assert!(first.cached == 0 && first.cache_written as usize >= rubric.len(), "{first:?}");
    let second = answered(&deployment.ctx, asked("Quite another.")).await;
    assert!(second.cached as usize >= rubric.len() && second.cache_written == 0, "{second:?}");
    let halves = |second: &str| ChatRequest {
        system: vec!["Mind these rules. ".repeat(12), second.to_owned()],
        cache_points: vec![CachePoint::System(1)],
        max_tokens: Some(2),
        ..ask("One thing.")
    };
    answered(&deployment.ctx, halves("Be brief.")).await;
    let half = answered(&deployment.ctx, halves("Take your time.")).await;
    assert!(half.cached as usize >= "Mind these rules. ".len() * 12, "a point within the system prompt: {half:?}");
    let other = deployment.context("210987654321", "us-east-1").await;
    assert_eq!(answered(&other, asked("Quite another.")).await.cached, 0, "nothing crosses accounts");
    let within =
        ChatRequest { cache_points: vec![CachePoint::Message { message: 0, blocks: 1 }], ..asked("Part one.") };
    let whole = answered(&other, within).await;
    assert!(whole.cached + whole.cache_written < whole.input, "the answer's opening comes after the point: {whole:?}");
}
