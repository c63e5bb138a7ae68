//! What the operations of hosting ask of their caller's policies: on the ARNs of what is named, with its tags.

use std::collections::BTreeMap;

use aws_wire::generated::sagemaker::{
    AddTagsInput, ContainerDefinition, CreateEndpointConfigInput, CreateEndpointInput, CreateModelInput,
    DeleteTagsInput, ListTagsInput, UpdateEndpointInput,
};
use base::ErrorKind;
use futures::future::FutureExt as _;
use identity::{Ask, Ctx};
use models::{HostingKind, Tags};

use super::tags::pairs;
use crate::call::Asked;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// An action on a resource that may be there.
pub(super) async fn named(
    call: &AwsCall,
    action: &'static str,
    (kind, name): (HostingKind, &str),
) -> Result<Vec<Ask>, Failure> {
    Ok(vec![on(call, action, &arn(&call.ctx, kind, name)).await?])
}

/// An action on a resource, with the tags that it has.
pub(crate) async fn on(call: &AwsCall, action: &'static str, arn: &str) -> Result<Ask, Failure> {
    let tags = match call.api.models().hosting_tags(&call.ctx, arn).await {
        Ok(tags) => tags,
        // Of what is not there, or is nothing that has tags, the handler tells.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::NotImplemented) => {
            Tags::default()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Ask::new(action, arn).resource_tags(&tags))
}

/// To make something; to give it tags, too, where it has some.
fn create(call: &AwsCall, action: &'static str, (kind, name): (HostingKind, &str), tags: &Tags) -> Vec<Ask> {
    let arn = arn(&call.ctx, kind, name);
    let mut asks = vec![Ask::new(action, arn.clone()).request_tags(tags)];
    if !tags.is_empty() {
        asks.push(Ask::new("sagemaker:AddTags", arn).request_tags(tags));
    }
    asks
}

/// To make a model.
pub(super) fn create_model(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateModelInput = call.decode()?;
        let what = (HostingKind::Model, input.model_name.as_str());
        let mut asks = create(call, "sagemaker:CreateModel", what, &pairs(input.tags.clone()));
        // Whoever hosts an imported model lets others ask it.
        let containers = input.primary_container.iter().chain(input.containers.iter().flatten());
        for container in containers {
            if let Some(model) = call.api.models().imported_of(&call.ctx, &environment(container)).await? {
                asks.push(Ask::new("bedrock:InvokeModel", model.arn.to_string()).resource_tags(&model.tags));
            }
        }
        Ok(asks)
    }
    .boxed()
}

/// The environment that a container is given.
fn environment(container: &ContainerDefinition) -> BTreeMap<String, String> {
    container.environment.clone().unwrap_or_default()
}

/// To make a configuration.
pub(super) fn create_config(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateEndpointConfigInput = call.decode()?;
        let what = (HostingKind::Config, input.endpoint_config_name.as_str());
        Ok(create(call, "sagemaker:CreateEndpointConfig", what, &pairs(input.tags)))
    }
    .boxed()
}

/// To make an endpoint after a configuration.
pub(super) fn create_endpoint(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateEndpointInput = call.decode()?;
        let (action, tags) = ("sagemaker:CreateEndpoint", pairs(input.tags));
        let mut asks = create(call, action, (HostingKind::Endpoint, &input.endpoint_name), &tags);
        asks.push(on(call, action, &arn(&call.ctx, HostingKind::Config, &input.endpoint_config_name)).await?);
        Ok(asks)
    }
    .boxed()
}

/// To change an endpoint to another configuration.
pub(super) fn update_endpoint(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: UpdateEndpointInput = call.decode()?;
        let action = "sagemaker:UpdateEndpoint";
        let mut asks = named(call, action, (HostingKind::Endpoint, &input.endpoint_name)).await?;
        asks.push(on(call, action, &arn(&call.ctx, HostingKind::Config, &input.endpoint_config_name)).await?);
        Ok(asks)
    }
    .boxed()
}

/// To give tags.
pub(super) fn add_tags(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: AddTagsInput = call.decode()?;
        let ask = on(call, "sagemaker:AddTags", &input.resource_arn).await?;
        Ok(vec![ask.request_tags(&pairs(Some(input.tags)))])
    }
    .boxed()
}

/// To read tags.
pub(super) fn list_tags(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: ListTagsInput = call.decode()?;
        Ok(vec![on(call, "sagemaker:ListTags", &input.resource_arn).await?])
    }
    .boxed()
}

/// To take tags.
pub(super) fn delete_tags(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: DeleteTagsInput = call.decode()?;
        let ask = on(call, "sagemaker:DeleteTags", &input.resource_arn).await?;
        Ok(vec![ask.keys("aws:TagKeys", input.tag_keys)])
    }
    .boxed()
}

/// The ARN of a resource of the caller's account and region.
fn arn(ctx: &Ctx, kind: HostingKind, name: &str) -> String {
    format!("arn:aws:sagemaker:{}:{}:{}/{name}", ctx.region(), ctx.account(), kind.as_str())
}
