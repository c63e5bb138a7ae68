//! Key policies.

use aws_wire::generated::kms::{
    GetKeyPolicyRequest, GetKeyPolicyResponse, ListKeyPoliciesRequest, ListKeyPoliciesResponse, PutKeyPolicyRequest,
};
use aws_wire::{Nothing, WireError};
use identity::kms::KeyRef;

use super::kms;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// The only name that a policy can have.
const NAME: &str = "default";

pub(super) async fn put_key_policy(call: AwsCall) -> Answer {
    let input: PutKeyPolicyRequest = call.decode()?;
    check_name(input.policy_name.as_deref())?;
    let bypass = input.bypass_policy_lockout_safety_check.unwrap_or_default();
    kms(&call).put_policy(&call.ctx, &KeyRef::parse(&input.key_id)?, &input.policy, bypass).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn get_key_policy(call: AwsCall) -> Answer {
    let input: GetKeyPolicyRequest = call.decode()?;
    let policy = kms(&call).policy(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    check_name(input.policy_name.as_deref())?;
    let output = GetKeyPolicyResponse { policy: Some(policy), policy_name: Some(NAME.to_owned()) };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_key_policies(call: AwsCall) -> Answer {
    let input: ListKeyPoliciesRequest = call.decode()?;
    let names = kms(&call).policy_names(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    let output = ListKeyPoliciesResponse {
        policy_names: Some(names.into_iter().map(str::to_owned).collect()),
        next_marker: None,
        truncated: Some(false),
    };
    Ok(call.encode(&output).map(full))
}

fn check_name(name: Option<&str>) -> Result<(), Failure> {
    if name.is_none_or(|name| name == NAME) {
        return Ok(());
    }
    Err(Failure::Wire(WireError::with_status(400, "NotFoundException", "No such policy exists")))
}
