//! Evaluation jobs beyond AWS's operations: without a limit of prompts, their reports, records and comparisons.

use aws_wire::generated::bedrock::CreateEvaluationJobRequest;
use base::{Error, ErrorKind, PageRequest};
use bytes::Bytes;
use futures::future::FutureExt as _;
use http::{HeaderValue, StatusCode, header};
use identity::Ask;
use orchestration::evaluations::pairwise::{pairwise_json, pairwise_text};
use orchestration::evaluations::plan::{Asked as Wanted, AskedCustom, MOST_ASKINGS, Parameters, Problem, System};
use orchestration::evaluations::prices::{ModelPrice, Prices};
use orchestration::evaluations::report::{
    Part, comparison_json, comparison_text, html, passport_json, report_json, report_text, rows_json,
};
use orchestration::evaluations::{
    DatasetText, EvaluationFilter, EvaluationJob, EvaluationStatus, HumanLabel, LabelScale, NewEvaluation, Variables,
};
use serde_json::{Value, json};

use crate::bedrock::{
    asked, asks_to_create, check_application, custom_metric, evaluation_arn, evaluation_summary, tag_pairs, warn,
};
use crate::body::full;
use crate::call::{Answer, Asked, Call, Labels, json as respond};
use crate::json_fields::{Fields, Node, Wording};

/// Jobs of a page.
const PAGE: u32 = 100;
/// Records of an answer where nothing is said, and at most.
const ROWS: usize = 100;
const MOST_ROWS: usize = 1_000;
/// Records of a page of HTML.
const PAGE_ROWS: usize = 200;

/// To start an evaluation.
pub(super) fn create_asks(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let mut body = call.json()?;
        body.as_object_mut().and_then(|body| body.remove("craton"));
        Ok(asks_to_create(&call.ctx, &tag_pairs(read(&body)?.job_tags)))
    }
    .boxed()
}

/// To list the jobs.
pub(super) fn list_asks(_: &Call<Labels>) -> Asked<'_> {
    async { Ok(vec![Ask::new("bedrock:ListEvaluationJobs", "*")]) }.boxed()
}

/// To read the job that is named.
pub(super) fn asks(call: &Call<Labels>) -> Asked<'_> {
    async move { Ok(vec![ask(call, call.label(0)).await?]) }.boxed()
}

/// To read the job that is named, and to say how far its judge is trusted.
pub(super) fn calibrate_asks(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let judges = super::arn(&call.ctx, "judge", "*");
        Ok(vec![ask(call, call.label(0)).await?, Ask::new("craton:CalibrateJudge", judges)])
    }
    .boxed()
}

/// To read both jobs that are named.
pub(super) fn both_asks(call: &Call<Labels>) -> Asked<'_> {
    async move { Ok(vec![ask(call, call.label(0)).await?, ask(call, call.label(1)).await?]) }.boxed()
}

async fn ask(call: &Call<Labels>, named: &str) -> base::Result<Ask> {
    let action = "bedrock:GetEvaluationJob";
    match call.api.evaluations().get(&call.ctx, named).await {
        Ok(job) => Ok(Ask::new(action, job.arn.to_string()).resource_tags(&job.tags)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Ask::new(action, evaluation_arn(&call.ctx, named))),
        Err(error) => Err(error),
    }
}

/// Starts an evaluation of any number of prompts. The body is that of `CreateEvaluationJob`, and may have beside it
/// `"craton": {"askings", "embeddingModelId", "pricePerHour", "prices": [{"modelId", "input", "output", "cached"?}]}`, prices of
/// models for 1,000,000 tokens.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let mut body = call.json()?;
    let own = body.as_object_mut().and_then(|body| body.remove("craton"));
    let (askings, embedder, prices) = own.as_ref().map_or_else(|| Ok((1, None, Prices::default())), more)?;
    let input = read(&body)?;
    let evaluation = serde_json::to_value(&input.evaluation_config).map_err(Error::internal)?;
    let inference = serde_json::to_value(&input.inference_config).map_err(Error::internal)?;
    let wanted = asked(&evaluation, &inference, input.output_data_config.s3_uri, true)?;
    check_application(input.application_type, &wanted.systems)?;
    let new = NewEvaluation {
        asked: Wanted { askings, embedder, prices, ..wanted },
        name: input.job_name,
        description: input.job_description,
        role_arn: input.role_arn,
        output_key: input.customer_encryption_key_id,
        tags: tag_pairs(input.job_tags),
        request_token: input.client_request_token,
        configuration: json!({"evaluationConfig": evaluation, "inferenceConfig": inference}),
    };
    let (job, warnings) = call.api.evaluations().create(&call.ctx, new).await?;
    let answer: Value = json!({"jobArn": job.arn.to_string(), "jobId": job.id, "warnings": warnings});
    let mut response = respond(StatusCode::ACCEPTED, &answer);
    warn(&mut response, &warnings);
    Ok(response)
}

/// The jobs, the latest first: what `ListEvaluationJobs` tells of each, and its `kind`, which AWS's operation does not tell. Only those
/// of `statusEquals`, of `applicationTypeEquals`, and with `nameContains` in their names.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let is_rag = match call.query("applicationTypeEquals").as_deref() {
        None => None,
        Some("RagEvaluation") => Some(true),
        Some("ModelEvaluation") => Some(false),
        Some(other) => return Err(Error::invalid(format!("There is no application type `{other}`.")).into()),
    };
    let status = call.query("statusEquals").map(|name| {
        EvaluationStatus::from_name(&name).map_err(|_| Error::invalid(format!("There is no status `{name}`.")))
    });
    let filter = EvaluationFilter {
        status: status.transpose()?,
        is_rag,
        name_contains: call.query("nameContains"),
        ..EvaluationFilter::default()
    };
    let page = PageRequest::from_token(PAGE, call.query("nextToken").as_deref())?;
    let jobs = call.api.evaluations().list(&call.ctx, &filter, &page).await?;
    let next = jobs.next_token();
    let items = jobs.items.iter().map(listed).collect::<base::Result<Vec<_>>>()?;
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": next})))
}

fn listed(job: &EvaluationJob) -> base::Result<Value> {
    let mut told = serde_json::to_value(evaluation_summary(job.clone())?).map_err(Error::internal)?;
    told["creationTime"] = json!(job.created.to_iso8601());
    told["kind"] = json!(job.asked.systems.first().map(|system| system.family().as_str()));
    Ok(told)
}

/// How often a judge is asked for each verdict, the embedding model, and what is paid.
fn more(own: &Value) -> base::Result<(usize, Option<String>, Prices)> {
    let fields = Fields::root(own, Wording::OpenAi)?;
    fields.only(&["askings", "embeddingModelId", "pricePerHour", "prices"])?;
    let askings = fields.count("askings", 1, MOST_ASKINGS as u32)?.unwrap_or(1);
    let per_hour = fields.optional("pricePerHour").map(|node| price(&node)).transpose()?;
    let models = fields.list("prices")?.iter().map(model_price).collect::<base::Result<_>>()?;
    let embedder = fields.text("embeddingModelId")?.map(str::to_owned);
    Ok((askings as usize, embedder, Prices { per_hour, models }))
}

fn model_price(node: &Node<'_>) -> base::Result<ModelPrice> {
    let fields = node.fields()?;
    fields.only(&["modelId", "input", "output", "cached"])?;
    Ok(ModelPrice {
        model: fields.required("modelId")?.text()?.to_owned(),
        input: price(&fields.required("input")?)?,
        cached: fields.optional("cached").map(|node| price(&node)).transpose()?,
        output: price(&fields.required("output")?)?,
    })
}

/// A number that is not negative, as it was written.
fn price(node: &Node<'_>) -> base::Result<f64> {
    node.number(0.0, f64::MAX)?;
    Ok(node.value.as_f64().unwrap_or_default())
}

/// The body, checked as that of `CreateEvaluationJob` is, but for the ids of models.
fn read(body: &Value) -> base::Result<CreateEvaluationJobRequest> {
    let mut checked = body.clone();
    stand_in(&mut checked);
    let bytes = Bytes::from(checked.to_string());
    let request = http::Request::post("/evaluation-jobs").header(header::CONTENT_TYPE, "application/json").body(());
    let (parts, ()) = request.map_err(Error::internal)?.into_parts();
    let routed = aws_wire::route("bedrock", &parts, &bytes);
    let routed = routed.map_err(|error| Error::internal(format!("the route of CreateEvaluationJob: {error:?}")))?;
    let input: CreateEvaluationJobRequest =
        aws_wire::decode(&routed, &parts, &bytes).map_err(|violation| Error::invalid(violation.message))?;
    let part = |name: &str| body.get(name).cloned().unwrap_or_default();
    Ok(CreateEvaluationJobRequest {
        evaluation_config: serde_json::from_value(part("evaluationConfig")).map_err(Error::internal)?,
        inference_config: serde_json::from_value(part("inferenceConfig")).map_err(Error::internal)?,
        ..input
    })
}

/// Metrics of users' own, as a job with them would read them.
fn custom_metrics(items: &[Node<'_>], named: &[String]) -> base::Result<Vec<AskedCustom>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let definitions: Vec<&Value> = items.iter().map(|node| node.value).collect();
    // All but the metrics stands in for what the job will be asked with.
    let job = json!({
        "jobName": "check",
        "roleArn": "arn:aws:iam::111122223333:role/check",
        "evaluationConfig": {"automated": {
            "datasetMetricConfigs": [{"taskType": "Custom", "dataset": {"name": "check"}, "metricNames": ["check"]}],
            "customMetricConfig": {
                "customMetrics": definitions,
                "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": "judge"}]},
            },
        }},
        "inferenceConfig": {"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "check"}}]},
        "outputDataConfig": {"s3Uri": "s3://check/"},
    });
    read(&job)?;
    let custom = definitions.into_iter().map(custom_metric).collect::<base::Result<Vec<_>>>()?;
    match custom.iter().find(|metric| !named.contains(&metric.name)) {
        None => Ok(custom),
        Some(metric) => Err(Error::invalid(format!("`metricNames` does not name the metric `{}`.", metric.name))
            .with_hint("A job computes the metrics that it names alone, those of your own among them.")),
    }
}

/// Puts an id of AWS's in the place of each model's: its patterns know neither a model's own name nor judges that were
/// imported. Whether something answers for an id is seen when the job is made.
fn stand_in(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(id) if name == "modelIdentifier" && !id.is_empty() => *id = "craton.model".to_owned(),
                    member => stand_in(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(stand_in),
        _ => {}
    }
}

/// What there is to say of a job: as JSON, as a page (`format=html`) or for a terminal (`format=text`); how far it is alone
/// (`format=progress`), for whoever asks often.
pub(super) async fn report(call: Call<Labels>) -> Answer {
    let (evaluations, named) = (call.api.evaluations(), call.label(0));
    let format = call.query("format");
    if format.as_deref() == Some("progress") {
        return Ok(respond(StatusCode::OK, &report_json(&evaluations.progress(&call.ctx, named).await?)));
    }
    let report = evaluations.report(&call.ctx, named).await?;
    match format.as_deref().unwrap_or("json") {
        "json" => Ok(respond(StatusCode::OK, &report_json(&report))),
        "text" => Ok(text(report_text(&report), "text/plain; charset=utf-8")),
        "html" => {
            let mut metrics = report.sections.iter().flat_map(|section| &section.card.metrics);
            let first = || metrics.find(|metric| metric.mean.is_some()).map(|metric| metric.name.clone());
            let metric = call.query("metric").or_else(first);
            let rows = evaluations.rows(&call.ctx, named, metric.as_deref(), PAGE_ROWS).await?;
            Ok(text(html(&report, &rows, metric.as_deref()), "text/html; charset=utf-8"))
        }
        other => Err(unknown(other).into()),
    }
}

/// The turns of a job, those with the lowest score of `metric` first.
pub(super) async fn rows(call: Call<Labels>) -> Answer {
    let most = call.query("limit").map_or(Ok(ROWS), |limit| limit.parse::<usize>());
    let most = most.map_err(|_| Error::invalid("`limit` is no number."))?.min(MOST_ROWS);
    let rows = call.api.evaluations().rows(&call.ctx, call.label(0), call.query("metric").as_deref(), most).await?;
    Ok(respond(StatusCode::OK, &rows_json(&rows)))
}

/// How two jobs differ: on the `dataset` and of the `system` that are named, by place from 0 or by name; of the second job on
/// `otherDataset` and of `otherSystem`, where these are named.
pub(super) async fn compare(call: Call<Labels>) -> Answer {
    let (dataset, system) = (call.query("dataset"), call.query("system"));
    let (other_dataset, other_system) = (call.query("otherDataset"), call.query("otherSystem"));
    let part = Part { dataset: dataset.as_deref(), system: system.as_deref() };
    let other =
        Part { dataset: other_dataset.as_deref().or(part.dataset), system: other_system.as_deref().or(part.system) };
    let (first, second) = ((call.label(0), part), (call.label(1), other));
    let comparison = call.api.evaluations().compare(&call.ctx, first, second).await?;
    match call.query("format").as_deref().unwrap_or("json") {
        "json" => Ok(respond(StatusCode::OK, &comparison_json(&comparison))),
        "text" => Ok(text(comparison_text(&comparison), "text/plain; charset=utf-8")),
        other => Err(unknown(other).into()),
    }
}

fn unknown(format: &str) -> Error {
    Error::invalid(format!("There is no format `{format}`."))
        .with_hint("The formats are json, text, html and progress.")
}

fn text(text: String, media_type: &'static str) -> http::Response<crate::body::ResponseBody> {
    let mut response = http::Response::new(full(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Compares a job's judge with people: `{"labels": [{"record", "turn", "metric", "label"}]}`.
pub(super) async fn calibrate(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let labels = body["labels"].as_array().ok_or_else(|| Error::invalid("`labels` is missing, or no array."))?;
    let labels = labels.iter().enumerate().map(|(at, label)| {
        let number = |name: &str| label[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let read = || {
            Some(HumanLabel {
                record: number("record")?,
                turn: label.get("turn").map_or(Some(1), |_| number("turn"))?,
                metric: label["metric"].as_str()?.to_owned(),
                label: number("label")?,
            })
        };
        read().ok_or_else(|| {
            Error::invalid(format!("Label {at} is invalid."))
                .with_hint(r#"It looks like `{"record": 1, "turn": 1, "metric": "Builtin.Correctness", "label": 2}`."#)
        })
    });
    let labels = labels.collect::<base::Result<Vec<_>>>()?;
    let passports = call.api.evaluations().calibrate(&call.ctx, call.label(0), &labels).await?;
    Ok(respond(StatusCode::OK, &json!({"passports": passports.iter().map(passport_json).collect::<Vec<_>>()})))
}

/// How far a judge agrees with people, by metric.
pub(super) async fn passport(call: Call<Labels>) -> Answer {
    let passports = call.api.evaluations().passports(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &json!({"passports": passports.iter().map(passport_json).collect::<Vec<_>>()})))
}

/// Starts to compare the answers of two jobs pair by pair: `{"judge", "dataset"?, "system"?, "otherDataset"?, "otherSystem"?}`, datasets
/// and systems by place from 0, as a text, or by name. All datasets are compared where none is named.
pub(super) async fn start_pairwise(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let fields = Fields::root(&body, Wording::OpenAi)?;
    fields.only(&["judge", "dataset", "system", "otherDataset", "otherSystem"])?;
    let judge = fields.required("judge")?.text()?;
    let part = Part { dataset: fields.text("dataset")?, system: fields.text("system")? };
    let other = Part { dataset: fields.text("otherDataset")?, system: fields.text("otherSystem")? };
    let (first, second) = ((call.label(0), part), (call.label(1), other));
    let (job, warnings) = call.api.evaluations().start_pairwise(&call.ctx, first, second, judge).await?;
    let answer = json!({"comparisonId": job.id.as_str(), "job": super::jobs::describe(&job), "warnings": warnings});
    let mut response = respond(StatusCode::ACCEPTED, &answer);
    warn(&mut response, &warnings);
    Ok(response)
}

/// A comparison as it stands, with what came of it once it is done: as JSON, or for a terminal (`format=text`).
pub(super) async fn pairwise(call: Call<Labels>) -> Answer {
    let (job, told) = call.api.evaluations().pairwise(&call.ctx, call.label(0)).await?;
    match (call.query("format").as_deref().unwrap_or("json"), told) {
        ("json", told) => {
            let answer = json!({
                "comparisonId": job.id.as_str(),
                "job": super::jobs::describe(&job),
                "result": told.as_ref().map(pairwise_json),
            });
            Ok(respond(StatusCode::OK, &answer))
        }
        ("text", Some(told)) => Ok(text(pairwise_text(&told), "text/plain; charset=utf-8")),
        ("text", None) => Err(Error::conflict(format!("The pairwise comparison is {}.", job.state.as_str())).into()),
        (other, _) => Err(unknown(other).into()),
    }
}

/// Looks at a dataset before a job reads it: `{"kind", "ownResponses"?, "judge"?, "metricNames", "customMetrics"?, "lines" or
/// "s3Uri", "unlimited"?}`. Custom metrics are those of `CreateEvaluationJob`; `metricNames` names them, too. Told beside the problems are
/// the `scales` of the metrics that people can rate in, too, as that judge has them: their labels, by the place from 0.
pub(super) async fn check_dataset(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let fields = Fields::root(&body, Wording::OpenAi)?;
    fields.only(&["kind", "ownResponses", "judge", "metricNames", "customMetrics", "lines", "s3Uri", "unlimited"])?;
    let own = fields.boolean("ownResponses")?.unwrap_or(false);
    let kind = fields.required("kind")?.one_of(&["model", "rag", "retrieve"])?;
    let dataset = match (fields.text("lines")?, fields.text("s3Uri")?) {
        (Some(lines), None) => DatasetText::Lines(lines.to_owned()),
        (None, Some(uri)) => DatasetText::Uri(uri.to_owned()),
        _ => return Err(Error::invalid("A dataset is either in `lines` or at an `s3Uri`.").into()),
    };
    let unlimited = fields.boolean("unlimited")?.unwrap_or(false);
    let named = fields.texts("metricNames")?;
    let custom = custom_metrics(&fields.list("customMetrics")?, &named)?;
    let (evaluations, metrics) = (call.api.evaluations(), (named, custom));
    let judged = (system(kind, own), fields.text("judge")?);
    let found = evaluations.check_dataset(&call.ctx, judged, metrics, (dataset, unlimited)).await?;
    let problem = |problem: &Problem| json!({"line": problem.line, "message": problem.message});
    let variables = |custom: &Variables| json!({"metricName": custom.metric, "variables": custom.names});
    let scale = |scale: &LabelScale| json!({"metricName": scale.metric, "labels": scale.labels});
    let answer = json!({
        "records": found.records,
        "problems": found.problems.iter().map(problem).collect::<Vec<_>>(),
        "customMetrics": found.custom.iter().map(variables).collect::<Vec<_>>(),
        "scales": found.scales.iter().map(scale).collect::<Vec<_>>(),
    });
    Ok(respond(StatusCode::OK, &answer))
}

/// Some system of a kind: what a dataset must hold depends on no more of it.
fn system(kind: &str, own: bool) -> System {
    let source = "dataset".to_owned();
    match (kind, own) {
        ("model", true) => System::ModelAnswers { source },
        ("model", false) => System::Model { model: source, parameters: Parameters::default() },
        ("retrieve", true) => System::RetrieveAnswers { source },
        ("retrieve", false) => System::Retrieve { configuration: Value::Null },
        (_, true) => System::RagAnswers { source },
        (_, false) => System::RetrieveAndGenerate { configuration: Value::Null },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(name: &str) -> Value {
        json!({
            "jobName": name,
            "roleArn": "arn:aws:iam::111122223333:role/E",
            "evaluationConfig": {"automated": {"datasetMetricConfigs": [{"taskType": "Custom",
                "dataset": {"name": "d", "datasetLocation": {"s3Uri": "s3://evals/in.jsonl"}},
                "metricNames": ["Craton.TokenF1"]}]}},
            "inferenceConfig": {"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "mine"}}]},
            "outputDataConfig": {"s3Uri": "s3://evals/out/"},
        })
    }

    #[test]
    fn a_body_is_checked_as_awss_is() {
        assert_eq!(read(&body("job-1")).map(|input| input.job_name).map_err(|error| error.message), Ok("job-1".into()));
        let error = read(&body("No Name!")).map(drop).unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("jobName"), "{error}");
        let mut wrong = body("job-1");
        wrong["evaluationConfig"] = json!({"automated": {"datasetMetricConfigs": "all"}});
        assert_eq!(read(&wrong).map(drop).unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn what_craton_adds_is_checked() {
        let told = |own: Value| more(&own).map_err(|error| error.message);
        let free = Prices::default;
        assert_eq!(told(json!({"askings": 3, "embeddingModelId": "mini"})), Ok((3, Some("mini".to_owned()), free())));
        assert_eq!(told(json!({})), Ok((1, None, free())));
        let own = json!({"pricePerHour": 0.35, "prices": [{"modelId": "m", "input": 0.1, "output": 2}]});
        let model = ModelPrice { model: "m".to_owned(), input: 0.1, cached: None, output: 2.0 };
        assert_eq!(told(own), Ok((1, None, Prices { per_hour: Some(0.35), models: vec![model] })));
        assert!(told(json!({"pricePerHour": -1})).is_err() && told(json!({"prices": [{"modelId": "m"}]})).is_err());
        assert!(told(json!({"askings": 7})).is_err() && told(json!({"asking": 1})).is_err());
    }

    #[test]
    fn a_models_own_name_judges_and_answers() {
        for id in ["smollm2-135m-instruct", "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl"] {
            let mut own = body("job-1");
            own["evaluationConfig"]["automated"]["evaluatorModelConfig"] =
                json!({"bedrockEvaluatorModels": [{"modelIdentifier": id}]});
            own["inferenceConfig"] = json!({"models": [{"bedrockModel": {"modelIdentifier": id}}]});
            let read = read(&own).map_err(|error| error.message).expect("a request");
            let kept = serde_json::to_value(read.evaluation_config).expect("JSON");
            assert_eq!(kept, own["evaluationConfig"], "{id}");
            assert_eq!(serde_json::to_value(read.inference_config).expect("JSON"), own["inferenceConfig"], "{id}");
        }
    }
}
