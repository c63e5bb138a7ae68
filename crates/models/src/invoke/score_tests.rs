use base::ErrorKind;
use futures::StreamExt as _;

use super::*;
use crate::invoke::request::{ChatRequest, Message};
use crate::testing::Deployment;

async fn deployment() -> Deployment {
    let deployment = Deployment::start().await;
    deployment.add_model("chatty");
    deployment.add_model("my-embed");
    deployment
}

fn raw(text: &str) -> RawPrompt {
    RawPrompt::Text(text.to_owned())
}

fn ask(continuations: &[&str]) -> ScoreRequest {
    ScoreRequest {
        model: "chatty".to_owned(),
        prompt: raw("Is it stops?").into(),
        continuations: continuations.iter().map(|text| raw(text)).collect(),
        ..ScoreRequest::default()
    }
}

async fn score(deployment: &Deployment, request: ScoreRequest) -> Scores {
    deployment.models.score(&deployment.ctx, request).await.unwrap()
}

#[tokio::test]
async fn what_the_model_would_write_is_the_likeliest_continuation() {
    let deployment = deployment().await;
    let scores = score(&deployment, ask(&["never", "before STOP", "beforehand"])).await;
    for by in [Normalize::None, Normalize::Tokens, Normalize::Bytes] {
        let probabilities = scores.probabilities(by);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(scores.best(by), Some(1), "{probabilities:?}");
    }
    assert_eq!(scores.continuations[1].text(), "before STOP");
    assert_eq!((scores.usage.input, scores.usage.output), (12, 5 + 11 + 10));
    assert!(scores.prompt.is_empty());
    assert_eq!(scores.served_by.name, "chatty");
}

#[tokio::test]
async fn the_likeliest_alone_is_the_same_one_and_the_others_are_bounded() {
    let deployment = deployment().await;
    let labels = ["never", "before STOP", "beforehand", "nothing at all"];
    for by in [Normalize::None, Normalize::Tokens, Normalize::Bytes] {
        let all = score(&deployment, ask(&labels)).await;
        let best = score(&deployment, ScoreRequest { best_by: Some(by), ..ask(&labels) }).await;
        let at = all.best(by).unwrap();
        assert_eq!(best.best(by), Some(at));
        assert_eq!(best.continuations[at], all.continuations[at]);
        assert!(best.continuations[at].is_whole() && best.continuations.iter().any(|scored| !scored.is_whole()));
        for (bound, whole) in best.continuations.iter().zip(&all.continuations) {
            assert!(bound.normalized(by) >= whole.normalized(by));
        }
        assert!(best.usage.output < all.usage.output);
    }
}

#[tokio::test]
async fn where_one_has_to_follow_only_what_tells_them_apart_is_read() {
    let deployment = deployment().await;
    let labels = ["never", "before STOP", "beforehand"];
    let whole = score(&deployment, ask(&labels)).await;
    let choice = |best_by| ScoreRequest { is_choice: true, best_by, ..ask(&labels) };
    let scores = score(&deployment, choice(None)).await;
    let read: Vec<&str> = ["n", "before ", "beforeh"].into();
    assert_eq!(scores.continuations.iter().map(Scored::text).collect::<Vec<_>>(), read);
    assert_eq!(scores.usage.output, 1 + 7 + 7);
    let at = |label: usize, token: usize| f64::from(whole.continuations[label].tokens[token].logprob.unwrap()).exp();
    let (never, before) = (at(0, 0), at(1, 0));
    let (space, hand) = (at(1, 6), at(2, 6));
    let of_before = before / (never + before);
    let expected = [never / (never + before), of_before * space / (space + hand), of_before * hand / (space + hand)];
    let found: Vec<f64> = scores.choices().into_iter().map(f64::exp).collect();
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(scores.best_choice(), Some(1));
    // All of it was needed to know the best.
    assert_eq!(score(&deployment, choice(Some(Normalize::Tokens))).await.continuations, scores.continuations);
    // Those that are told apart by their first tokens are read with the prompt.
    let apart = ScoreRequest { is_choice: true, ..ask(&["never", "before STOP", "always"]) };
    let apart = score(&deployment, apart).await;
    assert_eq!((apart.usage.output, apart.best_choice()), (3, Some(1)));
}

#[tokio::test]
async fn a_score_is_the_log_probability_that_writing_the_same_tokens_tells() {
    let deployment = deployment().await;
    let written = ContinuationRequest {
        model: "chatty".to_owned(),
        prompt: raw("Is it stops?"),
        max_tokens: Some(6),
        logprobs: Some(0),
        sampling: crate::Sampling { temperature: Some(0.0), ..crate::Sampling::default() },
        ..ContinuationRequest::default()
    };
    let written = deployment.models.continue_text(&deployment.ctx, written).await.unwrap().collect().await.unwrap();
    let expected: f64 = written.logprobs.iter().filter_map(|token| token.logprob).map(f64::from).sum();
    let scores = score(&deployment, ask(&[&written.text()])).await;
    assert!((scores.continuations[0].logprob() - expected).abs() < 1e-3);
    assert_eq!(scores.continuations[0].tokens.len(), 6);
}

#[tokio::test]
async fn a_conversation_is_scored_in_the_models_own_template() {
    let deployment = deployment().await;
    let chat = ChatRequest { messages: vec![Message::user("stops")], ..ChatRequest::default() };
    let request = ScoreRequest { prompt: ScorePrompt::Chat(Box::new(chat)), ..ask(&["after", "before"]) };
    let scores = score(&deployment, request).await;
    assert_eq!(scores.best(Normalize::None), Some(1));
    assert!(scores.usage.input > 20, "the template is counted");
}

#[tokio::test]
async fn the_prompt_of_a_second_request_comes_from_the_cache_of_its_account_alone() {
    let deployment = deployment().await;
    let long = |answer| ScoreRequest { prompt: raw(&"a long question ".repeat(8)).into(), ..ask(&[answer]) };
    score(&deployment, long("yes")).await;
    assert!(score(&deployment, long("no")).await.usage.cached > 100);
    let other = deployment.context("210987654321", "us-east-1").await;
    let scores = deployment.models.score(&other, long("no")).await.unwrap();
    assert_eq!(scores.usage.cached, 0);
    let status = deployment.models.status(&deployment.ctx);
    let model = &status.loaded[0];
    assert!(model.cached_tokens > 0 && model.prompt_tokens > model.cached_tokens, "{model:?}");
    assert!(model.occupancy.is_some_and(|occupancy| occupancy >= 1.0));
}

#[tokio::test]
async fn an_echoed_prompt_has_the_probability_of_each_token_but_the_first() {
    let deployment = deployment().await;
    let scores = score(&deployment, ScoreRequest { echo: Some(2), ..ask(&[]) }).await;
    let text: String = scores.prompt.iter().map(|token| token.token.as_str()).collect();
    assert_eq!(text, "Is it stops?");
    assert_eq!((scores.prompt[0].logprob, scores.prompt[0].top.len()), (None, 0));
    for token in &scores.prompt[1..] {
        assert!(token.logprob < Some(0.0) && token.top.len() == 2, "{token:?}");
        assert!(token.top[0].logprob >= token.top[1].logprob && !token.top[0].bytes.is_empty());
    }
    assert_eq!(scores.best(Normalize::None), None);
}

#[tokio::test]
async fn an_echoed_prompt_begins_the_answer_once() {
    let deployment = deployment().await;
    for (prompt, limit) in [(raw("Hi"), 3), (raw("Hi"), 0), (RawPrompt::Tokens(vec![72, 105]), 3)] {
        let request = ContinuationRequest {
            model: "chatty".to_owned(),
            prompt,
            max_tokens: Some(limit),
            logprobs: Some(1),
            echo: true,
            ..ContinuationRequest::default()
        };
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let events: Vec<ChatEvent> =
            models.continue_text(ctx, request.clone()).await.unwrap().map(|event| event.unwrap()).collect().await;
        assert!(matches!(&events[1], ChatEvent::Text { text, logprobs } if text == "Hi" && logprobs.len() == 2));
        let chat = models.continue_text(ctx, request).await.unwrap().collect().await.unwrap();
        assert!(chat.text().starts_with("Hi"));
        assert_eq!((chat.logprobs.len(), chat.usage.input), (2 + limit as usize, 2));
        assert_eq!((chat.usage.output, chat.reason), (limit, Stop::MaxTokens));
    }
}

#[tokio::test]
async fn what_cannot_be_scored_is_refused_with_its_reason() {
    let deployment = deployment().await;
    let refused = async |request| deployment.models.score(&deployment.ctx, request).await.unwrap_err();
    let cases = [
        (ask(&[]), "no continuation"),
        (ask(&["a", ""]), "Continuation 1 is empty"),
        (ScoreRequest { prompt: raw("").into(), ..ask(&["a"]) }, "prompt is empty"),
        (ScoreRequest { model: "my-embed".to_owned(), ..ask(&["a"]) }, "does not foretell"),
        (ScoreRequest { continuations: vec![RawPrompt::Tokens(vec![9999])], ..ask(&[]) }, "no token 9999"),
        (ScoreRequest { is_choice: true, ..ask(&["no", "yes", "yes!"]) }, "Continuation 2 begins with continuation 1"),
        (ask(&["a"; MOST_CONTINUATIONS + 1]), "At most 1024"),
        (ask(&["long".repeat(64).as_str()]), "at most 64 are scored"),
    ];
    for (request, words) in cases {
        let error = refused(request).await;
        assert!(error.kind == ErrorKind::Invalid && error.message.contains(words), "{words}: {error:?}");
    }
    let missing = ScoreRequest { model: "nothing".to_owned(), ..ask(&["a"]) };
    assert_eq!(refused(missing).await.kind, ErrorKind::Invalid, "as every operation says of a model that is none");
}

#[tokio::test]
async fn a_score_that_is_late_is_a_timeout() {
    let deployment = deployment().await;
    let ctx = deployment.ctx.clone().until(Some(std::time::Instant::now()));
    assert_eq!(deployment.models.score(&ctx, ask(&["a"])).await.unwrap_err().kind, ErrorKind::Timeout);
}

#[tokio::test]
async fn what_was_resolved_before_is_asked_whatever_answers_for_the_id_by_now() {
    let deployment = deployment().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let local = |name: &str| crate::Target::Local { name: name.to_owned() };
    models.set_alias(ctx, "judge", local("chatty")).await.unwrap();
    let resolved = models.resolve(ctx, "judge").await.unwrap();
    models.set_alias(ctx, "judge", local("my-embed")).await.unwrap();
    let asked = ScoreRequest { model: "judge".to_owned(), ..ask(&["never"]) };
    assert!(models.score(ctx, asked.clone()).await.is_err(), "an embedder foretells nothing");
    assert_eq!(models.score_with(ctx, resolved, asked).await.unwrap().served_by.name, "chatty");
}
