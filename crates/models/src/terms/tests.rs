use base::ErrorKind;

use crate::PullRequest;
use crate::testing::Deployment;

const GEMMA: &str = "gemma-3-270m";

fn pull(source: &str, accept_terms: bool) -> PullRequest {
    PullRequest { source: source.to_owned(), accept_terms, allow_template: false }
}

#[tokio::test]
async fn terms_are_asked_for_until_someone_of_the_account_accepted_them() {
    let deployment = Deployment::start().await;
    let models = &deployment.models;
    let refused = models.require_terms(&deployment.ctx, GEMMA, false).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(refused.message.contains("https://ai.google.dev/gemma/terms"), "{}", refused.message);
    assert!(models.pull(&deployment.ctx, pull(GEMMA, false)).await.is_err());
    let accepted = models.accept_terms(&deployment.ctx, GEMMA).await.unwrap();
    assert_eq!((accepted.licence.as_str(), accepted.model.as_str()), ("Gemma", GEMMA));
    assert_eq!(accepted.accepted_by, deployment.ctx.principal().arn());
    models.require_terms(&deployment.ctx, GEMMA, false).await.unwrap();
    models.pull(&deployment.ctx, pull(GEMMA, false)).await.unwrap();
}

#[tokio::test]
async fn another_account_accepts_for_itself() {
    let deployment = Deployment::start().await;
    deployment.models.accept_terms(&deployment.ctx, GEMMA).await.unwrap();
    let other = deployment.context("999988887777", "us-east-1").await;
    assert!(deployment.models.require_terms(&other, GEMMA, false).await.is_err());
    assert!(deployment.models.acceptances(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_acceptance_with_a_pull_is_kept() {
    let deployment = Deployment::start().await;
    deployment.models.pull(&deployment.ctx, pull(GEMMA, true)).await.unwrap();
    let accepted = deployment.models.acceptances(&deployment.ctx).await.unwrap();
    assert_eq!(accepted.iter().map(|one| one.model.as_str()).collect::<Vec<_>>(), [GEMMA]);
}

#[tokio::test]
async fn what_asks_for_nothing_is_never_refused_and_not_accepted_either() {
    let deployment = Deployment::start().await;
    let models = &deployment.models;
    models.require_terms(&deployment.ctx, "smollm2-135m-instruct", false).await.unwrap();
    models.require_terms(&deployment.ctx, "a-model-of-my-own", false).await.unwrap();
    let error = models.accept_terms(&deployment.ctx, "smollm2-135m-instruct").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(models.accept_terms(&deployment.ctx, "none").await.unwrap_err().kind, ErrorKind::NotFound);
}
