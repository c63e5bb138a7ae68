//! `sagemaker`: models that are hosted, endpoint configurations and endpoints; the hub and its contents.

pub(crate) mod asks;
mod endpoint_configs;
mod endpoints;
pub(crate) mod errors;
mod hubs;
mod models;
mod paging;
mod tags;

pub(crate) use hubs::ROWS as HUB_ROWS;

use aws_wire::generated::sagemaker as shapes;
use futures::future::FutureExt as _;
use identity::Access;

use crate::call::{Check, Row};

/// A row that asks for the resource that a member of the request names.
macro_rules! row {
    ($operation:literal, $access:ident, $input:ident.$member:ident in $kind:ident, $handler:path) => {
        Row {
            operation: $operation,
            action: concat!("sagemaker:", $operation),
            access: Access::$access,
            check: Check::Asks(|call| {
                async move {
                    let input: shapes::$input = call.decode()?;
                    let kind = ::models::HostingKind::$kind;
                    asks::named(call, concat!("sagemaker:", $operation), (kind, &input.$member)).await
                }
                .boxed()
            }),
            handler: |call| $handler(call).boxed(),
        }
    };
    ($operation:literal, $access:ident, asks $asks:path, $handler:path) => {
        Row {
            operation: $operation,
            action: concat!("sagemaker:", $operation),
            access: Access::$access,
            check: Check::Asks($asks),
            handler: |call| $handler(call).boxed(),
        }
    };
    ($operation:literal, $handler:path) => {
        Row {
            operation: $operation,
            action: concat!("sagemaker:", $operation),
            access: Access::Read,
            check: Check::Arn(|_| "*".to_owned()),
            handler: |call| $handler(call).boxed(),
        }
    };
}

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    row!("CreateModel", Write, asks asks::create_model, models::create),
    row!("DescribeModel", Read, DescribeModelInput.model_name in Model, models::describe),
    row!("ListModels", models::list),
    row!("DeleteModel", Write, DeleteModelInput.model_name in Model, models::delete),
    row!("CreateEndpointConfig", Write, asks asks::create_config, endpoint_configs::create),
    row!("DescribeEndpointConfig", Read, DescribeEndpointConfigInput.endpoint_config_name in Config, endpoint_configs::describe),
    row!("ListEndpointConfigs", endpoint_configs::list),
    row!("DeleteEndpointConfig", Write, DeleteEndpointConfigInput.endpoint_config_name in Config, endpoint_configs::delete),
    row!("CreateEndpoint", Write, asks asks::create_endpoint, endpoints::create),
    row!("DescribeEndpoint", Read, DescribeEndpointInput.endpoint_name in Endpoint, endpoints::describe),
    row!("ListEndpoints", endpoints::list),
    row!("UpdateEndpoint", Write, asks asks::update_endpoint, endpoints::update),
    row!("UpdateEndpointWeightsAndCapacities", Write, UpdateEndpointWeightsAndCapacitiesInput.endpoint_name in Endpoint, endpoints::scale),
    row!("DeleteEndpoint", Write, DeleteEndpointInput.endpoint_name in Endpoint, endpoints::delete),
    row!("AddTags", Write, asks asks::add_tags, tags::add),
    row!("ListTags", Read, asks asks::list_tags, tags::list),
    row!("DeleteTags", Write, asks asks::delete_tags, tags::delete),
];
