//! Weights of a bucket of one's own, hosted by an endpoint.
#![expect(clippy::unwrap_used, reason = "a test")]

use base::ErrorKind;
use identity::iam::{HolderKind, HolderName};
use models::{
    ChatRequest, Container, EndpointStatus, Hosted, ImportFilter, Message, NewEndpoint, NewEndpointConfig,
    NewHostedModel, VariantSpec,
};

#[path = "support/deployment.rs"]
mod deployment;
#[path = "../../checkpoint/tests/support/samples.rs"]
mod samples;

use deployment::{BUCKET, Deployment, PREFIX};
use samples::{Sample, Sizes};

const SIZES: Sizes = Sizes { hidden: 64, inner: 128, layers: 1, heads: 4, kv_heads: 2 };

/// A role that SageMaker may act as, and that may read buckets.
async fn role(deployment: &Deployment) -> String {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"sagemaker.amazonaws.com"}}]}"#;
    let new = identity::iam::roles::NewRole {
        name: "hosting".to_owned(),
        path: None,
        description: None,
        trust: trust.to_owned(),
        max_session: None,
        boundary: None,
        tags: Vec::new(),
    };
    deployment.identity.create_role(&deployment.ctx, new).await.unwrap();
    let rights = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
        "Action":["s3:GetObject","s3:ListBucket"]}]}"#;
    let holder = HolderName { kind: HolderKind::Role, name: "hosting" };
    deployment.identity.put_inline_policy(&deployment.ctx, holder, "read", rights).await.unwrap();
    format!("arn:aws:iam::{}:role/hosting", deployment.ctx.account())
}

async fn host(deployment: &Deployment, name: &str, uri: String) {
    let container = Container { location: Some(uri), ..Container::default() };
    let role_arn = Some(role(deployment).await);
    let new = NewHostedModel { name: name.to_owned(), container, role_arn, ..NewHostedModel::default() };
    deployment.models.create_hosted_model(&deployment.ctx, new).await.unwrap();
}

/// Makes an endpoint of a hosted model, and waits until nothing is under way.
async fn deploy(deployment: &Deployment, name: &str) -> Hosted<models::Endpoint> {
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let variant = VariantSpec {
        name: "All".to_owned(),
        model: name.to_owned(),
        instance_type: "ml.g6.12xlarge".to_owned(),
        weight: 1.0,
        instances: 1,
        ..VariantSpec::default()
    };
    let config = NewEndpointConfig { name: name.to_owned(), variants: vec![variant], ..NewEndpointConfig::default() };
    models.create_endpoint_config(ctx, config).await.unwrap();
    let new = NewEndpoint { name: name.to_owned(), config: name.to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    loop {
        let endpoint = models.endpoint(ctx, name).await.unwrap();
        if endpoint.body.status != EndpointStatus::Creating {
            return endpoint;
        }
        tokio::task::yield_now().await;
    }
}

async fn imported(deployment: &Deployment) -> usize {
    let page = base::PageRequest { limit: 10, after: None };
    deployment.models.imported_models(&deployment.ctx, &ImportFilter::default(), &page).await.unwrap().items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_of_a_bucket_are_imported_served_and_removed_with_the_last_that_hosts_them() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = Deployment::open(dir.path()).await.unwrap();
    deployment.prepare(Sample::new("LlamaForCausalLM", SIZES, "F16").files().0).await.unwrap();
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    host(&deployment, "own", format!("s3://{BUCKET}/{PREFIX}")).await;
    deployment.jobs.run_due_once().await.unwrap();
    let endpoint = deploy(&deployment, "own").await;
    assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::InService, None));
    let resolved = models.resolve_endpoint(ctx, "own", None).await.unwrap();
    let request = ChatRequest { messages: vec![Message::user("Hi")], max_tokens: Some(4), ..ChatRequest::default() };
    let answer = models.chat_with(ctx, resolved, request).await.unwrap().collect().await.unwrap();
    assert!(answer.served_by.name.starts_with("hosted-own-"), "{}", answer.served_by.name);

    let page = base::PageRequest { limit: 10, after: None };
    let made = models.imported_models(ctx, &ImportFilter::default(), &page).await.unwrap().items.remove(0);
    let error = models.delete_imported_model(ctx, &made.name).await.unwrap_err();
    assert!(error.kind == ErrorKind::Conflict && error.message.contains("`own`"), "{error}");
    models.delete_hosted_model(ctx, "own").await.unwrap();
    assert_eq!(imported(&deployment).await, 1, "the endpoint hosts it");
    models.delete_endpoint(ctx, "own").await.unwrap();
    assert_eq!(imported(&deployment).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_cannot_be_imported_fail_the_endpoint_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let deployment = Deployment::open(dir.path()).await.unwrap();
    deployment.prepare(Sample::new("LlamaForCausalLM", SIZES, "F16").files().0).await.unwrap();
    host(&deployment, "own", format!("s3://{BUCKET}/elsewhere/")).await;
    deployment.jobs.run_due_once().await.unwrap();
    let endpoint = deploy(&deployment, "own").await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    let reason = endpoint.body.failure.unwrap();
    assert!(reason.contains(&format!("s3://{BUCKET}/elsewhere/")), "{reason}");
}
