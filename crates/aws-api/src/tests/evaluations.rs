use super::*;

const IN: &str = "/evals/in.jsonl";

fn lines(count: usize) -> String {
    let line = |at: usize| {
        json!({"prompt": format!("What is {at}?"), "referenceResponse": format!("It is {at}."),
            "modelResponses": [{"modelIdentifier": "mine", "response": format!("It is {}.", at % 3)}]})
    };
    (0..count).map(|at| format!("{}\n", line(at))).collect()
}

fn request(name: &str, role: &str, metrics: &[&str]) -> Value {
    json!({
        "jobName": name,
        "roleArn": role,
        "applicationType": "ModelEvaluation",
        "evaluationConfig": {"automated": {
            "datasetMetricConfigs": [{"taskType": "Custom",
                "dataset": {"name": "d", "datasetLocation": {"s3Uri": "s3://evals/in.jsonl"}}, "metricNames": metrics}],
            "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": CLAUDE}]},
        }},
        "inferenceConfig": {"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "mine"}}]},
        "outputDataConfig": {"s3Uri": "s3://evals/out/"},
    })
}

impl World {
    /// A bucket with a dataset, and the ARN of a role that may use it and invoke models.
    async fn evaluator(&self, dataset: &str) -> String {
        assert_eq!(self.s3("PUT", "/evals", "").await.status, 200);
        assert_eq!(self.s3("PUT", IN, dataset).await.status, 200);
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let allowed = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "bedrock:InvokeModel"], "Resource": "*"}]});
        let encoded = |text: &Value| {
            percent_encoding::utf8_percent_encode(&text.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let form =
            format!("Action=CreateRole&Version=2010-05-08&RoleName=E&AssumeRolePolicyDocument={}", encoded(&trust));
        let reply = self.query("iam", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let form = format!(
            "Action=PutRolePolicy&Version=2010-05-08&RoleName=E&PolicyName=p&PolicyDocument={}",
            encoded(&allowed)
        );
        assert_eq!(self.query("iam", &form).await.status, 200);
        format!("arn:aws:iam::{}:role/E", self.admin.account)
    }

    async fn evaluate(&self, request: &Value) -> Reply {
        self.signed("bedrock", "POST", "/evaluation-jobs", &request.to_string()).await
    }

    async fn evaluation(&self, arn: &str) -> Value {
        let path = arn.replace(':', "%3A").replace('/', "%2F");
        let reply = self.signed("bedrock", "GET", &format!("/evaluation-jobs/{path}"), "").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The job once it has ended: whoever watches its work is told so.
    async fn evaluated(&self, arn: &str) -> Value {
        let jobs = self.signed("craton", "GET", "/craton/v1/jobs", "").await.json();
        for job in jobs["items"].as_array().unwrap().iter().filter(|job| job["kind"] == "evaluation") {
            let path = format!("/craton/v1/jobs/{}/events", job["id"].as_str().unwrap());
            tokio::time::timeout(Duration::from_secs(60), self.signed("craton", "GET", &path, "")).await.unwrap();
        }
        self.evaluation(arn).await
    }

    /// The lines of the results of a job.
    async fn results(&self, name: &str) -> String {
        let listing = self.s3("GET", &format!("/evals?list-type=2&prefix=out%2F{name}%2F"), "").await.text();
        let mut keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        let key = keys.find(|key| key.ends_with("_output.jsonl")).expect("results").to_owned();
        assert!(key.contains("/models/mine/taskTypes/Custom/datasets/d/"), "{key}");
        self.s3("GET", &format!("/evals/{key}"), "").await.text()
    }
}

fn arn_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()["jobArn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_job_judges_every_record_and_repeats_to_the_byte() {
    let world = World::start().await;
    let role = world.evaluator(&lines(5)).await;
    let metrics = ["Builtin.Correctness", "Builtin.Helpfulness", "Builtin.Refusal", "Craton.TokenF1"];
    for name in ["one", "two"] {
        let arn = arn_of(&world.evaluate(&request(name, &role, &metrics)).await);
        let job = world.evaluated(&arn).await;
        assert_eq!(job["status"], "Completed", "{job}");
        assert_eq!(job["evaluationConfig"], request(name, &role, &metrics)["evaluationConfig"]);
    }
    let results = world.results("one").await;
    assert_eq!(results, world.results("two").await);
    let lines: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let scores = line["automatedEvaluationResult"]["scores"].as_array().unwrap();
        assert_eq!(scores.iter().map(|score| score["metricName"].as_str().unwrap()).collect::<Vec<_>>(), metrics);
        for (score, steps) in scores.iter().zip([2.0, 6.0, 1.0]) {
            let result = score["result"].as_f64().unwrap_or_else(|| panic!("{score}"));
            assert!((result * steps - (result * steps).round()).abs() < 1e-9, "{score}");
            assert_eq!(score["evaluatorDetails"][0]["modelIdentifier"], CLAUDE);
            assert!(!score["evaluatorDetails"][0]["explanation"].as_str().unwrap().trim().is_empty());
        }
        assert!(scores[3]["evaluatorDetails"].as_array().unwrap().is_empty(), "no judge");
    }
    assert_eq!(lines[0]["automatedEvaluationResult"]["scores"][3]["result"], 1.0);
    world.stop().await;
}

#[tokio::test]
async fn names_are_unique_and_jobs_are_listed_stopped_and_deleted() {
    let world = World::start().await;
    let role = world.evaluator(&lines(1)).await;
    let asked = request("once", &role, &["Craton.RougeL"]);
    let arn = arn_of(&world.evaluate(&asked).await);
    assert_eq!(world.evaluate(&asked).await.error(), (400, "ConflictException"));
    world.evaluated(&arn).await;
    let listing = world.signed("bedrock", "GET", "/evaluation-jobs?applicationTypeEquals=ModelEvaluation", "").await;
    assert_eq!(listing.json()["jobSummaries"][0]["jobArn"], *arn, "{}", listing.text());
    let stop = format!("/evaluation-job/{}/stop", arn.replace(':', "%3A").replace('/', "%2F"));
    assert_eq!(world.signed("bedrock", "POST", &stop, "").await.error(), (400, "ConflictException"));
    let body = json!({"jobIdentifiers": [arn, arn.replace(&arn[arn.len() - 12..], "zzzzzzzzzzzz")]}).to_string();
    let deleted = world.signed("bedrock", "POST", "/evaluation-jobs/batch-delete", &body).await.json();
    assert_eq!(deleted["evaluationJobs"][0]["jobStatus"], "Deleting", "{deleted}");
    assert_eq!(deleted["errors"][0]["code"], "ResourceNotFoundException");
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_or_by_the_job() {
    let world = World::start().await;
    let role = world.evaluator(&format!("{}{{\"prompt\"", lines(2))).await;
    let refused = world.evaluate(&request("a", &role, &["Builtin.ContextRelevance"])).await;
    assert_eq!(refused.error(), (400, "ValidationException"), "{}", refused.text());
    let mut base = request("a", &role, &["Builtin.Correctness"]);
    base["applicationType"] = json!("RagEvaluation");
    base["inferenceConfig"] = json!({"ragConfigs": [{"knowledgeBaseConfig": {"retrieveAndGenerateConfig": {
        "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {"knowledgeBaseId": "ABCDEFGHIJ", "modelArn": CLAUDE}}}}]});
    assert_eq!(world.evaluate(&base).await.status, 501);
    let arn = arn_of(&world.evaluate(&request("broken", &role, &["Builtin.Correctness"])).await);
    let job = world.evaluated(&arn).await;
    assert_eq!(job["status"], "Failed");
    assert!(job["failureMessages"][0].as_str().unwrap().contains("Line 3 of the dataset"), "{job}");
    let body = "Action=DeleteRolePolicy&Version=2010-05-08&RoleName=E&PolicyName=p";
    assert_eq!(world.query("iam", body).await.status, 200);
    let arn = arn_of(&world.evaluate(&request("denied", &role, &["Builtin.Correctness"])).await);
    let job = world.evaluated(&arn).await;
    assert!(job["failureMessages"][0].as_str().unwrap().contains("not authorized"), "{job}");
    world.stop().await;
}

#[tokio::test]
async fn a_judge_that_judges_itself_is_told_and_reports_are_read() {
    let world = World::start().await;
    let role = world.evaluator(&lines(3)).await;
    let mut asked = request("own", &role, &["Builtin.Correctness"]);
    asked["inferenceConfig"] = json!({"models": [{"bedrockModel": {"modelIdentifier": CLAUDE}}]});
    let reply = world.evaluate(&asked).await;
    assert!(reply.header("x-craton-warning").contains("the same model"), "{:?}", reply.headers);
    let arn = arn_of(&reply);
    assert_eq!(world.evaluated(&arn).await["status"], "Completed");
    let id = &arn[arn.len() - 12..];
    let report = world.signed("craton", "GET", &format!("/craton/v1/evaluation-jobs/{id}/report"), "").await.json();
    let card = &report["results"][0]["card"];
    assert_eq!(card["metrics"][0]["scored"], 3, "{report}");
    assert!(card["metrics"][0]["calibration"].as_str().unwrap().starts_with("not calibrated"));
    assert!(card["warnings"][0].as_str().unwrap().contains("the same model"));
    let page = world.signed("craton", "GET", &format!("/craton/v1/evaluation-jobs/{id}/report?format=html"), "").await;
    assert!(page.text().contains("<!doctype html>"));
    let path = format!("/craton/v1/evaluation-jobs/{id}/records?metric=Builtin.Correctness&limit=2");
    assert_eq!(world.signed("craton", "GET", &path, "").await.json()["rows"].as_array().unwrap().len(), 2);
    let path = format!("/craton/v1/evaluation-jobs/{id}/compare/{id}");
    let compared = world.signed("craton", "GET", &path, "").await.json();
    assert_eq!(compared["metrics"][0]["judgement"], "same model: not a comparison");
    world.stop().await;
}

#[tokio::test]
async fn datasets_are_checked_and_jobs_are_compared_pair_by_pair() {
    let world = World::start().await;
    let role = world.evaluator(&lines(3)).await;
    let asked = json!({"kind": "model", "ownResponses": true, "metricNames": ["Craton.RougeL"],
        "lines": format!("{}{{\n", lines(2))});
    let path = "/craton/v1/evaluation-datasets/check";
    let told = world.signed("craton", "POST", path, &asked.to_string()).await;
    assert_eq!(told.status, 200, "{}", told.text());
    assert_eq!(
        (&told.json()["records"], &told.json()["problems"][0]["line"]),
        (&json!(3), &json!(3)),
        "{}",
        told.text()
    );
    let tone = |instructions: &str| {
        let definition = json!({"name": "tone", "instructions": instructions});
        json!({"kind": "model", "ownResponses": true, "metricNames": ["tone"], "lines": lines(2),
            "customMetrics": [{"customMetricDefinition": definition}]})
    };
    let told = world.signed("craton", "POST", path, &tone("{{prediction}} {{context}}").to_string()).await.json();
    assert_eq!(told["customMetrics"], json!([{"metricName": "tone", "variables": ["prediction", "context"]}]));
    assert_eq!(told["problems"][0]["line"], Value::Null);
    assert!(told["problems"][0]["message"].as_str().unwrap().contains("`{{context}}`"), "{told}");
    let unknown = world.signed("craton", "POST", path, &tone("{{answer}}").to_string()).await;
    assert!(unknown.status == 400 && unknown.text().contains("{{answer}}"), "{}", unknown.text());
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut asked = tone("{{prediction}}");
        change(&mut asked);
        let reply = world.signed("craton", "POST", path, &asked.to_string()).await;
        (reply.status == 400).then(|| reply.text())
    };
    let unnamed = refused(&|asked| asked["metricNames"] = json!(["Craton.RougeL"])).await;
    assert!(unnamed.unwrap().contains("does not name the metric `tone`"));
    // What a job would refuse, this does too.
    let scale = |asked: &mut Value| asked["customMetrics"][0]["customMetricDefinition"]["ratingScale"] = json!("good");
    assert!(refused(&scale).await.unwrap().contains("ratingScale"));
    assert_eq!(refused(&|_| {}).await, None);
    let both = json!({"kind": "model", "metricNames": ["Craton.RougeL"], "lines": "", "s3Uri": "s3://evals/in.jsonl"});
    assert_eq!(world.signed("craton", "POST", path, &both.to_string()).await.status, 400);

    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let mut asked = request(name, &role, &["Craton.TokenF1", "Craton.EmbeddingSimilarity"]);
        asked.as_object_mut().unwrap().remove("applicationType");
        asked["craton"] = json!({"askings": 2, "embeddingModelId": TITAN_V1, "pricePerHour": 0.36});
        let reply = world.signed("craton", "POST", "/craton/v1/evaluation-jobs", &asked.to_string()).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let arn = arn_of(&reply);
        assert_eq!(world.evaluated(&arn).await["status"], "Completed");
        ids.push(arn[arn.len() - 12..].to_owned());
        let path = format!("/craton/v1/evaluation-jobs/{}/report", &arn[arn.len() - 12..]);
        let report = world.signed("craton", "GET", &path, "").await.json();
        assert_eq!(report["machineCost"]["pricePerHour"], 0.36, "{report}");
        assert!(report["machineCost"]["cost"].as_f64().unwrap() >= 0.0);
    }
    let scores = world.results("one").await;
    assert!(scores.contains("Craton.EmbeddingSimilarity") && !scores.contains("\"error\""), "{scores}");
    let path = format!("/craton/v1/evaluation-jobs/{}/pairwise/{}", ids[0], ids[1]);
    let reply = world.signed("craton", "POST", &path, &json!({"judge": CLAUDE}).to_string()).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let id = reply.json()["comparisonId"].as_str().unwrap().to_owned();
    world.signed("craton", "GET", &format!("/craton/v1/jobs/{id}/events"), "").await;
    let path = format!("/craton/v1/pairwise-comparisons/{id}");
    let told = world.signed("craton", "GET", &path, "").await.json();
    assert_eq!((&told["job"]["state"], &told["result"]["pairs"]), (&json!("succeeded"), &json!(3)), "{told}");
    assert_eq!(told["result"]["judgement"], "not distinguishable", "of three pairs nothing is said");
    let shown = world.signed("craton", "GET", &format!("{path}?format=text"), "").await.text();
    assert!(shown.starts_with(&format!("one or two, by {CLAUDE}, on 3 prompts in both orders\n")), "{shown}");
    assert_eq!(world.signed("craton", "GET", "/craton/v1/pairwise-comparisons/nothing", "").await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn tags_scales_and_each_system_of_a_job_are_told() {
    let world = World::start().await;
    let role = world.evaluator(&lines(3)).await;
    let asked = json!({"kind": "model", "ownResponses": true, "metricNames": ["Builtin.Refusal", "Craton.RougeL"],
        "lines": lines(1)});
    let told = world.signed("craton", "POST", "/craton/v1/evaluation-datasets/check", &asked.to_string()).await.json();
    assert_eq!(told["scales"], json!([{"metricName": "Builtin.Refusal", "labels": ["No", "Yes"]}]));
    let labels = async |judge: &str| {
        let asked = json!({"kind": "model", "judge": judge, "metricNames": ["Builtin.Helpfulness"], "lines": lines(1)});
        let path = "/craton/v1/evaluation-datasets/check";
        let told = world.signed("craton", "POST", path, &asked.to_string()).await.json();
        told["scales"][0]["labels"].as_array().unwrap().len()
    };
    assert_eq!(
        (labels(CLAUDE).await, labels("amazon.nova-2-lite-v1:0").await),
        (7, 6),
        "scales are those of the judge"
    );

    let model = |most: u32| {
        let parameters = json!({"inferenceConfig": {"maxTokens": most}}).to_string();
        json!({"bedrockModel": {"modelIdentifier": CLAUDE, "inferenceParams": parameters}})
    };
    let mut asked = request("two", &role, &["Craton.TokenF1"]);
    asked["inferenceConfig"] = json!({"models": [model(1), model(9)]});
    (asked["jobDescription"], asked["jobTags"]) = (json!("films"), json!([{"key": "team", "value": "chest"}]));
    let arn = arn_of(&world.signed("craton", "POST", "/craton/v1/evaluation-jobs", &asked.to_string()).await);
    assert_eq!(world.evaluated(&arn).await["status"], "Completed");
    let job = format!("/craton/v1/evaluation-jobs/{}", &arn[arn.len() - 12..]);
    for format in ["json", "progress"] {
        let report = world.signed("craton", "GET", &format!("{job}/report?format={format}"), "").await.json();
        assert_eq!(
            (&report["tags"], &report["description"]),
            (&json!([{"key": "team", "value": "chest"}]), &json!("films")),
            "{report}"
        );
    }
    let compared = |query: &str| {
        let path = format!("{job}/compare/{}?{query}", &arn[arn.len() - 12..]);
        let world = &world;
        async move { world.signed("craton", "GET", &path, "").await }
    };
    let told = compared("system=0&otherSystem=1").await.json();
    assert_eq!(told["first"], format!("two of {CLAUDE} (0)"), "{told}");
    assert_eq!(told["sides"][1], json!({"dataset": "d", "system": CLAUDE}));
    assert_ne!(told["metrics"][0]["judgement"], "same model: not a comparison", "they are asked otherwise");
    // What is said of the first job alone holds for both.
    let told = compared("system=1&dataset=d").await.json();
    assert_eq!(
        (&told["first"], &told["metrics"][0]["judgement"]),
        (&told["second"], &json!("same model: not a comparison"))
    );
    let refused = compared("dataset=e").await;
    assert!(refused.status == 400 && refused.text().contains("no dataset `e`"), "{}", refused.text());
    world.stop().await;
}

#[tokio::test]
async fn jobs_are_listed_with_their_kinds_and_pairs_are_those_of_the_datasets_that_are_meant() {
    let world = World::start().await;
    let role = world.evaluator(&lines(3)).await;
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let mut asked = request(name, &role, &["Craton.TokenF1"]);
        let datasets = &mut asked["evaluationConfig"]["automated"]["datasetMetricConfigs"];
        let mut more = datasets[0].clone();
        more["dataset"]["name"] = json!("e");
        datasets.as_array_mut().unwrap().push(more);
        let arn = arn_of(&world.evaluate(&asked).await);
        assert_eq!(world.evaluated(&arn).await["status"], "Completed");
        ids.push(arn[arn.len() - 12..].to_owned());
    }
    let mut passages = request("passages", &role, &["Builtin.ContextRelevance"]);
    passages["applicationType"] = json!("RagEvaluation");
    passages["inferenceConfig"] = json!({"ragConfigs": [{"precomputedRagSourceConfig":
        {"retrieveSourceConfig": {"ragSourceIdentifier": "mine"}}}]});
    let arn = arn_of(&world.evaluate(&passages).await);
    assert_eq!(world.evaluated(&arn).await["status"], "Failed", "its dataset has no passages");

    let listed =
        async |query: &str| world.signed("craton", "GET", &format!("/craton/v1/evaluation-jobs{query}"), "").await;
    let kinds = async |query: &str| {
        let told = listed(query).await.json();
        let items = told["items"].as_array().unwrap().iter();
        let mut kinds: Vec<(String, String)> = items
            .map(|job| (job["jobName"].as_str().unwrap().to_owned(), job["kind"].as_str().unwrap().to_owned()))
            .collect();
        kinds.sort();
        kinds
    };
    let kind = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let all = [kind("one", "model"), kind("passages", "retrieve-only"), kind("two", "model")];
    assert_eq!(kinds("").await, all);
    assert_eq!(kinds("?statusEquals=Failed").await, all[1..2]);
    assert_eq!(kinds("?applicationTypeEquals=ModelEvaluation&nameContains=tw").await, all[2..]);
    for wrong in ["?statusEquals=Late", "?applicationTypeEquals=Other", "?nextToken=x"] {
        assert_eq!(listed(wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(kinds("?applicationTypeEquals=RagEvaluation").await, all[1..2]);
    let ann = world.user("ann").await;
    let denied = world.sign(&ann, "craton", "GET", "/craton/v1/evaluation-jobs", "", &[]);
    let denied = world.send(denied).await;
    assert!(denied.status == 403 && denied.text().contains("bedrock:ListEvaluationJobs"), "{}", denied.text());
    let told = listed("?nameContains=passages").await.json()["items"][0].clone();
    assert_eq!((&told["jobArn"], &told["applicationType"]), (&json!(arn), &json!("RagEvaluation")), "{told}");
    assert_eq!(told["evaluatorModelIdentifiers"], json!([CLAUDE]));
    assert!(told["creationTime"].as_str().unwrap().ends_with('Z'), "{told}");

    let path = format!("/craton/v1/evaluation-jobs/{}/pairwise/{}", ids[0], ids[1]);
    let compared = async |parts: Value| {
        let mut body = json!({"judge": CLAUDE});
        body.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        let reply = world.signed("craton", "POST", &path, &body.to_string()).await;
        if reply.status != 202 {
            return Err((reply.status.as_u16(), reply.text()));
        }
        let id = reply.json()["comparisonId"].as_str().unwrap().to_owned();
        world.signed("craton", "GET", &format!("/craton/v1/jobs/{id}/events"), "").await;
        Ok(world.signed("craton", "GET", &format!("/craton/v1/pairwise-comparisons/{id}"), "").await.json()["result"]
            .clone())
    };
    let all = compared(json!({})).await.unwrap();
    assert_eq!(
        (&all["pairs"], &all["datasets"], &all["first"]),
        (&json!(6), &json!(["d", "e"]), &json!("one")),
        "{all}"
    );
    let some = compared(json!({"dataset": "e"})).await.unwrap();
    assert_eq!(
        (&some["pairs"], &some["datasets"], &some["first"]),
        (&json!(3), &json!(["e"]), &json!("one on e")),
        "{some}"
    );
    for (parts, words) in [
        (json!({"dataset": "f"}), "no dataset `f`"),
        (json!({"otherSystem": "1"}), "no system `1`"),
        (json!({"dataset": 1}), "dataset"),
        (json!({"set": "e"}), "set"),
    ] {
        let (status, text) = compared(parts).await.unwrap_err();
        assert!(status == 400 && text.contains(words), "{status} {text}");
    }
    world.stop().await;
}
