use base::ErrorKind;

use super::*;
use crate::testing::{Deployment, secret};

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const LLAMA: &str = "meta.llama3-2-1b-instruct-v1:0";

fn local(name: &str) -> Target {
    Target::Local { name: name.to_owned() }
}

async fn on_each_backend(test: impl AsyncFn(Deployment)) {
    ::store::testing::each_backend(async |store: Store| {
        test(Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await).await;
    })
    .await;
}

#[tokio::test]
async fn an_alias_of_the_account_replaces_the_default_until_it_is_removed() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        deployment.add_model("mine");
        let before = models.resolve(ctx, HAIKU).await.unwrap();
        assert_eq!((before.serving_name.as_str(), before.substituted), ("smollm2-135m-instruct", true));
        models.set_alias(ctx, HAIKU, local("mine")).await.unwrap();
        models.set_alias(ctx, HAIKU, local("mine")).await.unwrap();
        for id in
            [HAIKU.to_owned(), format!("us.{HAIKU}"), format!("arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}")]
        {
            let resolved = models.resolve(ctx, &id).await.unwrap();
            assert_eq!((resolved.serving_name.as_str(), resolved.aws_id.as_str()), ("mine", HAIKU));
            assert_eq!((resolved.provider, resolved.requested), (Provider::Anthropic, id));
        }
        let listed = models.aliases(ctx).await.unwrap();
        let ours: Vec<&str> = listed.iter().filter(|a| !a.built_in).map(|a| a.model_id.as_str()).collect();
        assert_eq!(ours, [HAIKU]);
        models.remove_alias(ctx, HAIKU).await.unwrap();
        assert_eq!(models.resolve(ctx, HAIKU).await.unwrap().serving_name, "smollm2-135m-instruct");
        let error = models.remove_alias(ctx, HAIKU).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn aliases_belong_to_their_account_and_region() {
    on_each_backend(async |deployment: Deployment| {
        let models = &deployment.models;
        deployment.add_model("mine");
        models.set_alias(&deployment.ctx, HAIKU, local("mine")).await.unwrap();
        for (account, region) in [("999999999999", "us-east-1"), (crate::testing::ACCOUNT, "eu-west-1")] {
            let other = deployment.context(account, region).await;
            assert_eq!(models.resolve(&other, HAIKU).await.unwrap().serving_name, "smollm2-135m-instruct");
            assert!(models.aliases(&other).await.unwrap().iter().all(|alias| alias.built_in));
            assert_eq!(models.remove_alias(&other, HAIKU).await.unwrap_err().kind, ErrorKind::NotFound);
        }
    })
    .await;
}

#[tokio::test]
async fn an_upstreams_key_is_sealed_at_rest_and_never_given_back() {
    on_each_backend(async |deployment: Deployment| {
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let target = Target::Remote {
            base_url: "http://127.0.0.1:11434/v1/".to_owned(),
            model: "qwen".to_owned(),
            api_key: Some(secret("sk-very-secret")),
        };
        let alias = models.set_alias(ctx, "my.model", target).await.unwrap();
        assert!(alias.has_api_key && !format!("{alias:?}").contains("very-secret"));
        let row = store::find_alias(&models.inner.aliases.store, ctx, "my.model", "").await.unwrap().unwrap();
        let TargetRow::Remote { sealed_api_key: Some(sealed), base_url, .. } = row.target else { panic!() };
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(base_url, "http://127.0.0.1:11434/v1");
        let resolved = models.resolve(ctx, "my.model").await.unwrap();
        let Target::Remote { api_key: Some(key), .. } = resolved.target else { panic!() };
        assert_eq!(key.reveal(), "sk-very-secret");
        assert_eq!((resolved.provider, resolved.serving_name.as_str()), (Provider::Craton, "qwen"));
    })
    .await;
}

#[tokio::test]
async fn the_more_specific_inference_profile_wins() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("plain");
    deployment.add_model("european");
    models.set_alias(ctx, HAIKU, local("plain")).await.unwrap();
    models.set_alias(ctx, &format!("eu.{HAIKU}"), local("european")).await.unwrap();
    assert_eq!(models.resolve(ctx, &format!("eu.{HAIKU}")).await.unwrap().serving_name, "european");
    assert_eq!(models.resolve(ctx, &format!("us.{HAIKU}")).await.unwrap().serving_name, "plain");
}

#[tokio::test]
async fn the_very_model_is_preferred_once_it_is_pulled() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    assert!(models.resolve(ctx, LLAMA).await.unwrap().substituted);
    deployment.add_model("llama-3.2-1b-instruct");
    let resolved = models.resolve(ctx, LLAMA).await.unwrap();
    assert_eq!((resolved.serving_name.as_str(), resolved.substituted), ("llama-3.2-1b-instruct", false));
}

#[tokio::test]
async fn a_better_stand_in_answers_once_it_is_pulled() {
    const MULTILINGUAL: &str = "cohere.embed-multilingual-v3";
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    assert_eq!(models.resolve(ctx, MULTILINGUAL).await.unwrap().serving_name, "all-minilm-l6-v2");
    deployment.add_model("multilingual-e5-small");
    let resolved = models.resolve(ctx, MULTILINGUAL).await.unwrap();
    assert_eq!((resolved.serving_name.as_str(), resolved.substituted), ("multilingual-e5-small", true));
    assert_eq!(models.resolve(ctx, "cohere.embed-english-v3").await.unwrap().serving_name, "all-minilm-l6-v2");
}

#[tokio::test]
async fn strict_aliases_refuse_stand_ins_that_nobody_chose() {
    let deployment = Deployment::start_with(|config| config.strict_aliases = true).await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("mine");
    let error = models.resolve(ctx, HAIKU).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.hint.unwrap().contains("craton models alias"));
    assert_eq!(models.resolve(ctx, LLAMA).await.unwrap().serving_name, "llama-3.2-1b-instruct");
    models.set_alias(ctx, HAIKU, local("mine")).await.unwrap();
    assert_eq!(models.resolve(ctx, HAIKU).await.unwrap().serving_name, "mine");
    assert_eq!(models.resolve(ctx, "smollm2-135m-instruct").await.unwrap().serving_name, "smollm2-135m-instruct");
}

#[tokio::test]
async fn names_of_the_catalogue_and_the_library_answer_for_themselves() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    deployment.add_model("mine");
    for name in ["mine", "all-minilm-l6-v2"] {
        let resolved = models.resolve(ctx, name).await.unwrap();
        assert_eq!((resolved.serving_name.as_str(), resolved.substituted), (name, false));
        assert_eq!((resolved.provider, resolved.dimension), (Provider::Craton, None));
    }
    let error = models.resolve(ctx, "no-such-model").await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, "The provided model identifier is invalid."));
    assert!(error.hint.unwrap().contains("craton models list"));
    assert_eq!(models.resolve(ctx, "../../etc/passwd").await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn wrong_targets_are_refused() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let remote =
        |base_url: &str| Target::Remote { base_url: base_url.to_owned(), model: "m".to_owned(), api_key: None };
    for target in [
        local("no-such-model"),
        local("all-minilm-l6-v2"),
        remote("ftp://host/v1"),
        remote("file:///etc/passwd"),
        remote("not a url"),
        remote("http://user:password@host/v1"),
        remote("http://host/v1?key=1"),
        Target::Remote { base_url: "http://h/v1".to_owned(), model: " ".to_owned(), api_key: None },
        Target::Remote { base_url: "http://h/v1".to_owned(), model: "m".to_owned(), api_key: Some(secret("a\nb")) },
    ] {
        let shown = format!("{target:?}");
        let error = models.set_alias(ctx, HAIKU, target).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{shown}");
    }
    let error = models.set_alias(ctx, "cohere.embed-english-v3", local("smollm2-135m-instruct")).await.unwrap_err();
    assert!(error.message.contains("embeds text") && error.message.contains("generates text"));
}
