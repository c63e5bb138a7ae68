//! `craton deploy` and `craton endpoints`: SageMaker's and Bedrock Marketplace's operations, and Craton's own figures.

mod aws;
mod delete;
mod deploy;
mod follow;
mod metrics;
mod show;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};

use super::{chat, models, segment};
use crate::args::{Chat, Format, Global};
use crate::client::Client;
use crate::endpoint_args::{EndpointChat, Endpoints};
use crate::fields::text;
use crate::output;

pub(super) use deploy::run as deploy;

/// The most instances of an endpoint.
const MOST_INSTANCES: u32 = 100;

pub(super) async fn run(client: &Client, command: Endpoints, global: &Global) -> Result<()> {
    let format = global.output;
    match command {
        Endpoints::List => show::list(client, format).await,
        Endpoints::Show { name, wait } => {
            if wait {
                follow::to_the_end(client, &name, None).await?;
            }
            show::one(client, &name, format).await
        }
        Endpoints::Pull { name, accept_eula } => pull(client, &name, accept_eula, format).await,
        Endpoints::Scale { name, instances, wait } => scale(client, &name, instances, wait, format).await,
        Endpoints::Register { name, model } => register(client, &name, model, format).await,
        Endpoints::Delete { name, yes } => delete::run(client, &name, yes, format).await,
        Endpoints::Chat(args) => talk(client, *args, format).await,
        Endpoints::Metrics { name } => metrics::run(client, &name, format).await,
    }
}

/// Downloads what an endpoint failed for want of; it then comes into service by itself.
async fn pull(client: &Client, name: &str, accept_eula: bool, format: Format) -> Result<()> {
    let figures = client.craton(Method::GET, &format!("/endpoints/{}/figures", segment(name)), None).await?;
    let Some(model) = figures["notPulled"].as_str() else {
        bail!("the endpoint `{name}` waits for no download\nhint: `craton endpoints show {name}` tells its state");
    };
    models::fetch(client, model, (accept_eula, false)).await?;
    let endpoint = follow::until_mended(client, name).await?;
    if format == Format::Json {
        return output::json(&endpoint);
    }
    output::line(format!("{name} is in service"))
}

async fn scale(client: &Client, name: &str, instances: u32, wait: bool, format: Format) -> Result<()> {
    ensure!(
        instances <= MOST_INSTANCES,
        "`{instances}` instances are too many\nhint: an endpoint has 0 to {MOST_INSTANCES}"
    );
    let found = aws::describe(client, name).await?;
    let variants = found["ProductionVariants"].as_array().map_or(&[][..], Vec::as_slice);
    let wanted: Vec<Value> = variants
        .iter()
        .map(|one| json!({ "VariantName": one["VariantName"], "DesiredInstanceCount": instances }))
        .collect();
    let input = json!({ "EndpointName": name, "DesiredWeightsAndCapacities": wanted });
    aws::sagemaker(client, "UpdateEndpointWeightsAndCapacities", &input).await?;
    if wait {
        follow::to_the_end(client, name, Some(instances)).await?;
    }
    if format == Format::Json {
        return output::json(&aws::describe(client, name).await?);
    }
    let done = if wait { "has" } else { "is being brought to" };
    output::line(format!("{name} {done} {instances} {}", if instances == 1 { "instance" } else { "instances" }))
}

/// Lets Bedrock take the endpoint's ARN as a model id.
async fn register(client: &Client, name: &str, model: Option<String>, format: Format) -> Result<()> {
    let arn = text(&aws::describe(client, name).await?, "EndpointArn");
    let source = match model {
        Some(model) => model,
        None => answering(client, name).await?,
    };
    aws::register(client, &arn, &source).await?;
    if format == Format::Json {
        return output::json(&json!({ "registered": name, "model": source }));
    }
    output::line(format!("{name} is registered: its ARN is a model id of Bedrock"))
}

/// What SageMaker's public hub calls the model that answers for an endpoint.
async fn answering(client: &Client, name: &str) -> Result<String> {
    let figures = client.craton(Method::GET, &format!("/endpoints/{}/figures", segment(name)), None).await?;
    let model = figures["variants"][0]["servedModel"].as_str().context("no model answers for it yet")?.to_owned();
    let card = client.craton(Method::GET, &format!("/models/{}", segment(&model)), None).await.unwrap_or_default();
    Ok(card["jumpstartId"].as_str().map_or(model, str::to_owned))
}

/// A conversation with the endpoint, whose ARN is a model id.
async fn talk(client: &Client, args: EndpointChat, format: Format) -> Result<()> {
    let model = arn_of(client, &args.name).await?;
    let EndpointChat { generation, question, .. } = args;
    let chat = Chat { model, compare: Vec::new(), count_tokens: false, generation, question };
    chat::run(client, chat, format).await
}

/// The ARN of the endpoint of that name, which is a model id.
///
/// # Errors
/// There is none, or the caller may not know of it.
pub(super) async fn arn_of(client: &Client, name: &str) -> Result<String> {
    let found = aws::describe(client, name).await?;
    found["EndpointArn"].as_str().map(str::to_owned).context("the server describes an endpoint without an ARN")
}
