use super::*;
use crate::eval_args::Price;

fn args(kind: Kind) -> Run {
    Run {
        name: "job".to_owned(),
        judge: Some("judge".to_owned()),
        generator: None,
        knowledge_base: None,
        results: 10,
        search: "HYBRID".to_owned(),
        prompt: None,
        own: Some("mine".to_owned()),
        kind,
        dataset: "s3://b/in/dev1.jsonl".to_owned(),
        to: "s3://b/out/".to_owned(),
        role_arn: "arn:aws:iam::111122223333:role/Evaluator".to_owned(),
        metrics: vec!["Builtin.Correctness".to_owned()],
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
        Run { own: None, generator: Some("m".to_owned()), knowledge_base: Some("KB".to_owned()), ..args(Kind::Rag) };
    let config = &body(&base).unwrap()["inferenceConfig"]["ragConfigs"][0]["knowledgeBaseConfig"];
    let search = &config["retrieveAndGenerateConfig"]["knowledgeBaseConfiguration"]["retrievalConfiguration"];
    assert_eq!(search["vectorSearchConfiguration"], json!({"numberOfResults": 10, "overrideSearchType": "HYBRID"}));
}

#[test]
fn a_prompt_is_that_of_a_knowledge_bases_answers() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("brief.txt");
    fs::write(&file, "In one line: $search_results$").unwrap();
    let asked = Run { own: None, generator: Some("m".to_owned()), prompt: Some(file), ..args(Kind::Rag) };
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
        Run { own: None, generator: Some("m".to_owned()), knowledge_base: Some("KB".to_owned()), ..args(Kind::Model) };
    assert!(body(&both).unwrap_err().to_string().contains("--kind rag"));
}

#[test]
fn progress_tells_each_metric() {
    let report = json!({"status": "InProgress", "total": 20, "secondsLeft": 7,
        "progress": [{"metricName": null, "done": 5}, {"metricName": "Builtin.Refusal", "done": 2}]});
    assert_eq!(progress(&report), "InProgress  7 of 20, about 7 s left  (answers 5, Builtin.Refusal 2)");
}

#[test]
fn a_record_tells_its_columns() {
    let row = json!({"record": 3, "turn": 1, "conversationInput": "p", "generationOutput": "a", "retrievedSources": 2,
        "groundTruth": ["t"], "scores": [{"metricName": "m", "result": 0.5, "explanation": "why"}]});
    assert_eq!(
        row_text(&row),
        "--- record 3, turn 1\ninput: p\noutput: a\nretrieved sources: 2\nground truth: t\nm: 0.50  why"
    );
}
