//! What endpoints do when something is otherwise than their rows say.

use std::sync::Arc;
use std::time::Duration;

use base::{ErrorKind, Result};
use identity::Ctx;

use super::running::Looks;
use super::store::{self, Kept, Scope};
use super::tests::{
    HUB, ask, ask_endpoint, chat_endpoint, configure, container, host, instances, market, request, role, settled, to,
    variant,
};
use super::*;
use crate::testing::{Deployment, TestLoader};
use crate::{ChatRequest, Models, NewHostedModel, Tags};

const SMALL: &str = "smollm2-135m-instruct";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One look at all endpoints, and the end of what it set off for one of them.
async fn look(models: &Models, ctx: &Ctx, (looks, now): (&mut Looks, Duration), name: &str) {
    models.look_after_endpoints(looks, now).await.unwrap();
    models.set_off(Scope::of(ctx), name.to_owned()).await.unwrap();
}

/// Changes the row of an endpoint as another server would.
async fn elsewhere(models: &Models, ctx: &Ctx, name: &str, change: impl Fn(&mut Endpoint) + Send + Sync) {
    let changed = models.settle(&Scope::of(ctx), (name, EndpointStatus::InService), change).await.unwrap();
    assert!(changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_changed_is_noticed() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let mut looks = Looks::default();

    elsewhere(models, ctx, "chat", |body| body.variants[0].spec.instances = 2).await;
    look(models, ctx, (&mut looks, at(1)), "chat").await;
    assert_eq!(instances(models, &models.endpoint(ctx, "chat").await.unwrap()), [2]);

    deployment.add_model("other");
    elsewhere(models, ctx, "chat", |body| {
        let variant = &mut body.variants[0];
        variant.spec.name = "Renamed".to_owned();
        variant.source = Source::Local("other".to_owned());
        variant.served = Some(ServedModel { name: "other".to_owned(), ..variant.served.clone().unwrap() });
    })
    .await;
    look(models, ctx, (&mut looks, at(60)), "chat").await;
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "other");
    assert_eq!(models.status(ctx).loaded.len(), 1, "what the row does not name any more left the memory");

    let which = [(HostingKind::Endpoint, "chat")];
    assert!(store::remove(&models.inner.store, &Scope::of(ctx), &which).await.unwrap());
    look(models, ctx, (&mut looks, at(120)), "chat").await;
    assert!(models.status(ctx).loaded.is_empty());
    all_are_forgotten(models).await;
    assert_eq!(models.endpoint_metrics().matches("chat").count(), 0);
}

/// Whoever is the last to leave the gate forgets an endpoint: tasks that were set off before may be on their way to it.
async fn all_are_forgotten(models: &Models) {
    let forgotten = async {
        while !models.inner.endpoints.arns().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(at(60), forgotten).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_variant_was_renamed_is_answered_by_what_is_there_now() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let early = models.resolve_endpoint(ctx, "chat", None).await.unwrap();
    let named = models.resolve_endpoint(ctx, "chat", Some("All")).await.unwrap();
    deployment.add_model("other");
    host(models, ctx, "other").await;
    configure(models, ctx, "two", vec![variant("New", "other", 1)]).await;
    models.update_endpoint(ctx, "chat", to("two")).await.unwrap();
    settled(models, ctx, "chat").await;

    let answer = ask(models, ctx, early).await.unwrap();
    assert_eq!(answer.served_by.name, "other", "and it says who answered");
    let error = ask(models, ctx, named).await.unwrap_err();
    assert_eq!(error.message, "Variant All of endpoint chat not found.");
    // Nothing of the old variant came back.
    assert_eq!(models.status(ctx).loaded.len(), 1);
    let names: Vec<String> =
        models.endpoint_figures(ctx, "chat").await.unwrap().variants.into_iter().map(|v| v.name).collect();
    assert_eq!(names, ["New"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_while_an_update_loads_and_bring_back_nothing_old() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let none = VariantWish { variant: "All".to_owned(), instances: Some(0), ..VariantWish::default() };
    models.scale_endpoint(ctx, "chat", &[none]).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    let live = models.inner.endpoints.variant(&endpoint.arn.to_string(), "All");
    // Whoever changes the endpoint holds its variants.
    let held = live.hold().await;
    let (asking, asker) = (models.clone(), ctx.clone());
    let waiting = tokio::spawn(async move { ask_endpoint(&asking, &asker, "chat").await });
    while live.state().waiting == 0 {
        tokio::task::yield_now().await;
    }
    assert!(live.key().is_none() && !waiting.is_finished());
    drop(held);
    waiting.await.unwrap().unwrap();
    assert_eq!(live.replicas(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_failed_comes_into_service_when_its_model_is_there() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    host(models, ctx, SMALL).await;
    configure(models, ctx, "one", vec![variant("All", SMALL, 1)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    assert_eq!(settled(models, ctx, "chat").await.body.status, EndpointStatus::Failed);
    assert_eq!(models.endpoint_figures(ctx, "chat").await.unwrap().lacks.as_deref(), Some(SMALL));
    let mut looks = Looks::default();
    look(models, ctx, (&mut looks, at(1)), "chat").await;
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Failed);
    deployment.add_model(SMALL);
    look(models, ctx, (&mut looks, at(2)), "chat").await;
    assert_eq!(
        models.endpoint(ctx, "chat").await.unwrap().body.status,
        EndpointStatus::Failed,
        "it is not tried each second"
    );
    look(models, ctx, (&mut looks, at(60)), "chat").await;
    let endpoint = models.endpoint(ctx, "chat").await.unwrap();
    assert_eq!((endpoint.body.status, endpoint.body.failure.clone()), (EndpointStatus::InService, None));
    ask_endpoint(models, ctx, "chat").await.unwrap();
    assert_eq!(models.endpoint_figures(ctx, "chat").await.unwrap().lacks, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_service_whose_model_is_gone_fails_and_recovers() {
    let deployment = Deployment::start().await;
    chat_endpoint(&deployment, 1).await;
    let deployment = deployment.restart().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    assert!(models.inner.library.remove("chatty").await.unwrap());
    models.resume_endpoints().await.unwrap();
    settled(models, ctx, "chat").await;
    let endpoint = models.endpoint(ctx, "chat").await.unwrap();
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    assert!(endpoint.body.failure.unwrap().contains("not pulled"));
    deployment.add_model("chatty");
    look(models, ctx, (&mut Looks::default(), at(1)), "chat").await;
    ask_endpoint(models, ctx, "chat").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_model_whose_file_changed_fails_by_its_name_and_recovers_when_it_is_pulled_again() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    let manifest = models.inner.library.manifest("chatty").await.unwrap().unwrap();
    let file = format!("sha256-{}", manifest.files[0].sha256);
    std::fs::write(deployment.dir.path().join("models/blobs").join(&file), b"cha").unwrap();
    host(models, ctx, "chatty").await;
    configure(models, ctx, "one", vec![variant("All", "chatty", 1)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    let reason = endpoint.body.failure.unwrap();
    assert!(reason.contains(&file) && reason.contains("it has 3 of 6 bytes"), "{reason}");
    assert!(ask_endpoint(models, ctx, "chat").await.unwrap_err().hint.unwrap().contains(&file));
    let mut looks = Looks::default();
    look(models, ctx, (&mut looks, at(1)), "chat").await;
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Failed, "it is cut off still");
    deployment.add_model("chatty");
    look(models, ctx, (&mut looks, at(60)), "chat").await;
    let endpoint = models.endpoint(ctx, "chat").await.unwrap();
    assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::InService, None));
    ask_endpoint(models, ctx, "chat").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_replicas_than_a_machine_has_are_a_failure_that_tells_how_many_there_may_be() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let endpoint = chat_endpoint(&deployment, 65).await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    let reason = endpoint.body.failure.unwrap();
    assert!(reason.contains("65 replicas") && reason.contains("at most 64 replicas"), "{reason}");
    assert!(models.status(ctx).loaded.is_empty());
    // Looking at it again does not try what cannot be.
    look(models, ctx, (&mut Looks::default(), at(60)), "chat").await;
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_gives_way_to_the_model_that_was_named_when_that_is_pulled() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let location = {
        let model = models.hub_model_by_id(HUB).unwrap();
        format!("s3://jumpstart-cache-prod-us-east-1/{}", model.prepacked_artifact_key())
    };
    let asked = Container { location: Some(location), ..Container::default() };
    let new = NewHostedModel { name: "m".to_owned(), container: asked, ..NewHostedModel::default() };
    models.create_hosted_model(ctx, new).await.unwrap();
    configure(models, ctx, "one", vec![variant("All", "m", 1)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, "chat").await;
    assert!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.substituted);
    let own = models.hub_model_by_id(HUB).unwrap().entry;
    deployment.add_model(&own);
    look(models, ctx, (&mut Looks::default(), at(1)), "chat").await;
    let answer = ask_endpoint(models, ctx, "chat").await.unwrap();
    assert_eq!((answer.served_by.name, answer.served_by.substituted), (own, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_an_endpoint_hosts_is_not_removed() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let error = models.remove(ctx, "chatty").await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Conflict, "The model `chatty` is hosted by the endpoint `chat`.")
    );
    let other = deployment.context("999999999999", "us-east-1").await;
    let error = models.remove(&other, "chatty").await.unwrap_err();
    assert!(error.kind == ErrorKind::Conflict && !error.public_text().contains("`chat`"), "{error}");
    models.delete_endpoint(ctx, "chat").await.unwrap();
    models.remove(ctx, "chatty").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_leave_with_the_account_that_is_closed() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let other = deployment.context("999999999999", "us-east-1").await;
    models.remove_endpoints_of(other.account()).await.unwrap();
    ask_endpoint(models, ctx, "chat").await.unwrap();
    models.remove_endpoints_of(ctx.account()).await.unwrap();
    models.set_off(Scope::of(ctx), "chat".to_owned()).await.unwrap();
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(models.status(ctx).loaded.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_counts_until_its_last_request_has_ended() {
    let loader = Arc::new(TestLoader::default());
    loader.sizes.lock().unwrap().extend([("one-embed".to_owned(), 3 << 30), ("two-embed".to_owned(), 3 << 30)]);
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader, store, dir, |_| {}).await;
    let models = &deployment.models;
    deployment.add_model("one-embed");
    deployment.add_model("two-embed");
    let used = models.lease("one-embed").await.unwrap();
    models.inner.loaded.forget("one-embed").await;
    assert_eq!(models.status(&deployment.ctx).used_bytes, 3 << 30);
    let error = models.lease("two-embed").await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Throttled);
    drop(used);
    assert_eq!(models.status(&deployment.ctx).used_bytes, 0);
    models.lease("two-embed").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_does_is_compared_with_what_was_predicted() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let endpoint = chat_endpoint(&deployment, 1).await;
    let long = ChatRequest { max_tokens: Some(64), ..request(&"word ".repeat(100)) };
    let resolved = models.resolve_endpoint(ctx, "chat", None).await.unwrap();
    models.chat_with(ctx, resolved, long).await.unwrap().collect().await.unwrap();
    let key = models.inner.endpoints.variant(&endpoint.arn.to_string(), "All").key().unwrap();
    let of_endpoint = models.inner.loaded.pace_of(&key).unwrap();
    assert!(of_endpoint.prefill.is_some() || of_endpoint.decode.is_some(), "the deployment's own lease is no request");
    assert_eq!(models.inner.loaded.pace("chatty"), Some(of_endpoint));
    let fits = models.endpoint_fits(ctx, "chat").await.unwrap();
    assert_eq!(
        fits.iter().map(|(name, fit)| (name.as_str(), fit.name.as_str())).collect::<Vec<_>>(),
        [("All", "chatty")]
    );
    assert!(fits[0].1.measured.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_variant_are_kept_to() {
    let loader = Arc::new(TestLoader::default());
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader, store, dir, |_| {}).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    configure(models, ctx, "one", vec![VariantSpec { volume_gb: Some(0), ..variant("All", "chatty", 1) }]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert!(endpoint.body.failure.unwrap().contains("`VolumeSizeInGB` is 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_takes_too_long_leaves_what_answered() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    deployment.add_model("other");
    host(models, ctx, "other").await;
    configure(models, ctx, "two", vec![variant("All", "other", 1)]).await;
    let rollout = Rollout { most_seconds: Some(0), ..Rollout::default() };
    models.update_endpoint(ctx, "chat", EndpointChange { rollout: Some(rollout), ..to("two") }).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert!(endpoint.body.failure.unwrap().contains("longer than 0 s"));
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "chatty");
    let rollout = Rollout { termination_wait_seconds: 3600, ..Rollout::default() };
    models.update_endpoint(ctx, "chat", EndpointChange { rollout: Some(rollout.clone()), ..to("two") }).await.unwrap();
    assert_eq!(settled(models, ctx, "chat").await.body.rollout, Some(rollout));
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "other");
    assert_eq!(models.status(ctx).loaded.len(), 2, "what answered before waits to be ended");
    models.delete_endpoint(ctx, "chat").await.unwrap();
    models.set_off(Scope::of(ctx), "chat".to_owned()).await.unwrap();
    let status = models.status(ctx);
    assert!(status.loaded.is_empty() && status.used_bytes == 0, "it waits no longer than the endpoint is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_in_the_marketplace_is_all_or_nothing_and_looks_at_the_registration_again() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let role = role(&deployment).await;
    let made = models.create_market_endpoint(ctx, market("mkt", role.clone())).await.unwrap();
    settled(models, ctx, "mkt").await;
    let tags = models.hosting_tags(ctx, &made.arn.to_string()).await.unwrap();
    assert!(tags.contains(&("sagemaker-sdk:bedrock".to_owned(), "compatible".to_owned())), "{tags:?}");
    let wish = MarketWish { instances: 2, ..market("mkt", role).wish };
    models.update_market_endpoint(ctx, &made.arn.to_string(), wish).await.unwrap();
    settled(models, ctx, "mkt").await;
    let config = models.endpoint_config(ctx, "mkt").await.unwrap();
    assert_eq!(config.body.variants[0].instances, 2);
    assert_eq!(config.body.described["ProductionVariants"][0]["InitialInstanceCount"], 2);
    // Its owner has it host another model.
    host(models, ctx, SMALL).await;
    configure(models, ctx, "own", vec![variant("AllTraffic", SMALL, 1)]).await;
    models.update_endpoint(ctx, "mkt", to("own")).await.unwrap();
    let endpoint = settled(models, ctx, "mkt").await;
    assert!(endpoint.body.market.unwrap().incompatible.unwrap().contains("AllTraffic"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_token_is_one_requests_whatever_it_names() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let role = role(&deployment).await;
    let token = |name: &str| NewMarketEndpoint { request_token: Some("t".to_owned()), ..market(name, role.clone()) };
    models.create_market_endpoint(ctx, token("mkt")).await.unwrap();
    let error = models.create_market_endpoint(ctx, token("another")).await.unwrap_err();
    assert!(error.kind == ErrorKind::AlreadyExists && error.message.contains("token `t`"), "{error}");
    assert_eq!(models.endpoint(ctx, "another").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_several_times_at_once_makes_one_endpoint() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let asked = market("mkt", role(&deployment).await);
    let asked = NewMarketEndpoint { request_token: Some("t".to_owned()), ..asked };
    let same = || models.create_market_endpoint(ctx, asked.clone());
    let arns = futures::future::join_all([same(), same(), same(), same()]).await;
    let arns: Vec<String> = arns.into_iter().map(|made| made.unwrap().arn.to_string()).collect();
    assert!(arns.iter().all(|arn| *arn == arns[0]), "{arns:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_there_already_the_right_one_is_named() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let role = role(&deployment).await;
    let new = NewHostedModel { name: "mkt".to_owned(), container: container(SMALL), ..NewHostedModel::default() };
    models.create_hosted_model(ctx, new).await.unwrap();
    let error = models.create_market_endpoint(ctx, market("mkt", role.clone())).await.unwrap_err();
    assert!(error.message.starts_with("Cannot create already existing model \""), "{error}");
    models.create_market_endpoint(ctx, market("whole", role.clone())).await.unwrap();
    let error = models.create_market_endpoint(ctx, market("whole", role)).await.unwrap_err();
    assert!(error.message.starts_with("Cannot create already existing endpoint \""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_the_marketplace_are_found_by_every_name_of_their_model() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model(SMALL);
    let role = role(&deployment).await;
    models.create_market_endpoint(ctx, market("mkt", role)).await.unwrap();
    let page = base::PageRequest { limit: 10, after: None };
    let versioned = market("x", String::new()).source;
    let unversioned = versioned.trim_end_matches("/1.0.0");
    for (source, count) in [(HUB, 1), (versioned.as_str(), 1), (unversioned, 1), (SMALL, 0), ("nobody", 0)] {
        let found = models.market_endpoints(ctx, Some(source), &page).await.unwrap();
        assert_eq!(found.items.len(), count, "{source}");
    }
}

#[tokio::test]
async fn tags_that_nothing_may_have_are_refused_of_endpoints_too() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    configure(models, ctx, "one", vec![variant("All", "chatty", 1)]).await;
    let tagged = async |tags: Tags| -> Result<Hosted<Endpoint>> {
        let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), tags, ..NewEndpoint::default() };
        models.create_endpoint(ctx, new).await
    };
    let twice = vec![("k".to_owned(), "1".to_owned()), ("k".to_owned(), "2".to_owned())];
    assert_eq!(tagged(twice).await.unwrap_err().kind, ErrorKind::Invalid);
    let many = (0..51).map(|at| (format!("k{at}"), "v".to_owned())).collect();
    assert_eq!(tagged(many).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn somebodys_repository_of_the_same_name_is_another_model() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let named = async |repository: &str| {
        let environment = [("HF_MODEL_ID".to_owned(), repository.to_owned())].into();
        let container = Container { environment, ..Container::default() };
        let new = NewHostedModel { name: repository.replace('/', "-"), container, ..NewHostedModel::default() };
        models.create_hosted_model(ctx, new).await.map(|model| model.body.source)
    };
    let own = named("HuggingFaceTB/SmolLM2-135M-Instruct").await.unwrap();
    assert_eq!(own, Source::Local(SMALL.to_owned()));
    let error = named("somebody/SmolLM2-135M-Instruct").await.unwrap_err();
    assert!(error.message.contains("`somebody/SmolLM2-135M-Instruct`"), "{error}");
    let image = Some("1.dkr.ecr.us-east-1.amazonaws.com/my-steiner:1".to_owned());
    let new = NewHostedModel {
        name: "m".to_owned(),
        container: Container { image, ..container(SMALL) },
        ..NewHostedModel::default()
    };
    assert_eq!(models.create_hosted_model(ctx, new).await.unwrap_err().kind, ErrorKind::NotImplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_cannot_tell_is_no_reason_to_forget_who_changes_an_endpoint() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let endpoint = chat_endpoint(&deployment, 1).await;
    let gate = models.inner.endpoints.gate(&endpoint.arn.to_string());
    models.delete_endpoint(ctx, "chat").await.unwrap();
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    assert!(Arc::ptr_eq(&gate, &models.inner.endpoints.gate(&endpoint.arn.to_string())));
    drop(gate);
    settled(models, ctx, "chat").await;
    let leaves = |kept: Kept| Ok(Some(Kept { status: Some(EndpointStatus::Deleting), ..kept }));
    store::change(&models.inner.store, &Scope::of(ctx), (HostingKind::Endpoint, "chat"), leaves).await.unwrap();
    models.set_off(Scope::of(ctx), "chat".to_owned()).await.unwrap();
    all_are_forgotten(models).await;
}
