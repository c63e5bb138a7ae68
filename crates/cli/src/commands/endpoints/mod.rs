//! `craton deploy` and `craton endpoints`: SageMaker's and Bedrock Marketplace's operations, and Craton's own figures.

mod aws;
mod delete;
mod deploy;
mod follow;
mod metrics;
mod show;
#[cfg(test)]
mod tests;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::chat;
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
        Endpoints::Scale { name, instances, wait } => scale(client, &name, instances, wait, format).await,
        Endpoints::Delete { name, yes } => delete::run(client, &name, yes, format).await,
        Endpoints::Chat(args) => talk(client, args, format).await,
        Endpoints::Metrics { name } => metrics::run(client, &name, format).await,
    }
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

/// A conversation with the endpoint, whose ARN is a model id.
async fn talk(client: &Client, args: EndpointChat, format: Format) -> Result<()> {
    let found = aws::describe(client, &args.name).await?;
    let EndpointChat { system, temperature, max_tokens, question, .. } = args;
    let model = text(&found, "EndpointArn");
    let chat = Chat { model, system, temperature, max_tokens, no_repeat_ngram: None, loop_detection: false, question };
    chat::run(client, chat, format).await
}
