use base::{ErrorKind, RequestId, SystemRandom};
use futures::TryStreamExt as _;
use identity::iam::{HolderKind, HolderName};
use identity::{NewUser, Origin, ProvenKey};
use jobs::State;
use objects::{Body, GetObject, NewBucket, ObjectRef, PutObject};
use serde_json::{Value, json};

use super::store::Scope;
use super::tests::{ask_endpoint, chat_endpoint, configure, container, host, role, settled, to, variant};
use super::*;
use crate::testing::Deployment;

const BUCKET: &str = "answers";

/// A deployment with the endpoint `later`, whose answers go to `out` of a bucket and whose failures to `failed`.
async fn ready() -> Deployment {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    let role_arn = role(&deployment).await;
    let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
        "Action":["s3:GetObject","s3:ListBucket","s3:PutObject"]}]}"#;
    let holder = HolderName { kind: HolderKind::Role, name: "hosting" };
    deployment.identity.put_inline_policy(ctx, holder, "objects", rights).await.unwrap();
    let bucket = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
    deployment.objects.create_bucket(ctx, bucket).await.unwrap();
    let new = NewHostedModel {
        name: "later".to_owned(),
        container: container("chatty"),
        role_arn: Some(role_arn),
        ..NewHostedModel::default()
    };
    models.create_hosted_model(ctx, new).await.unwrap();
    let asynchronous = Asynchronous {
        output: format!("s3://{BUCKET}/out"),
        failure: Some(format!("s3://{BUCKET}/failed/")),
        kms_key: None,
        role_arn: None,
        described: json!({}),
    };
    let new = NewEndpointConfig {
        name: "later".to_owned(),
        variants: vec![variant("All", "later", 1)],
        asynchronous: Some(asynchronous),
        ..NewEndpointConfig::default()
    };
    models.create_endpoint_config(ctx, new).await.unwrap();
    let new = NewEndpoint { name: "later".to_owned(), config: "later".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    assert_eq!(settled(models, ctx, "later").await.body.status, EndpointStatus::InService);
    deployment
}

async fn put(deployment: &Deployment, key: &str, body: &str) {
    let put = PutObject::new(BUCKET, key);
    deployment.objects.put_object(&deployment.ctx, put, Body::from_bytes(body.to_owned())).await.unwrap();
}

/// What lies at a place, as JSON; none, where nothing does.
async fn at(deployment: &Deployment, uri: &str) -> Option<Value> {
    let key = uri.strip_prefix(&format!("s3://{BUCKET}/")).unwrap();
    let got =
        deployment.objects.get_object(&deployment.ctx, &GetObject::new(ObjectRef::new(BUCKET, key))).await.ok()?;
    let pieces: Vec<bytes::Bytes> = got.body.try_collect().await.unwrap();
    Some(serde_json::from_slice(&pieces.concat()).unwrap())
}

fn asking(key: &str) -> LaterInvocation {
    let (endpoint, input) = ("later".to_owned(), format!("s3://{BUCKET}/{key}"));
    LaterInvocation { endpoint, input, ..LaterInvocation::default() }
}

async fn invoke(deployment: &Deployment, asked: LaterInvocation) -> AcceptedInvocation {
    deployment.models.invoke_later(&deployment.ctx, asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_bucket_is_answered_into_a_bucket_also_after_a_restart() {
    let deployment = ready().await;
    put(&deployment, "in/a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let named = LaterInvocation {
        id: Some("mine".to_owned()),
        folder: Some("today/".to_owned()),
        file: Some("a.json".to_owned()),
        ..asking("in/a.json")
    };
    let named = invoke(&deployment, named).await;
    assert_eq!((named.id.as_str(), named.output.as_str()), ("mine", "s3://answers/out/today/a.json"));
    let unnamed = invoke(&deployment, asking("in/a.json")).await;
    assert_eq!(unnamed.output, format!("s3://answers/out/{}.out", unnamed.id));
    assert_eq!(unnamed.failure, Some(format!("s3://answers/failed/{}-error.out", unnamed.id)));
    assert_eq!(at(&deployment, &named.output).await, None);

    let deployment = deployment.restart().await;
    deployment.jobs.run_due_once().await.unwrap();
    for taken in [named, unnamed] {
        let answer = at(&deployment, &taken.output).await.unwrap();
        assert!(!answer["text"].as_str().unwrap().is_empty());
        assert_eq!(at(&deployment, &taken.failure.unwrap()).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_told_where_failures_go() {
    let deployment = ready().await;
    put(&deployment, "broken.json", "{").await;
    put(&deployment, "stream.json", r#"{"prompt": "Hello", "stream": true}"#).await;
    put(&deployment, "odd.json", r#"{"question": "Hello"}"#).await;
    put(&deployment, "late.json", r#"{"prompt": "Hello"}"#).await;
    let mut taken = Vec::new();
    for (key, says) in [
        ("broken.json", "The body is not JSON."),
        ("stream.json", "Leave `stream` out."),
        ("odd.json", "`prompt` is required"),
        ("missing.json", "The specified key does not exist"),
    ] {
        taken.push((invoke(&deployment, asking(key)).await, says));
    }
    deployment.jobs.run_due_once().await.unwrap();
    let late = LaterInvocation { wait_seconds: Some(60), ..asking("late.json") };
    taken.push((invoke(&deployment, late).await, "`RequestTTLSeconds`"));
    deployment.clock.advance(61_000);
    deployment.jobs.run_due_once().await.unwrap();
    for (taken, says) in taken {
        let told = at(&deployment, &taken.failure.unwrap()).await.unwrap();
        assert!(told["errorMessage"].as_str().unwrap().contains(says), "{told}");
        assert!(told["errorCode"].as_u64().unwrap() >= 400 && told["input"].is_string(), "{told}");
        assert_eq!(at(&deployment, &taken.output).await, None);
    }
    let page = base::PageRequest { limit: 10, after: None };
    let listed = deployment.jobs.list(deployment.ctx.account(), &page).await.unwrap();
    assert!(listed.items.iter().all(|job| job.state == State::Failed), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_answers_at_once_or_later() {
    let deployment = ready().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let error = ask_endpoint(models, ctx, "later").await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.public_text().contains("`InvokeEndpointAsync`"), "{error}");
    chat_endpoint(&deployment, 1).await;
    let at_once = LaterInvocation { endpoint: "chat".to_owned(), ..asking("in/a.json") };
    let error = models.invoke_later(ctx, at_once.clone()).await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.public_text().contains("`InvokeEndpoint`"), "{error}");
    let nowhere = LaterInvocation { input: format!("s3://{BUCKET}/in/"), ..asking("") };
    assert_eq!(models.invoke_later(ctx, nowhere).await.unwrap_err().kind, ErrorKind::Invalid);
    let missing = LaterInvocation { endpoint: "nobody".to_owned(), ..at_once };
    assert_eq!(models.invoke_later(ctx, missing).await.unwrap_err().kind, ErrorKind::NotFound);

    // Another configuration may have it answer otherwise.
    models.update_endpoint(ctx, "later", to("one")).await.unwrap();
    assert_eq!(settled(models, ctx, "later").await.body.asynchronous, None);
    ask_endpoint(models, ctx, "later").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn input_and_output_need_a_role() {
    let deployment = ready().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    host(models, ctx, "chatty").await;
    configure(models, ctx, "one", vec![variant("All", "chatty", 1)]).await;
    let asynchronous = models.endpoint_config(ctx, "later").await.unwrap().body.asynchronous;
    let new = NewEndpointConfig {
        name: "two".to_owned(),
        variants: vec![variant("All", "chatty", 1)],
        asynchronous: asynchronous.clone(),
        ..NewEndpointConfig::default()
    };
    models.create_endpoint_config(ctx, new.clone()).await.unwrap();
    models.update_endpoint(ctx, "later", to("two")).await.unwrap();
    settled(models, ctx, "later").await;
    let error = models.invoke_later(ctx, asking("in/a.json")).await.unwrap_err();
    assert!(error.public_text().contains("`ExecutionRoleArn`"), "{error}");
    let nowhere = asynchronous.map(|goes| Asynchronous { output: "out".to_owned(), ..goes });
    let wrong = NewEndpointConfig { name: "wrong".to_owned(), asynchronous: nowhere, ..new };
    assert_eq!(models.create_endpoint_config(ctx, wrong).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_written_is_told_where_failures_go() {
    let deployment = ready().await;
    let rights = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Resource":"*","Action":["s3:GetObject","s3:ListBucket"]},
        {"Effect":"Allow","Resource":"arn:aws:s3:::answers/failed/*","Action":"s3:PutObject"}]}"#;
    let holder = HolderName { kind: HolderKind::Role, name: "hosting" };
    deployment.identity.put_inline_policy(&deployment.ctx, holder, "objects", rights).await.unwrap();
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let taken = invoke(&deployment, asking("a.json")).await;
    deployment.jobs.run_due_once().await.unwrap();
    let told = at(&deployment, &taken.failure.unwrap()).await.unwrap();
    let says = told["errorMessage"].as_str().unwrap();
    assert_eq!(told["errorCode"], 403, "{told}");
    assert!(says.contains("not authorized to perform: s3:PutObject") && says.contains(":::answers/out/"), "{told}");
    assert_eq!(at(&deployment, &taken.output).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_whoever_asked_is_gone_is_told_where_failures_go() {
    let deployment = ready().await;
    let identity = &deployment.identity;
    let new = NewUser { name: "ci".to_owned(), ..NewUser::default() };
    identity.create_user(&deployment.ctx, new).await.unwrap();
    let made = identity.create_access_key(&deployment.ctx, Some("ci")).await.unwrap().key.id;
    let key = ProvenKey::new(identity.signing_key(&made).await.unwrap().unwrap(), None);
    let origin =
        Origin { request_id: RequestId::random(&SystemRandom), source_ip: [127, 0, 0, 1].into(), secure: false };
    let ctx = identity.authenticate(key, None, origin).await.unwrap();
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let taken = deployment.models.invoke_later(&ctx, asking("a.json")).await.unwrap();
    identity.delete_access_key(&deployment.ctx, Some("ci"), &made).await.unwrap();
    identity.delete_user(&deployment.ctx, "ci").await.unwrap();
    deployment.jobs.run_due_once().await.unwrap();
    let told = at(&deployment, &taken.failure.unwrap()).await.unwrap();
    assert!(told["errorMessage"].as_str().unwrap().contains("does not exist any more"), "{told}");
    assert_eq!((&told["errorCode"], at(&deployment, &taken.output).await), (&json!(403), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_for_an_endpoint_that_failed_and_may_recover() {
    let deployment = ready().await;
    let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let taken = invoke(&deployment, asking("a.json")).await;
    let stands = async |from: EndpointStatus, to: EndpointStatus, recovers: bool| {
        let change = |body: &mut Endpoint| (body.status, body.recovers) = (to, recovers);
        assert!(models.settle(&scope, ("later", from), change).await.unwrap());
    };
    stands(EndpointStatus::InService, EndpointStatus::Failed, true).await;
    let page = base::PageRequest { limit: 10, after: None };
    // More often than a request that fails is tried.
    for _ in 0..7 {
        deployment.jobs.run_due_once().await.unwrap();
        let job = deployment.jobs.list(ctx.account(), &page).await.unwrap().items.remove(0);
        assert_eq!((job.state, job.attempt), (State::Queued, 0));
        deployment.clock.advance(31_000);
    }
    stands(EndpointStatus::Failed, EndpointStatus::InService, false).await;
    deployment.jobs.run_due_once().await.unwrap();
    assert!(at(&deployment, &taken.output).await.is_some());

    let lost = invoke(&deployment, asking("a.json")).await;
    stands(EndpointStatus::InService, EndpointStatus::Failed, false).await;
    deployment.jobs.run_due_once().await.unwrap();
    let told = at(&deployment, &lost.failure.unwrap()).await.unwrap();
    assert!(told["errorMessage"].as_str().unwrap().contains("not found"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_takes_only_so_many_requests_that_are_not_answered() {
    let deployment = ready().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let take = async || models.take_later(ctx, asking("a.json"), 2).await;
    take().await.unwrap();
    take().await.unwrap();
    let error = take().await.unwrap_err();
    assert!(error.kind == ErrorKind::Throttled && error.message.contains("has 2 requests"), "{error}");
    assert!(error.hint.as_deref().unwrap().contains("`craton jobs cancel`"), "{error}");
    let new = NewEndpoint { name: "beside".to_owned(), config: "later".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, "beside").await;
    let beside = LaterInvocation { endpoint: "beside".to_owned(), ..asking("a.json") };
    models.take_later(ctx, beside, 2).await.unwrap();
    deployment.jobs.run_due_once().await.unwrap();
    take().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_endpoint_that_does_not_answer_wait_together_and_keep_nobody_else_waiting() {
    let deployment = ready().await;
    let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    let new = NewEndpoint { name: "beside".to_owned(), config: "later".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, "beside").await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(invoke(&deployment, asking("a.json")).await);
    }
    let beside = LaterInvocation { endpoint: "beside".to_owned(), ..asking("a.json") };
    let beside = invoke(&deployment, beside).await;
    let fails = |body: &mut Endpoint| (body.status, body.recovers) = (EndpointStatus::Failed, true);
    assert!(models.settle(&scope, ("later", EndpointStatus::InService), fails).await.unwrap());
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 2, "one of each endpoint is tried");
    assert!(at(&deployment, &beside.output).await.is_some());
    let recovers = |body: &mut Endpoint| (body.status, body.recovers) = (EndpointStatus::InService, false);
    assert!(models.settle(&scope, ("later", EndpointStatus::Failed), recovers).await.unwrap());
    waiting.push(invoke(&deployment, asking("a.json")).await);
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 0);
    deployment.clock.advance(31_000);
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 4);
    for taken in waiting {
        assert!(at(&deployment, &taken.output).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_is_that_of_the_model_that_the_endpoint_was_made_of() {
    let deployment = ready().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    put(&deployment, "a.json", r#"{"prompt": "Hello", "maxTokens": 8}"#).await;
    models.delete_hosted_model(ctx, "later").await.unwrap();
    let taken = invoke(&deployment, asking("a.json")).await;
    deployment.jobs.run_due_once().await.unwrap();
    assert!(at(&deployment, &taken.output).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_answers_later_does_not_answer_bedrock_at_once() {
    let deployment = ready().await;
    let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
    let register = |body: &mut Endpoint| {
        body.market = Some(Market {
            source: "chatty".to_owned(),
            whole: false,
            role_arn: String::new(),
            kms_key: None,
            incompatible: None,
            request: None,
        });
    };
    assert!(models.settle(&scope, ("later", EndpointStatus::InService), register).await.unwrap());
    let arn = models.endpoint(ctx, "later").await.unwrap().arn.to_string();
    let error = models.resolve_market(ctx, &arn).await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.public_text().contains("`InvokeEndpointAsync`"), "{error}");
}
