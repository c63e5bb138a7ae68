//! Sessions of roles.

use aws_wire::generated::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser};
use base::Error;
use identity::sts::RoleAssumption;

use super::credentials;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn assume_role(call: AwsCall) -> Answer {
    let input: AssumeRoleRequest = call.decode()?;
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(super::no_mfa().into());
    }
    if input.provided_contexts.is_some_and(|contexts| !contexts.is_empty()) {
        return Err(Error::not_implemented("Trusted contexts are not implemented (`ProvidedContexts`).").into());
    }
    let tags = input.tags.unwrap_or_default();
    let wish = RoleAssumption {
        role_arn: input.role_arn,
        session_name: input.role_session_name,
        policy: input.policy,
        policy_arns: input.policy_arns.unwrap_or_default().into_iter().filter_map(|policy| policy.arn).collect(),
        duration: input.duration_seconds.map(i64::from),
        tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        transitive_tag_keys: input.transitive_tag_keys.unwrap_or_default(),
        external_id: input.external_id,
        source_identity: input.source_identity,
    };
    let assumed = call.api.identity().assume_role(&call.ctx, &wish).await?;
    let output = AssumeRoleResponse {
        credentials: Some(credentials(assumed.credentials)),
        assumed_role_user: Some(AssumedRoleUser { assumed_role_id: assumed.id, arn: assumed.arn }),
        packed_policy_size: assumed.packed_size.and_then(|percent| i32::try_from(percent).ok()),
        source_identity: assumed.source_identity,
        session_token_utilization: None,
        session_token_size: None,
    };
    Ok(call.encode(&output).map(full))
}
