use std::time::Duration;

use base::ErrorKind;

use super::*;
use crate::testing::{Deployment, Reply, Server};
use crate::{Chat, ChatRequest, MemberKey, Message, NewMember, NewPool, Target};

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

fn new(name: &str, source: &str) -> NewProfile {
    NewProfile { name: name.to_owned(), copy_from: source.to_owned(), ..NewProfile::default() }
}

fn of_model() -> String {
    format!("arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}")
}

fn of_system(prefix: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{prefix}{HAIKU}")
}

fn targets(targets: &[(&str, &str)]) -> Routing {
    let target = |(region, target): &(&str, &str)| RouteTarget {
        region: (*region).to_owned(),
        target: (*target).to_owned(),
        weight: 1,
    };
    Routing { weighted: false, targets: targets.iter().map(target).collect() }
}

async fn on_each_backend(test: impl AsyncFn(Deployment)) {
    ::store::testing::each_backend(async |store: ::store::Store| {
        test(Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await).await;
    })
    .await;
}

async fn chat(deployment: &Deployment, model: &str) -> Result<Chat> {
    let messages = vec![Message::user("Hi")];
    let request = ChatRequest { model: model.to_owned(), messages, max_tokens: Some(4), ..ChatRequest::default() };
    deployment.models.chat(&deployment.ctx, request).await?.collect().await
}

#[tokio::test]
async fn an_application_profile_answers_by_its_arn_and_by_its_id_until_it_is_deleted() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let tags = vec![("team".to_owned(), "a".to_owned())];
        let asked = NewProfile { tags, description: Some("ours".to_owned()), ..new("mine", &of_model()) };
        let made = models.create_inference_profile(ctx, asked).await.unwrap();
        assert_eq!((made.id.len(), made.kind, &made.models), (12, ProfileKind::Application, &vec![of_model()]));
        for identifier in [&made.id, &made.arn] {
            assert_eq!(models.inference_profile(ctx, identifier).await.unwrap(), made);
            let resolved = models.resolve(ctx, identifier).await.unwrap();
            assert_eq!((resolved.aws_id.as_str(), resolved.serving_name.as_str()), (HAIKU, "smollm2-135m-instruct"));
            assert_eq!((resolved.provider, &resolved.requested), (crate::Provider::Anthropic, identifier));
            let used = resolved.profile.unwrap();
            assert_eq!((used.arn, used.tags), (made.arn.clone(), made.tags.clone()));
        }
        let other = deployment.context("999999999999", "us-east-1").await;
        assert_eq!(models.inference_profile(&other, &made.id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(models.delete_inference_profile(&other, &made.id).await.unwrap_err().kind, ErrorKind::NotFound);
        models.delete_inference_profile(ctx, &made.arn).await.unwrap();
        assert_eq!(models.inference_profile(ctx, &made.id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(models.resolve(ctx, &made.arn).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(models.resolve(ctx, &made.id).await.unwrap_err().kind, ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_a_system_profile_has_the_models_of_its_regions() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let made = models.create_inference_profile(ctx, new("eu", &of_system("eu."))).await.unwrap();
    let system = models.inference_profile(ctx, &format!("eu.{HAIKU}")).await.unwrap();
    assert_eq!(made.models, system.models);
    assert_eq!(
        (system.models.len(), system.kind, system.name.as_str()),
        (4, ProfileKind::System, "EU Anthropic Claude 3 Haiku")
    );
    assert_eq!(models.inference_profile(ctx, &system.arn).await.unwrap(), system);
    for source in [made.arn.as_str(), "nonsense", "arn:aws:bedrock:us-east-1::foundation-model/acme.none-v1"] {
        let error = models.create_inference_profile(ctx, new("x", source)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{source}");
    }
}

#[tokio::test]
async fn the_same_token_makes_the_same_profile() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let asked = |name: &str| NewProfile { request_token: Some("t".to_owned()), ..new(name, &of_model()) };
        let first = models.create_inference_profile(ctx, asked("a")).await.unwrap();
        assert_eq!(models.create_inference_profile(ctx, asked("a")).await.unwrap(), first);
        let error = models.create_inference_profile(ctx, asked("b")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists);
        let without = models.create_inference_profile(ctx, new("a", &of_model())).await.unwrap();
        assert_ne!(without.id, first.id);
    })
    .await;
}

#[tokio::test]
async fn profiles_are_listed_page_by_page_the_accounts_own_first() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        for name in ["a", "b", "c"] {
            models.create_inference_profile(ctx, new(name, &of_model())).await.unwrap();
        }
        let (mut all, mut page) = (Vec::new(), PageRequest { limit: 50, after: None });
        loop {
            let found = models.inference_profiles(ctx, None, &page).await.unwrap();
            all.extend(found.items.iter().map(|profile| profile.id.clone()));
            match found.next_after {
                Some(after) => page.after = Some(after),
                None => break,
            }
        }
        let known = models.inner.foundation.models().len();
        assert_eq!(all.len(), 3 + 4 * known);
        assert!(all[..3].iter().all(|id| id.len() == 12) && all.contains(&format!("apac.{HAIKU}")));
        let page = PageRequest { limit: 1000, after: None };
        let own = models.inference_profiles(ctx, Some(ProfileKind::Application), &page).await.unwrap();
        let system = models.inference_profiles(ctx, Some(ProfileKind::System), &page).await.unwrap();
        assert_eq!((own.items.len(), system.items.len()), (3, 4 * known));
    })
    .await;
}

#[tokio::test]
async fn system_profiles_can_neither_be_deleted_nor_tagged() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let id = format!("us.{HAIKU}");
    assert_eq!(models.delete_inference_profile(ctx, &id).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(models.profile_tags(ctx, &of_system("us.")).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(models.inference_profile(ctx, "us.acme.none").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let arn = models.create_inference_profile(ctx, new("a", &of_model())).await.unwrap().arn;
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        models.tag_profile(ctx, &arn, vec![pair("a", "1"), pair("b", "1")]).await.unwrap();
        models.tag_profile(ctx, &arn, vec![pair("a", "2")]).await.unwrap();
        models.untag_profile(ctx, &arn, &["b".to_owned()]).await.unwrap();
        assert_eq!(models.profile_tags(ctx, &arn).await.unwrap(), [pair("a", "2")]);
        let twice = models.tag_profile(ctx, &arn, vec![pair("c", "1"), pair("c", "2")]).await.unwrap_err();
        assert_eq!(twice.kind, ErrorKind::Invalid);
        let absent = arn.replace(arn.rsplit('/').next().unwrap(), "abcdefghijk1");
        assert_eq!(models.tag_profile(ctx, &absent, vec![]).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(models.profile_tags(ctx, "abc").await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

fn hello() -> Reply {
    let events =
        "data: {\"choices\": [{\"delta\": {\"content\": \"Hi\"}, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n";
    Reply::ok(events).with("content-type", "text/event-stream")
}

/// Sets a pool of one, as the deployment's first account does.
async fn pool(deployment: &Deployment, name: &str, url: &str) {
    deployment.make_first().await;
    let member = NewMember {
        base_url: format!("{url}/v1"),
        model: "qwen".to_owned(),
        api_key: MemberKey::Absent,
        ..NewMember::default()
    };
    let pool = NewPool { members: vec![member], max_queue: None };
    deployment.models.put_pool(&deployment.ctx, name, pool).await.unwrap();
}

#[tokio::test]
async fn a_routed_profile_fails_over_to_its_next_target() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let id = format!("us.{HAIKU}");
        deployment.add_model("mine");
        let server = Server::start(|_| hello()).await;
        pool(&deployment, "gone", "http://127.0.0.1:1").await;
        pool(&deployment, "there", &server.url).await;
        let routing = targets(&[("east", "pool:gone"), ("west", "pool:there"), ("home", "mine")]);
        models.route_profile(ctx, &id, routing.clone()).await.unwrap();
        assert_eq!(models.inference_profile(ctx, &id).await.unwrap().routing, Some(routing));
        let answer = chat(&deployment, &id).await.unwrap();
        let route = answer.served_by.route.clone().unwrap();
        assert_eq!((answer.text().as_str(), answer.served_by.name.as_str()), ("Hi", "qwen"));
        assert_eq!((route.pool.as_deref(), route.region.as_deref()), (Some("there"), Some("west")));
        assert_eq!((route.profile.as_deref(), answer.served_by.substituted), (Some(id.as_str()), true));
        // A copy of the profile is sent where the profile is; routed itself, it is not.
        let copy = models.create_inference_profile(ctx, new("copy", &of_system("us."))).await.unwrap();
        assert_eq!(chat(&deployment, &copy.arn).await.unwrap().text(), "Hi");
        models.route_profile(ctx, &copy.arn, targets(&[("x", "pool:gone"), ("home", "mine")])).await.unwrap();
        let answer = chat(&deployment, &copy.id).await.unwrap();
        assert_eq!(answer.served_by.name, "mine");
        assert_eq!(answer.served_by.route.unwrap().region.as_deref(), Some("home"));
        // The last target's error is the request's.
        models.route_profile(ctx, &copy.arn, targets(&[("home", "no.such"), ("x", "pool:gone")])).await.unwrap_err();
        models.route_profile(ctx, &copy.arn, targets(&[("y", "pool:gone")])).await.unwrap();
        assert_eq!(chat(&deployment, &copy.id).await.unwrap_err().kind, ErrorKind::Unavailable);
        models.unroute_profile(ctx, &id).await.unwrap();
        assert_eq!(models.unroute_profile(ctx, &id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert!(models.resolve(ctx, &id).await.unwrap().serving_name.starts_with("smollm2"));
    })
    .await;
}

#[tokio::test]
async fn every_account_routes_its_profiles_to_the_deployment_s_pools_and_sees_its_own_alone() {
    on_each_backend(async |deployment: Deployment| {
        let models = &deployment.models;
        let server = Server::start(|_| hello()).await;
        pool(&deployment, "gone", "http://127.0.0.1:1").await;
        pool(&deployment, "there", &server.url).await;
        let other = deployment.context("999999999999", "us-east-1").await;
        let ask = async |ctx: &Ctx, model: &str| {
            let messages = vec![Message::user("Hi")];
            let request = ChatRequest { model: model.to_owned(), messages, ..ChatRequest::default() };
            models.chat(ctx, request).await?.collect().await
        };
        let id = format!("us.{HAIKU}");
        let routing = targets(&[("east", "pool:gone"), ("west", "pool:there")]);
        models.route_profile(&other, &id, routing.clone()).await.unwrap();
        let source = of_system("us.").replace(crate::testing::ACCOUNT, "999999999999");
        let theirs = models.create_inference_profile(&other, new("theirs", &source)).await.unwrap();
        let own = models.create_inference_profile(&other, new("own", &of_model())).await.unwrap();
        models.route_profile(&other, &own.id, routing).await.unwrap();
        for profile in [&id, &theirs.arn, &own.id, &own.arn] {
            let answer = ask(&other, profile).await.unwrap();
            let route = answer.served_by.route.clone().unwrap();
            assert_eq!((answer.text().as_str(), route.region.as_deref()), ("Hi", Some("west")), "{profile}");
        }
        // The first account's profile of the same id is routed nowhere, and it sees no profile of the other one.
        let ctx = &deployment.ctx;
        assert_eq!(models.inference_profile(ctx, &id).await.unwrap().routing, None);
        let page = PageRequest { limit: 1000, after: None };
        let listed = models.inference_profiles(ctx, Some(ProfileKind::Application), &page).await.unwrap();
        assert!(listed.items.is_empty());
        for profile in [&theirs, &own] {
            assert_eq!(models.inference_profile(ctx, &profile.id).await.unwrap_err().kind, ErrorKind::NotFound);
            for name in [&profile.id, &profile.arn] {
                assert_eq!(ask(ctx, name).await.unwrap_err().kind, ErrorKind::Invalid, "{name}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_target_that_was_removed_is_passed_over() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("mine");
    let alias = Target::Local { name: "mine".to_owned() };
    models.set_alias(ctx, "my.alias", alias).await.unwrap();
    pool(&deployment, "gone", "http://127.0.0.1:1").await;
    let id = format!("eu.{HAIKU}");
    let routing = targets(&[("a", "my.alias"), ("b", "pool:gone"), ("c", "mine")]);
    models.route_profile(ctx, &id, routing).await.unwrap();
    models.remove_alias(ctx, "my.alias").await.unwrap();
    models.delete_pool(ctx, "gone").await.unwrap();
    let answer = chat(&deployment, &id).await.unwrap();
    assert_eq!(answer.served_by.route.unwrap().region.as_deref(), Some("c"));
}

/// The state of a target once it is known, and as it is to be.
async fn state_once(deployment: &Deployment, target: &str, is_so: impl Fn(Readiness) -> bool) -> TargetState {
    let known = async {
        loop {
            let state = deployment.models.target_state(&deployment.ctx, target).await.unwrap();
            if is_so(state.readiness) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(30), known).await;
    known.unwrap_or_else(|_| panic!("nobody looked at `{target}`, or it is not as it is to be"))
}

async fn looked_at(deployment: &Deployment, target: &str) -> TargetState {
    state_once(deployment, target, |readiness| readiness != Readiness::Unknown).await
}

#[tokio::test]
async fn the_state_of_targets_is_told_without_asking_them() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let server = Server::start(|_| hello()).await;
    deployment.add_model("mine");
    pool(&deployment, "there", &server.url).await;
    pool(&deployment, "gone", "http://127.0.0.1:1").await;
    let member = |url: &str| NewMember { base_url: url.to_owned(), model: "m".to_owned(), ..NewMember::default() };
    let both = vec![member("http://127.0.0.1:1/v1"), member(&format!("{}/v1", server.url))];
    models.put_pool(ctx, "half", NewPool { members: both, max_queue: None }).await.unwrap();
    let upstream = Target::Remote { base_url: "http://127.0.0.1:1/v1".into(), model: "m".into(), api_key: None };
    models.set_alias(ctx, "my.upstream", upstream).await.unwrap();
    let state = async |target: &str| models.target_state(ctx, target).await.unwrap();
    let told = |state: &TargetState| (state.readiness, state.answers.clone().unwrap_or_default());
    assert_eq!(told(&state("mine").await), (Readiness::Ready, "mine".to_owned()));
    let absent = state("smollm2-135m-instruct").await;
    assert_eq!(told(&absent), (Readiness::Down, "smollm2-135m-instruct".to_owned()));
    assert!(absent.detail.unwrap().contains("not downloaded"));
    assert_eq!(told(&looked_at(&deployment, "pool:there").await), (Readiness::Ready, "pool:there".to_owned()));
    assert_eq!(looked_at(&deployment, "pool:gone").await.readiness, Readiness::Down);
    state_once(&deployment, "pool:half", |readiness| readiness == Readiness::Degraded).await;
    assert_eq!(state("pool:half").await.detail.as_deref(), Some("1 of 2 members do not answer."));
    assert_eq!(told(&state("my.upstream").await), (Readiness::Unknown, "m at http://127.0.0.1:1/v1".to_owned()));
    chat(&deployment, "my.upstream").await.unwrap_err();
    let down = looked_at(&deployment, "my.upstream").await;
    assert!(down.readiness == Readiness::Down && down.detail.unwrap().contains("cannot be reached"));
    models.delete_pool(ctx, "gone").await.unwrap();
    let removed = state("pool:gone").await;
    assert_eq!((removed.readiness, removed.answers), (Readiness::Down, None));
    assert!(removed.detail.unwrap().contains("`gone`"));
    assert_eq!(state("my.removed-alias").await.readiness, Readiness::Down);
    // What cannot be read of one model is that target's own.
    std::fs::write(deployment.dir.path().join("models/manifests/mine.json"), "{").unwrap();
    let damaged = state("mine").await;
    assert_eq!(damaged.readiness, Readiness::Down);
    assert!(damaged.detail.as_ref().unwrap().contains("mine.json"), "{damaged:?}");
}

#[tokio::test]
async fn a_copy_tells_the_routing_of_the_profile_that_it_was_copied_from() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("mine");
        let source = of_system("us.");
        let copy = models.create_inference_profile(ctx, new("copy", &source)).await.unwrap();
        let of_a_model = models.create_inference_profile(ctx, new("other", &of_model())).await.unwrap();
        assert_eq!((copy.copied_from.as_deref(), &copy.inherited), (Some(source.as_str()), &None));
        let routing = targets(&[("home", "mine")]);
        models.route_profile(ctx, &source, routing.clone()).await.unwrap();
        let page = PageRequest { limit: 1000, after: None };
        let listed = models.inference_profiles(ctx, Some(ProfileKind::Application), &page).await.unwrap().items;
        let told = models.inference_profile(ctx, &copy.id).await.unwrap();
        assert_eq!((&told.routing, &told.inherited), (&None, &Some(routing)));
        assert!(listed.contains(&told));
        let other = models.inference_profile(ctx, &of_a_model.id).await.unwrap();
        assert_eq!((other.copied_from, other.inherited), (Some(of_model()), None));
    })
    .await;
}

#[tokio::test]
async fn weights_share_the_requests() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("light");
    deployment.add_model("heavy");
    let id = format!("us.{HAIKU}");
    let mut routing = targets(&[("a", "light"), ("b", "heavy")]);
    routing.weighted = true;
    routing.targets[1].weight = 9;
    models.route_profile(ctx, &id, routing).await.unwrap();
    let mut heavy = 0;
    for _ in 0..100 {
        heavy += usize::from(chat(&deployment, &id).await.unwrap().served_by.name == "heavy");
    }
    assert!((80..=97).contains(&heavy), "{heavy} of 100");
}

#[tokio::test]
async fn routings_that_are_wrong_are_refused() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("mine");
    let id = format!("us.{HAIKU}");
    let mut heavy = targets(&[("a", "mine")]);
    heavy.targets[0].weight = 0;
    let copy = models.create_inference_profile(ctx, new("copy", &of_model())).await.unwrap();
    for (routing, kind) in [
        (targets(&[]), ErrorKind::Invalid),
        (targets(&[("a b", "mine")]), ErrorKind::Invalid),
        (targets(&[("a", "no-such-model")]), ErrorKind::Invalid),
        (targets(&[("a", "pool:none")]), ErrorKind::NotFound),
        (targets(&[("a", copy.arn.as_str())]), ErrorKind::Invalid),
        (targets(&[("a", "mine"); 17]), ErrorKind::Invalid),
        (heavy, ErrorKind::Invalid),
    ] {
        let error = models.route_profile(ctx, &id, routing.clone()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{routing:?}");
    }
    let error = models.route_profile(ctx, "abcdefghijk1", targets(&[("a", "mine")])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let alias = Target::Local { name: "mine".to_owned() };
    assert_eq!(models.set_alias(ctx, &copy.arn, alias).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_deterministic_request_is_answered_by_the_target_that_promises_it() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let server = Server::start(|_| hello()).await;
    pool(&deployment, "there", &server.url).await;
    deployment.add_model("local");
    let id = format!("us.{HAIKU}");
    let ask = async || {
        let serving = crate::Serving { deterministic: crate::Determinism::Required, ..crate::Serving::default() };
        let messages = vec![Message::user("Hi")];
        let request = ChatRequest { model: id.clone(), messages, serving, ..ChatRequest::default() };
        models.chat(ctx, request).await?.collect().await
    };
    models.route_profile(ctx, &id, targets(&[("east", "pool:there"), ("west", "local")])).await.unwrap();
    assert_eq!(ask().await.unwrap().served_by.route.unwrap().region.as_deref(), Some("west"));
    models.route_profile(ctx, &id, targets(&[("east", "pool:there")])).await.unwrap();
    let refused = ask().await.unwrap_err();
    assert!(refused.kind == ErrorKind::Invalid && refused.message.contains("`deterministic`"), "{refused:?}");
}
