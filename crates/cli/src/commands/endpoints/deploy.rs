//! `craton deploy`: a model of the catalogue under a name of its own, in one step.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::{MOST_INSTANCES, aws, follow};
use crate::args::{Format, Global};
use crate::client::Client;
use crate::commands::{models, segment};
use crate::endpoint_args::Deploy;
use crate::fields::{items, text};
use crate::output;

/// The longest name of an endpoint that Bedrock Marketplace manages.
const LONGEST_NAME: usize = 50;
/// The only variant of an endpoint that is made here.
const VARIANT: &str = "AllTraffic";

pub(in crate::commands) async fn run(client: &Client, args: Deploy, global: &Global) -> Result<()> {
    ensure!(
        (1..=MOST_INSTANCES).contains(&args.instances),
        "`{}` is no number of instances\nhint: an endpoint begins with 1 to {MOST_INSTANCES}",
        args.instances
    );
    let card = card(client, &args.model).await?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&text(&card, "name")));
    ensure!(
        name.len() <= LONGEST_NAME,
        "the name `{name}` has {} characters\nhint: an endpoint's name has at most {LONGEST_NAME}",
        name.len()
    );
    ready(client, &card, &args).await?;
    let role = match &args.role_arn {
        Some(arn) => arn.clone(),
        None => aws::role(client).await?,
    };
    let bounds = args.min_instances.zip(args.max_instances);
    let in_hub = card["jumpstartId"].is_string();
    let arn = if bounds.is_some() || !in_hub {
        through_sagemaker(client, &args, &card, &name, &role, bounds).await?
    } else {
        text(&aws::create_managed(client, &managed(&args, &card, &name, &role)).await?, "endpointArn")
    };
    let registers = bounds.is_some() && in_hub;
    let endpoint = if args.wait || registers {
        follow::to_the_end(client, &name, None).await?
    } else {
        aws::describe(client, &name).await?
    };
    if registers {
        // Bedrock takes only what is in service.
        aws::register(client, &arn, source(&card)).await?;
    } else if !in_hub {
        output::note(&format!(
            "{} is not in SageMaker's public hub: Bedrock does not know the endpoint, InvokeEndpoint does",
            args.model
        ));
    }
    told(&endpoint, &name, &arn, global)
}

/// The model's card, by its name or by its id in SageMaker's public hub.
async fn card(client: &Client, model: &str) -> Result<Value> {
    let named = client.craton(Method::GET, &format!("/models/{}", segment(model)), None).await;
    let Err(error) = named else { return named };
    let all = client.craton(Method::GET, "/models", None).await?;
    items(&all).iter().find(|card| card["jumpstartId"] == model).cloned().ok_or(error)
}

/// What names the model to Bedrock Marketplace.
fn source(card: &Value) -> &str {
    card["jumpstartId"].as_str().or_else(|| card["name"].as_str()).unwrap_or_default()
}

/// An endpoint's name of a model's: letters, digits, and hyphens between them.
pub(super) fn name_of(model: &str) -> String {
    let words: Vec<&str> = model.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    name.get(..LONGEST_NAME).unwrap_or(&name).trim_end_matches('-').to_owned()
}

/// Downloads the model where that is wanted and it is not here.
async fn ready(client: &Client, card: &Value, args: &Deploy) -> Result<()> {
    if card["state"] == "ready" {
        return Ok(());
    }
    let name = text(card, "name");
    if args.pull || is_wanted(&name, card)? {
        return models::fetch(client, &name, (args.accept_eula, false)).await.map(drop);
    }
    output::note(&format!(
        "{name} is not pulled: another model may answer for it, or the endpoint fails; --pull pulls it first"
    ));
    Ok(())
}

/// Offers the download, where somebody is there to answer.
fn is_wanted(name: &str, card: &Value) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let size = card["downloadBytes"].as_u64().map(output::bytes).unwrap_or_default();
    output::piece(&format!("{name} is not pulled. Pull it now ({size})? [y/N] "))?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("cannot read the terminal")?;
    Ok(matches!(typed.trim(), "y" | "Y" | "yes"))
}

/// What Bedrock Marketplace is asked to make.
fn managed(args: &Deploy, card: &Value, name: &str, role: &str) -> Value {
    // What was accepted for the account before holds.
    let eula = args.accept_eula || card["licence"]["accepted"].is_object();
    let mut config = json!({
        "initialInstanceCount": args.instances,
        "instanceType": args.instance_type,
        "executionRole": role,
    });
    if let Some(key) = &args.kms_key_id {
        config["kmsEncryptionKey"] = key.as_str().into();
    }
    let mut input = json!({
        "endpointName": name,
        "modelSourceIdentifier": source(card),
        "endpointConfig": { "sageMaker": config },
    });
    if eula {
        input["acceptEula"] = true.into();
    }
    input
}

/// Makes an endpoint through SageMaker's operations: one whose number of instances follows the work between `bounds`, or of
/// a model that is not in the public hub. What was made is undone where a step fails. Gives its ARN.
async fn through_sagemaker(
    client: &Client,
    args: &Deploy,
    card: &Value,
    name: &str,
    role: &str,
    bounds: Option<(u32, u32)>,
) -> Result<String> {
    if args.accept_eula && card["licence"]["mustAccept"] == true {
        client.craton(Method::POST, &format!("/models/{}/accept-terms", segment(&text(card, "name"))), None).await?;
    }
    let container = json!({ "Environment": { "CRATON_MODEL_ID": card["name"] } });
    let model = json!({ "ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": container });
    aws::sagemaker(client, "CreateModel", &model).await?;
    let made = config_and_endpoint(client, args, name, bounds).await;
    if made.is_err() {
        drop(aws::sagemaker(client, "DeleteModel", &json!({ "ModelName": name })).await);
    }
    made
}

async fn config_and_endpoint(client: &Client, args: &Deploy, name: &str, bounds: Option<(u32, u32)>) -> Result<String> {
    let mut variant = json!({
        "VariantName": VARIANT,
        "ModelName": name,
        "InitialInstanceCount": args.instances,
        "InstanceType": args.instance_type,
    });
    if let Some((least, most)) = bounds {
        variant["ManagedInstanceScaling"] =
            json!({ "Status": "ENABLED", "MinInstanceCount": least, "MaxInstanceCount": most });
    }
    let mut config = json!({ "EndpointConfigName": name, "ProductionVariants": [variant] });
    if let Some(key) = &args.kms_key_id {
        config["KmsKeyId"] = key.as_str().into();
    }
    aws::sagemaker(client, "CreateEndpointConfig", &config).await?;
    let endpoint = json!({ "EndpointName": name, "EndpointConfigName": name });
    match aws::sagemaker(client, "CreateEndpoint", &endpoint).await {
        Ok(made) => Ok(text(&made, "EndpointArn")),
        Err(error) => {
            drop(aws::sagemaker(client, "DeleteEndpointConfig", &json!({ "EndpointConfigName": name })).await);
            Err(error)
        }
    }
}

fn told(endpoint: &Value, name: &str, arn: &str, global: &Global) -> Result<()> {
    if global.output == Format::Json {
        return output::json(endpoint);
    }
    let waited = endpoint["EndpointStatus"] == "InService";
    output::line(format!("{name} is {}", if waited { "in service" } else { "being created" }))?;
    output::line(format!("arn: {arn}"))?;
    let next =
        if waited { format!("craton endpoints chat {name}") } else { format!("craton endpoints show {name} --wait") };
    output::note(&format!("next: {next}"));
    Ok(())
}
