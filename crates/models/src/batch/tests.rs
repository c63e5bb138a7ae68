use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ::store::testing::each_backend;
use base::{ErrorKind, PageRequest};
use identity::RootCredentials;
use identity::iam::roles::NewRole;
use identity::iam::{HolderKind, HolderName};
use inference::fake::{Gate, GatedLoader};
use objects::{BucketRef, GetObject, ListObjectsV2, NewBucket, ObjectRef, PutObject};
use serde_json::{Value, json};

use super::store::{self as rows, Outcome};
use super::*;
use crate::Config;
use crate::testing::{ACCOUNT, Deployment, Reply, Server};
use futures::StreamExt as _;
use objects::Body;

const BUCKET: &str = "batches";
const ROLE: &str = "arn:aws:iam::123456789012:role/Batcher";
const RIGHTS: &str = r#""s3:GetObject","s3:ListBucket","s3:PutObject""#;

async fn started(change: impl FnOnce(&mut Config)) -> Deployment {
    prepared(Deployment::start_with(change).await).await
}

async fn prepared(deployment: Deployment) -> Deployment {
    deployment.add_model("tiny");
    deployment.add_model("mini-embed");
    make_account(&deployment).await;
    let new = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
    deployment.objects.create_bucket(&deployment.ctx, new).await.unwrap();
    make_role(&deployment, "Batcher", "bedrock.amazonaws.com", RIGHTS).await;
    deployment
}

/// Makes the account exist.
async fn make_account(deployment: &Deployment) {
    let root = RootCredentials { account: Some(ACCOUNT.parse().unwrap()), ..RootCredentials::default() };
    deployment.identity.first_start(root).await.unwrap();
}

async fn make_role(deployment: &Deployment, name: &str, service: &str, actions: &str) {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{{"Service":"{service}"}}}}]}}"#
    );
    let (path, description, max_session, boundary, tags) = (None, None, None, None, Vec::new());
    let new = NewRole { name: name.to_owned(), path, description, trust, max_session, boundary, tags };
    deployment.identity.create_role(&deployment.ctx, new).await.unwrap();
    let rights =
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Resource":"*","Action":[{actions}]}}]}}"#);
    let holder = HolderName { kind: HolderKind::Role, name };
    deployment.identity.put_inline_policy(&deployment.ctx, holder, "rights", &rights).await.unwrap();
}

fn new(name: &str) -> NewBatch {
    let place = |uri: &str| BatchPlace { uri: uri.to_owned(), owner: None };
    NewBatch {
        name: name.to_owned(),
        model_id: "tiny".to_owned(),
        role_arn: ROLE.to_owned(),
        kind: InvocationType::InvokeModel,
        input: place("s3://batches/in/a.jsonl"),
        output: place("s3://batches/out/"),
        output_key: None,
        timeout_hours: None,
        tags: Vec::new(),
        request_token: None,
    }
}

async fn put(deployment: &Deployment, key: &str, bytes: impl Into<Vec<u8>>) {
    let body = Body::from_bytes(bytes.into());
    deployment.objects.put_object(&deployment.ctx, PutObject::new(BUCKET, key), body).await.unwrap();
}

async fn text(deployment: &Deployment, key: &str) -> String {
    let get = GetObject::new(ObjectRef::new(BUCKET, key));
    let got = deployment.objects.get_object(&deployment.ctx, &get).await.unwrap();
    let pieces: Vec<_> = got.body.collect().await;
    String::from_utf8(pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect()).unwrap()
}

async fn results(deployment: &Deployment, job: &BatchJob, name: &str) -> Vec<Value> {
    let text = text(deployment, &format!("out/{}/{name}.out", job.id)).await;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn manifest(deployment: &Deployment, job: &BatchJob) -> Value {
    serde_json::from_str(&text(deployment, &format!("out/{}/manifest.json.out", job.id)).await).unwrap()
}

async fn outputs(deployment: &Deployment) -> Vec<String> {
    let ask = ListObjectsV2 {
        bucket: BucketRef::new(BUCKET),
        prefix: "out/".to_owned(),
        delimiter: None,
        start_after: None,
        token: None,
        max_keys: None,
    };
    let page = deployment.objects.list_objects_v2(&deployment.ctx, &ask).await.unwrap();
    page.entries.into_iter().map(|object| object.key).collect()
}

/// Asks for a batch and runs it to its end.
async fn run(deployment: &Deployment, new: NewBatch) -> BatchJob {
    let job = deployment.models.create_batch(&deployment.ctx, new).await.unwrap();
    assert_eq!(job.status, BatchStatus::Submitted);
    deployment.jobs.run_due_once().await.unwrap();
    deployment.models.batch(&deployment.ctx, &job.id).await.unwrap()
}

fn record(id: &str, prompt: &str) -> String {
    json!({"recordId": id, "modelInput": {"prompt": prompt, "maxTokens": 8}}).to_string()
}

fn records(count: usize) -> String {
    // In an order that is not that of the prompts.
    let lines = (0..count).map(|n| record(&format!("r{n}"), &format!("question {}", (n * 7919) % 1000)) + "\n");
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_stand_in_the_order_of_the_records_and_are_what_the_operation_answers() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(50)).await;
    let job = run(&deployment, new("ordered")).await;
    assert_eq!((job.status, job.failure.as_deref()), (BatchStatus::Completed, None));
    let results = results(&deployment, &job, "a.jsonl").await;
    let ids: Vec<String> = results.iter().map(|result| result["recordId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..50).map(|n| format!("r{n}")).collect::<Vec<_>>());
    for result in &results[..5] {
        let prompt = result["modelInput"]["prompt"].as_str().unwrap();
        let request = crate::ChatRequest {
            model: "tiny".to_owned(),
            messages: vec![crate::Message::user(prompt)],
            max_tokens: Some(8),
            sampling: crate::Sampling { temperature: Some(0.0), ..crate::Sampling::default() },
            ..crate::ChatRequest::default()
        };
        let answer = deployment.models.chat(&deployment.ctx, request).await.unwrap().collect().await.unwrap();
        assert_eq!(result["modelOutput"]["text"], answer.text(), "{prompt}");
    }
    let manifest = manifest(&deployment, &job).await;
    assert_eq!(manifest["totalRecordCount"], 50);
    assert_eq!((&manifest["processedRecordCount"], &manifest["successRecordCount"]), (&json!(50), &json!(50)));
    assert_eq!(manifest["errorRecordCount"], 0);
    assert!(manifest["inputTokenCount"].as_u64().unwrap() > 50 && manifest["outputTokenCount"] == 50 * 8);
    let work = deployment.jobs.get(deployment.ctx.account(), job.work.as_ref().unwrap()).await.unwrap();
    let progress = work.progress.unwrap();
    assert_eq!((progress.done, progress.total, progress.unit.as_str()), (50, Some(50), "records"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_line_is_a_record_with_an_error() {
    let deployment = started(|config| config.batch.record_bytes = 200).await;
    let lines: Vec<Vec<u8>> = vec![
        record("good", "Hello").into(),
        b"not json".to_vec(),
        b"[1, 2]".to_vec(),
        b"".to_vec(),
        br#"{"recordId": "no-input"}"#.to_vec(),
        br#"{"recordId": "text", "modelInput": "Hello"}"#.to_vec(),
        br#"{"recordId": 7, "modelInput": {"prompt": "Hello"}}"#.to_vec(),
        b"{\"recordId\": \"\xff\", \"modelInput\": {}}".to_vec(),
        record("long", &"x".repeat(300)).into(),
        record("good", "Hello again").into(),
        br#"{"recordId": "refused", "modelInput": {"question": "Hello"}}"#.to_vec(),
        br#"{"modelInput": {"prompt": "Hello", "maxTokens": 8}, "note": 1}"#.to_vec(),
        br#"{"recordId": "cut", "modelInput": {"prompt""#.to_vec(),
    ];
    put(&deployment, "in/a.jsonl", lines.join(&b'\n')).await;
    let job = run(&deployment, new("broken")).await;
    assert_eq!(job.status, BatchStatus::Completed, "{:?}", job.failure);
    let results = results(&deployment, &job, "a.jsonl").await;
    assert_eq!(results.len(), lines.len(), "no line is lost");
    let said: Vec<&str> =
        results.iter().map(|result| result["error"]["errorMessage"].as_str().unwrap_or("answered")).collect();
    let expected = [
        "answered",
        "Line 2: the record is not JSON",
        "Line 3: the record is not a JSON object.",
        "Line 4: the line is empty.",
        "Line 5: the record has no `modelInput`.",
        "Line 6: `modelInput` must be a JSON object.",
        "Line 7: `recordId` must be a string that is not empty.",
        "Line 8: the record is not UTF-8.",
        "Line 9: the record is longer than 200 bytes.",
        "Line 10: the recordId `good` is used by an earlier record of the file.",
        "A `prompt` is required.",
        "answered",
        "Line 13: the record is not JSON",
    ];
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said} instead of {expected}");
    }
    for result in &results {
        assert_eq!(result["error"].is_null(), !result["modelOutput"].is_null(), "{result}");
        assert!(result["error"].is_null() || result["error"]["errorCode"] == 400, "{result}");
        assert!(!result["recordId"].as_str().unwrap().is_empty());
    }
    assert_eq!(results[4]["recordId"], "no-input");
    assert_eq!(results[5]["modelInput"], "Hello");
    let made = results[11]["recordId"].as_str().unwrap();
    assert!(made.len() == 11 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
    let counts = job.counts;
    assert_eq!((counts.records, counts.succeeded, counts.failed), (13, 2, 11));
    let mut told = deployment.models.batch_errors(&deployment.ctx, &job.id).await.unwrap();
    told.sort_by_key(|error| error.line);
    assert_eq!(told.len(), 11);
    assert_eq!((told[0].line, told[0].file.as_str(), told[0].code), (2, "a.jsonl", 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_all_its_jsonl_files_and_each_has_its_results() {
    let deployment = started(|config| (config.batch.window_records, config.batch.window_bytes) = (3, 1 << 20)).await;
    put(&deployment, "in/a.jsonl", records(4)).await;
    put(&deployment, "in/deep/b.jsonl", record("r0", "Hello")).await;
    put(&deployment, "in/empty.jsonl", "").await;
    put(&deployment, "in/picture.png", "x").await;
    put(&deployment, "in-2/c.jsonl", records(1)).await;
    let mut asked = new("folder");
    asked.input.uri = "s3://batches/in".to_owned();
    let job = run(&deployment, asked).await;
    assert_eq!(job.status, BatchStatus::Completed, "{:?}", job.failure);
    let names = ["a.jsonl.out", "deep/b.jsonl.out", "empty.jsonl.out", "manifest.json.out"];
    assert_eq!(outputs(&deployment).await, names.map(|name| format!("out/{}/{name}", job.id)));
    assert_eq!(job.result_files(), names[..3]);
    assert_eq!(results(&deployment, &job, "a.jsonl").await.len(), 4);
    let deep = results(&deployment, &job, "deep/b.jsonl").await;
    assert!(deep[0]["error"].is_null(), "an id is one file's own: {deep:?}");
    assert_eq!(manifest(&deployment, &job).await["totalRecordCount"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_begin_alike_are_asked_one_after_the_other_within_a_window() {
    let deployment = started(|_| {}).await;
    let (ctx, mut window) = (deployment.ctx.clone(), window::Window::default());
    for (number, prompt) in (0..).zip(["b 2", "a 2", "b 1", "a 1", "a 1"]) {
        let line = lines::Line::Whole(record(&format!("r{number}"), prompt).into());
        window.push((0, number), line, number == 4);
    }
    assert!(window.is_full(1, 9) && window.is_full(1 << 20, 5) && !window.is_full(1 << 20, 6));
    let reading = window::Reading {
        job: "job".to_owned(),
        kind: InvocationType::InvokeModel,
        resolved: deployment.models.resolve(&ctx, "tiny").await.unwrap(),
        dialects: deployment.dialect.clone(),
        time: ctx.now(),
        role: Arc::new(ctx),
    };
    let sorted: Vec<u32> =
        reading.sorted(window, &mut window::Seen::default()).into_iter().map(|item| item.line).collect();
    assert_eq!(sorted, [3, 1, 2, 0], "what is kept is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_waited_for() {
    let deployment = started(|config| (config.load.parallel, config.load.queue) = (1, 1)).await;
    put(&deployment, "in/a.jsonl", records(30)).await;
    put(&deployment, "in/b.jsonl", records(30)).await;
    let mut other = new("second");
    other.input.uri = "s3://batches/in/b.jsonl".to_owned();
    let first = deployment.models.create_batch(&deployment.ctx, new("first")).await.unwrap();
    let second = deployment.models.create_batch(&deployment.ctx, other).await.unwrap();
    // Both at once, and each asks for more than the queue holds.
    let running = deployment.jobs.start(2);
    for job in [first, second] {
        let account = deployment.ctx.account();
        deployment.jobs.watch(account, job.work.as_ref().unwrap()).for_each(|_| async {}).await;
        let job = deployment.models.batch(&deployment.ctx, &job.id).await.unwrap();
        assert_eq!((job.counts.succeeded, job.counts.failed), (30, 0), "{:?}", job.failure);
    }
    running.stop().await;
}

/// A deployment whose model `tiny` is an upstream's, which answers the prompts that `answers` says yes to.
async fn with_upstream(answers: impl Fn(&str) -> bool + Send + Sync + 'static) -> (Deployment, Server) {
    let server = Server::start(move |request| {
        // Somebody looks whether it is well.
        if request.method == "GET" {
            return Reply::ok(r#"{"data": []}"#);
        }
        let prompt = request.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        if !answers(&prompt) {
            return Reply::status(500, "broken");
        }
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "Well."}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
        Reply::ok(format!("data: {delta}\n\ndata: {usage}\n\ndata: [DONE]\n\n"))
            .with("content-type", "text/event-stream")
    })
    .await;
    let deployment = started(|config| {
        config.batch.pause = Duration::ZERO;
        // An upstream that is left alone for its failures would be asked less often than the records say.
        config.pool_checks.failures = u32::MAX;
    })
    .await;
    let (base_url, model) = (format!("{}/v1", server.url), "far".to_owned());
    let target = crate::Target::Remote { base_url, model, api_key: None };
    deployment.models.set_alias(&deployment.ctx, "tiny", target).await.unwrap();
    (deployment, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_model_fails_on_each_time_is_an_error_of_its_own() {
    let (deployment, server) = with_upstream(|prompt| prompt != "bad").await;
    let lines = [record("a", "one"), record("b", "bad"), record("c", "two")];
    put(&deployment, "in/a.jsonl", lines.join("\n")).await;
    let job = run(&deployment, new("bad")).await;
    assert_eq!((job.status, job.failure.as_deref()), (BatchStatus::Completed, None));
    assert_eq!((job.counts.succeeded, job.counts.failed), (2, 1));
    let results = results(&deployment, &job, "a.jsonl").await;
    assert_eq!(results[1]["error"]["errorCode"], 503, "{results:?}");
    assert_eq!((&results[0]["modelOutput"]["text"], job.counts.input_tokens), (&json!("Well."), 10));
    let asked = server.seen().iter().filter(|request| String::from_utf8_lossy(&request.body).contains("bad")).count();
    assert_eq!(asked, 5);
}

/// Runs a job whose model fails until it is given up.
async fn given_up(deployment: &Deployment) -> BatchJob {
    let job = deployment.models.create_batch(&deployment.ctx, new("gives-up")).await.unwrap();
    // Each attempt comes some minutes after the one before.
    for _ in 0..12 {
        deployment.jobs.run_due_once().await.unwrap();
        deployment.clock.advance(600_000);
    }
    deployment.models.batch(&deployment.ctx, &job.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_answers_fails_the_job_and_one_that_stops_leaves_what_it_answered() {
    let (deployment, _server) = with_upstream(|_| false).await;
    put(&deployment, "in/a.jsonl", records(40)).await;
    let job = given_up(&deployment).await;
    assert_eq!((job.status, job.counts.processed()), (BatchStatus::Failed, 0), "{:?}", job.failure);
    assert!(outputs(&deployment).await.is_empty());

    let left = AtomicUsize::new(7);
    let take = |left: usize| left.checked_sub(1);
    let answers = move |_: &str| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
    let (deployment, _server) = with_upstream(answers).await;
    put(&deployment, "in/a.jsonl", records(40)).await;
    let job = given_up(&deployment).await;
    assert_eq!((job.status, job.counts.succeeded), (BatchStatus::PartiallyCompleted, 7), "{:?}", job.failure);
    assert!(job.failure.is_some());
    let results = results(&deployment, &job, "a.jsonl").await;
    assert_eq!(results.iter().filter(|result| result["error"].is_null()).count(), 7);
    assert_eq!(results.len() as u64, job.counts.processed());
}

#[test]
fn the_limits_are_those_that_the_documentation_states() {
    let limits = BatchLimits::default();
    assert_eq!((limits.record_bytes, limits.file_bytes, limits.job_bytes), (25_000_000, 1 << 30, 5 << 30));
    assert_eq!((limits.files, limits.records, limits.fewest_records), (1_000, 1_000_000, 1));
    assert_eq!((limits.window_bytes, limits.window_records), (16 << 20, 4_096));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_embedded() {
    let deployment = started(|_| {}).await;
    let line = r#"{"recordId": "e", "modelInput": {"texts": ["one two", "three"]}}"#;
    put(&deployment, "in/a.jsonl", format!("{line}\n")).await;
    let job = run(&deployment, NewBatch { model_id: "mini-embed".to_owned(), ..new("embed") }).await;
    let results = results(&deployment, &job, "a.jsonl").await;
    assert_eq!(results[0]["modelOutput"]["vectors"].as_array().unwrap().len(), 2, "{results:?}");
    assert_eq!((job.counts.input_tokens, job.counts.output_tokens), (3, 0));
}

#[test]
fn every_record_comes_after_whoever_waits_for_an_answer() {
    let encode = || -> EncodeChat { Box::new(|_| Ok(Value::Null)) };
    let vectors: EncodeVectors = Box::new(|_| Ok(Value::Null));
    let serving = crate::Serving { priority: crate::Priority::High, ..crate::Serving::default() };
    let asked = [
        Asked::Chat(Box::new(crate::ChatRequest { serving, ..Default::default() }), encode()),
        Asked::Completion(Box::new(crate::CompletionRequest { serving, ..Default::default() }), encode()),
        Asked::Continuation(Box::new(crate::ContinuationRequest { serving, ..Default::default() }), encode()),
        Asked::Embed(crate::EmbedRequest { serving, ..Default::default() }, vectors),
    ];
    for asked in asked.map(answer::behind_those_who_wait) {
        let serving = match asked {
            Asked::Chat(request, _) => request.serving,
            Asked::Completion(request, _) => request.serving,
            Asked::Continuation(request, _) => request.serving,
            Asked::Embed(request, _) => request.serving,
        };
        assert_eq!(serving.priority, crate::Priority::Low);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_account_s_quota_is_used_up_waits_and_goes_on_and_no_record_fails() {
    let deployment = started(|config| config.batch.pause = Duration::from_millis(1)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let quota = |text: &str| text.parse::<crate::Quota>().unwrap();
    let texts =
        |n: usize| json!({"recordId": format!("r{n}"), "modelInput": {"texts": [format!("text {n}")]}}).to_string();
    let chats = |n: usize| record(&format!("r{n}"), &format!("question {n}"));
    put(&deployment, "in/a.jsonl", (0..6).map(|n| chats(n) + "\n").collect::<String>()).await;
    put(&deployment, "in/b.jsonl", (0..6).map(|n| texts(n) + "\n").collect::<String>()).await;
    for (model, file) in [("tiny", "a.jsonl"), ("mini-embed", "b.jsonl")] {
        models.set_quota(ctx, ctx.account(), None, quota("requests=2")).await.unwrap();
        let input = BatchPlace { uri: format!("s3://batches/in/{file}"), owner: None };
        let asked = NewBatch { model_id: model.to_owned(), input, ..new(model) };
        let job = models.create_batch(ctx, asked).await.unwrap();
        let lifted = async {
            let waiting = loop {
                let found = models.batch(ctx, &job.id).await.unwrap();
                if found.counts.processed() >= 2 {
                    break found;
                }
                tokio::task::yield_now().await;
            };
            let used = models.quotas(ctx).await.unwrap().used;
            let left = used.iter().find(|used| used.model == model).and_then(|used| used.requests_left);
            models.set_quota(ctx, ctx.account(), None, quota("")).await.unwrap();
            (waiting.status, waiting.counts.succeeded, left)
        };
        let (ran, waiting) = tokio::join!(deployment.jobs.run_due_once(), lifted);
        assert_eq!((ran.unwrap(), waiting), (1, (BatchStatus::InProgress, 2, Some(0))), "{model}");
        let job = models.batch(ctx, &job.id).await.unwrap();
        assert_eq!((job.status, job.counts.succeeded, job.counts.failed), (BatchStatus::Completed, 6, 0), "{model}");
        assert!(results(&deployment, &job, file).await.iter().all(|result| result.get("error").is_none()));
    }
}

/// The numbers at which prompts that hold `what` began to be read.
fn begun(read: &[String], what: &str) -> Vec<usize> {
    let begins = |(at, text): (usize, &String)| text.contains(what).then_some(at);
    read.iter().enumerate().filter_map(begins).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_go_before_the_records_of_a_batch_which_yet_ends() {
    const CHATS: usize = 40;
    let gate = Gate::default();
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let loader = Arc::new(GatedLoader::new("tiny", &gate));
    let one = |config: &mut Config| (config.load.parallel, config.load.queue) = (1, 64);
    let deployment = prepared(Deployment::start_by(loader, store, dir, one).await).await;
    let lines = (0..12).map(|n| record(&format!("r{n}"), &format!("{n} of the batch")) + "\n");
    put(&deployment, "in/a.jsonl", lines.collect::<String>()).await;
    gate.close();
    let job = deployment.models.create_batch(&deployment.ctx, new("beside")).await.unwrap();
    let running = deployment.jobs.start(1);
    tokio::task::block_in_place(|| gate.wait_until_held());
    let chat = |at: usize| {
        let (models, ctx) = (deployment.models.clone(), deployment.ctx.clone());
        let request = crate::CompletionRequest {
            model: "tiny".to_owned(),
            prompt: format!("{at} of a person"),
            max_tokens: Some(2),
            ..Default::default()
        };
        tokio::spawn(async move { models.complete(&ctx, request).await.unwrap().collect().await.unwrap() })
    };
    let chats: Vec<_> = (0..CHATS).map(chat).collect();
    // All of them wait behind the record that is being answered, and beside the next one.
    while deployment.models.status(&deployment.ctx).loaded[0].queued < CHATS as u32 + 1 {
        tokio::task::yield_now().await;
    }
    gate.open();
    for chat in chats {
        chat.await.unwrap();
    }
    let account = deployment.ctx.account();
    deployment.jobs.watch(account, job.work.as_ref().unwrap()).for_each(|_| async {}).await;
    let job = deployment.models.batch(&deployment.ctx, &job.id).await.unwrap();
    assert_eq!((job.counts.succeeded, job.counts.failed), (12, 0), "{:?}", job.failure);
    running.stop().await;

    let read = gate.read();
    // What two prompts begin with, such as `1 of `, may be taken from the cache.
    let (chats, records) = (begun(&read, "person"), begun(&read, "batch"));
    assert_eq!((chats.len(), records.len()), (CHATS, 12));
    let before_the_last = records.iter().filter(|at| *at < chats.last().unwrap()).count();
    // Beside the one that was being answered, at most one after every 16 chats.
    assert!((2..=1 + CHATS / 16).contains(&before_the_last), "{records:?} beside {chats:?}");
    assert_eq!(chats.iter().filter(|at| **at < records[1]).count(), 16);
}

/// Does something in the middle of the job: after the answer to a record, before it is kept.
fn after_first(deployment: &Deployment, act: impl Fn() + Send + Sync + 'static) {
    let done = AtomicBool::new(false);
    let first = move |_: &str| {
        if !done.swap(true, Ordering::SeqCst) {
            act();
        }
    };
    *deployment.dialect.after.lock().unwrap() = Some(Arc::new(first));
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_job_writes_what_it_has_and_can_be_stopped_once() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(400)).await;
    let job = deployment.models.create_batch(&deployment.ctx, new("stop")).await.unwrap();
    let (models, ctx, id) = (deployment.models.clone(), deployment.ctx.clone(), job.id.clone());
    after_first(&deployment, move || wait(models.stop_batch(&ctx, &id)).unwrap());
    deployment.jobs.run_due_once().await.unwrap();
    let job = deployment.models.batch(&deployment.ctx, &job.id).await.unwrap();
    assert_eq!((job.status, job.failure.as_deref()), (BatchStatus::Stopped, None));
    let results = results(&deployment, &job, "a.jsonl").await;
    assert_eq!(results.len() as u64, job.counts.processed());
    assert!(results.len() < 400, "it went on to the end");
    let manifest = manifest(&deployment, &job).await;
    assert_eq!(manifest["totalRecordCount"], 400);
    assert_eq!(manifest["processedRecordCount"], results.len());
    let again = deployment.models.stop_batch(&deployment.ctx, &job.id).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_is_stopped_at_once_and_a_cancelled_one_writes_what_it_has() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(300)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let job = models.create_batch(ctx, new("waits")).await.unwrap();
    models.stop_batch(ctx, &job.id).await.unwrap();
    assert_eq!(models.batch(ctx, &job.id).await.unwrap().status, BatchStatus::Stopped);
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 0);
    assert!(outputs(&deployment).await.is_empty());

    let job = models.create_batch(ctx, new("cancelled")).await.unwrap();
    let (jobs, account, work) = (deployment.jobs.clone(), ctx.account().clone(), job.work.clone().unwrap());
    after_first(&deployment, move || drop(wait(jobs.cancel(&account, &work)).unwrap()));
    deployment.jobs.run_due_once().await.unwrap();
    let job = models.batch(ctx, &job.id).await.unwrap();
    assert_eq!(job.status, BatchStatus::Stopped);
    assert_eq!(results(&deployment, &job, "a.jsonl").await.len() as u64, job.counts.processed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_time_is_over_writes_what_it_has_or_never_begins() {
    const DAY: i64 = 24 * 3_600_000;
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(300)).await;
    let clock = deployment.clock.clone();
    after_first(&deployment, move || clock.advance(DAY));
    let job = run(&deployment, new("late")).await;
    assert_eq!(job.status, BatchStatus::PartiallyCompleted, "{:?}", job.failure);
    assert_eq!((job.timeout_hours, job.expires.as_millis() - job.created.as_millis()), (24, DAY));
    let results = results(&deployment, &job, "a.jsonl").await;
    assert!((1..300).contains(&results.len()), "{}", results.len());

    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let waiting = models.create_batch(ctx, NewBatch { timeout_hours: Some(48), ..new("expires") }).await.unwrap();
    deployment.clock.advance(DAY);
    assert_eq!(models.batch(ctx, &waiting.id).await.unwrap().status, BatchStatus::Submitted);
    deployment.clock.advance(DAY);
    assert_eq!(models.batch(ctx, &waiting.id).await.unwrap().status, BatchStatus::Expired);
    assert_eq!(deployment.jobs.run_due_once().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_changes_under_the_job_fails_it_and_leaves_no_results() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(5)).await;
    let (objects, ctx) = (deployment.objects.clone(), deployment.ctx.clone());
    after_first(&deployment, move || {
        let put = objects.put_object(&ctx, PutObject::new(BUCKET, "in/a.jsonl"), Body::from_bytes("x"));
        wait(put).unwrap();
    });
    let job = run(&deployment, new("changes")).await;
    assert_eq!(job.status, BatchStatus::Failed);
    assert!(job.failure.unwrap().starts_with("`s3://batches/in/a.jsonl` was changed while it was read."));
    assert!(outputs(&deployment).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_may_not_do_fails_the_job_before_any_record_is_asked() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(5)).await;
    make_role(&deployment, "Blind", "bedrock.amazonaws.com", r#""s3:PutObject""#).await;
    make_role(&deployment, "Mute", "bedrock.amazonaws.com", r#""s3:GetObject","s3:ListBucket""#).await;
    make_role(&deployment, "Stranger", "lambda.amazonaws.com", RIGHTS).await;
    for (name, begins) in [
        ("Blind", "Amazon Bedrock could not validate the GetObject permission for s3://batches/in/a.jsonl."),
        ("Mute", "Amazon Bedrock could not validate the PutObject permission for s3://batches/out/"),
        ("Stranger", "Amazon Bedrock could not assume the role arn:aws:iam::123456789012:role/Stranger."),
    ] {
        let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let job = run(&deployment, NewBatch { role_arn, ..new(name) }).await;
        assert_eq!(job.status, BatchStatus::Failed, "{name}");
        let failure = job.failure.unwrap();
        assert!(failure.starts_with(begins), "{name}: {failure}");
    }
    assert!(outputs(&deployment).await.is_empty() && deployment.dialect.answered.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inference_profile_needs_a_role_that_may_invoke_it() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(2)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let target = crate::Target::Local { name: "tiny".to_owned() };
    models.set_alias(ctx, "anthropic.claude-3-haiku-20240307-v1:0", target).await.unwrap();
    let profile = NewBatch { model_id: "us.anthropic.claude-3-haiku-20240307-v1:0".to_owned(), ..new("profile") };
    let refused = run(&deployment, profile.clone()).await;
    assert_eq!(refused.status, BatchStatus::Failed);
    assert!(refused.failure.unwrap().contains("bedrock:InvokeModel"));
    let model = NewBatch { model_id: "anthropic.claude-3-haiku-20240307-v1:0".to_owned(), ..new("model") };
    assert_eq!(run(&deployment, model).await.status, BatchStatus::Completed, "the service asks it itself");
    make_role(&deployment, "Asker", "bedrock.amazonaws.com", &format!(r#"{RIGHTS},"bedrock:InvokeModel""#)).await;
    let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/Asker");
    let job = run(&deployment, NewBatch { role_arn, ..profile }).await;
    assert_eq!(job.status, BatchStatus::Completed, "{:?}", job.failure);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_profile_answers_a_batch_for_a_role_that_may_invoke_it_by_arn_and_by_id() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(2)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
    models.set_alias(ctx, haiku, crate::Target::Local { name: "tiny".to_owned() }).await.unwrap();
    let profile = crate::NewProfile {
        name: "ours".to_owned(),
        copy_from: format!("arn:aws:bedrock:us-east-1::foundation-model/{haiku}"),
        tags: vec![("team".to_owned(), "a".to_owned())],
        ..crate::NewProfile::default()
    };
    let profile = models.create_inference_profile(ctx, profile).await.unwrap();
    make_role(&deployment, "Tagged", "bedrock.amazonaws.com", RIGHTS).await;
    let may = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": profile.arn,
         "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}},
        {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:*::foundation-model/*",
         "Condition": {"StringEquals": {"bedrock:InferenceProfileArn": profile.arn}}},
    ]});
    let holder = HolderName { kind: HolderKind::Role, name: "Tagged" };
    deployment.identity.put_inline_policy(ctx, holder, "profile", &may.to_string()).await.unwrap();
    let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/Tagged");
    for (number, identifier) in [profile.arn.clone(), profile.id].into_iter().enumerate() {
        let batch = NewBatch { model_id: identifier.clone(), ..new(&format!("refused-{number}")) };
        let refused = run(&deployment, batch).await;
        assert_eq!(refused.status, BatchStatus::Failed, "{identifier}");
        assert!(refused.failure.unwrap().contains("bedrock:InvokeModel"));
        let batch = NewBatch { model_id: identifier, role_arn: role_arn.clone(), ..new(&format!("answered-{number}")) };
        let job = run(&deployment, batch).await;
        assert_eq!((job.status, job.counts.succeeded), (BatchStatus::Completed, 2), "{:?}", job.failure);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_a_pool_answers_a_batch_past_a_member_that_fails() {
    let server = Server::start(|request| {
        if request.method == "GET" {
            return Reply::ok(r#"{"data": []}"#);
        }
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "Well."}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
        Reply::ok(format!("data: {delta}\n\ndata: {usage}\n\ndata: [DONE]\n\n"))
            .with("content-type", "text/event-stream")
    })
    .await;
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(30)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let member = |base_url: &str| crate::NewMember {
        base_url: base_url.to_owned(),
        model: "far".to_owned(),
        ..crate::NewMember::default()
    };
    let members = vec![member("http://127.0.0.1:1/v1"), member(&format!("{}/v1", server.url))];
    let pool = crate::NewPool { members, ..crate::NewPool::default() };
    models.put_pool(ctx, "several", pool).await.unwrap();
    models.set_alias(ctx, "pooled", crate::Target::Pool { name: "several".to_owned() }).await.unwrap();
    let job = run(&deployment, NewBatch { model_id: "pooled".to_owned(), ..new("pooled") }).await;
    assert_eq!((job.status, job.failure.as_deref()), (BatchStatus::Completed, None));
    assert_eq!((job.counts.succeeded, job.counts.failed, job.counts.output_tokens), (30, 0, 60));
    let results = results(&deployment, &job, "a.jsonl").await;
    assert!(results.iter().all(|result| result["modelOutput"]["text"] == "Well."), "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_brings_more_than_it_may_fails_when_it_is_validated() {
    let base = BatchLimits::default();
    let sizes = |files, records, file_bytes, job_bytes, fewest_records| BatchLimits {
        files,
        records,
        file_bytes,
        job_bytes,
        fewest_records,
        ..base
    };
    for (limits, says) in [
        (sizes(1, 99, 9_999, 9_999, 1), "There are more than 1 input files."),
        (sizes(9, 3, 9_999, 9_999, 1), "The input has 4 records, more than 3."),
        (sizes(9, 99, 99, 9_999, 1), "`s3://batches/in/a.jsonl` has "),
        (sizes(9, 99, 9_999, 200, 1), "The input has "),
        (sizes(9, 99, 9_999, 9_999, 5), "The input has 4 records, fewer than 5."),
    ] {
        let deployment = started(|config| config.batch = limits).await;
        put(&deployment, "in/a.jsonl", records(2)).await;
        put(&deployment, "in/b.jsonl", records(2)).await;
        let mut asked = new("limits");
        asked.input.uri = "s3://batches/in/".to_owned();
        let job = run(&deployment, asked).await;
        assert_eq!(job.status, BatchStatus::Failed, "{says}");
        let failure = job.failure.unwrap();
        assert!(failure.starts_with(says), "{failure} instead of {says}");
    }
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", "").await;
    put(&deployment, "in/a.txt", "x").await;
    for (uri, says) in [
        ("s3://batches/in/a.jsonl", "The input has 0 records, fewer than 1."),
        ("s3://batches/in/a.txt", "The name of `s3://batches/in/a.txt` does not end with `.jsonl`."),
        ("s3://batches/elsewhere/", "There is no .jsonl file in `s3://batches/elsewhere/`."),
        ("s3://no-such-bucket/in/", "Amazon Bedrock could not validate the GetObject permission"),
    ] {
        let mut asked = new("nothing");
        asked.input.uri = uri.to_owned();
        let failure = run(&deployment, asked).await.failure.unwrap();
        assert!(failure.starts_with(says), "{failure} instead of {says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_another_accounts_than_said_is_refused() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(1)).await;
    for output in [false, true] {
        let mut asked = new("owner");
        let place = if output { &mut asked.output } else { &mut asked.input };
        place.owner = Some("210987654321".to_owned());
        assert_eq!(run(&deployment, asked).await.status, BatchStatus::Failed);
    }
    let mut asked = new("owner");
    (asked.input.owner, asked.output.owner) = (Some(ACCOUNT.to_owned()), Some(ACCOUNT.to_owned()));
    assert_eq!(run(&deployment, asked).await.status, BatchStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_asks_once_and_what_is_malformed_is_refused() {
    let deployment = started(|_| {}).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let asked = NewBatch { request_token: Some("t".to_owned()), ..new("once") };
    let first = models.create_batch(ctx, asked.clone()).await.unwrap();
    assert_eq!(models.create_batch(ctx, asked.clone()).await.unwrap().id, first.id);
    let other = NewBatch { name: "other".to_owned(), ..asked };
    assert_eq!(models.create_batch(ctx, other).await.unwrap_err().kind, ErrorKind::AlreadyExists);
    let again = models.create_batch(ctx, new("once")).await.unwrap();
    assert_ne!(again.id, first.id, "a name may be used again");
    let wrong = |change: fn(&mut NewBatch)| {
        let mut asked = new("wrong");
        change(&mut asked);
        asked
    };
    for (asked, kind) in [
        (wrong(|new| new.input.uri = "https://batches/in".to_owned()), ErrorKind::Invalid),
        (wrong(|new| new.role_arn = "Batcher".to_owned()), ErrorKind::Invalid),
        (wrong(|new| new.role_arn = ROLE.replace("123456789012", "210987654321")), ErrorKind::Denied),
        (wrong(|new| new.model_id = "no-such-model".to_owned()), ErrorKind::Invalid),
        (wrong(|new| new.tags = vec![("a".into(), "1".into()), ("a".into(), "2".into())]), ErrorKind::Invalid),
    ] {
        assert_eq!(models.create_batch(ctx, asked).await.unwrap_err().kind, kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_their_accounts_and_regions_and_listed_by_page_name_and_status() {
    let deployment = started(|_| {}).await;
    put(&deployment, "in/a.jsonl", records(1)).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let done = run(&deployment, new("alpha")).await;
    for name in ["beta", "beta-2"] {
        deployment.clock.advance(1);
        models.create_batch(ctx, new(name)).await.unwrap();
    }
    let names = async |filter: BatchFilter, page: PageRequest| {
        let page = models.batches(ctx, &filter, &page).await.unwrap();
        (page.items.iter().map(|job| job.name.clone()).collect::<Vec<_>>(), page.next_after)
    };
    let page = |limit, after| PageRequest { limit, after };
    let (first, next) = names(BatchFilter::default(), page(2, None)).await;
    assert_eq!(first, ["beta-2", "beta"]);
    assert_eq!(names(BatchFilter::default(), page(2, next)).await, (vec!["alpha".to_owned()], None));
    let rising = BatchFilter { ascending: true, name_contains: Some("beta".to_owned()), ..BatchFilter::default() };
    assert_eq!(names(rising, page(9, None)).await.0, ["beta", "beta-2"]);
    let completed = BatchFilter { status: Some(BatchStatus::Completed), ..BatchFilter::default() };
    assert_eq!(names(completed, page(9, None)).await.0, ["alpha"]);
    let arn = done.arn.to_string();
    assert_eq!(models.batch(ctx, &arn).await.unwrap().id, done.id);
    for (account, region) in [("210987654321", "us-east-1"), (ACCOUNT, "eu-west-1")] {
        let other = deployment.context(account, region).await;
        for identifier in [&done.id, &arn] {
            assert_eq!(models.batch(&other, identifier).await.unwrap_err().kind, ErrorKind::NotFound);
            assert_eq!(models.stop_batch(&other, identifier).await.unwrap_err().kind, ErrorKind::NotFound);
            assert_eq!(models.batch_errors(&other, identifier).await.unwrap_err().kind, ErrorKind::NotFound);
        }
        assert!(models.batches(&other, &BatchFilter::default(), &page(9, None)).await.unwrap().items.is_empty());
    }
}

#[tokio::test]
async fn a_record_is_kept_once_and_sealed_and_forgotten_at_the_end() {
    each_backend(async |store| {
        let deployment = Deployment::start_on(store.clone(), tempfile::tempdir().unwrap(), |_| {}).await;
        deployment.add_model("tiny");
        make_account(&deployment).await;
        make_role(&deployment, "Batcher", "bedrock.amazonaws.com", RIGHTS).await;
        let (models, ctx, keyring) = (&deployment.models, &deployment.ctx, deployment.identity.keyring());
        let mut job = models.create_batch(ctx, new("kept")).await.unwrap();
        let outcome = |line, failed: bool| Outcome {
            file: 0,
            line,
            answer: json!({"text": "a secret"}).to_string(),
            error: failed.then(|| BatchError {
                file: "a.jsonl".to_owned(),
                line: u64::from(line) + 1,
                record_id: "r".to_owned(),
                code: 400,
                message: "a secret".to_owned(),
            }),
            input_tokens: 3,
            output_tokens: 2,
        };
        let save =
            async |outcomes: &[Outcome]| rows::save(&store, keyring, ctx, &job.id, outcomes, ctx.now()).await.unwrap();
        assert_eq!(save(&[outcome(2, false), outcome(0, true)]).await, Some(BatchStatus::Submitted));
        assert_eq!(save(&[outcome(2, false), outcome(5, false)]).await, Some(BatchStatus::Submitted));
        let counts = models.batch(ctx, &job.id).await.unwrap().counts;
        let expected = BatchCounts { records: 0, succeeded: 2, failed: 1, input_tokens: 9, output_tokens: 6 };
        assert_eq!(counts, expected, "what is kept counts once");
        let lines = rows::kept_lines(&store, ctx, &job.id, 0).await.unwrap();
        assert_eq!(lines, [0, 2, 5]);
        let page = rows::kept(&store, keyring, ctx, &job.id, (0, 1), 1).await.unwrap();
        assert_eq!((page.len(), page[0].line, page[0].succeeded), (1, 2, true));
        assert_eq!(page[0].answer, br#"{"text":"a secret"}"#);
        let plain = store
            .read(|tx| async move {
                let rows = tx.fetch_all("SELECT answer FROM model_batch_records", ::store::params![]).await?;
                let jobs = tx.fetch_all("SELECT errors FROM model_batch_jobs", ::store::params![]).await?;
                let bytes: base::Result<Vec<_>> = rows.iter().map(|row| row.bytes("answer")).collect();
                Ok([bytes?.concat(), jobs[0].bytes("errors")?].concat())
            })
            .await
            .unwrap();
        assert!(!String::from_utf8_lossy(&plain).contains("secret"));

        assert!(rows::begin_stop(&store, ctx, &job.id, ctx.now()).await.unwrap());
        assert!(!rows::advance(&store, ctx, &job.id, BatchStatus::InProgress, ctx.now()).await.unwrap());
        assert_eq!(save(&[outcome(6, false)]).await, Some(BatchStatus::Stopping));
        job.status = BatchStatus::Stopped;
        assert!(rows::end(&store, ctx, &job).await.unwrap());
        assert!(!rows::end(&store, ctx, &job).await.unwrap());
        assert!(rows::kept_lines(&store, ctx, &job.id, 0).await.unwrap().is_empty());
        assert_eq!(rows::save(&store, keyring, ctx, &job.id, &[outcome(7, false)], ctx.now()).await.unwrap(), None);
        assert_eq!(models.batch_errors(ctx, &job.id).await.unwrap().len(), 1, "errors are told after the end, too");
        let arn = job.arn.to_string();
        models.tag_import(ctx, &arn, vec![("team".to_owned(), "a".to_owned())]).await.unwrap();
        assert_eq!(models.import_tags(ctx, &arn).await.unwrap(), [("team".to_owned(), "a".to_owned())]);
        models.untag_import(ctx, &arn, &["team".to_owned()]).await.unwrap();
        assert!(models.batch(ctx, &job.id).await.unwrap().tags.is_empty());
    })
    .await;
}
