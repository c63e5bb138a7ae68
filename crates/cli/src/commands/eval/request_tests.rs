use std::fs;

use super::*;
use crate::eval_args::Price;

fn args(kind: Kind) -> Run {
    Run {
        name: "job".to_owned(),
        judge: Some("judge".to_owned()),
        custom_judge: None,
        generators: Vec::new(),
        temperature: None,
        top_p: None,
        stop_sequences: Vec::new(),
        max_tokens: None,
        latency: None,
        knowledge_base: None,
        results: 10,
        search: "HYBRID".to_owned(),
        prompt: None,
        own: Some("mine".to_owned()),
        kind,
        dataset: "s3://b/in/dev1.jsonl".to_owned(),
        to: "s3://b/out/".to_owned(),
        role_arn: "arn:aws:iam::111122223333:role/Evaluator".to_owned(),
        kms_key: None,
        description: None,
        tags: Vec::new(),
        metrics: vec!["Builtin.Correctness".to_owned()],
        custom_metrics: Vec::new(),
        askings: 1,
        embedding_model: None,
        price_per_hour: None,
        prices: Vec::new(),
        wait: false,
    }
}

#[test]
fn a_request_is_that_of_aws() {
    let own = body(&args(Kind::Rag)).unwrap();
    assert_eq!(
        own["inferenceConfig"]["ragConfigs"][0]["precomputedRagSourceConfig"]["retrieveAndGenerateSourceConfig"],
        json!({"ragSourceIdentifier": "mine"})
    );
    let dataset = &own["evaluationConfig"]["automated"]["datasetMetricConfigs"][0];
    assert_eq!(dataset["dataset"]["name"], "dev1");
    let base =
        Run { own: None, generators: vec!["m".to_owned()], knowledge_base: Some("KB".to_owned()), ..args(Kind::Rag) };
    let config = &body(&base).unwrap()["inferenceConfig"]["ragConfigs"][0]["knowledgeBaseConfig"];
    let search = &config["retrieveAndGenerateConfig"]["knowledgeBaseConfiguration"]["retrievalConfiguration"];
    assert_eq!(search["vectorSearchConfiguration"], json!({"numberOfResults": 10, "overrideSearchType": "HYBRID"}));
}

#[test]
fn a_prompt_is_that_of_a_knowledge_bases_answers() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("brief.txt");
    fs::write(&file, "In one line: $search_results$").unwrap();
    let asked = Run { own: None, generators: vec!["m".to_owned()], prompt: Some(file), ..args(Kind::Rag) };
    let asked = Run { knowledge_base: Some("KB".to_owned()), ..asked };
    let config = &body(&asked).unwrap()["inferenceConfig"]["ragConfigs"][0]["knowledgeBaseConfig"];
    let template = config.pointer("/retrieveAndGenerateConfig/knowledgeBaseConfiguration/generationConfiguration");
    assert_eq!(template.unwrap()["promptTemplate"]["textPromptTemplate"], "In one line: $search_results$");
    assert!(body(&Run { kind: Kind::Retrieve, ..asked.clone() }).unwrap_err().to_string().contains("--prompt"));
    let missing = Run { prompt: Some(dir.path().join("none.txt")), ..asked };
    assert!(body(&missing).unwrap_err().to_string().contains("none.txt"));
}

#[test]
fn what_craton_adds_stands_apart() {
    assert!(body(&args(Kind::Model)).unwrap().get("craton").is_none());
    let more = Run { askings: 4, embedding_model: Some("mini".to_owned()), ..args(Kind::Model) };
    assert_eq!(body(&more).unwrap()["craton"], json!({"askings": 4, "embeddingModelId": "mini"}));
    let price = |cached| Price { model: "judge".to_owned(), input: 0.8, output: 4.0, cached };
    let priced = Run { price_per_hour: Some(0.35), prices: vec![price(None), price(Some(0.1))], ..args(Kind::Model) };
    let asked = &body(&priced).unwrap()["craton"];
    assert_eq!(asked["pricePerHour"], 0.35);
    assert_eq!(asked["prices"][0], json!({"modelId": "judge", "input": 0.8, "output": 4.0}));
    assert_eq!((&asked["prices"][1]["cached"], asked.get("askings")), (&json!(0.1), None));
}

#[test]
fn what_lacks_a_system_says_what_to_name() {
    for kind in [Kind::Rag, Kind::Retrieve, Kind::Model] {
        let error = body(&Run { own: None, ..args(kind) }).unwrap_err().to_string();
        assert!(error.contains("hint: --"), "{error}");
    }
    let both =
        Run { own: None, generators: vec!["m".to_owned()], knowledge_base: Some("KB".to_owned()), ..args(Kind::Model) };
    assert!(body(&both).unwrap_err().to_string().contains("--kind rag"));
}

#[test]
fn two_models_are_asked_with_the_same_parameters() {
    let two = Run {
        own: None,
        generators: vec!["m".to_owned(), "n".to_owned()],
        temperature: Some(0.2),
        max_tokens: Some(64),
        ..args(Kind::Model)
    };
    let models = body(&two).unwrap()["inferenceConfig"]["models"].clone();
    for (at, id) in ["m", "n"].into_iter().enumerate() {
        let model = &models[at]["bedrockModel"];
        assert_eq!(model["modelIdentifier"], id);
        let parameters: Value = serde_json::from_str(model["inferenceParams"].as_str().unwrap()).unwrap();
        assert_eq!(parameters, json!({"inferenceConfig": {"temperature": 0.2, "maxTokens": 64}}));
    }
    let usual = body(&Run { temperature: None, max_tokens: None, ..two.clone() }).unwrap();
    assert_eq!(usual["inferenceConfig"]["models"][0]["bedrockModel"], json!({"modelIdentifier": "m"}));
    let three = Run { generators: ["m", "n", "o"].map(str::to_owned).to_vec(), ..two.clone() };
    assert!(body(&three).unwrap_err().to_string().contains("3 generators are named, and such a job has at most 2"));
    let base = Run { kind: Kind::Rag, knowledge_base: Some("KB".to_owned()), ..two };
    assert!(body(&base).unwrap_err().to_string().contains("at most 1"));
    let one = Run { generators: vec!["m".to_owned()], ..base };
    let config = &body(&one).unwrap()["inferenceConfig"]["ragConfigs"][0]["knowledgeBaseConfig"];
    let generation = &config["retrieveAndGenerateConfig"]["knowledgeBaseConfiguration"]["generationConfiguration"];
    assert_eq!(
        *generation,
        json!({"kbInferenceConfig": {"textInferenceConfig": {"temperature": 0.2, "maxTokens": 64}}})
    );
    let passages = Run { kind: Kind::Retrieve, generators: Vec::new(), ..one };
    assert!(body(&passages).unwrap_err().to_string().contains("nothing is generated"));
}

#[test]
fn a_generator_is_asked_with_all_that_bedrock_takes() {
    let asked = Run {
        own: None,
        generators: vec!["m".to_owned()],
        top_p: Some(0.9),
        stop_sequences: vec!["END".to_owned(), "\n\n".to_owned()],
        latency: Some("standard".to_owned()),
        ..args(Kind::Model)
    };
    let model = body(&asked).unwrap()["inferenceConfig"]["models"][0]["bedrockModel"].clone();
    let parameters: Value = serde_json::from_str(model["inferenceParams"].as_str().unwrap()).unwrap();
    assert_eq!(parameters, json!({"inferenceConfig": {"topP": 0.9, "stopSequences": ["END", "\n\n"]}}));
    assert_eq!(model["performanceConfig"], json!({"latency": "standard"}));
    let base = Run { kind: Kind::Rag, knowledge_base: Some("KB".to_owned()), ..asked };
    assert!(body(&base).unwrap_err().to_string().contains("--latency"), "Bedrock has none for knowledge bases");
    let base = Run { latency: None, ..base };
    let config = &body(&base).unwrap()["inferenceConfig"]["ragConfigs"][0]["knowledgeBaseConfig"];
    let generation = &config["retrieveAndGenerateConfig"]["knowledgeBaseConfiguration"]["generationConfiguration"];
    let wanted = json!({"topP": 0.9, "stopSequences": ["END", "\n\n"]});
    assert_eq!(generation["kbInferenceConfig"]["textInferenceConfig"], wanted);
    let passages = Run { kind: Kind::Retrieve, generators: Vec::new(), ..base };
    assert!(body(&passages).unwrap_err().to_string().contains("--top-p"));
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    run: Run,
}

#[test]
fn what_is_no_parameter_is_refused_by_its_name() {
    let usual = ["x", "job", "--dataset", "s3://b/d", "--to", "s3://b/o/", "--role-arn", "r", "--metric", "m"];
    let parsed = |more: &[&str]| <Line as clap::Parser>::try_parse_from(usual.iter().chain(more)).map(|line| line.run);
    let run = parsed(&["--generator", "m", "--top-p", "0.5", "--stop", "a", "--stop", "b", "--latency", "optimized"])
        .unwrap();
    assert_eq!((run.top_p, run.stop_sequences.len(), run.latency.as_deref()), (Some(0.5), 2, Some("optimized")));
    for wrong in [["--top-p", "1.5"], ["--top-p", "x"], ["--latency", "fast"]] {
        assert!(parsed(&wrong).is_err(), "{wrong:?}");
    }
    for more in [["--top-p", "1"], ["--stop", "a"], ["--latency", "standard"]] {
        let conflict = parsed(&[&["--own", "mine"][..], &more].concat()).unwrap_err().kind();
        assert_eq!(conflict, clap::error::ErrorKind::ArgumentConflict, "{more:?}");
    }
}

#[test]
fn metrics_of_ones_own_have_their_judge() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tone.json");
    fs::write(&file, r#"{"name": "tone", "instructions": "{{prediction}}"}"#).unwrap();
    let own = Run { custom_metrics: vec![file], ..args(Kind::Model) };
    let automated = body(&own).unwrap()["evaluationConfig"]["automated"].clone();
    assert_eq!(automated["datasetMetricConfigs"][0]["metricNames"], json!(["Builtin.Correctness", "tone"]));
    let config = &automated["customMetricConfig"];
    assert_eq!(config["customMetrics"][0]["customMetricDefinition"]["name"], "tone");
    let judge = |config: &Value| config["evaluatorModelConfig"]["bedrockEvaluatorModels"][0]["modelIdentifier"].clone();
    assert_eq!(judge(config), "judge");
    let other = Run { custom_judge: Some("other".to_owned()), ..own.clone() };
    let automated = body(&other).unwrap()["evaluationConfig"]["automated"].clone();
    assert_eq!((judge(&automated["customMetricConfig"]), judge(&automated)), (json!("other"), json!("judge")));
    let nobody = Run { judge: None, ..own };
    assert!(body(&nobody).unwrap_err().to_string().contains("--custom-judge"));
    assert!(body(&args(Kind::Model)).unwrap()["evaluationConfig"]["automated"].get("customMetricConfig").is_none());
}

#[test]
fn description_key_and_tags_are_asked_for_where_they_are_given() {
    let plain = body(&args(Kind::Model)).unwrap();
    for name in ["jobDescription", "customerEncryptionKeyId", "jobTags"] {
        assert!(plain.get(name).is_none(), "{name}");
    }
    let told = Run {
        description: Some("films".to_owned()),
        kms_key: Some("alias/k".to_owned()),
        tags: vec![("team".to_owned(), "chest".to_owned())],
        ..args(Kind::Model)
    };
    let told = body(&told).unwrap();
    assert_eq!((&told["jobDescription"], &told["customerEncryptionKeyId"]), (&json!("films"), &json!("alias/k")));
    assert_eq!(told["jobTags"], json!([{"key": "team", "value": "chest"}]));
}
