use orchestration::evaluations::plan::Parameters;
use serde_json::json;

use super::*;

fn evaluation() -> Value {
    json!({"automated": {
        "datasetMetricConfigs": [{"taskType": "Custom", "dataset": {"name": "d", "datasetLocation": {"s3Uri": "s3://b/d.jsonl"}},
            "metricNames": ["Builtin.Correctness", "tone"]}],
        "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": "judge"}]},
        "customMetricConfig": {
            "customMetrics": [{"customMetricDefinition": {"name": "tone", "instructions": "{{prediction}}", "ratingScale": [
                {"definition": "bad", "value": {"floatValue": 0.0}}, {"definition": "good", "value": {"floatValue": 1.0}}]}}],
            "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": "other"}]}}
    }})
}

#[test]
fn every_kind_of_system_is_understood() {
    let of =
        |inference: Value| asked(&evaluation(), &inference, "s3://b/".to_owned(), false).map(|asked| asked.systems);
    let parameters = Parameters { temperature: Some(0.5), max_tokens: Some(9), ..Parameters::default() };
    assert_eq!(
        of(json!({"models": [{"bedrockModel": {"modelIdentifier": "m",
            "inferenceParams": r#"{"inferenceConfig":{"maxTokens":9,"temperature":0.5}}"#}}]})),
        Ok(vec![System::Model { model: "m".to_owned(), parameters }])
    );
    let source = || "mine".to_owned();
    assert_eq!(
        of(json!({"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "mine"}}]})),
        Ok(vec![System::ModelAnswers { source: source() }])
    );
    assert_eq!(
        of(
            json!({"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveSourceConfig": {"ragSourceIdentifier": "mine"}}}]})
        ),
        Ok(vec![System::RetrieveAnswers { source: source() }])
    );
    assert_eq!(
        of(json!({"ragConfigs": [{"precomputedRagSourceConfig":
            {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": "mine"}}}]})),
        Ok(vec![System::RagAnswers { source: source() }])
    );
    assert!(of(json!({})).is_err());
    assert!(of(json!({"models": [{"bedrockModel": {"modelIdentifier": "m", "inferenceParams": "x"}}]})).is_err());
    let hasty = json!({"modelIdentifier": "m", "performanceConfig": {"latency": "optimized"}});
    assert!(of(json!({"models": [{"bedrockModel": hasty}]})).unwrap_err().message.contains("Latency"));
}

#[test]
fn metrics_and_judges_are_understood() {
    let inference = json!({"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "mine"}}]});
    let asked = asked(&evaluation(), &inference, "s3://b/".to_owned(), true).unwrap();
    assert_eq!((asked.judge.as_deref(), asked.custom_judge.as_deref()), (Some("judge"), Some("other")));
    assert_eq!(asked.datasets[0].metrics, ["Builtin.Correctness", "tone"]);
    assert_eq!(asked.custom[0].scale[1], ("good".to_owned(), AskedRating::Float(1.0)));
    assert!(asked.unlimited);
}

#[test]
fn people_and_datasets_of_bedrock_are_not_implemented() {
    let inference = json!({"models": []});
    let human = json!({"human": {}});
    assert_eq!(asked(&human, &inference, String::new(), false).unwrap_err().kind, base::ErrorKind::NotImplemented);
    let mut builtin = evaluation();
    builtin["automated"]["datasetMetricConfigs"][0]["dataset"] = json!({"name": "Builtin.Bold"});
    assert_eq!(asked(&builtin, &inference, String::new(), false).unwrap_err().kind, base::ErrorKind::NotImplemented);
}
