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
        assert_eq!(catalogue.get(&known.default).unwrap().kind, known.kind(), "{}", known.id);
        if let Some(own) = &known.own {
            assert_eq!(catalogue.get(own).unwrap().kind, known.kind(), "{}", known.id);
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
    assert_eq!(haiku.served_by.as_deref(), Some("smollm2-135m-instruct"));
    assert_eq!(models.foundation_model(ctx, &haiku.arn).await.unwrap(), haiku);
    let titan = models.foundation_model(ctx, "amazon.titan-embed-text-v1").await.unwrap();
    assert_eq!((titan.output_modalities, titan.streaming), (vec!["EMBEDDING"], false));
    let listed = models.foundation_models(ctx).await.unwrap();
    assert_eq!(listed.last().unwrap().id, "mine");
    assert_eq!(models.foundation_model(ctx, "no.such").await.unwrap_err().kind, base::ErrorKind::NotFound);
}
