//! Memory that what leaves holds still.

use std::sync::Arc;
use std::time::Duration;

use base::ErrorKind;

use super::store::Scope;
use super::tests::{configure, host, instances, settled, to, variant};
use super::*;
use crate::Models;
use crate::loaded::Lease;
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

/// Removes the endpoint `one`. Its model is in memory as long as what is returned is.
async fn leaving(deployment: &Deployment) -> Lease {
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let arn = models.endpoint(ctx, "one").await.unwrap().arn.to_string();
    let (answering, _) = models.inner.endpoints.variant(&arn, "All").lease().unwrap();
    models.delete_endpoint(ctx, "one").await.unwrap();
    answering
}

/// Returns when somebody waits for memory: a load was refused for want of it, and tried again.
async fn memory_is_waited_for(models: &Models) {
    let mut refusals = models.inner.loaded.refusals();
    let before = *refusals.borrow();
    let again = refusals.wait_for(|now| *now >= before + 2);
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap().unwrap();
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
    let answering = leaving(&deployment).await;
    let new = NewEndpoint { name: "two".to_owned(), config: "large-embed".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    memory_is_waited_for(models).await;
    assert_eq!(models.endpoint(ctx, "two").await.unwrap().body.status, EndpointStatus::Creating);
    drop(answering);
    let endpoint = settled(models, ctx, "two").await;
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
    let _answering = leaving(&deployment).await;
    let new = NewEndpoint { name: "two".to_owned(), config: "large-embed".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    memory_is_waited_for(models).await;
    models.delete_endpoint(ctx, "two").await.unwrap();
    assert_eq!(models.endpoint(ctx, "two").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_waits_for_memory_until_the_endpoint_is_removed() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    create(&deployment, "two", "small-embed").await;
    let _answering = leaving(&deployment).await;
    models.update_endpoint(ctx, "two", to("large-embed")).await.unwrap();
    memory_is_waited_for(models).await;
    let body = models.endpoint(ctx, "two").await.unwrap().body;
    assert_eq!((body.status, body.failure), (EndpointStatus::Updating, None));
    // As AWS has it.
    let error = models.update_endpoint(ctx, "two", to("small-embed")).await.unwrap_err();
    assert!(error.kind == ErrorKind::Conflict && error.message.contains("in-progress"), "{error}");
    models.delete_endpoint(ctx, "two").await.unwrap();
    assert_eq!(models.endpoint(ctx, "two").await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(models.status(ctx).loaded.is_empty(), "nothing of it is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_waits_for_the_endpoints_own_requests_until_it_is_removed() {
    let deployment = full().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let arn = models.endpoint(ctx, "one").await.unwrap().arn.to_string();
    let (_answering, _) = models.inner.endpoints.variant(&arn, "All").lease().unwrap();
    models.update_endpoint(ctx, "one", to("large-embed")).await.unwrap();
    memory_is_waited_for(models).await;
    assert_eq!(models.endpoint(ctx, "one").await.unwrap().body.status, EndpointStatus::Updating);
    models.delete_endpoint(ctx, "one").await.unwrap();
    assert_eq!(models.endpoint(ctx, "one").await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(models.status(ctx).loaded.is_empty(), "nothing of it is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_by_load_waits_for_memory_until_the_endpoint_is_changed() {
    let deployment = full().await;
    let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
    models.delete_endpoint(ctx, "one").await.unwrap();
    create(&deployment, "two", "large-embed").await;
    let none = VariantWish { variant: "All".to_owned(), instances: Some(0), ..VariantWish::default() };
    models.scale_endpoint(ctx, "two", &[none]).await.unwrap();
    let idle = settled(models, ctx, "two").await;
    assert_eq!(create(&deployment, "one", "big-embed").await.body.status, EndpointStatus::InService);
    let _answering = leaving(&deployment).await;
    let scaling = async {
        loop {
            match models.rescale(&scope, (&idle, "All"), 1).await {
                // Somebody is about the endpoint still.
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    };
    let changing = async {
        memory_is_waited_for(models).await;
        models.update_endpoint(ctx, "two", to("small-embed")).await.unwrap();
    };
    let (error, ()) = tokio::join!(scaling, changing);
    assert!(error.kind == ErrorKind::Conflict && error.message.contains("is to be changed"), "{error}");
    let endpoint = settled(models, ctx, "two").await;
    let body = &endpoint.body;
    assert_eq!((body.status, body.failure.as_ref()), (EndpointStatus::InService, None));
    assert_eq!((body.config.as_str(), instances(models, &endpoint)), ("small-embed", vec![1]));
}
