//! Endpoints: `CreateEndpoint`, `DescribeEndpoint`, `ListEndpoints`, `UpdateEndpoint`, `UpdateEndpointWeightsAndCapacities`,
//! `DeleteEndpoint`.

use aws_wire::Nothing;
use aws_wire::generated::sagemaker::{
    CreateEndpointInput, CreateEndpointOutput, DeleteEndpointInput, DeployedImage, DeploymentConfig,
    DescribeEndpointInput, DescribeEndpointOutput, EndpointSortKey, EndpointStatus as Status, EndpointSummary,
    ListEndpointsInput, ListEndpointsOutput, ManagedInstanceScalingStatus, PendingDeploymentSummary,
    PendingProductionVariantSummary, ProductionVariantManagedInstanceScaling, ProductionVariantSummary,
    TrafficRoutingConfigType, UpdateEndpointInput, UpdateEndpointOutput, UpdateEndpointWeightsAndCapacitiesInput,
    UpdateEndpointWeightsAndCapacitiesOutput, VariantPropertyType,
};
use base::{Error, Result};
use models::{
    Endpoint, EndpointChange, EndpointFigures, EndpointStatus, EndpointVariant, Hosted, HostingFilter, HostingOrder,
    NewEndpoint, PendingVariants, Retained, Rollout, Scaling, VariantWish,
};

use super::endpoint_configs::{described_asynchronous, refuse};
use super::paging;
use super::tags::pairs;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Makes an endpoint.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateEndpointInput = call.decode()?;
    let new = NewEndpoint {
        name: input.endpoint_name,
        config: input.endpoint_config_name,
        rollout: rollout(input.deployment_config.as_ref())?,
        tags: pairs(input.tags),
    };
    let endpoint = call.api.models().create_endpoint(&call.ctx, new).await?;
    Ok(call.encode(&CreateEndpointOutput { endpoint_arn: endpoint.arn.to_string() }).map(full))
}

/// One endpoint.
pub(super) async fn describe(call: AwsCall) -> Answer {
    let input: DescribeEndpointInput = call.decode()?;
    let models = call.api.models();
    let endpoint = models.endpoint(&call.ctx, &input.endpoint_name).await?;
    let figures = models.figures_of(&endpoint);
    Ok(call.encode(&output(endpoint, &figures)?).map(full))
}

/// The endpoints, by name, time or status.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListEndpointsInput = call.decode()?;
    let created = (input.creation_time_after, input.creation_time_before);
    let status = input
        .status_equals
        .as_ref()
        .map(|status| EndpointStatus::ALL.into_iter().find(|known| wire(*known) == *status));
    let filter = HostingFilter {
        order: match input.sort_by {
            Some(EndpointSortKey::Name) => HostingOrder::Name,
            Some(EndpointSortKey::Status) => HostingOrder::Status,
            _ => HostingOrder::Created,
        },
        status: status.flatten(),
        modified: (input.last_modified_time_after.map(Into::into), input.last_modified_time_before.map(Into::into)),
        ..paging::filter(input.name_contains, created, input.sort_order)
    };
    if status == Some(None) {
        // A state that endpoints are never in here.
        return Ok(call.encode(&ListEndpointsOutput { endpoints: Vec::new(), next_token: None }).map(full));
    }
    let page = paging::page(input.max_results, input.next_token.as_deref())?;
    let endpoints = call.api.models().endpoints(&call.ctx, &filter, &page).await?;
    let next_token = endpoints.next_token();
    let endpoints = endpoints.items.into_iter().map(summary).collect();
    Ok(call.encode(&ListEndpointsOutput { endpoints, next_token }).map(full))
}

/// Changes an endpoint to another configuration.
pub(super) async fn update(call: AwsCall) -> Answer {
    let input: UpdateEndpointInput = call.decode()?;
    let rollout = rollout(input.deployment_config.as_ref())?;
    let retains = input.retain_all_variant_properties == Some(true);
    let excluded: Vec<VariantPropertyType> = input
        .exclude_retained_variant_properties
        .unwrap_or_default()
        .into_iter()
        .map(|p| p.variant_property_type)
        .collect();
    let retained = Retained {
        weights: retains && !excluded.contains(&VariantPropertyType::DesiredWeight),
        instances: retains && !excluded.contains(&VariantPropertyType::DesiredInstanceCount),
        rollout: input.retain_deployment_config == Some(true),
    };
    if retained.rollout && rollout.is_some() {
        return Err(Error::invalid("RetainDeploymentConfig and DeploymentConfig cannot both be given.").into());
    }
    let change = EndpointChange { config: input.endpoint_config_name, retained, rollout };
    let endpoint = call.api.models().update_endpoint(&call.ctx, &input.endpoint_name, change).await?;
    Ok(call.encode(&UpdateEndpointOutput { endpoint_arn: endpoint.arn.to_string() }).map(full))
}

/// Changes shares and replicas.
pub(super) async fn scale(call: AwsCall) -> Answer {
    let input: UpdateEndpointWeightsAndCapacitiesInput = call.decode()?;
    let serverless = input.desired_weights_and_capacities.iter().any(|wish| wish.serverless_update_config.is_some());
    refuse(&[(serverless, "Serverless inference (`ServerlessUpdateConfig`)")])?;
    let wishes = input.desired_weights_and_capacities.into_iter().map(|wish| VariantWish {
        variant: wish.variant_name,
        weight: wish.desired_weight,
        instances: wish.desired_instance_count.and_then(|count| u32::try_from(count).ok()),
    });
    let wishes: Vec<VariantWish> = wishes.collect();
    let endpoint = call.api.models().scale_endpoint(&call.ctx, &input.endpoint_name, &wishes).await?;
    let output = UpdateEndpointWeightsAndCapacitiesOutput { endpoint_arn: endpoint.arn.to_string() };
    Ok(call.encode(&output).map(full))
}

/// Removes an endpoint.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteEndpointInput = call.decode()?;
    call.api.models().delete_endpoint(&call.ctx, &input.endpoint_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

/// All traffic goes over at once, when what takes over is ready.
fn rollout(asked: Option<&DeploymentConfig>) -> Result<Option<Rollout>> {
    let Some(asked) = asked else { return Ok(None) };
    let stepwise = asked
        .blue_green_update_policy
        .as_ref()
        .is_some_and(|policy| policy.traffic_routing_configuration.r#type != TrafficRoutingConfigType::AllAtOnce);
    let alarms = asked.auto_rollback_configuration.as_ref().and_then(|rollback| rollback.alarms.as_ref());
    refuse(&[
        (stepwise, "Moving traffic step by step (`TrafficRoutingConfiguration.Type`)"),
        (asked.rolling_update_policy.is_some(), "Replacing instances in turn (`RollingUpdatePolicy`)"),
        (alarms.is_some_and(|alarms| !alarms.is_empty()), "Rolling back on alarms (`AutoRollbackConfiguration`)"),
    ])?;
    let policy = asked.blue_green_update_policy.as_ref();
    let seconds = |of: Option<i32>| of.and_then(|seconds| u32::try_from(seconds).ok());
    Ok(Some(Rollout {
        termination_wait_seconds: seconds(policy.and_then(|p| p.termination_wait_in_seconds)).unwrap_or(0),
        most_seconds: seconds(policy.and_then(|p| p.maximum_execution_timeout_in_seconds)),
        described: serde_json::to_value(asked).map_err(Error::internal)?,
    }))
}

fn summary(endpoint: Hosted<Endpoint>) -> EndpointSummary {
    EndpointSummary {
        endpoint_name: endpoint.name,
        endpoint_arn: endpoint.arn.to_string(),
        creation_time: endpoint.created.into(),
        last_modified_time: endpoint.modified.into(),
        endpoint_status: wire(endpoint.body.status),
    }
}

fn output(endpoint: Hosted<Endpoint>, figures: &EndpointFigures) -> Result<DescribeEndpointOutput> {
    let body = endpoint.body;
    let instances = |name: &str| figures.variants.iter().find(|found| found.name == name).map_or(0, |f| f.instances);
    // Before it was ready for the first time there is nothing that answers.
    let ready = body.variants.iter().any(|variant| variant.served.is_some());
    let variants = body.variants.iter().map(|variant| described(variant, instances(&variant.spec.name)));
    let last = body.rollout.map(|rollout| serde_json::from_value(rollout.described).map_err(Error::internal));
    Ok(DescribeEndpointOutput {
        endpoint_name: endpoint.name,
        endpoint_arn: endpoint.arn.to_string(),
        endpoint_config_name: Some(body.config.clone()),
        production_variants: ready.then(|| variants.collect()),
        data_capture_config: None,
        endpoint_status: wire(body.status),
        failure_reason: body.failure,
        creation_time: endpoint.created.into(),
        last_modified_time: endpoint.modified.into(),
        last_deployment_config: last.transpose()?,
        async_inference_config: body.asynchronous.as_ref().map(described_asynchronous).transpose()?,
        pending_deployment_summary: body.pending.map(pending),
        explainer_config: None,
        shadow_production_variants: None,
        metrics_config: None,
        cross_region_traffic_config: None,
    })
}

fn described(variant: &EndpointVariant, instances: u32) -> ProductionVariantSummary {
    let spec = &variant.spec;
    ProductionVariantSummary {
        variant_name: spec.name.clone(),
        deployed_images: images(variant),
        current_weight: Some(spec.weight),
        desired_weight: Some(spec.weight),
        current_instance_count: i32::try_from(instances).ok(),
        desired_instance_count: i32::try_from(spec.instances).ok(),
        managed_instance_scaling: spec.scaling.map(scaling),
        ..ProductionVariantSummary::default()
    }
}

fn pending(pending: PendingVariants) -> PendingDeploymentSummary {
    let variant = |variant: &EndpointVariant| PendingProductionVariantSummary {
        variant_name: variant.spec.name.clone(),
        desired_weight: Some(variant.spec.weight),
        desired_instance_count: i32::try_from(variant.spec.instances).ok(),
        instance_type: Some(variant.spec.instance_type.clone()),
        managed_instance_scaling: variant.spec.scaling.map(scaling),
        ..PendingProductionVariantSummary::default()
    };
    PendingDeploymentSummary {
        production_variants: Some(pending.variants.iter().map(variant).collect()),
        endpoint_config_name: pending.config,
        start_time: None,
        shadow_production_variants: None,
    }
}

/// In place of images, the model that answers: the one that was named, and the one that does.
fn images(variant: &EndpointVariant) -> Option<Vec<DeployedImage>> {
    let served = variant.served.as_ref()?;
    let named = match &variant.source {
        models::Source::Hub(name) | models::Source::Local(name) | models::Source::Imported(name) => name.clone(),
        models::Source::Bucket { uri, .. } => uri.clone(),
    };
    Some(vec![DeployedImage {
        specified_image: Some(named),
        resolved_image: Some(format!("craton/{}", served.name)),
        resolution_time: None,
    }])
}

fn scaling(scaling: Scaling) -> ProductionVariantManagedInstanceScaling {
    ProductionVariantManagedInstanceScaling {
        status: Some(ManagedInstanceScalingStatus::Enabled),
        min_instance_count: i32::try_from(scaling.least).ok(),
        max_instance_count: i32::try_from(scaling.most).ok(),
        ..ProductionVariantManagedInstanceScaling::default()
    }
}

fn wire(status: EndpointStatus) -> Status {
    match status {
        EndpointStatus::Creating => Status::Creating,
        EndpointStatus::Deleting => Status::Deleting,
        EndpointStatus::Failed => Status::Failed,
        EndpointStatus::InService => Status::InService,
        EndpointStatus::Updating => Status::Updating,
    }
}
