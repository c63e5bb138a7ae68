//! `craton endpoints list` and `show`.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::fields::text;
use crate::output;

pub(super) async fn list(client: &Client, format: Format) -> Result<()> {
    let endpoints = aws::endpoints(client).await?;
    let managed = aws::managed(client).await?;
    let items: Vec<Value> = endpoints.iter().map(|endpoint| item(endpoint, &managed)).collect();
    if format == Format::Json {
        return output::json(&json!({ "items": items }));
    }
    let rows: Vec<[String; 4]> =
        items.iter().map(|one| ["name", "status", "through", "model"].map(|of| text(one, of))).collect();
    output::line(output::table(["NAME", "STATUS", "THROUGH", "MODEL"], &rows))
}

/// A row: an endpoint and what Bedrock Marketplace knows of it.
fn item(endpoint: &Value, managed: &[Value]) -> Value {
    let known = managed.iter().find(|one| one["endpointArn"] == endpoint["EndpointArn"]);
    json!({
        "name": endpoint["EndpointName"],
        "arn": endpoint["EndpointArn"],
        "status": endpoint["EndpointStatus"],
        "through": if known.is_some() { "Marketplace" } else { "SageMaker" },
        "model": known.map(|one| model_name(one["modelSourceIdentifier"].as_str().unwrap_or_default())),
    })
}

/// The model of a hub content's ARN; anything else is a name already.
pub(super) fn model_name(identifier: &str) -> &str {
    let content = identifier.split_once(":hub-content/").map(|(_, path)| path.split('/'));
    content.and_then(|mut parts| parts.nth(2)).unwrap_or(identifier)
}

pub(super) async fn one(client: &Client, name: &str, format: Format) -> Result<()> {
    let endpoint = aws::describe(client, name).await?;
    let config = aws::config_of(client, &endpoint).await;
    let managed = aws::managed(client).await?;
    let known = managed.into_iter().find(|one| one["endpointArn"] == endpoint["EndpointArn"]).unwrap_or_default();
    if format == Format::Json {
        return output::json(&json!({ "endpoint": endpoint, "config": config, "marketplace": known }));
    }
    for (title, value) in
        lines(&endpoint, &config, &known).iter().filter(|(_, value)| !value.is_empty() && value != "-")
    {
        output::line(format!("{title:<10} {value}"))?;
    }
    for line in predictions(client, name).await {
        output::line(line)?;
    }
    if endpoint["EndpointStatus"] == "Failed" {
        // Whoever may not read the figures knows why it failed all the same.
        let figures = client.craton(Method::GET, &format!("/endpoints/{}/figures", segment(name)), None).await;
        if let Some(model) = figures.unwrap_or_default()["notPulled"].as_str() {
            output::note(&format!("next: craton endpoints pull {name} downloads {model}, then it comes into service"));
        }
    }
    Ok(())
}

/// What was predicted of the models of an endpoint, and what came of it; empty where the caller may not know.
async fn predictions(client: &Client, name: &str) -> Vec<String> {
    let fits = client.craton(Method::GET, &format!("/endpoints/{}/fit", segment(name)), None).await.unwrap_or_default();
    fits["variants"].as_array().map_or(&[][..], Vec::as_slice).iter().flat_map(predicted).collect()
}

/// A line for each thing that was predicted and measured.
pub(super) fn predicted(variant: &Value) -> Vec<String> {
    let (fit, measured) = (&variant["fit"], &variant["fit"]["measured"]);
    let bytes = |value: &Value| value.as_u64().map(output::bytes);
    let speed = |value: &Value| value.as_f64().map(|tokens| format!("{tokens:.1} tokens/s"));
    let (read, written) = ("prefillTokensPerSecond", "decodeTokensPerSecond");
    let things = [
        ("memory", bytes(&fit["loadBytes"]), bytes(&measured["memoryBytes"]), "memory"),
        ("reading", speed(&fit[read]), speed(&measured[read]), "prefill"),
        ("writing", speed(&fit[written]), speed(&measured[written]), "decode"),
    ];
    let line = |(title, predicted, came, error): (&str, Option<String>, Option<String>, &str)| {
        let (predicted, came, off) = (predicted?, came?, measured["errors"][error].as_f64()?);
        Some(format!("{title:<10} {came}; {predicted} predicted, {:+.0} % for what was asked", 100.0 * off))
    };
    things.into_iter().filter_map(line).collect()
}

/// What is told of an endpoint.
pub(super) fn lines(endpoint: &Value, config: &Value, known: &Value) -> Vec<(&'static str, String)> {
    let configured = &config["ProductionVariants"][0];
    let identifier = known["modelSourceIdentifier"].as_str();
    let model = identifier.map_or_else(|| text(configured, "ModelName"), |named| model_name(named).to_owned());
    let variants = endpoint["ProductionVariants"].as_array().map_or(&[][..], Vec::as_slice);
    vec![
        ("name", text(endpoint, "EndpointName")),
        ("arn", text(endpoint, "EndpointArn")),
        ("status", text(endpoint, "EndpointStatus")),
        ("failure", text(endpoint, "FailureReason")),
        ("model", model),
        ("instances", variants.iter().map(instances).collect::<Vec<_>>().join(", ")),
        ("scaling", scaling(&configured["ManagedInstanceScaling"])),
        ("type", text(configured, "InstanceType")),
        ("bedrock", if known.is_null() { "not registered".to_owned() } else { text(known, "status").to_lowercase() }),
    ]
}

fn instances(variant: &Value) -> String {
    let (now, wanted) = (&variant["CurrentInstanceCount"], &variant["DesiredInstanceCount"]);
    if now == wanted || wanted.is_null() { now.to_string() } else { format!("{now} of {wanted}") }
}

fn scaling(of: &Value) -> String {
    if of["Status"] != "ENABLED" {
        return String::new();
    }
    format!("{} to {}, as the work asks", of["MinInstanceCount"], of["MaxInstanceCount"])
}
