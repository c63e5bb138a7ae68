//! Several servers on one database, and callers that leave.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Error, ErrorKind, PageRequest};

use super::store::{self, Kept, Scope};
use super::tests::{chat_endpoint, configure, host, instances, market, on_each_backend, role, settled, to, variant};
use super::*;
use crate::testing::{Deployment, TestLoader};
use crate::{ImportFilter, ImportStatus};

/// Two servers on one database, each with the models `chatty` and `other`, and the endpoint `chat` of the first model.
async fn two_servers(test: impl AsyncFn(Deployment, Deployment)) {
    on_each_backend(async |first: Deployment| {
        let second = first.beside().await;
        // On a database of its own a server is alone, unless it is told otherwise.
        first.models.inner.endpoints.join_others("first");
        second.models.inner.endpoints.join_others("second");
        chat_endpoint(&first, 1).await;
        for server in [&first, &second] {
            server.add_model("chatty");
        }
        first.add_model("other");
        host(&first.models, &first.ctx, "other").await;
        configure(&first.models, &first.ctx, "two", vec![variant("All", "other", 1)]).await;
        test(first, second).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_settled_by_the_server_that_is_about_it() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, ctx, scope) = (&first.models, &first.ctx, Scope::of(&first.ctx));
        let arn = models.endpoint(ctx, "chat").await.unwrap().arn.to_string();
        let held = models.inner.endpoints.variant(&arn, "All").hold().await;
        models.update_endpoint(ctx, "chat", to("two")).await.unwrap();
        assert!(models.takes_on(&scope, "chat").await.unwrap());
        // The second server could not load the model: it is not there.
        second.models.set_off(scope.clone(), "chat".to_owned()).await.unwrap();
        second.models.resume_endpoints().await.unwrap();
        let endpoint = models.endpoint(ctx, "chat").await.unwrap();
        assert_eq!((endpoint.body.status, endpoint.body.failure), (EndpointStatus::Updating, None));
        drop(held);
        let endpoint = settled(models, ctx, "chat").await;
        assert_eq!((endpoint.body.status, endpoint.body.failure.clone()), (EndpointStatus::InService, None));
        assert_eq!(endpoint.body.config, "two");
        assert_eq!(instances(models, &endpoint), [1]);
        // What comes next is whoever's who is first.
        second.add_model("other");
        second.models.delete_endpoint(&second.ctx, "chat").await.unwrap();
        assert_eq!(models.endpoint(ctx, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_whose_server_is_not_heard_of_is_gone_on_with_by_another() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, ctx, scope) = (&first.models, &first.ctx, Scope::of(&first.ctx));
        let endpoint = models.endpoint(ctx, "chat").await.unwrap();
        let wish = VariantWish { variant: "All".to_owned(), instances: Some(2), ..VariantWish::default() };
        let arn = endpoint.arn.to_string();
        // The first server begins, and hangs.
        let _held = models.inner.endpoints.variant(&arn, "All").hold().await;
        models.scale_endpoint(ctx, "chat", &[wish]).await.unwrap();
        assert!(models.takes_on(&scope, "chat").await.unwrap());
        second.models.set_off(scope.clone(), "chat".to_owned()).await.unwrap();
        assert_eq!(models.endpoint(ctx, "chat").await.unwrap().body.status, EndpointStatus::Updating);
        second.clock.advance(16_000);
        let endpoint = settled(&second.models, &second.ctx, "chat").await;
        assert_eq!(endpoint.body.status, EndpointStatus::InService);
        assert_eq!(instances(&second.models, &endpoint), [2]);
        let failed = |body: &mut Endpoint| body.failure = Some("late".to_owned());
        assert!(!models.settle(&scope, ("chat", EndpointStatus::Updating), failed).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_taken_over_from_settles_nothing_and_removes_nothing() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, scope) = (&first.models, Scope::of(&first.ctx));
        let leaves = |kept: Kept| Ok(Some(Kept { status: Some(EndpointStatus::Deleting), ..kept }));
        store::change(&models.inner.store, &scope, (HostingKind::Endpoint, "chat"), leaves).await.unwrap();
        assert!(models.takes_on(&scope, "chat").await.unwrap());
        assert!(!second.models.takes_on(&scope, "chat").await.unwrap());
        second.clock.advance(16_000);
        assert!(second.models.takes_on(&scope, "chat").await.unwrap());
        assert!(!models.takes_on(&scope, "chat").await.unwrap());
        let fails = |body: &mut Endpoint| body.failure = Some("late".to_owned());
        assert!(!models.settle(&scope, ("chat", EndpointStatus::Deleting), fails).await.unwrap());
        let remove = async |server: &Deployment| {
            let driver = server.models.inner.endpoints.server();
            store::remove_endpoint(&models.inner.store, &scope, ("chat", driver), &[]).await.unwrap()
        };
        assert!(!remove(&first).await);
        assert!(remove(&second).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cleared_away_after_an_end_was_settled_is_not_cut_off_by_the_lease() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, ctx, scope) = (&first.models, &first.ctx, Scope::of(&first.ctx));
        let server = models.inner.endpoints.server().unwrap().to_owned();
        let begins = async || {
            let begins = |kept: Kept| Ok(Some(Kept { status: Some(EndpointStatus::Updating), ..kept }));
            store::change(&models.inner.store, &scope, (HostingKind::Endpoint, "chat"), begins).await.unwrap();
            assert!(models.takes_on(&scope, "chat").await.unwrap());
        };
        // Many looks at the database, while the lease is renewed at every moment.
        let clears = async |name: &str| {
            let looks = async {
                for _ in 0..100 {
                    models.endpoint(ctx, "chat").await.unwrap();
                }
            };
            tokio::select! {
                () = models.until_taken_over(&scope, (name, &server), Duration::ZERO) => false,
                () = looks => true,
            }
        };
        begins().await;
        assert!(clears("chat").await, "it goes on with it");
        let settled = |body: &mut Endpoint| body.status = EndpointStatus::InService;
        assert!(models.settle(&scope, ("chat", EndpointStatus::Updating), settled).await.unwrap());
        assert!(clears("chat").await, "nobody else does");
        assert!(clears("removed").await, "nobody else removed it");
        begins().await;
        second.clock.advance(16_000);
        assert!(second.models.takes_on(&scope, "chat").await.unwrap());
        let ends = models.until_taken_over(&scope, ("chat", &server), Duration::ZERO);
        tokio::time::timeout(Duration::from_secs(60), ends).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_another_server_changed_is_not_scaled_as_it_was_before() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, ctx, scope) = (&first.models, &first.ctx, Scope::of(&first.ctx));
        let before = models.endpoint(ctx, "chat").await.unwrap();
        second.add_model("other");
        second.models.update_endpoint(&second.ctx, "chat", to("two")).await.unwrap();
        let body = settled(&second.models, &second.ctx, "chat").await.body;
        assert_eq!((body.status, body.config.as_str()), (EndpointStatus::InService, "two"));
        // Scaling that waited meanwhile, and then ends.
        models.rescale(&scope, (&before, "All"), 3).await.unwrap();
        models.note_instances(&scope, (&before, "All"), 3).await.unwrap();
        let endpoint = models.endpoint(ctx, "chat").await.unwrap();
        assert_eq!((instances(models, &endpoint), endpoint.body), (vec![1], body));
    })
    .await;
}

/// Has a server be about an endpoint of which its row says that it is to be changed: the endpoint as it is then.
async fn begins(server: &Deployment, scope: &Scope) -> Hosted<Endpoint> {
    let updating = |kept: Kept| Ok(Some(Kept { status: Some(EndpointStatus::Updating), ..kept }));
    let which = (HostingKind::Endpoint, "chat");
    store::change(&server.models.inner.store, scope, which, updating).await.unwrap();
    assert!(server.models.takes_on(scope, "chat").await.unwrap());
    server.models.endpoint(&server.ctx, "chat").await.unwrap()
}

/// Has a server go on with the endpoint of one that is not heard of.
async fn takes_over(server: &Deployment, scope: &Scope) {
    server.clock.advance(16_000);
    assert!(server.models.takes_on(scope, "chat").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_over_from_does_not_load_to_the_end() {
    let loader = Arc::new(TestLoader::default());
    let dir = tempfile::tempdir().unwrap();
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let first = Deployment::start_by(loader.clone(), store, dir, |_| {}).await;
    let second = first.beside().await;
    first.models.inner.endpoints.join_others("first");
    second.models.inner.endpoints.join_others("second");
    chat_endpoint(&first, 1).await;
    let (models, scope) = (&first.models, Scope::of(&first.ctx));
    let endpoint = begins(&first, &scope).await;
    let (arn, variant) = (endpoint.arn.to_string(), &endpoint.body.variants[0]);
    let keys = || models.inner.loaded.keys_of(&format!("{arn}/"));
    let (kept, loads) = (keys(), loader.loads.load(Ordering::SeqCst));

    let (ctx, served) = (models.hosting_ctx(&scope), variant.served.clone().unwrap());
    let (hold, stands) = (loader.hold("chatty"), (arn.as_str(), endpoint.body.generation));
    let loading = Box::pin(models.load_standing(&ctx, stands, (variant, &served), 1));
    let driving = models.while_renewing(&scope, "chat", loading, Duration::ZERO);
    let taking_over = async {
        hold.reached().await;
        takes_over(&second, &scope).await;
    };
    let (driven, ()) = tokio::join!(driving, taking_over);
    hold.open();
    let ended = async {
        while keys() != kept {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    assert_eq!(driven.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(loader.loads.load(Ordering::SeqCst), loads);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_took_over_and_settled_is_not_loaded_any_more() {
    two_servers(async |first: Deployment, second: Deployment| {
        let (models, scope) = (&first.models, Scope::of(&first.ctx));
        let endpoint = begins(&first, &scope).await;
        let (arn, variant) = (endpoint.arn.to_string(), &endpoint.body.variants[0]);
        let stands = (arn.as_str(), endpoint.body.generation);
        models.still_stands(stands).await.unwrap();
        takes_over(&second, &scope).await;
        let settles = |body: &mut Endpoint| body.status = EndpointStatus::InService;
        assert!(second.models.settle(&scope, ("chat", EndpointStatus::Updating), settles).await.unwrap());
        // The lease is nobody's by now. Nor does another update make the endpoint what it was.
        begins(&second, &scope).await;
        let ends = models.until_otherwise(stands, Duration::ZERO);
        let error = tokio::time::timeout(Duration::from_secs(60), ends).await.unwrap();
        assert_eq!(error.kind, ErrorKind::Conflict);

        let kept = models.inner.loaded.keys_of(&format!("{arn}/"));
        let (ctx, served) = (models.hosting_ctx(&scope), variant.served.clone().unwrap());
        let error = models.load_standing(&ctx, stands, (variant, &served), 2).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(models.inner.loaded.keys_of(&format!("{arn}/")), kept, "what was loaded left the memory");
    })
    .await;
}

#[tokio::test]
async fn a_server_alone_goes_on_with_what_it_finds() {
    let deployment = Deployment::start().await;
    assert!(deployment.models.takes_on(&Scope::of(&deployment.ctx), "anything").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_a_bucket_is_made_and_removed_to_the_end_though_its_caller_leaves() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let container = Container { location: Some("s3://checkpoints/model/".to_owned()), ..Container::default() };
    let role_arn = Some(role(&deployment).await);
    let new = NewHostedModel { name: "own".to_owned(), container, role_arn, ..NewHostedModel::default() };
    let impatient = tokio::time::timeout(Duration::ZERO, models.create_hosted_model(ctx, new)).await;
    assert!(impatient.is_err());
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        while models.hosted_model(ctx, "own").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    end.await.unwrap();
    let page = PageRequest { limit: 10, after: None };
    let jobs = async || models.import_jobs(ctx, &ImportFilter::default(), &page).await.unwrap().items;
    assert_eq!(jobs().await[0].status, ImportStatus::InProgress);
    let impatient = tokio::time::timeout(Duration::ZERO, models.delete_hosted_model(ctx, "own")).await;
    assert!(impatient.is_err());
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        while jobs().await[0].status == ImportStatus::InProgress {
            tokio::task::yield_now().await;
        }
    });
    end.await.unwrap();
    assert_eq!(models.hosted_model(ctx, "own").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_fails_an_endpoint_only_where_it_is_asked_for_still() {
    let deployment = Deployment::start().await;
    let (models, ctx, scope) = (&deployment.models, &deployment.ctx, Scope::of(&deployment.ctx));
    let before = chat_endpoint(&deployment, 1).await;
    deployment.add_model("other");
    host(models, ctx, "other").await;
    configure(models, ctx, "two", vec![variant("All", "other", 1)]).await;
    models.update_endpoint(ctx, "chat", to("two")).await.unwrap();
    let now = settled(models, ctx, "chat").await;
    let note = async |endpoint: &Hosted<Endpoint>| {
        let error = Error::new(ErrorKind::Damaged, "The file is cut off.");
        models.note_unloadable((&scope, endpoint), &endpoint.body.variants[0], error).await;
        models.endpoint(ctx, "chat").await.unwrap().body.status
    };
    assert_eq!(note(&before).await, EndpointStatus::InService);
    assert_eq!(note(&now).await, EndpointStatus::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_requests_with_one_token_and_several_names_one_makes_an_endpoint() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("smollm2-135m-instruct");
        let role = role(&deployment).await;
        let asked = |at: u32| NewMarketEndpoint {
            request_token: Some("t".to_owned()),
            ..market(&format!("mkt-{at}"), role.clone())
        };
        let made = (0..4).map(|at| models.create_market_endpoint(ctx, asked(at)));
        let made = futures::future::join_all(made).await;
        let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        for error in refused.into_iter().map(Result::unwrap_err) {
            assert!(error.kind == ErrorKind::AlreadyExists && error.message.contains("token `t`"), "{error}");
        }
        let page = PageRequest { limit: 10, after: None };
        assert_eq!(models.endpoints(ctx, &HostingFilter::default(), &page).await.unwrap().items.len(), 1);
    })
    .await;
}
