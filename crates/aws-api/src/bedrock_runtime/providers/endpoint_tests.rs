use base::{ErrorKind, Timestamp};
use models::{EmbedResponse, ServedBy, Timing, Usage};

use super::*;

fn origin() -> Origin {
    Origin { requested: "arn".to_owned(), model: "m".to_owned(), unique: "u".to_owned(), time: Timestamp(0) }
}

fn generating(body: Value) -> Result<(ContinuationRequest, Box<dyn Encode>)> {
    match decode(false, origin(), &body)? {
        Decoded::Continuation(request, encode) => Ok((*request, encode)),
        _ => panic!("a continuation"),
    }
}

fn chat(text: &str, reason: Stop) -> Chat {
    Chat {
        content: vec![models::Content::Text(text.to_owned())],
        reason,
        usage: Usage { input: 3, output: 2, ..Usage::default() },
        timing: Timing::default(),
        served_by: ServedBy::model("m", false),
        logprobs: Vec::new(),
    }
}

#[test]
fn a_prompt_is_continued_greedily_unless_the_body_says_how_to_draw() {
    let (request, _) = generating(json!({"inputs": "Once"})).unwrap();
    assert_eq!(request.prompt, RawPrompt::Text("Once".to_owned()));
    assert_eq!((request.sampling.temperature, request.max_tokens), (Some(0.0), Some(100)));
    let parameters = json!({"max_new_tokens": 7, "temperature": 0.5, "top_k": 4, "stop": ["x"], "seed": 9});
    let (request, _) = generating(json!({"inputs": "Once", "parameters": parameters})).unwrap();
    assert_eq!((request.sampling.temperature, request.sampling.top_k), (Some(0.5), Some(4)));
    assert_eq!((request.max_tokens, request.stop, request.sampling.seed), (Some(7), vec!["x".to_owned()], Some(9)));
    let (request, _) = generating(json!({"inputs": "Once", "parameters": {"do_sample": true}})).unwrap();
    assert_eq!(request.sampling.temperature, Some(1.0));
}

#[test]
fn an_answer_is_a_list_of_one_generated_text() {
    let (_, encode) = generating(json!({"inputs": "Once"})).unwrap();
    assert_eq!(encode.answer(&chat(" upon", Stop::EndTurn)), json!([{"generated_text": " upon"}]));
    let whole = json!({"return_full_text": true, "details": true});
    let (_, encode) = generating(json!({"inputs": "Once", "parameters": whole})).unwrap();
    let answer = encode.answer(&chat(" upon", Stop::MaxTokens));
    assert_eq!(answer[0]["generated_text"], "Once upon");
    assert_eq!(answer[0]["details"]["finish_reason"], "length");
    assert_eq!(answer[0]["details"]["generated_tokens"], 2);
}

#[test]
fn a_stream_tells_every_token_and_ends_with_the_whole_text() {
    let (_, mut encode) = generating(json!({"inputs": "Once", "stream": true})).unwrap();
    let token = TokenLogprob {
        id: Some(5),
        token: " upon".to_owned(),
        bytes: Vec::new(),
        logprob: Some(-0.5),
        top: Vec::new(),
    };
    let text = ChatEvent::Text { text: " upon".to_owned(), logprobs: vec![token] };
    let chunks = encode.chunks(&text);
    assert_eq!((&chunks[0]["index"], &chunks[0]["token"]["text"]), (&json!(1), &json!(" upon")));
    let end = ChatEvent::Finished { reason: Stop::EndTurn, usage: Usage::default(), timing: Timing::default() };
    let chunks = encode.chunks(&end);
    assert_eq!((&chunks[0]["generated_text"], encode.sse_end()), (&json!(" upon"), None));
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (name, value) in [
        ("repetition_penalty", json!(1.2)),
        ("typical_p", json!(0.5)),
        ("watermark", json!(true)),
        ("best_of", json!(2)),
        ("decoder_input_details", json!(true)),
        ("truncate", json!(9)),
        ("top_n_tokens", json!(1)),
    ] {
        let mut parameters = json!({});
        parameters[name] = value;
        let error = generating(json!({"inputs": "x", "parameters": parameters})).err().unwrap();
        assert_eq!(error.kind, ErrorKind::NotImplemented);
        assert!(error.message.contains(name), "{error}");
    }
    let harmless = json!({"repetition_penalty": 1.0, "watermark": false, "best_of": 1, "truncate": null});
    generating(json!({"inputs": "x", "parameters": harmless})).unwrap();
    let error = generating(json!({"inputs": "x", "parameters": {"tempersture": 1}})).err().unwrap();
    assert!(error.message.contains("tempersture"));
    assert!(decode(false, origin(), &json!({"prompt": "x"})).is_err());
    assert!(decode(false, origin(), &json!({"inputs": ""})).is_err());
}

#[test]
fn vectors_are_written_as_the_body_that_asked_for_them() {
    let told = |body: Value| {
        let Decoded::Embed(request, encode) = decode(true, origin(), &body).unwrap() else { panic!("vectors") };
        let response = EmbedResponse {
            vectors: vec![vec![0.5, 0.5]; request.texts.len()],
            token_counts: vec![3; request.texts.len()],
            served_by: ServedBy::model("m", false),
        };
        (request.truncate, encode(response))
    };
    assert_eq!(told(json!({"inputs": ["a", "b"]})), (Truncate::None, json!([[0.5, 0.5], [0.5, 0.5]])));
    assert_eq!(told(json!({"inputs": "a", "truncate": true})).0, Truncate::End);
    assert_eq!(told(json!({"text_inputs": ["a"]})), (Truncate::End, json!({"embedding": [[0.5, 0.5]]})));
    assert_eq!(told(json!({"input": "a"})).1["usage"]["total_tokens"], 3);
    let error = decode(true, origin(), &json!({"messages": []})).err().unwrap();
    assert!(error.public_text().contains("embeds text"));
}
