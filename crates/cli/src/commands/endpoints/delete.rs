//! `craton endpoints delete`.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{aws, show};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::output;

/// What has to be typed, as Bedrock's console asks.
const WORD: &str = "confirm";

pub(super) async fn run(client: &Client, name: &str, yes: bool, format: Format) -> Result<()> {
    let endpoint = aws::describe(client, name).await?;
    let config = aws::config_of(client, &endpoint).await;
    let managed = aws::managed(client).await?;
    let known = managed.iter().find(|one| one["endpointArn"] == endpoint["EndpointArn"]);
    if !yes {
        ask(&details(&endpoint, &config, known))?;
    }
    match known {
        Some(_) => aws::delete_managed(client, &text(&endpoint, "EndpointArn")).await?,
        None => drop(aws::sagemaker(client, "DeleteEndpoint", &json!({ "EndpointName": name })).await?),
    }
    // What Marketplace made it deletes itself; it cannot make endpoints that scale, those were only registered.
    let scales = config["ProductionVariants"][0]["ManagedInstanceScaling"].is_object();
    if known.is_none() || scales {
        delete_its_own(client, name, &config).await;
    }
    if format == Format::Json {
        return output::json(&json!({ "deleting": name }));
    }
    output::line(format!("{name} is being deleted"))
}

/// Deletes the configuration and the model of an endpoint's name, which were made for it.
async fn delete_its_own(client: &Client, name: &str, config: &Value) {
    if config["EndpointConfigName"] != name {
        return;
    }
    // They may have been deleted before.
    drop(aws::sagemaker(client, "DeleteEndpointConfig", &json!({ "EndpointConfigName": name })).await);
    let variants = config["ProductionVariants"].as_array().map_or(&[][..], Vec::as_slice);
    if variants.iter().any(|one| one["ModelName"] == name) {
        drop(aws::sagemaker(client, "DeleteModel", &json!({ "ModelName": name })).await);
    }
}

/// What is to be verified before an endpoint is deleted.
fn details(endpoint: &Value, config: &Value, known: Option<&Value>) -> String {
    let told = show::lines(endpoint, config, known.unwrap_or(&Value::Null));
    let wanted = [("name", "endpoint name"), ("model", "model name"), ("status", "endpoint status")];
    let line = |(of, title): (&str, &str)| {
        let value = told.iter().find(|(name, _)| *name == of).map(|(_, value)| value.as_str()).unwrap_or_default();
        format!("{title:<16} {value}\n")
    };
    wanted.into_iter().map(line).collect()
}

fn ask(details: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was deleted: nobody is here to confirm it\nhint: --yes deletes without asking");
    }
    output::note(details);
    output::piece(&format!("Requests for it will fail. To delete it, type {WORD}: "))?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("cannot read the terminal")?;
    ensure!(typed.trim() == WORD, "nothing was deleted: `{}` is not `{WORD}`", typed.trim());
    Ok(())
}
