//! What endpoints do while the weights that they shall have are not here, and what is left of those that nobody hosts.

use base::{ErrorKind, PageRequest};
use checkpoint::Quantization;
use identity::Ctx;

use super::lifecycle::blank;
use super::store::{self, Scope};
use super::tests::{ask_endpoint, chat_endpoint, configure, host, instances, role, settled, to, variant};
use super::*;
use crate::testing::Deployment;
use crate::{ImportFilter, ImportJob, ImportStatus, Models, NewImport, Tags};

const URI: &str = "s3://checkpoints/model/";

/// Hosts weights of a bucket that are being imported as long as nobody does the work.
async fn host_bucket(models: &Models, ctx: &Ctx, name: &str, role_arn: &str) {
    let container = Container { location: Some(URI.to_owned()), ..Container::default() };
    let role_arn = Some(role_arn.to_owned());
    let new = NewHostedModel { name: name.to_owned(), container, role_arn, ..NewHostedModel::default() };
    models.create_hosted_model(ctx, new).await.unwrap();
    configure(models, ctx, name, vec![variant("All", name, 1)]).await;
}

async fn imports(models: &Models, ctx: &Ctx) -> Vec<ImportJob> {
    let (page, filter) =
        (PageRequest { limit: 10, after: None }, ImportFilter { ascending: true, ..ImportFilter::default() });
    models.import_jobs(ctx, &filter, &page).await.unwrap().items
}

/// When nobody is about an endpoint any more, it is gone.
async fn is_gone(models: &Models, ctx: &Ctx, name: &str) {
    models.set_off(Scope::of(ctx), name.to_owned()).await.unwrap();
    assert_eq!(models.endpoint(ctx, name).await.unwrap_err().kind, ErrorKind::NotFound);
}

fn scaled(least: u32) -> VariantSpec {
    let scaling = Scaling { least, most: 2, step: None, cooldown_seconds: None };
    VariantSpec { scaling: Some(scaling), ..variant("All", "chatty", 2) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_its_load_is_there_after_a_restart_unless_there_may_be_none() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    for (name, least) in [("some", 1), ("none", 0)] {
        configure(models, ctx, name, vec![scaled(least)]).await;
        let new = NewEndpoint { name: name.to_owned(), config: name.to_owned(), ..NewEndpoint::default() };
        models.create_endpoint(ctx, new).await.unwrap();
        settled(models, ctx, name).await;
    }
    let deployment = deployment.restart().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    models.resume_endpoints().await.unwrap();
    for (name, expected) in [("some", 2), ("none", 0)] {
        let endpoint = settled(models, ctx, name).await;
        assert_eq!(instances(models, &endpoint), [expected], "{name}");
    }
    ask_endpoint(models, ctx, "none").await.unwrap();
    assert_eq!(instances(models, &models.endpoint(ctx, "none").await.unwrap()), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_an_update_waits_for_weights() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    host_bucket(models, ctx, "own", &role(&deployment).await).await;
    models.update_endpoint(ctx, "chat", to("own")).await.unwrap();

    let deployment = deployment.restart().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    models.resume_endpoints().await.unwrap();
    let arn = models.endpoint(ctx, "chat").await.unwrap().arn.to_string();
    // What answered before is brought back, and given free.
    let live = models.inner.endpoints.variant(&arn, "All");
    while live.key().is_none() || live.try_hold().is_none() {
        tokio::task::yield_now().await;
    }
    models.retire(live.replace(None)).await;
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "chatty");
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Updating);

    models.delete_endpoint(ctx, "chat").await.unwrap();
    is_gone(models, ctx, "chat").await;
    assert!(models.status(ctx).loaded.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_waits_for_weights_is_removed_and_with_the_model_the_import_ends() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    host_bucket(models, ctx, "own", &role(&deployment).await).await;
    let new = NewEndpoint { name: "own".to_owned(), config: "own".to_owned(), ..NewEndpoint::default() };
    let made = models.create_endpoint(ctx, new).await.unwrap();
    assert!(!models.could_load(ctx, &made.body.variants[0]).await.unwrap());
    models.delete_hosted_model(ctx, "own").await.unwrap();
    assert_eq!(imports(models, ctx).await[0].status, ImportStatus::InProgress, "the endpoint is to host it");
    models.delete_endpoint(ctx, "own").await.unwrap();
    is_gone(models, ctx, "own").await;
    let job = imports(models, ctx).await.remove(0);
    assert_eq!((job.status, job.failure.as_deref()), (ImportStatus::Failed, Some("The import was cancelled.")));
    let work = deployment.jobs.get(ctx.account(), &job.work.unwrap()).await.unwrap();
    assert_eq!(work.state, jobs::State::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_that_nothing_names_end_with_the_next_start() {
    ::store::testing::each_backend(async |store: ::store::Store| {
        let deployment = Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await;
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let role_arn = role(&deployment).await;
        host_bucket(models, ctx, "named", &role_arn).await;
        let import = async |name: &str, service: &str| {
            let new = NewImport {
                job_name: name.to_owned(),
                model_name: name.to_owned(),
                role_arn: role_arn.clone(),
                source_uri: URI.to_owned(),
                kms_key: None,
                quantization: Quantization::F16,
                bound: None,
                tags: Tags::new(),
                model_tags: Tags::new(),
                request_token: None,
            };
            models.import_for(ctx, new, service).await.unwrap();
        };
        import("hosted-left", SERVICE).await;
        import("hosted-by-name-alone", "bedrock.amazonaws.com").await;
        let ended = async || -> Vec<String> {
            let jobs = imports(models, ctx).await;
            jobs.into_iter().filter(|job| job.status == ImportStatus::Failed).map(|job| job.name).collect()
        };
        models.sweep_hosted(ctx.now()).await.unwrap();
        assert_eq!(ended().await, Vec::<String>::new(), "a request may name it still");
        models.sweep_hosted(ctx.now().plus_seconds(3601)).await.unwrap();
        assert_eq!(ended().await, ["hosted-left"]);
    })
    .await;
}

#[tokio::test]
async fn rows_of_an_older_version_are_read() {
    let deployment = Deployment::start().await;
    let (models, scope) = (&deployment.models, Scope::of(&deployment.ctx));
    let spec = variant("All", "chatty", 1);
    let answers = EndpointVariant { spec, source: Source::Local("chatty".to_owned()), served: None };
    let new = Endpoint {
        pending: Some(Pending {
            config: "two".to_owned(),
            variants: vec![answers.clone()],
            rollout: None,
            market: None,
            asynchronous: None,
        }),
        ..blank("one".to_owned(), vec![answers])
    };
    let (tags, status, now) = (Tags::new(), Some(EndpointStatus::InService), deployment.ctx.now());
    let (kind, mut row) = resource::row("old", &new, (tags, status, now)).unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
    let mut without = |at: &str, names: &[&str]| {
        let found = body.pointer_mut(at).unwrap().as_object_mut().unwrap();
        names.iter().for_each(|name| assert!(found.remove(*name).is_some(), "{at} {name}"));
    };
    without("", &["recovers", "rollout", "asynchronous"]);
    without("/pending", &["rollout", "market", "asynchronous"]);
    without("/variants/0/spec", &["download_seconds", "volume_gb"]);
    row.body = body.to_string();
    store::insert(&models.inner.store, &scope, &[(kind, row)], None).await.unwrap();
    let read = models.endpoint(&deployment.ctx, "old").await.unwrap();
    let generation = read.body.generation;
    assert_eq!(read.body, Endpoint { status: EndpointStatus::InService, generation, ..new });
}
