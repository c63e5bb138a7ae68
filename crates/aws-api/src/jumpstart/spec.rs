//! The spec of a model, as the SageMaker SDK reads it.

use models::{CardKind, HubModel};
use serde_json::{Map, Value, json};

use super::images::{accelerators, families, image, instances};
use super::{LEAST_SDK, terms_key};

/// The longest beginning of a resource's name: the SDK adds a date.
const LONGEST_BASE: usize = 28;
/// How long the SDK lets an endpoint load its model, in seconds.
const PATIENCE: u32 = 1200;

/// The spec.
pub(super) fn spec(model: &HubModel, region: &str) -> Value {
    let types = instances(model);
    json!({
        "model_id": model.id,
        "url": url(model),
        "version": model.version,
        "min_sdk_version": LEAST_SDK,
        "model_types": ["open_weights"],
        "training_supported": false,
        "incremental_training_supported": false,
        "fine_tuning_supported": false,
        "validation_supported": false,
        "hosting_ecr_specs": ecr(model),
        "hosting_artifact_key": model.artifact_key(),
        "hosting_prepacked_artifact_key": model.prepacked_artifact_key(),
        "hosting_script_key": "",
        "hosting_use_script_uri": false,
        "hosting_eula_key": model.eula.then(|| terms_key(model)),
        "gated_bucket": false,
        "inference_vulnerable": false,
        "inference_dependencies": [],
        "inference_vulnerabilities": [],
        "training_vulnerable": false,
        "training_dependencies": [],
        "training_vulnerabilities": [],
        "deprecated": false,
        "inference_environment_variables": environment(model),
        "metrics": [],
        "default_inference_instance_type": types.first(),
        "supported_inference_instance_types": types,
        "model_kwargs": {},
        "deploy_kwargs": {
            "model_data_download_timeout": PATIENCE,
            "container_startup_health_check_timeout": PATIENCE,
        },
        "predictor_specs": {
            "supported_content_types": ["application/json"],
            "supported_accept_types": ["application/json"],
            "default_content_type": "application/json",
            "default_accept_type": "application/json",
        },
        "inference_volume_size": 512,
        "inference_enable_network_isolation": true,
        "resource_name_base": base_name(model),
        "default_payloads": payloads(model),
        "hosting_instance_type_variants": variants(model, region),
    })
}

/// What the SDK's filters look for: tasks and frameworks.
pub(super) fn keywords(model: &HubModel) -> Vec<String> {
    let task = match model.kind {
        CardKind::Text => "Text Generation",
        CardKind::Embedding => "Sentence Similarity",
    };
    let mut keywords = vec![format!("Task: {task}"), format!("Framework: {}", model.framework())];
    keywords.push(format!("Provider: {}", model.provider));
    keywords
}

/// Where the publisher tells of the model: its licence's page, where the catalogue knows no other.
pub(super) fn url(model: &HubModel) -> &str {
    &model.licence.url
}

/// The beginning of the names that the SDK makes, within its bounds.
fn base_name(model: &HubModel) -> String {
    let name = model.id.replacen("huggingface-", "hf-", 1).to_lowercase();
    name.chars().take(LONGEST_BASE).collect::<String>().trim_end_matches('-').to_owned()
}

fn ecr(model: &HubModel) -> Value {
    match model.kind {
        CardKind::Text => json!({
            "framework": "huggingface-llm",
            "framework_version": "2.4.0",
            "py_version": "py311",
            "huggingface_transformers_version": "4.46.1",
        }),
        CardKind::Embedding => json!({
            "framework": "huggingface",
            "framework_version": "2.1.0",
            "py_version": "py310",
            "huggingface_transformers_version": "4.37.0",
        }),
    }
}

fn environment(model: &HubModel) -> Value {
    let variable = |name: &str, kind: &str, value: &str| {
        json!({
            "name": name,
            "type": kind,
            "default": value,
            "scope": "container",
            "required_for_model_class": true,
        })
    };
    let accelerators = accelerators(model).to_string();
    json!([
        variable("ENDPOINT_SERVER_TIMEOUT", "int", "3600"),
        variable("HF_MODEL_ID", "text", "/opt/ml/model"),
        variable("SM_NUM_GPUS", "text", &accelerators),
    ])
}

fn payloads(model: &HubModel) -> Value {
    match model.kind {
        CardKind::Text => json!({
            "hello": {
                "content_type": "application/json",
                "prompt_key": "messages",
                "output_keys": {"generated_text": "choices"},
                "body": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 64},
            },
        }),
        CardKind::Embedding => json!({
            "hello": {
                "content_type": "application/json",
                "prompt_key": "inputs",
                "output_keys": {"embedding": "[0]"},
                "body": {"inputs": ["Hello"]},
            },
        }),
    }
}

fn variants(model: &HubModel, region: &str) -> Value {
    let family = |name: &str| (name.to_owned(), json!({"regional_properties": {"image_uri": "$image_uri_1"}}));
    let variants: Map<String, Value> = families(model).into_iter().map(family).collect();
    json!({
        "regional_aliases": {region: {"image_uri_1": image(model, region)}},
        "variants": variants,
    })
}
