//! Memory that what leaves holds still.

use std::sync::Arc;

use super::store::Scope;
use super::tests::{configure, host, settled, to, variant};
use super::*;
use crate::testing::{Deployment, TestLoader};

/// A deployment with 4 GiB for models, whose models `big-embed` and `large-embed` take 3 GiB each, and an endpoint `one` of the first.
async fn full() -> Deployment {
    let loader = Arc::new(TestLoader::default());
    loader.sizes.lock().unwrap().extend([("big-embed".to_owned(), 3 << 30), ("large-embed".to_owned(), 3 << 30)]);
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader, store, dir, |_| {}).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for name in ["big-embed", "large-embed", "small-embed"] {
        deployment.add_model(name);
        host(models, ctx, name).await;
        configure(models, ctx, name, vec![variant("All", name, 1)]).await;
    }
    assert_eq!(create(&deployment, "one", "big-embed").await.body.status, EndpointStatus::InService);
    deployment
}

async fn create(deployment: &Deployment, name: &str, config: &str) -> Hosted<Endpoint> {
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let new = NewEndpoint { name: name.to_owned(), config: config.to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_stays_for_a_while_leaves_where_its_memory_is_needed() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let rollout = Rollout { termination_wait_seconds: 3600, ..Rollout::default() };
    let change = EndpointChange { rollout: Some(rollout), ..to("small-embed") };
    models.update_endpoint(ctx, "one", change).await.unwrap();
    assert_eq!(settled(models, ctx, "one").await.body.failure, None);
    assert!(models.status(ctx).used_bytes >= 3 << 30, "what answered before is there still");
    let endpoint = create(&deployment, "two", "large-embed").await;
    assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::InService, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_waits_for_the_memory_of_what_leaves_and_does_not_fail() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let arn = models.endpoint(ctx, "one").await.unwrap().arn.to_string();
    let (answering, _) = models.inner.endpoints.variant(&arn, "All").lease().unwrap();
    models.delete_endpoint(ctx, "one").await.unwrap();
    let new = NewEndpoint { name: "two".to_owned(), config: "large-embed".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    let end = models.set_off(Scope::of(ctx), "two".to_owned());
    assert_eq!(models.endpoint(ctx, "two").await.unwrap().body.status, EndpointStatus::Creating);
    drop(answering);
    end.await.unwrap();
    let endpoint = models.endpoint(ctx, "two").await.unwrap();
    assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::InService, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_would_not_fit_anyway_waits_for_nobody_and_sends_nobody_away() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let little = create(&deployment, "little", "small-embed").await;
    let (_answering, _) = models.inner.endpoints.variant(&little.arn.to_string(), "All").lease().unwrap();
    models.delete_endpoint(ctx, "little").await.unwrap();
    let rollout = Rollout { termination_wait_seconds: 3600, ..Rollout::default() };
    create(&deployment, "three", "small-embed").await;
    configure(models, ctx, "twice", vec![variant("All", "small-embed", 2)]).await;
    models.update_endpoint(ctx, "three", EndpointChange { rollout: Some(rollout), ..to("twice") }).await.unwrap();
    assert_eq!(settled(models, ctx, "three").await.body.failure, None);
    assert!(models.inner.loaded.is_draining() && models.inner.endpoints.keys_of_leaving().len() == 1);
    let endpoint = create(&deployment, "two", "large-embed").await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    assert_eq!(models.inner.endpoints.keys_of_leaving().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_removed_waits_for_memory_no_longer() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let arn = models.endpoint(ctx, "one").await.unwrap().arn.to_string();
    let (_answering, _) = models.inner.endpoints.variant(&arn, "All").lease().unwrap();
    models.delete_endpoint(ctx, "one").await.unwrap();
    let new = NewEndpoint { name: "two".to_owned(), config: "large-embed".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    models.delete_endpoint(ctx, "two").await.unwrap();
    assert_eq!(models.endpoint(ctx, "two").await.unwrap_err().kind, base::ErrorKind::NotFound);
}
