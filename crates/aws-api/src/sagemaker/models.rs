//! Hosted models: `CreateModel`, `DescribeModel`, `ListModels`, `DeleteModel`.

use aws_wire::Nothing;
use aws_wire::generated::sagemaker::{
    ContainerDefinition, ContainerMode, CreateModelInput, CreateModelOutput, DeleteModelInput, DescribeModelInput,
    DescribeModelOutput, ListModelsInput, ListModelsOutput, ModelCompressionType, ModelSortKey, ModelSummary,
};
use base::{Error, Result};
use models::{Container, Hosted, HostedModel, HostingFilter, HostingOrder, NewHostedModel};
use serde_json::{Value, json};

use super::paging;
use super::tags::pairs;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Makes a model.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateModelInput = call.decode()?;
    refuse_unserved(&input)?;
    let described = described(&input)?;
    let container = match (input.primary_container, input.containers.unwrap_or_default()) {
        (Some(container), containers) if containers.is_empty() => container,
        (None, mut containers) if containers.len() == 1 => containers.remove(0),
        (None, containers) if !containers.is_empty() => {
            return Err(Error::not_implemented("Models of several containers are not implemented.").into());
        }
        _ => {
            return Err(Error::invalid("Exactly one of PrimaryContainer and Containers must be given.").into());
        }
    };
    let new = NewHostedModel {
        name: input.model_name,
        container: convert(container)?,
        role_arn: input.execution_role_arn,
        described,
        tags: pairs(input.tags),
    };
    let model = call.api.models().create_hosted_model(&call.ctx, new).await?;
    Ok(call.encode(&CreateModelOutput { model_arn: model.arn.to_string() }).map(full))
}

/// One model, as its maker described it.
pub(super) async fn describe(call: AwsCall) -> Answer {
    let input: DescribeModelInput = call.decode()?;
    let model = call.api.models().hosted_model(&call.ctx, &input.model_name).await?;
    Ok(call.encode(&output(model)?).map(full))
}

/// The models, by name or time.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListModelsInput = call.decode()?;
    let created = (input.creation_time_after, input.creation_time_before);
    let filter = HostingFilter {
        order: match input.sort_by {
            Some(ModelSortKey::Name) => HostingOrder::Name,
            _ => HostingOrder::Created,
        },
        ..paging::filter(input.name_contains, created, input.sort_order)
    };
    let page = paging::page(input.max_results, input.next_token.as_deref())?;
    let models = call.api.models().hosted_models(&call.ctx, &filter, &page).await?;
    let next_token = models.next_token();
    let summary = |model: Hosted<HostedModel>| ModelSummary {
        model_name: model.name,
        model_arn: model.arn.to_string(),
        creation_time: model.created.into(),
    };
    let models = models.items.into_iter().map(summary).collect();
    Ok(call.encode(&ListModelsOutput { models, next_token }).map(full))
}

/// Removes a model.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteModelInput = call.decode()?;
    call.api.models().delete_hosted_model(&call.ctx, &input.model_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

/// Network isolation is how all models run here: they make no requests.
fn refuse_unserved(input: &CreateModelInput) -> Result<()> {
    if input.vpc_config.is_some() {
        return Err(
            not_implemented("Models in a VPC (`VpcConfig`)").with_hint("Models make no requests: leave it out.")
        );
    }
    if input.inference_execution_config.is_some() {
        return Err(not_implemented("Inference pipelines (`InferenceExecutionConfig`)"));
    }
    Ok(())
}

fn convert(container: ContainerDefinition) -> Result<Container> {
    let refused = [
        (container.model_package_name.is_some(), "Models of model packages (`ModelPackageName`)"),
        (container.inference_specification_name.is_some(), "Inference specifications (`InferenceSpecificationName`)"),
        (container.mode == Some(ContainerMode::MultiModel), "Multi-model containers (`Mode`)"),
        (container.multi_model_config.is_some(), "Multi-model containers (`MultiModelConfig`)"),
        (container.image_config.is_some(), "Images of a registry of your own (`ImageConfig`)"),
        (container.container_metrics_config.is_some(), "Metrics of a container (`ContainerMetricsConfig`)"),
        (
            container.additional_model_data_sources.as_ref().is_some_and(|sources| !sources.is_empty()),
            "Additional sources of weights (`AdditionalModelDataSources`)",
        ),
    ];
    if let Some((_, what)) = refused.iter().find(|(is_asked, _)| *is_asked) {
        return Err(not_implemented(what));
    }
    let source = container.model_data_source.and_then(|source| source.s3_data_source);
    if let Some(source) = &source {
        let refused = [
            (source.compression_type != ModelCompressionType::None, "Compressed weights (`CompressionType`)"),
            (source.manifest_s3_uri.is_some(), "Manifests of weights (`ManifestS3Uri`)"),
            (source.hub_access_config.is_some(), "Weights of private hubs (`HubAccessConfig`)"),
            (source.e_tag.is_some(), "Weights of one ETag alone (`ETag`)"),
            (source.manifest_etag.is_some(), "Manifests of one ETag alone (`ManifestEtag`)"),
        ];
        if let Some((_, what)) = refused.iter().find(|(is_asked, _)| *is_asked) {
            return Err(not_implemented(what));
        }
    }
    let eula = source.as_ref().and_then(|source| source.model_access_config.as_ref()).map(|access| access.accept_eula);
    Ok(Container {
        image: container.image,
        location: source.map(|source| source.s3_uri).or(container.model_data_url),
        eula,
        environment: container.environment.unwrap_or_default().into_iter().collect(),
    })
}

fn not_implemented(what: &str) -> Error {
    Error::not_implemented(format!("{what} are not implemented."))
}

/// What is described again as it was.
fn described(input: &CreateModelInput) -> Result<Value> {
    let written = |value: serde_json::Result<Value>| value.map_err(Error::internal);
    Ok(json!({
        "PrimaryContainer": written(serde_json::to_value(&input.primary_container))?,
        "Containers": written(serde_json::to_value(&input.containers))?,
        "EnableNetworkIsolation": input.enable_network_isolation,
    }))
}

fn output(model: Hosted<HostedModel>) -> Result<DescribeModelOutput> {
    let mut described = model.body.described;
    let mut take = |name: &str| described.get_mut(name).map_or(Value::Null, Value::take);
    let read = |error: serde_json::Error| Error::internal(error);
    Ok(DescribeModelOutput {
        model_name: model.name,
        primary_container: serde_json::from_value(take("PrimaryContainer")).map_err(read)?,
        containers: serde_json::from_value(take("Containers")).map_err(read)?,
        inference_execution_config: None,
        execution_role_arn: model.body.role_arn,
        vpc_config: None,
        creation_time: model.created.into(),
        model_arn: model.arn.to_string(),
        enable_network_isolation: serde_json::from_value(take("EnableNetworkIsolation")).map_err(read)?,
        deployment_recommendation: None,
    })
}
