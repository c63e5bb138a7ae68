//! What a request for an evaluation asks for, out of its configuration as JSON.

use base::{Error, Result};
use orchestration::evaluations::plan::{Asked, AskedCustom, AskedDataset, AskedRating, System};
use orchestration::evaluations::prices::Prices;
use serde_json::Value;

use super::inference_params::parameters;

/// What `evaluationConfig` and `inferenceConfig` ask for.
///
/// # Errors
/// Invalid, where something is missing or malformed; NotImplemented, where people are to evaluate.
pub(crate) fn asked(evaluation: &Value, inference: &Value, output: String, unlimited: bool) -> Result<Asked> {
    if evaluation.get("human").is_some() {
        return Err(Error::not_implemented("Evaluation by people (`evaluationConfig.human`) is not implemented.")
            .with_hint("Name a judge: `evaluationConfig.automated`."));
    }
    let automated = &evaluation["automated"];
    let datasets = list(automated, "datasetMetricConfigs").iter().map(dataset).collect::<Result<_>>()?;
    let custom = &automated["customMetricConfig"];
    Ok(Asked {
        systems: systems(inference)?,
        datasets,
        judge: judge(&automated["evaluatorModelConfig"]),
        custom: list(custom, "customMetrics").iter().map(custom_metric).collect::<Result<_>>()?,
        custom_judge: judge(&custom["evaluatorModelConfig"]),
        output,
        unlimited,
        askings: 1,
        embedder: None,
        prices: Prices::default(),
    })
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str().map(str::to_owned);
    text.ok_or_else(|| Error::invalid(format!("`{name}` is missing, or no text.")))
}

fn judge(config: &Value) -> Option<String> {
    list(config, "bedrockEvaluatorModels").first()?["modelIdentifier"].as_str().map(str::to_owned)
}

fn dataset(config: &Value) -> Result<AskedDataset> {
    let dataset = &config["dataset"];
    let uri = dataset["datasetLocation"]["s3Uri"].as_str().map(str::to_owned);
    let uri = uri.ok_or_else(|| {
        Error::not_implemented("The datasets that Bedrock brings along are not implemented.")
            .with_hint("Name a dataset in S3: `dataset.datasetLocation.s3Uri`.")
    })?;
    let metrics = list(config, "metricNames").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(AskedDataset { name: text(dataset, "name")?, uri, task: text(config, "taskType")?, metrics })
}

/// A metric of a user's own: `{"customMetricDefinition": {"name", "instructions", "ratingScale"?}}`.
pub(crate) fn custom_metric(config: &Value) -> Result<AskedCustom> {
    let definition = &config["customMetricDefinition"];
    let scale = list(definition, "ratingScale").iter().map(|item| {
        let value = &item["value"];
        let rating = match (value["floatValue"].as_f64(), value["stringValue"].as_str()) {
            (Some(number), None) => AskedRating::Float(number),
            (None, Some(word)) => AskedRating::Text(word.to_owned()),
            _ => return Err(Error::invalid("A value of a rating scale is `floatValue` or `stringValue`.")),
        };
        Ok((text(item, "definition")?, rating))
    });
    Ok(AskedCustom {
        name: text(definition, "name")?,
        instructions: text(definition, "instructions")?,
        scale: scale.collect::<Result<_>>()?,
    })
}

fn systems(inference: &Value) -> Result<Vec<System>> {
    let (models, rag) = (list(inference, "models"), list(inference, "ragConfigs"));
    let systems: Vec<System> = models.iter().map(model).chain(rag.iter().map(rag_system)).collect::<Result<_>>()?;
    if systems.is_empty() {
        return Err(Error::invalid("`inferenceConfig` names nothing that could be evaluated."));
    }
    Ok(systems)
}

fn model(config: &Value) -> Result<System> {
    if let Some(source) = config.get("precomputedInferenceSource") {
        return Ok(System::ModelAnswers { source: text(source, "inferenceSourceIdentifier")? });
    }
    let model = &config["bedrockModel"];
    if model["performanceConfig"]["latency"].as_str() == Some("optimized") {
        return Err(Error::invalid("Latency performance configuration is not supported for this model."));
    }
    let parameters = model["inferenceParams"].as_str().map(parameters).transpose()?.unwrap_or_default();
    Ok(System::Model { model: text(model, "modelIdentifier")?, parameters })
}

fn rag_system(config: &Value) -> Result<System> {
    let (base, own) = (&config["knowledgeBaseConfig"], &config["precomputedRagSourceConfig"]);
    if let Some(configuration) = base.get("retrieveConfig") {
        return Ok(System::Retrieve { configuration: configuration.clone() });
    }
    if let Some(configuration) = base.get("retrieveAndGenerateConfig") {
        return Ok(System::RetrieveAndGenerate { configuration: configuration.clone() });
    }
    if let Some(source) = own.get("retrieveSourceConfig") {
        return Ok(System::RetrieveAnswers { source: text(source, "ragSourceIdentifier")? });
    }
    let source = own.get("retrieveAndGenerateSourceConfig");
    let source = source.ok_or_else(|| Error::invalid("A configuration of `ragConfigs` names no source."))?;
    Ok(System::RagAnswers { source: text(source, "ragSourceIdentifier")? })
}

#[cfg(test)]
#[path = "evaluation_config_tests.rs"]
mod tests;
