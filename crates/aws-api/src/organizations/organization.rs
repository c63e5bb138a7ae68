//! The organization itself.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    CreateOrganizationRequest, CreateOrganizationResponse, DescribeOrganizationResponse, Organization,
    OrganizationFeatureSet, PolicyType, PolicyTypeStatus, PolicyTypeSummary,
};
use identity::organizations as domain;

use super::input;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_organization(call: AwsCall) -> Answer {
    let input: CreateOrganizationRequest = input(&call)?;
    let all_features = input.feature_set != Some(OrganizationFeatureSet::ConsolidatedBilling);
    let made = call.api.identity().create_organization(&call.ctx, all_features).await?;
    Ok(call.encode(&CreateOrganizationResponse { organization: Some(describe(&made)) }).map(full))
}

pub(super) async fn describe_organization(call: AwsCall) -> Answer {
    let organization = call.api.identity().describe_organization(&call.ctx).await?;
    Ok(call.encode(&DescribeOrganizationResponse { organization: Some(describe(&organization)) }).map(full))
}

pub(super) async fn delete_organization(call: AwsCall) -> Answer {
    call.api.identity().delete_organization(&call.ctx).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

/// The policy types of an organization or a root.
pub(super) fn policy_types(service_control: bool) -> Vec<PolicyTypeSummary> {
    let summary =
        PolicyTypeSummary { r#type: Some(PolicyType::ServiceControlPolicy), status: Some(PolicyTypeStatus::Enabled) };
    if service_control { vec![summary] } else { Vec::new() }
}

fn describe(organization: &domain::Organization) -> Organization {
    let feature_set = match organization.all_features {
        true => OrganizationFeatureSet::All,
        false => OrganizationFeatureSet::ConsolidatedBilling,
    };
    Organization {
        id: Some(organization.id.clone()),
        arn: Some(organization.arn()),
        feature_set: Some(feature_set),
        master_account_arn: Some(organization.management_arn()),
        master_account_id: Some(organization.management.to_string()),
        master_account_email: Some(organization.management_email().to_owned()),
        available_policy_types: Some(policy_types(organization.all_features)),
    }
}
