use std::collections::HashSet;

use super::*;
use crate::catalogue::Catalogue;
use crate::testing::Deployment;

#[test]
fn every_id_is_listed_once_and_its_stand_in_is_of_the_catalogue() {
    let (table, catalogue) = (Table::built_in().unwrap(), Catalogue::built_in().unwrap());
    let mut ids = HashSet::new();
    for known in table.models() {
        assert!(ids.insert(&known.id), "{}", known.id);
        assert_eq!(Provider::of(&known.id), known.provider, "{}", known.id);
        // Models of either kind rank texts.
        let Some(kind) = known.wanted_kind() else { continue };
        assert_eq!(catalogue.get(&known.default).unwrap().kind, kind, "{}", known.id);
        if let Some(own) = &known.own {
            assert_eq!(catalogue.get(own).unwrap().kind, kind, "{}", known.id);
        }
    }
}

#[test]
fn embedding_ids_have_the_lengths_that_aws_states() {
    let table = Table::built_in().unwrap();
    let lengths = |id: &str| table.get(id).unwrap().dimensions.clone();
    assert_eq!(lengths("amazon.titan-embed-text-v1"), [1536]);
    assert_eq!(lengths("amazon.titan-embed-text-v2:0"), [1024, 512, 256]);
    assert_eq!(lengths("cohere.embed-english-v3"), [1024]);
    assert_eq!(lengths("cohere.embed-multilingual-v3"), [1024]);
}

#[tokio::test]
async fn models_are_described_with_who_answers_for_them() {
    let deployment = Deployment::start().await;
    deployment.add_model("mine");
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let haiku = models.foundation_model(ctx, "anthropic.claude-3-haiku-20240307-v1:0").await.unwrap();
    assert_eq!(haiku.arn, "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0");
    assert_eq!((haiku.provider_name.as_str(), haiku.streaming), ("Anthropic", true));
    assert_eq!((haiku.served_by.as_deref(), haiku.available), (Some("smollm2-135m-instruct"), false));
    assert_eq!(models.foundation_model(ctx, &haiku.arn).await.unwrap(), haiku);
    let titan = models.foundation_model(ctx, "amazon.titan-embed-text-v1").await.unwrap();
    assert_eq!((titan.output_modalities, titan.streaming), (vec!["EMBEDDING"], false));
    let listed = models.foundation_models(ctx).await.unwrap();
    assert_eq!(listed.last().unwrap().id, "mine");
    assert_eq!(models.foundation_model(ctx, "no.such").await.unwrap_err().kind, base::ErrorKind::NotFound);
}

#[test]
fn vendors_are_named_alike_with_and_without_the_table() {
    for known in Table::built_in().unwrap().models() {
        assert_eq!(known.provider.vendor(), known.vendor, "{}", known.id);
    }
}

#[tokio::test]
async fn what_aws_serves_by_profiles_alone_says_so_and_answers_by_them() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    for (id, name) in [("amazon.nova-premier-v1:0", "Nova Premier"), ("amazon.nova-2-lite-v1:0", "Nova 2 Lite")] {
        let known = models.foundation_model(ctx, id).await.unwrap();
        assert_eq!((known.name.as_str(), known.provider, known.kind), (name, Provider::Nova, CardKind::Text));
        assert_eq!(known.inference_types, ["ON_DEMAND", "INFERENCE_PROFILE"]);
        for named in [id.to_owned(), format!("us.{id}"), format!("global.{id}")] {
            let resolved = models.resolve(ctx, &named).await.unwrap();
            assert_eq!((resolved.aws_id.as_str(), resolved.serving_name.as_str()), (id, "smollm2-135m-instruct"));
        }
    }
}

#[tokio::test]
async fn ids_outside_the_table_are_models_once_the_account_has_an_alias() {
    const SONNET: &str = "anthropic.claude-sonnet-99-v1:0";
    let deployment = Deployment::start().await;
    deployment.add_model("mine");
    deployment.add_model("my-embed");
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let local = |name: &str| Target::Local { name: name.to_owned() };
    let upstream =
        Target::Remote { base_url: "http://127.0.0.1:1/v1".to_owned(), model: "qwen".to_owned(), api_key: None };
    for (id, target) in [
        (SONNET, local("mine")),
        ("vectors", local("my-embed")),
        ("later", local("smollm2-135m-instruct")),
        ("far", upstream.clone()),
        ("mine", upstream),
    ] {
        models.set_alias(ctx, id, target).await.unwrap();
    }
    let listed = models.foundation_models(ctx).await.unwrap();
    let tail: Vec<(&str, &str, bool)> = listed[listed.len() - 6..]
        .iter()
        .map(|model| (model.id.as_str(), model.served_by.as_deref().unwrap(), model.available))
        .collect();
    assert_eq!(
        tail,
        [
            ("mine", "qwen", true),
            ("my-embed", "my-embed", true),
            (SONNET, "mine", true),
            ("far", "qwen", true),
            ("later", "smollm2-135m-instruct", false),
            ("vectors", "my-embed", true),
        ]
    );
    let sonnet = models.foundation_model(ctx, SONNET).await.unwrap();
    assert_eq!((sonnet.provider_name.as_str(), sonnet.kind, sonnet.streaming), ("Anthropic", CardKind::Text, true));
    assert_eq!(models.foundation_model(ctx, "vectors").await.unwrap().kind, CardKind::Embedding);
    let other = deployment.context("999999999999", "us-east-1").await;
    assert_eq!(models.foundation_model(&other, SONNET).await.unwrap_err().kind, base::ErrorKind::NotFound);
}
