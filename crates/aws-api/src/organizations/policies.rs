//! Service control policies, and where they are attached.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    AttachPolicyRequest, CreatePolicyRequest, CreatePolicyResponse, DeletePolicyRequest, DescribePolicyRequest,
    DescribePolicyResponse, DetachPolicyRequest, DisablePolicyTypeRequest, DisablePolicyTypeResponse,
    EnablePolicyTypeRequest, EnablePolicyTypeResponse, ListPoliciesForTargetRequest, ListPoliciesForTargetResponse,
    ListPoliciesRequest, ListPoliciesResponse, ListTargetsForPolicyRequest, ListTargetsForPolicyResponse, Policy,
    PolicySummary, PolicyTargetSummary, PolicyType, TargetType, UpdatePolicyRequest, UpdatePolicyResponse,
};
use base::{Error, Page};
use identity::organizations::{self as domain, NewPolicy, PlaceKind, PlaceName, PolicyChange, PolicyWithText};

use super::units::root;
use super::{input, page_request, pairs};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_policy(call: AwsCall) -> Answer {
    let input: CreatePolicyRequest = input(&call)?;
    only_service_control(input.r#type)?;
    let new =
        NewPolicy { name: input.name, description: input.description, content: input.content, tags: pairs(input.tags) };
    let made = call.api.identity().create_control_policy(&call.ctx, new).await?;
    Ok(call.encode(&CreatePolicyResponse { policy: Some(with_text(made)) }).map(full))
}

pub(super) async fn update_policy(call: AwsCall) -> Answer {
    let input: UpdatePolicyRequest = input(&call)?;
    let change = PolicyChange { name: input.name, description: input.description, content: input.content };
    let changed = call.api.identity().update_control_policy(&call.ctx, &input.policy_id, change).await?;
    Ok(call.encode(&UpdatePolicyResponse { policy: Some(with_text(changed)) }).map(full))
}

pub(super) async fn describe_policy(call: AwsCall) -> Answer {
    let input: DescribePolicyRequest = input(&call)?;
    let policy = call.api.identity().describe_control_policy(&call.ctx, &input.policy_id).await?;
    Ok(call.encode(&DescribePolicyResponse { policy: Some(with_text(policy)) }).map(full))
}

pub(super) async fn list_policies(call: AwsCall) -> Answer {
    let input: ListPoliciesRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_control_policies(&call.ctx, &request).await?;
    let page = of_type(input.filter, page);
    let output = ListPoliciesResponse {
        next_token: page.next_token(),
        policies: Some(page.items.into_iter().map(summary).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn delete_policy(call: AwsCall) -> Answer {
    let input: DeletePolicyRequest = input(&call)?;
    call.api.identity().delete_control_policy(&call.ctx, &input.policy_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn attach_policy(call: AwsCall) -> Answer {
    let input: AttachPolicyRequest = input(&call)?;
    call.api.identity().attach_control_policy(&call.ctx, &input.policy_id, &input.target_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn detach_policy(call: AwsCall) -> Answer {
    let input: DetachPolicyRequest = input(&call)?;
    call.api.identity().detach_control_policy(&call.ctx, &input.policy_id, &input.target_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_policies_for_target(call: AwsCall) -> Answer {
    let input: ListPoliciesForTargetRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_control_policies_of(&call.ctx, &input.target_id, &request).await?;
    let page = of_type(input.filter, page);
    let output = ListPoliciesForTargetResponse {
        next_token: page.next_token(),
        policies: Some(page.items.into_iter().map(summary).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_targets_for_policy(call: AwsCall) -> Answer {
    let input: ListTargetsForPolicyRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_targets_of(&call.ctx, &input.policy_id, &request).await?;
    let output = ListTargetsForPolicyResponse {
        next_token: page.next_token(),
        targets: Some(page.items.into_iter().map(target).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn enable_policy_type(call: AwsCall) -> Answer {
    let input: EnablePolicyTypeRequest = input(&call)?;
    only_service_control(input.policy_type)?;
    let place = call.api.identity().enable_control_policies(&call.ctx, &input.root_id).await?;
    Ok(call.encode(&EnablePolicyTypeResponse { root: Some(root(place, true)) }).map(full))
}

pub(super) async fn disable_policy_type(call: AwsCall) -> Answer {
    let input: DisablePolicyTypeRequest = input(&call)?;
    only_service_control(input.policy_type)?;
    let place = call.api.identity().disable_control_policies(&call.ctx, &input.root_id).await?;
    Ok(call.encode(&DisablePolicyTypeResponse { root: Some(root(place, false)) }).map(full))
}

fn only_service_control(kind: PolicyType) -> base::Result<()> {
    if kind == PolicyType::ServiceControlPolicy {
        return Ok(());
    }
    Err(Error::not_implemented(format!("Policies of the type `{kind}` are not implemented."))
        .with_hint("`SERVICE_CONTROL_POLICY` is."))
}

/// What of `page` has the type `kind`: there are no policies of other types.
fn of_type(kind: PolicyType, page: Page<domain::PolicySummary>) -> Page<domain::PolicySummary> {
    match kind {
        PolicyType::ServiceControlPolicy => page,
        _ => Page { items: Vec::new(), next_after: None },
    }
}

fn summary(policy: domain::PolicySummary) -> PolicySummary {
    PolicySummary {
        id: Some(policy.id),
        arn: Some(policy.arn),
        name: Some(policy.name),
        description: Some(policy.description),
        r#type: Some(PolicyType::ServiceControlPolicy),
        aws_managed: Some(policy.aws_managed),
    }
}

fn with_text(policy: PolicyWithText) -> Policy {
    Policy { policy_summary: Some(summary(policy.summary)), content: Some(policy.content) }
}

fn target(place: PlaceName) -> PolicyTargetSummary {
    let kind = match place.kind {
        PlaceKind::Root => TargetType::Root,
        PlaceKind::Unit => TargetType::OrganizationalUnit,
        PlaceKind::Account => TargetType::Account,
    };
    PolicyTargetSummary { target_id: Some(place.id), arn: Some(place.arn), name: Some(place.name), r#type: Some(kind) }
}
