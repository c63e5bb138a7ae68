use models::{CardKind, HubModel, Licence};

use super::*;

fn model(kind: CardKind, eula: bool, parameters: u64) -> HubModel {
    HubModel {
        id: "huggingface-llm-example-24b-instruct-2501".to_owned(),
        version: "1.0.0".to_owned(),
        title: "Example".to_owned(),
        provider: "Example AI".to_owned(),
        description: "An example.".to_owned(),
        entry: "example".to_owned(),
        kind,
        tasks: vec!["chat".to_owned()],
        eula,
        licence: Licence {
            name: "Example-1.0".to_owned(),
            url: "https://example.com/licence".to_owned(),
            terms_must_be_accepted: eula,
        },
        languages: vec!["en".to_owned()],
        parameters,
        context_length: 4096,
    }
}

#[test]
fn a_spec_names_types_of_which_each_has_an_image() {
    for model in [model(CardKind::Text, false, 24_000_000_000), model(CardKind::Embedding, false, 1)] {
        let spec = spec::spec(&model, "eu-west-1");
        let types = spec["supported_inference_instance_types"].as_array().unwrap();
        assert!(types.contains(&spec["default_inference_instance_type"]));
        for name in types {
            let family = name.as_str().unwrap().split('.').nth(1).unwrap();
            assert!(spec["hosting_instance_type_variants"]["variants"][family].is_object(), "{name}");
        }
        let image = &spec["hosting_instance_type_variants"]["regional_aliases"]["eu-west-1"]["image_uri_1"];
        assert!(image.as_str().unwrap().contains(".eu-west-1."), "{image}");
    }
}

#[test]
fn weights_are_named_as_a_folder_of_plain_files() {
    let spec = spec::spec(&model(CardKind::Text, false, 1), "us-east-1");
    for key in ["hosting_artifact_key", "hosting_prepacked_artifact_key"] {
        assert!(spec[key].as_str().unwrap().ends_with('/'), "an archive is unpacked: {}", spec[key]);
    }
}

#[test]
fn terms_that_must_be_accepted_have_a_file_of_their_own() {
    let asking = model(CardKind::Text, true, 1);
    let files = of_model(&asking, "us-east-1");
    let key = spec::spec(&asking, "us-east-1")["hosting_eula_key"].as_str().unwrap().to_owned();
    let terms = files.iter().find(|file| file.key == key).unwrap();
    assert!(std::str::from_utf8(&terms.bytes).unwrap().contains("https://example.com/licence"));
    let free = model(CardKind::Text, false, 1);
    assert!(spec::spec(&free, "us-east-1")["hosting_eula_key"].is_null());
    assert_eq!(of_model(&free, "us-east-1").len(), 1);
}

#[test]
fn the_names_that_the_sdk_makes_stay_within_their_bounds() {
    let spec = spec::spec(&model(CardKind::Text, false, 1), "us-east-1");
    assert_eq!(spec["resource_name_base"], "hf-llm-example-24b-instruct");
}

#[test]
fn the_document_of_the_hub_tells_whole_addresses() {
    let document = document(&model(CardKind::Text, true, 1), "us-east-1");
    for member in ["HostingArtifactUri", "HostingPrepackedArtifactUri", "HostingEulaUri"] {
        assert!(document[member].as_str().unwrap().starts_with("s3://jumpstart-cache-prod-us-east-1/"), "{member}");
    }
    assert_eq!(document["License"], "Example-1.0");
}

#[test]
fn an_etag_changes_with_the_content() {
    let file = |bytes: &'static [u8]| File { key: "k".into(), content_type: "", bytes: Bytes::from_static(bytes) };
    assert_eq!(file(b"a").etag().len(), 32);
    assert_ne!(file(b"a").etag(), file(b"b").etag());
}
