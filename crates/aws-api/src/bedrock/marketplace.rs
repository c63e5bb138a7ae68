//! Endpoints of the marketplace: made, looked at, changed, registered, removed.

use aws_wire::Nothing;
use aws_wire::generated::bedrock::{
    CreateMarketplaceModelEndpointRequest, CreateMarketplaceModelEndpointResponse,
    DeleteMarketplaceModelEndpointRequest, DeregisterMarketplaceModelEndpointRequest, EndpointConfig,
    GetMarketplaceModelEndpointRequest, GetMarketplaceModelEndpointResponse, ListMarketplaceModelEndpointsRequest,
    ListMarketplaceModelEndpointsResponse, MarketplaceModelEndpoint, MarketplaceModelEndpointSummary,
    RegisterMarketplaceModelEndpointRequest, RegisterMarketplaceModelEndpointResponse, SageMakerEndpoint, Status,
    UpdateMarketplaceModelEndpointRequest, UpdateMarketplaceModelEndpointResponse,
};
use base::{Error, Result};
use futures::future::FutureExt as _;
use identity::{Access, Ask};
use models::{Endpoint, Hosted, MarketWish, NewMarketEndpoint};

use super::import_jobs::page;
use super::tags::pairs;
use crate::body::full;
use crate::call::{Answer, Asked, Check, Row};
use crate::dispatch::AwsCall;
use crate::sagemaker;

/// What SageMaker is asked through.
const BEDROCK: &str = "bedrock";

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "CreateMarketplaceModelEndpoint",
        action: "bedrock:CreateMarketplaceModelEndpoint",
        access: Access::Write,
        check: Check::Asks(create_asks),
        handler: |call| create(call).boxed(),
    },
    Row {
        operation: "GetMarketplaceModelEndpoint",
        action: "bedrock:GetMarketplaceModelEndpoint",
        access: Access::Read,
        check: Check::Asks(|call| {
            on(call, "bedrock:GetMarketplaceModelEndpoint", "endpointArn", &["sagemaker:DescribeEndpoint"])
        }),
        handler: |call| get(call).boxed(),
    },
    Row {
        operation: "ListMarketplaceModelEndpoints",
        action: "bedrock:ListMarketplaceModelEndpoints",
        access: Access::Read,
        check: Check::Asks(list_asks),
        handler: |call| list(call).boxed(),
    },
    Row {
        operation: "UpdateMarketplaceModelEndpoint",
        action: "bedrock:UpdateMarketplaceModelEndpoint",
        access: Access::Write,
        check: Check::Asks(|call| {
            on(call, "bedrock:UpdateMarketplaceModelEndpoint", "endpointArn", &["sagemaker:UpdateEndpoint"])
        }),
        handler: |call| update(call).boxed(),
    },
    Row {
        operation: "RegisterMarketplaceModelEndpoint",
        action: "bedrock:RegisterMarketplaceModelEndpoint",
        access: Access::Write,
        check: Check::Asks(register_asks),
        handler: |call| register(call).boxed(),
    },
    Row {
        operation: "DeregisterMarketplaceModelEndpoint",
        action: "bedrock:DeregisterMarketplaceModelEndpoint",
        access: Access::Write,
        check: Check::Asks(|call| {
            on(call, "bedrock:DeregisterMarketplaceModelEndpoint", "endpointArn", &["sagemaker:DeleteTags"])
        }),
        handler: |call| deregister(call).boxed(),
    },
    Row {
        operation: "DeleteMarketplaceModelEndpoint",
        action: "bedrock:DeleteMarketplaceModelEndpoint",
        access: Access::Write,
        check: Check::Asks(|call| {
            on(call, "bedrock:DeleteMarketplaceModelEndpoint", "endpointArn", &["sagemaker:DeleteEndpoint"])
        }),
        handler: |call| delete(call).boxed(),
    },
];

/// An action on the endpoint whose ARN a label is, with the tags that it has; and what Bedrock does then in SageMaker.
fn on<'a>(call: &'a AwsCall, action: &'static str, label: &'static str, then: &'static [&'static str]) -> Asked<'a> {
    async move {
        let arn = call.label(label);
        let mut asks = vec![sagemaker::asks::on(call, action, &arn).await?];
        for &action in then {
            asks.push(sagemaker::asks::on(call, action, &arn).await?.via(BEDROCK));
        }
        Ok(asks)
    }
    .boxed()
}

/// To make an endpoint, and all that Bedrock makes in SageMaker for it, with the tags by which policies know that; to give
/// it tags, too, where it has some.
fn create_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateMarketplaceModelEndpointRequest = call.decode()?;
        let (region, account) = (call.ctx.region(), call.ctx.account());
        let arn = |kind: &str| format!("arn:aws:sagemaker:{region}:{account}:{kind}/{}", input.endpoint_name);
        let tags = pairs(input.tags.clone());
        let mut asks = vec![Ask::new("bedrock:CreateMarketplaceModelEndpoint", arn("endpoint")).request_tags(&tags)];
        if !tags.is_empty() {
            asks.push(Ask::new("bedrock:TagResource", arn("endpoint")).request_tags(&tags));
        }
        // Of a model that the hub does not have, the handler tells.
        let own = call.api.models().market_tags(&call.ctx, &input.model_source_identifier).unwrap_or_default();
        let makes = [
            ("sagemaker:CreateModel", "model"),
            ("sagemaker:CreateEndpointConfig", "endpoint-config"),
            ("sagemaker:CreateEndpoint", "endpoint-config"),
            ("sagemaker:CreateEndpoint", "endpoint"),
        ];
        let asked = |(action, kind): (&'static str, &str)| {
            Ask::new(action, arn(kind)).request_tags(&own).resource_tags(&own).via(BEDROCK)
        };
        asks.extend(makes.map(asked));
        asks.extend(["model", "endpoint-config", "endpoint"].map(|kind| asked(("sagemaker:AddTags", kind))));
        Ok(asks)
    }
    .boxed()
}

/// To list the endpoints that Bedrock finds in SageMaker.
fn list_asks(_: &AwsCall) -> Asked<'_> {
    let endpoints = Ask::new("sagemaker:ListEndpoints", "*").via(BEDROCK);
    let asks = vec![Ask::new("bedrock:ListMarketplaceModelEndpoints", "*"), endpoints];
    async { Ok(asks) }.boxed()
}

/// To register an endpoint as one of a model, for which Bedrock gives it tags.
fn register_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: RegisterMarketplaceModelEndpointRequest = call.decode()?;
        let arn = &input.endpoint_identifier;
        let own = call.api.models().market_tags(&call.ctx, &input.model_source_identifier).unwrap_or_default();
        Ok(vec![
            sagemaker::asks::on(call, "bedrock:RegisterMarketplaceModelEndpoint", arn).await?,
            sagemaker::asks::on(call, "sagemaker:DescribeEndpoint", arn).await?.via(BEDROCK),
            sagemaker::asks::on(call, "sagemaker:AddTags", arn).await?.request_tags(&own).via(BEDROCK),
        ])
    }
    .boxed()
}

async fn create(call: AwsCall) -> Answer {
    let input: CreateMarketplaceModelEndpointRequest = call.decode()?;
    let new = NewMarketEndpoint {
        name: input.endpoint_name,
        source: input.model_source_identifier,
        eula: input.accept_eula.unwrap_or(false),
        wish: wish(input.endpoint_config)?,
        tags: pairs(input.tags),
        request_token: input.client_request_token,
    };
    let endpoint = call.api.models().create_market_endpoint(&call.ctx, new).await?;
    let output = CreateMarketplaceModelEndpointResponse { marketplace_model_endpoint: shape(endpoint) };
    Ok(call.encode(&output).map(full))
}

async fn get(call: AwsCall) -> Answer {
    let input: GetMarketplaceModelEndpointRequest = call.decode()?;
    let endpoint = call.api.models().market_endpoint(&call.ctx, &input.endpoint_arn).await?;
    let output = GetMarketplaceModelEndpointResponse { marketplace_model_endpoint: Some(shape(endpoint)) };
    Ok(call.encode(&output).map(full))
}

async fn list(call: AwsCall) -> Answer {
    let input: ListMarketplaceModelEndpointsRequest = call.decode()?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let source = input.model_source_equals.as_deref();
    let endpoints = call.api.models().market_endpoints(&call.ctx, source, &page).await?;
    let next_token = endpoints.next_token();
    let summaries = endpoints.items.into_iter().map(summary).collect();
    let output = ListMarketplaceModelEndpointsResponse { marketplace_model_endpoints: Some(summaries), next_token };
    Ok(call.encode(&output).map(full))
}

async fn update(call: AwsCall) -> Answer {
    let input: UpdateMarketplaceModelEndpointRequest = call.decode()?;
    let wish = wish(input.endpoint_config)?;
    let endpoint = call.api.models().update_market_endpoint(&call.ctx, &input.endpoint_arn, wish).await?;
    let output = UpdateMarketplaceModelEndpointResponse { marketplace_model_endpoint: shape(endpoint) };
    Ok(call.encode(&output).map(full))
}

async fn register(call: AwsCall) -> Answer {
    let input: RegisterMarketplaceModelEndpointRequest = call.decode()?;
    let (arn, source) = (&input.endpoint_identifier, &input.model_source_identifier);
    let endpoint = call.api.models().register_market_endpoint(&call.ctx, arn, source).await?;
    let output = RegisterMarketplaceModelEndpointResponse { marketplace_model_endpoint: shape(endpoint) };
    Ok(call.encode(&output).map(full))
}

async fn deregister(call: AwsCall) -> Answer {
    let input: DeregisterMarketplaceModelEndpointRequest = call.decode()?;
    call.api.models().deregister_market_endpoint(&call.ctx, &input.endpoint_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

async fn delete(call: AwsCall) -> Answer {
    let input: DeleteMarketplaceModelEndpointRequest = call.decode()?;
    call.api.models().delete_market_endpoint(&call.ctx, &input.endpoint_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn wish(config: EndpointConfig) -> Result<MarketWish> {
    let EndpointConfig::SageMaker(asked) = config;
    if asked.vpc.is_some() {
        return Err(Error::not_implemented("Endpoints in a VPC (`vpc`) are not implemented.")
            .with_hint("Models make no requests: leave it out."));
    }
    Ok(MarketWish {
        instances: u32::try_from(asked.initial_instance_count).unwrap_or(0),
        instance_type: asked.instance_type,
        role_arn: asked.execution_role,
        kms_key: asked.kms_encryption_key,
    })
}

fn shape(endpoint: Hosted<Endpoint>) -> MarketplaceModelEndpoint {
    let body = endpoint.body;
    let market = body.market;
    let (status, status_message) = status(market.as_ref());
    // What is being made ready is what was asked for last.
    let (variants, asked) = match body.pending {
        Some(pending) => (pending.variants, pending.market),
        None => (body.variants, None),
    };
    let spec = variants.into_iter().next().map(|variant| variant.spec);
    let (instances, instance_type) = spec.map_or((0, String::new()), |spec| (spec.instances, spec.instance_type));
    let (source, role, key) =
        market.map_or((String::new(), String::new(), None), |market| (market.source, market.role_arn, market.kms_key));
    let (role, key) = asked.map_or((role, key), |asked| (asked.role_arn, asked.kms_key));
    MarketplaceModelEndpoint {
        endpoint_arn: endpoint.arn.to_string(),
        model_source_identifier: source,
        status: Some(status),
        status_message,
        created_at: endpoint.created.into(),
        updated_at: endpoint.modified.into(),
        endpoint_config: EndpointConfig::SageMaker(SageMakerEndpoint {
            initial_instance_count: i32::try_from(instances).unwrap_or(i32::MAX),
            instance_type,
            execution_role: role,
            kms_encryption_key: key,
            vpc: None,
        }),
        endpoint_status: body.status.as_str().to_owned(),
        endpoint_status_message: body.failure,
    }
}

fn summary(endpoint: Hosted<Endpoint>) -> MarketplaceModelEndpointSummary {
    let market = endpoint.body.market;
    let (status, status_message) = status(market.as_ref());
    MarketplaceModelEndpointSummary {
        endpoint_arn: endpoint.arn.to_string(),
        model_source_identifier: market.map_or_else(String::new, |market| market.source),
        status: Some(status),
        status_message,
        created_at: endpoint.created.into(),
        updated_at: endpoint.modified.into(),
    }
}

fn status(market: Option<&models::Market>) -> (Status, Option<String>) {
    match market.and_then(|market| market.incompatible.clone()) {
        Some(reason) => (Status::IncompatibleEndpoint, Some(reason)),
        None => (Status::Registered, None),
    }
}
