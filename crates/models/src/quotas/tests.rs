use base::{ErrorKind, FixedClock, Timestamp};
use futures::StreamExt as _;
use proptest::prelude::*;

use super::*;
use crate::testing::Deployment;
use crate::{ChatRequest, EmbedRequest, Message, RawPrompt, ScorePrompt, ScoreRequest};

const OTHER: &str = "210987654321";
const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

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
    assert!(refused.hint.as_ref().unwrap().contains("Try again in 30 s."));
    assert_eq!(refused.retry_after_seconds(), Some(30));
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
    assert!(refused.hint.as_ref().unwrap().contains("Try again in 31 s."));
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
async fn an_account_that_embeds_too_much_is_told_when_to_come_again_and_others_go_on() {
    let deployment = Deployment::start_with(|config| config.quota = "tokens=60".parse().unwrap()).await;
    deployment.add_model("my-embed");
    let other = deployment.context(OTHER, "us-east-1").await;
    let embed = async |ctx: &identity::Ctx, texts: usize| {
        let texts = vec!["one two three".to_owned(); texts];
        deployment
            .models
            .embed(ctx, EmbedRequest { model: "my-embed".to_owned(), texts, ..EmbedRequest::default() })
            .await
    };
    embed(&deployment.ctx, 30).await.unwrap();
    let refused = embed(&deployment.ctx, 1).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry_after_seconds()), (ErrorKind::Throttled, Some(31)));
    assert!(refused.message.starts_with("Too many tokens"), "{refused:?}");
    embed(&other, 1).await.unwrap();
    deployment.clock.advance(31_000);
    embed(&deployment.ctx, 1).await.unwrap();
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
async fn requests_of_static_batches_count_against_the_quota() {
    let deployment = Deployment::start_with(|config| {
        config.quota = "requests=2,tokens=1000".parse().unwrap();
        config.load.batching = inference::Batching::Static { size: 2, wait: Duration::ZERO, max_tokens: 4 };
    })
    .await;
    deployment.add_model("chatty");
    let other = deployment.context(OTHER, "us-east-1").await;
    let ask = async |ctx: &identity::Ctx| {
        let messages = vec![Message::user("Hi")];
        let request = ChatRequest { model: "chatty".to_owned(), messages, ..ChatRequest::default() };
        deployment.models.chat(ctx, request).await?.collect().await
    };
    for _ in 0..2 {
        assert!(ask(&deployment.ctx).await.unwrap().usage.output <= 4);
    }
    let refused = ask(&deployment.ctx).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry_after_seconds()), (ErrorKind::Throttled, Some(30)));
    ask(&other).await.unwrap();
    let used = deployment.models.inner.quotas.used();
    assert!(used.iter().all(|used| used.tokens_left.is_some_and(|left| left < 1000)), "{used:?}");
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

fn set(number: u64, model: Option<&str>, text: &str) -> SetQuota {
    let (account, model) = (account(number), model.map(str::to_owned));
    SetQuota { account, model, quota: text.parse().unwrap(), updated_at: Timestamp(0) }
}

#[test]
fn the_narrower_quota_wins_as_a_whole() {
    let (quotas, clock) = quotas("requests=1");
    quotas
        .replace(&[set(1, None, "requests=2,running=9"), set(1, Some("m"), "tokens=5"), set(2, None, "")], clock.now());
    let of = |number, model: &str| {
        let (quota, source) = quotas.quota_of(&(account(number), model.to_owned()));
        (quota, source)
    };
    assert_eq!(of(1, "m"), ("tokens=5".parse().unwrap(), QuotaSource::Model));
    assert_eq!(of(1, "n"), ("requests=2,running=9".parse().unwrap(), QuotaSource::Account));
    assert_eq!(of(2, "m"), (Quota::default(), QuotaSource::Account));
    assert_eq!(of(3, "m"), ("requests=1".parse().unwrap(), QuotaSource::Default));
}

#[test]
fn what_was_used_of_a_quota_is_used_of_the_one_that_replaces_it() {
    let (quotas, clock) = quotas("requests=2");
    let ask = || quotas.admit(&account(1), "m");
    assert!(ask().is_ok() && ask().is_ok() && ask().is_err());
    quotas.replace(&[set(1, None, "requests=3")], clock.now());
    assert!(ask().is_ok() && ask().is_err(), "two of three were used");
    quotas.replace(&[set(1, None, "requests=1")], clock.now());
    let refused = ask().err().unwrap();
    assert_eq!(refused.retry_after_seconds(), Some(180), "the debt of two and the next one, at one a minute");
    quotas.replace(&[set(1, None, "")], clock.now());
    assert!(ask().is_ok(), "no limit is a quota, too");
    assert!(quotas.admit(&account(2), "m").is_ok(), "others have the default");
}

#[test]
fn what_is_used_is_told_until_it_is_back() {
    let (quotas, clock) = quotas("requests=2,tokens=600");
    let running = quotas.admit(&account(1), "m").unwrap();
    running.spend(700);
    let told = |used: &[QuotaUse]| {
        let one = used.first()?;
        Some((used.len(), one.requests_left?, one.tokens_left?, one.running))
    };
    assert_eq!(told(&quotas.used()), Some((1, 1, -100, 1)));
    drop(running);
    clock.advance(30_000);
    assert_eq!(told(&quotas.used()), Some((1, 2, 200, 0)));
    clock.advance(60_000);
    assert!(quotas.used().is_empty());
}

#[tokio::test]
async fn a_quota_of_one_account_touches_no_other_and_outlives_the_process() {
    let deployment = Deployment::start().await;
    let admin = deployment.identity.first_start(identity::RootCredentials::default()).await.unwrap();
    let first = deployment.context(admin.account.as_str(), "us-east-1").await;
    let other: AccountId = OTHER.parse().unwrap();
    deployment.identity.create_account(&first, Some(other.clone())).await.unwrap();
    let limit = |text: &str| text.parse::<Quota>().unwrap();
    let models = deployment.models.clone();
    models.set_quota(&first, &other, None, limit("requests=1")).await.unwrap();
    let given = models.set_quota(&first, &other, Some(&format!("us.{HAIKU}")), limit("requests=5")).await.unwrap();
    assert_eq!(given.model.as_deref(), Some(HAIKU), "a profile counts as its model");

    let deployment = deployment.restart().await;
    deployment.add_model("chatty");
    let ctx = deployment.context(OTHER, "us-east-1").await;
    let models = &deployment.models;
    let ask = async |ctx: &identity::Ctx| {
        let request = ChatRequest {
            model: "chatty".to_owned(),
            messages: vec![Message::user("Hi")],
            max_tokens: Some(2),
            ..ChatRequest::default()
        };
        models.chat(ctx, request).await?.collect().await.map(|_| ())
    };
    ask(&ctx).await.unwrap();
    let refused = ask(&ctx).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry_after_seconds()), (ErrorKind::Throttled, Some(60)));
    ask(&first).await.unwrap();
    ask(&first).await.unwrap();
    deployment.clock.advance(60_000);
    ask(&ctx).await.unwrap();

    let report = models.quotas(&first).await.unwrap();
    assert_eq!(report.set.iter().map(|set| set.model.as_deref()).collect::<Vec<_>>(), [None, Some(HAIKU)]);
    assert_eq!((report.used.len(), &report.used[0].account), (1, &other));
    models.reset_quota(&first, &other, None).await.unwrap();
    ask(&ctx).await.unwrap();
    ask(&ctx).await.unwrap();
}

#[tokio::test]
async fn only_the_first_account_sets_quotas_and_only_of_accounts_that_there_are() {
    let deployment = Deployment::start().await;
    let admin = deployment.identity.first_start(identity::RootCredentials::default()).await.unwrap();
    let first = deployment.context(admin.account.as_str(), "us-east-1").await;
    let other = deployment.context(OTHER, "us-east-1").await;
    let models = &deployment.models;
    let kind = |result: Result<()>| result.unwrap_err().kind;
    let quota: Quota = "requests=1".parse().unwrap();
    let set = async |ctx: &identity::Ctx, account: &AccountId, model: Option<&str>, quota: Quota| {
        models.set_quota(ctx, account, model, quota).await.map(|_| ())
    };
    assert_eq!(kind(set(&other, &admin.account, None, quota).await), ErrorKind::Denied);
    assert_eq!(kind(models.quotas(&other).await.map(|_| ())), ErrorKind::Denied);
    assert_eq!(kind(models.reset_quota(&other, &admin.account, None).await), ErrorKind::Denied);
    assert_eq!(kind(set(&first, &account(9), None, quota).await), ErrorKind::NotFound);
    assert_eq!(kind(models.reset_quota(&first, &admin.account, None).await), ErrorKind::NotFound);
    let nothing = Quota { running: Some(0), ..quota };
    assert_eq!(kind(set(&first, &admin.account, None, nothing).await), ErrorKind::Invalid);
    assert_eq!(kind(set(&first, &admin.account, Some("a b"), quota).await), ErrorKind::Invalid);
}

#[tokio::test]
async fn what_another_process_sets_counts_soon() {
    let deployment = Deployment::start().await;
    let admin = deployment.identity.first_start(identity::RootCredentials::default()).await.unwrap();
    deployment.add_model("chatty");
    let models = &deployment.models;
    let limited = || models.inner.quotas.quota_of(&(admin.account.clone(), "chatty".to_owned())).1;
    models.read_quotas().await.unwrap();
    let there = SetQuota { account: admin.account.clone(), ..set(1, None, "requests=1") };
    store::put(&models.inner.store, &there).await.unwrap();
    models.read_quotas().await.unwrap();
    assert_eq!(limited(), QuotaSource::Default);
    deployment.clock.advance(10_000);
    models.read_quotas().await.unwrap();
    assert_eq!(limited(), QuotaSource::Account);
}

#[tokio::test]
async fn an_answer_that_is_left_before_its_end_costs_its_prompt_and_what_came() {
    let (quotas, _) = quotas("tokens=100");
    let served_by = ServedBy::model("m", false);
    let events = [
        ChatEvent::Started { served_by, prompt_tokens: 90, cached: 0, cache_written: 0 },
        ChatEvent::Text { text: "One".to_owned(), logprobs: Vec::new() },
        ChatEvent::Text { text: " two".to_owned(), logprobs: Vec::new() },
    ];
    let admission = quotas.admit(&account(1), "m").unwrap();
    let mut left = MeteredEvents::new(futures::stream::iter(events.map(Ok)), admission);
    for _ in 0..2 {
        left.next().await.unwrap().unwrap();
    }
    assert_eq!(quotas.used()[0].tokens_left, Some(100), "nothing is counted while it goes on");
    drop(left);
    assert_eq!((quotas.used()[0].tokens_left, quotas.used()[0].running), (Some(9), 0));
}
