//! The document of a hub's content, as `DescribeHubContent` gives it.

use models::{CardKind, HubModel};
use serde_json::{Map, Value, json};

use super::images::{accelerators, families, image, instances};
use super::{spec, terms_key};

/// The document: what a spec says in the hub's own words, with whole addresses in place of keys.
pub(crate) fn document(model: &HubModel, region: &str) -> Value {
    let bucket = format!("jumpstart-cache-prod-{region}");
    let uri = |key: String| format!("s3://{bucket}/{key}");
    let types = instances(model);
    let family = |name: &str| (name.to_owned(), json!({"Properties": {"ImageUri": image(model, region)}}));
    let variants: Map<String, Value> = families(model).into_iter().map(family).collect();
    json!({
        "Url": spec::url(model),
        "MinSdkVersion": super::LEAST_SDK,
        "ModelTypes": ["OPEN_WEIGHTS"],
        "Capabilities": [],
        "Task": task(model),
        "Framework": model.framework(),
        "Provider": model.provider,
        "License": model.licence.name,
        "LicenseUrl": model.licence.url,
        "Languages": model.languages,
        "Parameters": model.parameters,
        "ContextLength": model.context_length,
        "TrainingSupported": false,
        "IncrementalTrainingSupported": false,
        "ValidationSupported": false,
        "DynamicContainerDeploymentSupported": false,
        "HostingEcrUri": image(model, region),
        "HostingArtifactS3DataType": "S3Prefix",
        "HostingArtifactCompressionType": "None",
        "HostingArtifactUri": uri(model.artifact_key()),
        "HostingPrepackedArtifactUri": uri(model.prepacked_artifact_key()),
        "HostingUseScriptUri": false,
        "HostingEulaUri": model.eula.then(|| uri(terms_key(model))),
        "InferenceDependencies": [],
        "InferenceEnvironmentVariables": environment(model),
        "DefaultInferenceInstanceType": types.first(),
        "SupportedInferenceInstanceTypes": types,
        "HostingInstanceTypeVariants": {"Variants": variants},
        "InferenceVolumeSize": 512,
        "InferenceEnableNetworkIsolation": true,
        "SageMakerSdkPredictorSpecifications": {
            "SupportedContentTypes": ["application/json"],
            "SupportedAcceptTypes": ["application/json"],
            "DefaultContentType": "application/json",
            "DefaultAcceptType": "application/json",
        },
        "ModelVersion": model.version,
    })
}

fn environment(model: &HubModel) -> Value {
    let variable = |name: &str, kind: &str, value: &str| json!({"Name": name, "Type": kind, "Default": value, "Scope": "container", "RequiredForModelClass": true});
    let accelerators = accelerators(model).to_string();
    json!([
        variable("ENDPOINT_SERVER_TIMEOUT", "int", "3600"),
        variable("HF_MODEL_ID", "text", "/opt/ml/model"),
        variable("SM_NUM_GPUS", "text", &accelerators),
    ])
}

fn task(model: &HubModel) -> &'static str {
    match model.kind {
        CardKind::Text => "TEXT_GENERATION",
        CardKind::Embedding => "SENTENCE_SIMILARITY",
    }
}
