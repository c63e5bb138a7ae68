//! IAM's policy simulator.

use std::collections::BTreeMap;

use aws_wire::Routed;
use aws_wire::generated::iam::{
    ContextEntry, EvaluationResult, GetContextKeysForCustomPolicyRequest, GetContextKeysForPolicyResponse,
    GetContextKeysForPrincipalPolicyRequest, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail,
    PolicyEvaluationDecisionType, PolicyIdentifier, PolicySourceType, Position, ResourceSpecificResult,
    SimulateCustomPolicyRequest, SimulatePolicyResponse, SimulatePrincipalPolicyRequest, Statement,
};
use base::{Error, Page, PageRequest, Result};
use futures::future::FutureExt as _;
use identity::policy;
use identity::{Access, EvalDecision, Excluded, MatchedStatement, Simulated, Simulation};

use super::shapes::{page_request, rest};
use crate::body::full;
use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;

/// The operations.
pub(crate) const ROWS: &[Row<Routed>] = &[
    Row {
        operation: "SimulatePrincipalPolicy",
        action: "iam:SimulatePrincipalPolicy",
        access: Access::Read,
        check: Check::Arn(principal),
        handler: |call| simulate_principal_policy(call).boxed(),
    },
    Row {
        operation: "SimulateCustomPolicy",
        action: "iam:SimulateCustomPolicy",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| simulate_custom_policy(call).boxed(),
    },
    Row {
        operation: "GetContextKeysForCustomPolicy",
        action: "iam:GetContextKeysForCustomPolicy",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| context_keys_for_custom_policy(call).boxed(),
    },
    Row {
        operation: "GetContextKeysForPrincipalPolicy",
        action: "iam:GetContextKeysForPrincipalPolicy",
        access: Access::Read,
        check: Check::Arn(principal),
        handler: |call| context_keys_for_principal_policy(call).boxed(),
    },
];

/// The principal whose policies are asked about.
fn principal(call: &AwsCall) -> String {
    call.parameter("PolicySourceArn").unwrap_or_else(|| "*".to_owned())
}

async fn simulate_principal_policy(call: AwsCall) -> Answer {
    let input: SimulatePrincipalPolicyRequest = call.decode()?;
    let page = page_request(input.max_items, input.marker.as_deref())?;
    let simulation = Simulation {
        principal: Some(input.policy_source_arn),
        policies: input.policy_input_list.unwrap_or_default(),
        boundaries: input.permissions_boundary_policy_input_list.unwrap_or_default(),
        service_control: Vec::new(),
        excluded: input.policy_exclusion_list.unwrap_or_default().into_iter().map(excluded).collect(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        context: context(input.context_entries),
    };
    simulate(call, &simulation, &page).await
}

async fn simulate_custom_policy(call: AwsCall) -> Answer {
    let input: SimulateCustomPolicyRequest = call.decode()?;
    let page = page_request(input.max_items, input.marker.as_deref())?;
    let levels = input.ordered_organization_policy_input_list.unwrap_or_default();
    let simulation = Simulation {
        principal: None,
        policies: input.policy_input_list,
        boundaries: input.permissions_boundary_policy_input_list.unwrap_or_default(),
        service_control: levels
            .into_iter()
            .map(|level| level.service_control_policy_input_list.unwrap_or_default())
            .collect(),
        excluded: Vec::new(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        context: context(input.context_entries),
    };
    simulate(call, &simulation, &page).await
}

async fn context_keys_for_custom_policy(call: AwsCall) -> Answer {
    let input: GetContextKeysForCustomPolicyRequest = call.decode()?;
    let keys = call.api.identity().context_keys(&call.ctx, None, &input.policy_input_list).await?;
    Ok(call.encode(&GetContextKeysForPolicyResponse { context_key_names: Some(keys) }).map(full))
}

async fn context_keys_for_principal_policy(call: AwsCall) -> Answer {
    let input: GetContextKeysForPrincipalPolicyRequest = call.decode()?;
    let more = input.policy_input_list.unwrap_or_default();
    let keys = call.api.identity().context_keys(&call.ctx, Some(&input.policy_source_arn), &more).await?;
    Ok(call.encode(&GetContextKeysForPolicyResponse { context_key_names: Some(keys) }).map(full))
}

async fn simulate(call: AwsCall, simulation: &Simulation, page: &PageRequest) -> Answer {
    let results = call.api.identity().simulate(&call.ctx, simulation).await?;
    let page = cut(results, page)?;
    let (is_truncated, marker) = rest(&page);
    let is_listed = simulation.resources.iter().any(|resource| resource != "*");
    let results = page.items.into_iter().map(|(_, result)| describe(result, is_listed)).collect();
    Ok(call.encode(&SimulatePolicyResponse { evaluation_results: Some(results), is_truncated, marker }).map(full))
}

/// The page of results, each with its place.
fn cut(results: Vec<Simulated>, page: &PageRequest) -> Result<Page<(usize, Simulated)>> {
    let start = match &page.after {
        Some(after) => 1 + after.parse::<usize>().map_err(|_| Error::invalid("Invalid Marker."))?,
        None => 0,
    };
    let items = results.into_iter().enumerate().skip(start).take(page.limit as usize + 1).collect();
    Ok(Page::cut(page, items, |(place, _)| place.to_string()))
}

/// `is_listed`: whether resources were named, so that what is missing is told for each of them.
fn describe(result: Simulated, is_listed: bool) -> EvaluationResult {
    let decision = decision(result.decision);
    let matched: Vec<Statement> = result.matched.into_iter().map(statement).collect();
    let details: BTreeMap<String, PolicyEvaluationDecisionType> =
        result.sides.iter().map(|(name, side)| ((*name).to_owned(), self::decision(*side))).collect();
    let details = is_listed.then_some(details);
    let boundary = result
        .by_boundary
        .map(|allowed| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) });
    let organizations =
        result.by_organizations.map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) });
    let of_resource = ResourceSpecificResult {
        eval_resource_name: result.resource.clone(),
        eval_resource_decision: decision,
        matched_statements: Some(matched.clone()),
        missing_context_values: Some(result.missing.clone()),
        eval_decision_details: details.clone(),
        permissions_boundary_decision_detail: boundary.clone(),
    };
    EvaluationResult {
        eval_action_name: result.action,
        eval_resource_name: Some(result.resource),
        eval_decision: decision,
        matched_statements: Some(matched),
        missing_context_values: Some(result.missing),
        organizations_decision_detail: organizations,
        permissions_boundary_decision_detail: boundary,
        eval_decision_details: details,
        resource_specific_results: is_listed.then(|| vec![of_resource]),
    }
}

fn statement(matched: MatchedStatement) -> Statement {
    let position =
        |at: policy::Position| Position { line: i32::try_from(at.line).ok(), column: i32::try_from(at.column).ok() };
    Statement {
        source_policy_id: Some(matched.policy),
        source_policy_type: PolicySourceType::from_wire(matched.source),
        start_position: matched.span.map(|span| position(span.start)),
        end_position: matched.span.map(|span| position(span.end)),
    }
}

fn decision(decision: EvalDecision) -> PolicyEvaluationDecisionType {
    match decision {
        EvalDecision::Allowed => PolicyEvaluationDecisionType::Allowed,
        EvalDecision::ExplicitDeny => PolicyEvaluationDecisionType::ExplicitDeny,
        EvalDecision::ImplicitDeny => PolicyEvaluationDecisionType::ImplicitDeny,
    }
}

fn context(entries: Option<Vec<ContextEntry>>) -> Vec<(String, Vec<String>)> {
    let entries = entries.unwrap_or_default().into_iter();
    entries.filter_map(|entry| Some((entry.context_key_name?, entry.context_key_values.unwrap_or_default()))).collect()
}

fn excluded(identifier: PolicyIdentifier) -> Excluded {
    match identifier {
        PolicyIdentifier::PolicyType(kind) => Excluded::Type(kind.as_str().to_owned()),
        PolicyIdentifier::PolicyArn(arn) => Excluded::Arn(arn),
        PolicyIdentifier::InlinePolicyIdentifier(inline) => {
            Excluded::Inline(inline.attachment_type.as_str().to_lowercase(), inline.attachment_name, inline.policy_name)
        }
    }
}
