use base::{ErrorKind, FixedClock, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::testing::Deployment;
use crate::{ChatRequest, EmbedRequest, Message, RawPrompt, ScorePrompt, ScoreRequest};

fn quotas(text: &str) -> (Quotas, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(Timestamp(1_000_000)));
    (Quotas::new(text.parse().unwrap(), clock.clone()), clock)
}

fn account(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

#[test]
fn a_quota_is_read_from_its_text() {
    let all: Quota = "requests=60, tokens=20000,running=4".parse().unwrap();
    let quota = Quota { requests_per_minute: Some(60), tokens_per_minute: Some(20_000), running: Some(4) };
    assert_eq!(all, quota);
    assert_eq!("".parse::<Quota>().unwrap(), Quota::default());
    for text in ["requests", "requests=0", "tokens=-1", "words=3", "requests=x"] {
        assert!(text.parse::<Quota>().unwrap_err().message.contains(text), "{text}");
    }
}

#[test]
fn requests_are_refused_when_they_are_used_up_and_admitted_as_time_passes() {
    let (quotas, clock) = quotas("requests=2");
    let ask = || quotas.admit(&account(1), "m");
    assert!(ask().is_ok() && ask().is_ok());
    let refused = ask().err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Throttled);
    assert_eq!(refused.message, "Too many requests, please wait before trying again.");
    assert!(refused.hint.unwrap().contains("Try again in 30 s."));
    clock.advance(29_999);
    assert!(ask().is_err());
    clock.advance(1);
    assert!(ask().is_ok() && ask().is_err());
    clock.advance(600_000);
    assert!(ask().is_ok() && ask().is_ok() && ask().is_err(), "no more than a minute's worth is saved up");
}

#[test]
fn an_account_and_a_model_have_a_quota_of_their_own() {
    let (quotas, _) = quotas("requests=1,running=1");
    let _running = quotas.admit(&account(1), "m").unwrap();
    assert!(quotas.admit(&account(1), "m").is_err());
    assert!(quotas.admit(&account(2), "m").is_ok());
    assert!(quotas.admit(&account(1), "other").is_ok());
}

#[test]
fn tokens_are_counted_when_they_are_known_and_a_debt_is_waited_for() {
    let (quotas, clock) = quotas("tokens=60");
    let first = quotas.admit(&account(1), "m").unwrap();
    first.spend(90);
    let refused = quotas.admit(&account(1), "m").err().unwrap();
    assert_eq!(refused.message, "Too many tokens, please wait before trying again.");
    assert!(refused.hint.unwrap().contains("Try again in 31 s."));
    clock.advance(31_000);
    assert!(quotas.admit(&account(1), "m").is_ok());
}

#[test]
fn a_request_runs_until_its_admission_is_dropped() {
    let (quotas, _) = quotas("running=2");
    let one = quotas.admit(&account(1), "m").unwrap();
    let _two = quotas.admit(&account(1), "m").unwrap();
    assert!(quotas.admit(&account(1), "m").is_err());
    drop(one);
    assert!(quotas.admit(&account(1), "m").is_ok());
}

#[test]
fn pairs_that_count_nothing_are_forgotten() {
    let (quotas, clock) = quotas("requests=1");
    for number in 0..PAIRS as u64 {
        quotas.admit(&account(number), "m").unwrap();
    }
    clock.advance(60_000);
    quotas.admit(&account(PAIRS as u64), "m").unwrap();
    assert_eq!(quotas.shared.lock().len(), 1);
}

proptest! {
    #[test]
    fn no_more_is_admitted_than_the_bucket_held_and_time_brought(limit in 1..100_u32, steps in prop::collection::vec(0..5_000_i64, 1..200)) {
        let mut now = Timestamp(0);
        let mut bucket = Bucket::full(limit, now);
        let mut admitted = 0_i64;
        for step in steps {
            now = Timestamp(now.0 + step);
            bucket = bucket.at(now);
            if let Some(wait) = bucket.wait_for(1) {
                prop_assert_eq!(bucket.at(Timestamp(now.0 + wait as i64)).wait_for(1), None);
                prop_assert!(wait == 0 || bucket.at(Timestamp(now.0 + wait as i64 - 1)).wait_for(1).is_some());
            } else {
                bucket = bucket.without(1);
                admitted += 1;
            }
        }
        prop_assert!(admitted * 60_000 <= i64::from(limit) * 60_000 + i64::from(limit) * now.0);
    }
}

#[tokio::test]
async fn invocations_are_counted_and_refused_by_one_account_s_quota_alone() {
    let deployment = Deployment::start_with(|config| config.quota = "requests=1,tokens=1000".parse().unwrap()).await;
    deployment.add_model("chatty");
    deployment.add_model("my-embed");
    let ask = || ChatRequest {
        model: "chatty".to_owned(),
        messages: vec![Message::user("Hi")],
        max_tokens: Some(4),
        ..ChatRequest::default()
    };
    let models = &deployment.models;
    models.chat(&deployment.ctx, ask()).await.unwrap().collect().await.unwrap();
    let refused = models.chat(&deployment.ctx, ask()).await.err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Throttled);
    deployment.clock.advance(60_000);
    models.chat(&deployment.ctx, ask()).await.unwrap().collect().await.unwrap();
    let embed =
        || EmbedRequest { model: "my-embed".to_owned(), texts: vec!["Hi".to_owned()], ..EmbedRequest::default() };
    models.embed(&deployment.ctx, embed()).await.unwrap();
    assert_eq!(models.embed(&deployment.ctx, embed()).await.err().unwrap().kind, ErrorKind::Throttled);
}

#[tokio::test]
async fn an_answer_s_tokens_are_taken_from_the_quota() {
    let deployment = Deployment::start_with(|config| config.quota = "tokens=3,running=1".parse().unwrap()).await;
    deployment.add_model("chatty");
    let ask = || ChatRequest {
        model: "chatty".to_owned(),
        messages: vec![Message::user("Hi")],
        max_tokens: Some(4),
        ..ChatRequest::default()
    };
    let models = &deployment.models;
    let running = models.chat(&deployment.ctx, ask()).await.unwrap();
    assert!(models.chat(&deployment.ctx, ask()).await.err().unwrap().message.starts_with("Too many requests"));
    running.collect().await.unwrap();
    assert!(models.chat(&deployment.ctx, ask()).await.err().unwrap().message.starts_with("Too many tokens"));
}

#[tokio::test]
async fn scores_count_against_the_quota() {
    let deployment = Deployment::start_with(|config| config.quota = "requests=1".parse().unwrap()).await;
    deployment.add_model("chatty");
    let ask = || ScoreRequest {
        model: "chatty".to_owned(),
        prompt: ScorePrompt::Raw(RawPrompt::Text("Hi".to_owned())),
        continuations: vec![RawPrompt::Text("there".to_owned())],
        ..ScoreRequest::default()
    };
    deployment.models.score(&deployment.ctx, ask()).await.unwrap();
    assert_eq!(deployment.models.score(&deployment.ctx, ask()).await.err().unwrap().kind, ErrorKind::Throttled);
}
