//! Endpoint configurations: `CreateEndpointConfig`, `DescribeEndpointConfig`, `ListEndpointConfigs`, `DeleteEndpointConfig`.

use aws_wire::Nothing;
use aws_wire::generated::sagemaker::{
    AsyncInferenceConfig, AsyncInferenceOutputConfig, CreateEndpointConfigInput, CreateEndpointConfigOutput,
    DeleteEndpointConfigInput, DescribeEndpointConfigInput, DescribeEndpointConfigOutput, EndpointConfigSortKey,
    EndpointConfigSummary, ListEndpointConfigsInput, ListEndpointConfigsOutput, ManagedInstanceScalingScaleInStrategy,
    ManagedInstanceScalingStatus, ProductionVariant, ProductionVariantManagedInstanceScaling, RoutingStrategy,
};
use base::{Error, Result};
use models::{
    Asynchronous, EndpointConfig, Hosted, HostingFilter, HostingOrder, NewEndpointConfig, Scaling, VariantSpec,
};
use serde_json::{Value, json};

use super::paging;
use super::tags::pairs;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Makes a configuration.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateEndpointConfigInput = call.decode()?;
    refuse_unserved(&input)?;
    let asynchronous = input.async_inference_config.map(asynchronous).transpose()?;
    let described = json!({
        "ProductionVariants": serde_json::to_value(&input.production_variants).map_err(Error::internal)?,
        "KmsKeyId": input.kms_key_id,
        "ExecutionRoleArn": input.execution_role_arn,
        "EnableNetworkIsolation": input.enable_network_isolation,
    });
    let new = NewEndpointConfig {
        name: input.endpoint_config_name,
        asynchronous,
        variants: input.production_variants.into_iter().map(convert).collect::<Result<_>>()?,
        kms_key: input.kms_key_id,
        role_arn: input.execution_role_arn,
        described,
        tags: pairs(input.tags),
    };
    let config = call.api.models().create_endpoint_config(&call.ctx, new).await?;
    Ok(call.encode(&CreateEndpointConfigOutput { endpoint_config_arn: config.arn.to_string() }).map(full))
}

/// One configuration, as its maker described it.
pub(super) async fn describe(call: AwsCall) -> Answer {
    let input: DescribeEndpointConfigInput = call.decode()?;
    let config = call.api.models().endpoint_config(&call.ctx, &input.endpoint_config_name).await?;
    Ok(call.encode(&output(config)?).map(full))
}

/// The configurations, by name or time.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListEndpointConfigsInput = call.decode()?;
    let created = (input.creation_time_after, input.creation_time_before);
    let filter = HostingFilter {
        order: match input.sort_by {
            Some(EndpointConfigSortKey::Name) => HostingOrder::Name,
            _ => HostingOrder::Created,
        },
        ..paging::filter(input.name_contains, created, input.sort_order)
    };
    let page = paging::page(input.max_results, input.next_token.as_deref())?;
    let configs = call.api.models().endpoint_configs(&call.ctx, &filter, &page).await?;
    let next_token = configs.next_token();
    let summary = |config: Hosted<EndpointConfig>| EndpointConfigSummary {
        endpoint_config_name: config.name,
        endpoint_config_arn: config.arn.to_string(),
        creation_time: config.created.into(),
    };
    let endpoint_configs = configs.items.into_iter().map(summary).collect();
    Ok(call.encode(&ListEndpointConfigsOutput { endpoint_configs, next_token }).map(full))
}

/// Removes a configuration.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteEndpointConfigInput = call.decode()?;
    call.api.models().delete_endpoint_config(&call.ctx, &input.endpoint_config_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn refuse_unserved(input: &CreateEndpointConfigInput) -> Result<()> {
    refuse(&[
        (input.data_capture_config.is_some(), "Capturing data (`DataCaptureConfig`)"),
        (input.explainer_config.is_some(), "Explaining answers (`ExplainerConfig`)"),
        (input.shadow_production_variants.is_some(), "Shadowing variants (`ShadowProductionVariants`)"),
        (input.vpc_config.is_some(), "Hosting in a VPC (`VpcConfig`)"),
        (input.metrics_config.is_some(), "Publishing metrics (`MetricsConfig`)"),
        (input.cross_region_traffic_config.is_some(), "Traffic between regions (`CrossRegionTrafficConfig`)"),
    ])
}

/// A variant.
fn convert(variant: ProductionVariant) -> Result<VariantSpec> {
    refuse(&[
        (variant.serverless_config.is_some(), "Serverless inference (`ServerlessConfig`)"),
        (variant.accelerator_type.is_some(), "Attaching accelerators (`AcceleratorType`)"),
        (variant.core_dump_config.is_some(), "Keeping core dumps (`CoreDumpConfig`)"),
        (variant.enable_ssm_access == Some(true), "Access to instances (`EnableSSMAccess`)"),
        (variant.inference_ami_version.is_some(), "Choosing an image of a machine (`InferenceAmiVersion`)"),
        (variant.capacity_reservation_config.is_some(), "Reserving capacity (`CapacityReservationConfig`)"),
        (variant.instance_pools.is_some(), "Pooling instances (`InstancePools`)"),
        (variant.accelerator_partition_layouts.is_some(), "Partitioning accelerators (`AcceleratorPartitionLayouts`)"),
        (
            variant.variant_instance_provision_timeout_in_seconds.is_some(),
            "Waiting for instances (`VariantInstanceProvisionTimeoutInSeconds`)",
        ),
    ])?;
    if let Some(routing) = &variant.routing_config {
        // Requests go to the replica with the fewest, or to the one that has read their beginning.
        let is_ours = matches!(
            routing.routing_strategy,
            RoutingStrategy::LeastOutstandingRequests | RoutingStrategy::PrefixAware
        );
        refuse(&[
            (!is_ours, "Routing otherwise than to the least busy replica (`RoutingStrategy`)"),
            (
                routing.prefix_aware_routing_config.is_some(),
                "Setting up routing by prefix (`PrefixAwareRoutingConfig`)",
            ),
        ])?;
    }
    let missing =
        |member: &str| Error::invalid(format!("{member} of the variant \"{}\" must be given.", variant.variant_name));
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    Ok(VariantSpec {
        model: variant.model_name.clone().ok_or_else(|| missing("ModelName"))?,
        instance_type: variant.instance_type.clone().ok_or_else(|| missing("InstanceType"))?,
        instances: count(variant.initial_instance_count.unwrap_or(1)),
        weight: variant.initial_variant_weight.unwrap_or(1.0),
        scaling: variant.managed_instance_scaling.map(scaling).transpose()?.flatten(),
        startup_seconds: variant.container_startup_health_check_timeout_in_seconds.map(count),
        download_seconds: variant.model_data_download_timeout_in_seconds.map(count),
        volume_gb: variant.volume_size_in_gb.map(count),
        name: variant.variant_name,
    })
}

fn scaling(asked: ProductionVariantManagedInstanceScaling) -> Result<Option<Scaling>> {
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    if asked.status == Some(ManagedInstanceScalingStatus::Disabled) {
        return Ok(None);
    }
    let policy = asked.scale_in_policy;
    let consolidates =
        policy.as_ref().is_some_and(|p| p.strategy == ManagedInstanceScalingScaleInStrategy::Consolidation);
    refuse(&[(consolidates, "Consolidating instances (`ScaleInPolicy.Strategy`)")])?;
    let policy = policy.as_ref();
    Ok(Some(Scaling {
        least: asked.min_instance_count.map_or(1, count),
        most: asked.max_instance_count.map_or(1, count),
        step: policy.and_then(|policy| policy.maximum_step_size).map(count),
        cooldown_seconds: policy.and_then(|policy| policy.cooldown_in_minutes).map(|minutes| count(minutes) * 60),
    }))
}

/// # Errors
/// NotImplemented, naming the first that is asked for.
pub(super) fn refuse(asked: &[(bool, &str)]) -> Result<()> {
    match asked.iter().find(|(is_asked, _)| *is_asked) {
        Some((_, what)) => Err(Error::not_implemented(format!("{what} is not implemented."))),
        None => Ok(()),
    }
}

/// Where answers go that come later. Jobs answer two requests at once, all endpoints together.
fn asynchronous(asked: AsyncInferenceConfig) -> Result<Asynchronous> {
    let at_once = asked.client_config.as_ref().and_then(|client| client.max_concurrent_invocations_per_instance);
    refuse(&[
        (asked.output_config.notification_config.is_some(), "Notifying topics of SNS (`NotificationConfig`)"),
        (at_once == Some(1), "Answering one request at a time (`MaxConcurrentInvocationsPerInstance`)"),
    ])?;
    let described = serde_json::to_value(&asked).map_err(Error::internal)?;
    let AsyncInferenceOutputConfig { s3_output_path, s3_failure_path, kms_key_id, .. } = asked.output_config;
    let output = s3_output_path.ok_or_else(|| {
        Error::invalid("S3OutputPath of AsyncInferenceConfig must be given.")
            .with_hint("It looks like `s3://BUCKET/PREFIX`.")
    })?;
    Ok(Asynchronous { output, failure: s3_failure_path, kms_key: kms_key_id, role_arn: None, described })
}

/// As its maker described it.
pub(super) fn described_asynchronous(asynchronous: &Asynchronous) -> Result<AsyncInferenceConfig> {
    serde_json::from_value(asynchronous.described.clone()).map_err(Error::internal)
}

fn output(config: Hosted<EndpointConfig>) -> Result<DescribeEndpointConfigOutput> {
    let described = config.body.described;
    let read = |name: &str| described.get(name).cloned().unwrap_or(Value::Null);
    let text = |name: &str| described.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(DescribeEndpointConfigOutput {
        endpoint_config_name: config.name,
        endpoint_config_arn: config.arn.to_string(),
        production_variants: serde_json::from_value(read("ProductionVariants")).map_err(Error::internal)?,
        kms_key_id: text("KmsKeyId"),
        creation_time: config.created.into(),
        execution_role_arn: text("ExecutionRoleArn"),
        enable_network_isolation: described.get("EnableNetworkIsolation").and_then(Value::as_bool),
        data_capture_config: None,
        async_inference_config: config.body.asynchronous.as_ref().map(described_asynchronous).transpose()?,
        explainer_config: None,
        shadow_production_variants: None,
        vpc_config: None,
        metrics_config: None,
        cross_region_traffic_config: None,
    })
}
