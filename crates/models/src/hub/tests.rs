use std::collections::{BTreeMap, HashSet};

use super::served::choose;
use super::*;
use crate::catalogue::Catalogue;
use crate::library::Manifest;
use crate::testing::Deployment;

const MISTRAL: &str = "huggingface-llm-mistral-small-24b-instruct-2501";

fn model(id: &str) -> HubModel {
    let catalogue = Catalogue::built_in().unwrap();
    catalogue.entries().iter().map(HubModel::of).find(|model| model.id == id).unwrap()
}

/// A pulled model: its bytes in memory, its parameters, and whether it has a template.
fn pulled(models: &[(&str, u64, u64, Option<bool>)]) -> BTreeMap<String, Manifest> {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["blobs", "manifests", "models", "partial", "locks"] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let library = rt.block_on(crate::library::Library::open(dir.path())).unwrap();
    let make = |(name, bytes, parameters, template): &(&str, u64, u64, Option<bool>)| {
        let mut manifest = crate::testing::add_model(&library, dir.path(), name, name.as_bytes());
        manifest.facts.memory_bytes = *bytes;
        manifest.facts.parameters = *parameters;
        manifest.facts.chat_template = *template;
        (manifest.name.clone(), manifest)
    };
    models.iter().map(make).collect()
}

fn served(id: &str, models: &[(&str, u64, u64, Option<bool>)], budget: u64, strict: bool) -> Result<Served> {
    choose(&model(id), &Catalogue::built_in().unwrap(), &pulled(models), (budget, strict))
}

#[test]
fn every_model_of_the_hub_has_an_id_of_its_own_in_the_naming_of_aws() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut ids = HashSet::new();
    for model in catalogue.entries().iter().map(HubModel::of) {
        let families = ["huggingface-llm-", "huggingface-sentencesimilarity-", "meta-textgeneration-"];
        assert!(families.iter().any(|family| model.id.starts_with(family)), "{}", model.id);
        // The pattern of a hub content's name.
        assert!(
            model.id.len() <= 63 && model.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "{}",
            model.id
        );
        assert_eq!(model.kind == CardKind::Embedding, model.id.contains("sentencesimilarity"), "{}", model.id);
        assert!(!model.tasks.is_empty() && ids.insert(model.id.clone()));
    }
    let mistral = model(MISTRAL);
    assert_eq!((mistral.version.as_str(), mistral.provider.as_str(), mistral.eula), ("1.0.0", "Mistral AI", false));
    assert_eq!(mistral.entry, "mistral-small-24b-instruct-2501");
    assert!(model("meta-textgeneration-llama-3-1-8b-instruct").eula);
}

#[tokio::test]
async fn a_model_is_found_by_its_id_by_its_artifacts_and_by_its_arn() {
    let deployment = Deployment::start().await;
    let models = &deployment.models;
    let ctx = deployment.context("111122223333", "eu-west-1").await;
    let mistral = models.hub_model_by_id(MISTRAL).unwrap();
    for key in
        [mistral.artifact_key(), mistral.prepacked_artifact_key(), format!("{}config.json", mistral.artifact_key())]
    {
        assert_eq!(models.hub_model_by_artifact(&key), Some(mistral.clone()), "{key}");
    }
    let other = mistral.artifact_key().replace("v1.0.0", "v9.0.0");
    for key in ["", "models_manifest.json", &other, "huggingface-llm/x/artifacts/inference/v1.0.0/"] {
        assert_eq!(models.hub_model_by_artifact(key), None, "{key}");
    }
    let arn = mistral.arn("eu-west-1");
    assert_eq!(arn, format!("arn:aws:sagemaker:eu-west-1:aws:hub-content/SageMakerPublicHub/Model/{MISTRAL}/1.0.0"));
    for source in [arn.as_str(), MISTRAL, arn.trim_end_matches("/1.0.0")] {
        assert_eq!(models.hub_model_by_source(&ctx, source).unwrap(), mistral, "{source}");
    }
    for source in ["nothing", &arn.replace("1.0.0", "7.0.0"), &arn.replace("PublicHub", "OtherHub")] {
        assert_eq!(models.hub_model_by_source(&ctx, source).unwrap_err().kind, base::ErrorKind::NotFound, "{source}");
    }
}

#[test]
fn only_the_names_of_the_hub_are_its_buckets() {
    for region in ["us-east-1", "eu-central-2", "ap-southeast-4", "us-gov-west-1", "il-central-1"] {
        assert_eq!(bucket_region(&format!("jumpstart-cache-prod-{region}")), Some(region));
    }
    for name in [
        "jumpstart-cache-prod",
        "jumpstart-cache-prod-",
        "jumpstart-cache-prod-mine",
        "jumpstart-cache-prod-us-east-1-copy",
        "jumpstart-cache-prod-us-east-12",
        "my-jumpstart-cache-prod-us-east-1",
        "jumpstart-cache-prod-team-a-1x",
        "jumpstart-cache-prod-backups-of-2",
    ] {
        assert_eq!(bucket_region(name), None, "{name}");
    }
}

#[test]
fn the_very_model_answers_where_it_is_pulled() {
    let here = [("mistral-small-24b-instruct-2501", 20, 24, None), ("smollm2-135m-instruct", 1, 1, None)];
    let served = served(MISTRAL, &here, 100, false).unwrap();
    assert_eq!((served.name.as_str(), served.substituted), ("mistral-small-24b-instruct-2501", false));
}

#[test]
fn the_largest_chat_model_that_fits_stands_in_and_says_so() {
    let here = [
        ("smollm2-135m-instruct", 1, 135, None),
        ("smollm2-1.7b-instruct", 7, 1700, None),
        ("qwen2.5-7b-instruct", 700, 7000, None),
        // No chat models, however large.
        ("gemma-3-270m", 2, 9000, Some(true)),
        ("plain", 2, 9000, None),
        ("some-embed", 2, 9000, Some(true)),
    ];
    let served = served(MISTRAL, &here, 100, false).unwrap();
    assert_eq!((served.name.as_str(), served.substituted), ("smollm2-1.7b-instruct", true));
    assert_eq!(
        served.why,
        "`mistral-small-24b-instruct-2501` is not pulled; `smollm2-1.7b-instruct` is the largest pulled model that fits."
    );
}

#[test]
fn an_embedding_model_is_stood_in_for_by_one_alone() {
    let here = [("smollm2-135m-instruct", 1, 135, None), ("my-embed", 2, 9, None)];
    let served = served("huggingface-sentencesimilarity-bge-small-en-v1-5", &here, 100, false).unwrap();
    assert_eq!((served.name.as_str(), served.substituted), ("my-embed", true));
}

#[test]
fn a_model_that_does_not_fit_is_stood_in_for_or_its_missing_memory_is_told() {
    let large = ("mistral-small-24b-instruct-2501", 300 << 20, 24, None);
    let small = ("smollm2-135m-instruct", 1, 1, None);
    let stand_in = served(MISTRAL, &[large, small], 100 << 20, false).unwrap();
    assert_eq!(stand_in.name, small.0);
    assert!(stand_in.why.contains("does not fit"), "{}", stand_in.why);
    let error = served(MISTRAL, &[large], 100 << 20, false).unwrap_err();
    assert!(error.message.contains("200 MiB are missing"), "{}", error.message);
}

#[test]
fn without_substitution_the_model_has_to_be_pulled() {
    let error = served(MISTRAL, &[("smollm2-135m-instruct", 1, 1, None)], 100, true).unwrap_err();
    assert!(error.message.contains("substitution is off"), "{}", error.message);
    assert_eq!(error.hint.as_deref(), Some("Run `craton models pull mistral-small-24b-instruct-2501`."));
    let error = served(MISTRAL, &[], 100, false).unwrap_err();
    assert_eq!(error.kind, base::ErrorKind::NotFound);
    assert_eq!(error.hint.as_deref(), Some("Run `craton models pull mistral-small-24b-instruct-2501`."));
}

#[test]
fn a_model_with_another_ones_template_answers_only_where_someone_puts_up_with_it() {
    use crate::templates::{TemplateReport, TemplateVerdict};
    let report = |allowed_by: Option<&str>| TemplateReport {
        verdict: TemplateVerdict::Contradicts,
        family: None,
        detail: "It writes another model's tokens.".to_owned(),
        allowed_by: allowed_by.map(str::to_owned),
    };
    let catalogue = Catalogue::built_in().unwrap();
    let entry = "mistral-small-24b-instruct-2501";
    let mut here = pulled(&[(entry, 20, 24, None), ("smollm2-135m-instruct", 1, 1, None)]);
    here.get_mut(entry).unwrap().template = Some(report(None));
    let error = choose(&model(MISTRAL), &catalogue, &here, (100, false)).unwrap_err();
    assert!(error.message.contains("another model's"), "{}", error.message);
    here.get_mut(entry).unwrap().template = Some(report(Some("arn:aws:iam::111122223333:root")));
    assert_eq!(choose(&model(MISTRAL), &catalogue, &here, (100, false)).unwrap().name, entry);
    // Nor does it stand in for others.
    let other = model("huggingface-llm-qwen2-5-7b-instruct");
    here.get_mut(entry).unwrap().template = Some(report(None));
    assert_eq!(choose(&other, &catalogue, &here, (100, false)).unwrap().name, "smollm2-135m-instruct");
}
