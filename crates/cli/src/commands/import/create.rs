//! `craton import create`.

use anyhow::Result;
use base::{Clock as _, SystemClock, Timestamp};
use http::Method;
use serde_json::{Value, json};

use super::{bedrock, checks, follow, models};
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::fields::text;
use crate::import_args::Create;
use crate::output;

/// The longest name of a job.
const LONGEST_NAME: usize = 63;

pub(super) async fn run(client: &Client, args: &Create, format: Format, here: &str) -> Result<()> {
    let job_name = args.job_name.clone().unwrap_or_else(|| job_name(&args.model_name, SystemClock.now()));
    if !args.skip_checks {
        check(client, args, &job_name, format, here).await?;
    }
    let mut headers = vec![("x-craton-quantization", args.quantization.name())];
    headers.extend(args.bound.as_deref().map(|bound| ("x-craton-quantization-bound", bound)));
    let answer = bedrock(client, Method::POST, "/model-import-jobs", &headers, Some(&request(args, &job_name))).await?;
    let come_back = format!("craton import status {job_name} --watch{here}");
    if args.no_wait {
        if format == Format::Json {
            return output::json(&json!({ "jobArn": answer["jobArn"], "jobName": job_name }));
        }
        output::line(text(&answer, "jobArn"))?;
        output::note(&format!("The import goes on: {come_back}"));
        return Ok(());
    }
    let import = follow::to_the_end(client, &job_name, &args.model_name, here).await?;
    if format == Format::Json {
        output::json(&import)?;
    }
    follow::completed(&import, here)?;
    if format == Format::Text {
        let path = format!("/imported-models/{}", segment(&text(&import, "modelArn")));
        // The model is there; whoever may not read its card is told no more of it.
        let model = client.craton(Method::GET, &path, None).await.unwrap_or_default();
        output::line(ready(&import, &model, here))?;
    }
    Ok(())
}

/// Stops with what is missing where the import would fail.
async fn check(client: &Client, args: &Create, job_name: &str, format: Format, here: &str) -> Result<()> {
    let wish = checks::Wish {
        role_arn: &args.role_arn,
        uri: &args.from,
        kms_key: args.kms_key.as_deref(),
        quantization: args.quantization.name(),
        bound: args.bound.as_deref(),
        job_name: Some(job_name),
        model_name: Some(&args.model_name),
    };
    let answer = checks::ask(client, &wish).await?;
    let passes = answer["passes"] == true;
    if format == Format::Json && !passes {
        output::json(&answer)?;
    }
    if format == Format::Text {
        let told = [checks::checks(&answer, here), checks::findings(&answer["report"])];
        told.iter().filter(|text| !text.is_empty()).for_each(|text| output::note(text));
    }
    if passes { Ok(()) } else { Err(checks::refusal(&answer, here)) }
}

/// CreateModelImportJob's body.
fn request(args: &Create, job_name: &str) -> Value {
    let mut body = json!({
        "jobName": job_name,
        "importedModelName": args.model_name,
        "roleArn": args.role_arn,
        "modelDataSource": { "s3DataSource": { "s3Uri": args.from } },
    });
    if let Some(key) = &args.kms_key {
        body["importedModelKmsKeyId"] = key.as_str().into();
    }
    for (name, tags) in [("jobTags", &args.tag), ("importedModelTags", &args.model_tag)] {
        if !tags.is_empty() {
            body[name] = tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        }
    }
    body
}

/// A name for a job that nobody named: the model's, as far as a job may be called so, and the time.
pub(in crate::commands) fn job_name(model: &str, now: Timestamp) -> String {
    let digits: String = now.to_iso8601().chars().filter(char::is_ascii_digit).take(14).collect();
    let word = model.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let word: String = word.take(LONGEST_NAME - 1 - digits.len()).collect();
    format!("{}-{digits}", word.trim_matches('-'))
}

/// What a model that was imported is called, what the import cost, and how the model is asked.
fn ready(import: &Value, model: &Value, here: &str) -> String {
    let name = text(import, "modelName");
    let try_it = match model["instruct"].as_bool() {
        Some(false) => {
            "It has no chat template and continues texts: ask it with InvokeModel or /v1/completions.".to_owned()
        }
        _ => format!("try it: craton chat --model {name}{here}"),
    };
    let lines =
        [format!("{name} is ready"), text(import, "modelArn"), models::quality(&model["card"]["quality"]), try_it];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_args::Quantization;

    fn args() -> Create {
        Create {
            model_name: "mistral".into(),
            from: "s3://b/p/".into(),
            role_arn: "arn:aws:iam::777788889999:role/r".into(),
            job_name: None,
            kms_key: None,
            quantization: Quantization::F16,
            bound: None,
            tag: Vec::new(),
            model_tag: Vec::new(),
            no_wait: false,
            skip_checks: false,
        }
    }

    #[test]
    fn what_is_not_given_is_not_asked_for() {
        let plain = json!({
            "jobName": "j", "importedModelName": "mistral", "roleArn": "arn:aws:iam::777788889999:role/r",
            "modelDataSource": { "s3DataSource": { "s3Uri": "s3://b/p/" } },
        });
        assert_eq!(request(&args(), "j"), plain);
        let all = Create {
            kms_key: Some("alias/k".into()),
            tag: vec![("a".into(), "b".into())],
            model_tag: vec![("c".into(), String::new())],
            ..args()
        };
        let asked = request(&all, "j");
        assert_eq!(asked["importedModelKmsKeyId"], "alias/k");
        assert_eq!(asked["jobTags"], json!([{ "key": "a", "value": "b" }]));
        assert_eq!(asked["importedModelTags"], json!([{ "key": "c", "value": "" }]));
    }

    #[test]
    fn a_model_that_is_ready_is_told_with_its_cost_and_how_it_is_asked() {
        let import = json!({ "modelName": "m", "modelArn": "arn:m" });
        let expected = "m is ready\narn:m\ntry it: craton chat --model m --account 777788889999";
        assert_eq!(ready(&import, &Value::Null, " --account 777788889999"), expected);
        let base = json!({ "instruct": false, "card": { "quality": { "text": "t", "tokens": 3, "perplexity": 2.5 } } });
        let told = ready(&import, &base, "");
        assert!(
            told.contains("perplexity 2.50") && told.contains("/v1/completions") && !told.contains("chat --model"),
            "{told}"
        );
    }

    #[test]
    fn a_job_that_nobody_named_has_a_name_that_jobs_may_have() {
        let now = Timestamp(1_795_000_000_000);
        assert_eq!(job_name("my_model", now), "my-model-20261118110640");
        let long = job_name(&"m".repeat(63), now);
        assert_eq!(long.len(), LONGEST_NAME);
        assert!(!job_name(&format!("{}_x", "m".repeat(47)), now).contains("--"));
    }
}
