//! What `craton eval run` asks for: the body of `CreateEvaluationJob`, and what Craton takes beside it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::read;
use crate::eval_args::{Kind, Run};

/// The body of `CreateEvaluationJob`, and what Craton takes beside it.
pub(super) fn body(args: &Run) -> Result<Value> {
    let custom = args.custom_metrics.iter().map(|file| custom_metric(file)).collect::<Result<Vec<_>>>()?;
    let judges = |judge: &str| json!({"bedrockEvaluatorModels": [{"modelIdentifier": judge}]});
    let name = args.dataset.rsplit('/').next().unwrap_or("dataset").trim_end_matches(".jsonl");
    let mut automated = json!({
        "datasetMetricConfigs": [{
            "taskType": "Custom",
            "dataset": {"name": name, "datasetLocation": {"s3Uri": args.dataset}},
            "metricNames": metric_names(&args.metrics, &custom),
        }],
    });
    if let Some(judge) = &args.judge {
        automated["evaluatorModelConfig"] = judges(judge);
    }
    if !custom.is_empty() {
        let judge = args.custom_judge.as_ref().or(args.judge.as_ref());
        let judge = judge.context("nobody judges the metrics of your own\nhint: --judge ID, or --custom-judge ID")?;
        automated["customMetricConfig"] = json!({"customMetrics": custom, "evaluatorModelConfig": judges(judge)});
    }
    let mut body = json!({
        "jobName": args.name,
        "roleArn": args.role_arn,
        "evaluationConfig": {"automated": automated},
        "inferenceConfig": system(args)?,
        "outputDataConfig": {"s3Uri": args.to},
    });
    if let Some(description) = &args.description {
        body["jobDescription"] = json!(description);
    }
    if let Some(key) = &args.kms_key {
        body["customerEncryptionKeyId"] = json!(key);
    }
    if !args.tags.is_empty() {
        body["jobTags"] = args.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    }
    let own = own(args);
    if !own.is_empty() {
        body["craton"] = Value::Object(own);
    }
    Ok(body)
}

/// The metrics of a job: those that are named, then those of one's own that are not named among them.
pub(super) fn metric_names(named: &[String], custom: &[Value]) -> Vec<String> {
    let own = custom.iter().filter_map(|metric| metric["customMetricDefinition"]["name"].as_str());
    let unnamed = own.filter(|name| !named.iter().any(|known| known == name)).map(str::to_owned);
    named.iter().cloned().chain(unnamed).collect()
}

/// A metric of one's own out of a file: the definition of `CreateEvaluationJob`, or the object around it that jobs write into
/// `custom_metrics/`.
pub(super) fn custom_metric(file: &Path) -> Result<Value> {
    let told: Value = serde_json::from_str(&read(file)?).with_context(|| format!("`{}` is no JSON", file.display()))?;
    let metric =
        if told.get("customMetricDefinition").is_some() { told } else { json!({"customMetricDefinition": told}) };
    let definition = &metric["customMetricDefinition"];
    if !definition["name"].is_string() || !definition["instructions"].is_string() {
        bail!(
            "`{}` defines no metric\nhint: it looks like {}",
            file.display(),
            r#"{"name": "tone", "instructions": "Is {{prediction}} polite?"}"#
        );
    }
    Ok(metric)
}

/// `inferenceConfig`.
fn system(args: &Run) -> Result<Value> {
    check(args)?;
    let system = match (args.kind, &args.own, args.generators.as_slice(), &args.knowledge_base) {
        (Kind::Model, Some(own), ..) => {
            json!({"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": own}}]})
        }
        (Kind::Model, None, generators @ [_, ..], _) => {
            json!({"models": generators.iter().map(|id| model(id, args)).collect::<Vec<_>>()})
        }
        (Kind::Retrieve, Some(own), ..) => rag(json!({"precomputedRagSourceConfig":
            {"retrieveSourceConfig": {"ragSourceIdentifier": own}}})),
        (Kind::Rag, Some(own), ..) => rag(json!({"precomputedRagSourceConfig":
            {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": own}}})),
        (Kind::Retrieve, None, _, Some(base)) => rag(json!({"knowledgeBaseConfig": {"retrieveConfig":
            {"knowledgeBaseId": base, "knowledgeBaseRetrievalConfiguration": search(args)}}})),
        (Kind::Rag, None, [generator], Some(base)) => {
            let mut asked =
                json!({"knowledgeBaseId": base, "modelArn": generator, "retrievalConfiguration": search(args)});
            let generation = generation(args)?;
            if !generation.is_empty() {
                asked["generationConfiguration"] = Value::Object(generation);
            }
            rag(json!({"knowledgeBaseConfig": {"retrieveAndGenerateConfig":
                {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": asked}}}))
        }
        (Kind::Model, None, [], _) => bail!("nothing is named that answers\nhint: --generator ID or --own NAME"),
        (Kind::Retrieve, ..) => bail!("nothing is named that is searched\nhint: --knowledge-base ID or --own NAME"),
        (Kind::Rag, ..) => {
            bail!("nothing is named that answers\nhint: --knowledge-base ID with --generator ID, or --own NAME")
        }
    };
    Ok(system)
}

/// Sees whether what is named goes with what is evaluated.
fn check(args: &Run) -> Result<()> {
    if args.prompt.is_some() && args.kind != Kind::Rag {
        bail!("`--prompt` is for answers from a knowledge base\nhint: --kind rag");
    }
    if args.knowledge_base.is_some() && args.kind == Kind::Model {
        bail!("a model's answers come from no knowledge base\nhint: --kind rag, or leave --knowledge-base out");
    }
    let most = if args.kind == Kind::Model { 2 } else { 1 };
    if args.generators.len() > most {
        bail!(
            "{} generators are named, and such a job has at most {most}\nhint: run a job for each, then `craton eval compare`",
            args.generators.len()
        );
    }
    if args.kind == Kind::Retrieve && !parameters(args).is_empty() {
        bail!(
            "nothing is generated where passages are evaluated\n\
             hint: leave --temperature, --top-p, --max-tokens and --stop out"
        );
    }
    if args.latency.is_some() && args.kind != Kind::Model {
        bail!("`--latency` is for models that are asked by themselves\nhint: --kind model");
    }
    Ok(())
}

/// How a generator is asked, of what is not as usual.
fn parameters(args: &Run) -> Map<String, Value> {
    let stop = (!args.stop_sequences.is_empty()).then(|| json!(args.stop_sequences));
    let parameters = [
        ("temperature", args.temperature.map(Value::from)),
        ("topP", args.top_p.map(Value::from)),
        ("maxTokens", args.max_tokens.map(Value::from)),
        ("stopSequences", stop),
    ];
    parameters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A model that is asked. Bedrock takes its parameters as a text.
fn model(id: &str, args: &Run) -> Value {
    let (mut model, parameters) = (json!({"modelIdentifier": id}), parameters(args));
    if !parameters.is_empty() {
        model["inferenceParams"] = json!(json!({"inferenceConfig": parameters}).to_string());
    }
    if let Some(latency) = &args.latency {
        model["performanceConfig"] = json!({"latency": latency});
    }
    json!({"bedrockModel": model})
}

/// How a knowledge base's answers are written, of what is not as usual.
fn generation(args: &Run) -> Result<Map<String, Value>> {
    let (mut generation, parameters) = (Map::new(), parameters(args));
    if let Some(file) = &args.prompt {
        generation.insert("promptTemplate".to_owned(), json!({"textPromptTemplate": read(file)?}));
    }
    if !parameters.is_empty() {
        generation.insert("kbInferenceConfig".to_owned(), json!({"textInferenceConfig": parameters}));
    }
    Ok(generation)
}

/// What Craton takes beside `CreateEvaluationJob`, of what is not as usual.
fn own(args: &Run) -> Map<String, Value> {
    let mut own = Map::new();
    let mut tell = |name: &str, value: Option<Value>| value.map(|value| own.insert(name.to_owned(), value));
    tell("askings", (args.askings > 1).then(|| json!(args.askings)));
    tell("embeddingModelId", args.embedding_model.as_ref().map(|model| json!(model)));
    tell("pricePerHour", args.price_per_hour.map(|price| json!(price)));
    let prices = args.prices.iter().map(|price| {
        let mut prices = json!({"modelId": price.model, "input": price.input, "output": price.output});
        if let Some(cached) = price.cached {
            prices["cached"] = json!(cached);
        }
        prices
    });
    tell("prices", (!args.prices.is_empty()).then(|| prices.collect()));
    own
}

fn rag(config: Value) -> Value {
    json!({"ragConfigs": [config]})
}

fn search(args: &Run) -> Value {
    json!({"vectorSearchConfiguration": {"numberOfResults": args.results, "overrideSearchType": args.search}})
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
