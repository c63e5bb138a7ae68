//! Services that may work in the organization.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    DisableAWSServiceAccessRequest, EnableAWSServiceAccessRequest, EnabledServicePrincipal,
    ListAWSServiceAccessForOrganizationRequest, ListAWSServiceAccessForOrganizationResponse,
};

use super::{input, page_request};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn enable(call: AwsCall) -> Answer {
    let input: EnableAWSServiceAccessRequest = input(&call)?;
    call.api.identity().enable_service_access(&call.ctx, &input.service_principal).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn disable(call: AwsCall) -> Answer {
    let input: DisableAWSServiceAccessRequest = input(&call)?;
    call.api.identity().disable_service_access(&call.ctx, &input.service_principal).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListAWSServiceAccessForOrganizationRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_service_access(&call.ctx, &request).await?;
    let next_token = page.next_token();
    let services = page.items.into_iter().map(|service| EnabledServicePrincipal {
        service_principal: Some(service.name),
        date_enabled: Some(service.since.into()),
    });
    let enabled_service_principals = Some(services.collect());
    Ok(call.encode(&ListAWSServiceAccessForOrganizationResponse { enabled_service_principals, next_token }).map(full))
}
