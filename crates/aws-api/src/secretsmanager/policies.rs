//! The secrets' own policies.

use aws_wire::generated::secretsmanager::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePolicyRequest, GetResourcePolicyResponse,
    PutResourcePolicyRequest, PutResourcePolicyResponse, ValidateResourcePolicyRequest, ValidateResourcePolicyResponse,
    ValidationErrorsEntry,
};
use identity::secrets::{SecretRef, Validation};

use super::{domain, refuse};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn put_resource_policy(call: AwsCall) -> Answer {
    let input: PutResourcePolicyRequest = call.decode()?;
    refuse(input.policy_name, "PolicyName")?;
    let block = input.block_public_policy.unwrap_or_default();
    let id = SecretRef::new(input.secret_id);
    let made = domain(&call).put_policy(&call.ctx, &id, &input.resource_policy, block).await?;
    let output = PutResourcePolicyResponse { arn: Some(made.arn), name: Some(made.name), policy_name: None };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn get_resource_policy(call: AwsCall) -> Answer {
    let input: GetResourcePolicyRequest = call.decode()?;
    refuse(input.policy_name, "PolicyName")?;
    let (made, resource_policy) = domain(&call).policy(&call.ctx, &SecretRef::new(input.secret_id)).await?;
    let output =
        GetResourcePolicyResponse { arn: Some(made.arn), name: Some(made.name), resource_policy, policy_name: None };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn delete_resource_policy(call: AwsCall) -> Answer {
    let input: DeleteResourcePolicyRequest = call.decode()?;
    refuse(input.policy_name, "PolicyName")?;
    let made = domain(&call).delete_policy(&call.ctx, &SecretRef::new(input.secret_id)).await?;
    let output = DeleteResourcePolicyResponse { arn: Some(made.arn), name: Some(made.name), policy_name: None };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn validate_resource_policy(call: AwsCall) -> Answer {
    let input: ValidateResourcePolicyRequest = call.decode()?;
    let id = input.secret_id.map(SecretRef::new);
    let problems = domain(&call).validate_policy(&call.ctx, id.as_ref(), &input.resource_policy).await?;
    let entry = |Validation { check, message }: Validation| ValidationErrorsEntry {
        check_name: Some(check.to_owned()),
        error_message: Some(message),
    };
    let output = ValidateResourcePolicyResponse {
        policy_validation_passed: Some(problems.is_empty()),
        validation_errors: Some(problems.into_iter().map(entry).collect()),
    };
    Ok(call.encode(&output).map(full))
}
