//! Sessions of roles for whom an identity provider vouches.

use aws_wire::generated::sts::{AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, AssumedRoleUser};
use base::{Error, Secret};
use http::request::Parts;
use identity::sts::WebIdentityAssumption;

use super::credentials;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// The operation that AWS takes without a signature: its token is the proof.
const OPERATION: &str = "AssumeRoleWithWebIdentity";

pub(super) async fn assume_role(call: AwsCall) -> Answer {
    let input: AssumeRoleWithWebIdentityRequest = call.decode()?;
    if input.provider_id.is_some() {
        return Err(Error::not_implemented("Providers of OAuth 2.0 access tokens are not implemented (`ProviderId`).")
            .with_hint("Leave `ProviderId` out: tokens of OpenID Connect name their issuer.")
            .into());
    }
    let wish = WebIdentityAssumption {
        role_arn: input.role_arn,
        session_name: input.role_session_name,
        token: Secret::new(input.web_identity_token),
        policy: input.policy,
        policy_arns: input.policy_arns.unwrap_or_default().into_iter().filter_map(|policy| policy.arn).collect(),
        duration: input.duration_seconds.map(i64::from),
    };
    let session = call.api.identity().assume_role_with_web_identity(&call.ctx, &wish).await?;
    let assumed = session.assumed;
    let output = AssumeRoleWithWebIdentityResponse {
        credentials: Some(credentials(assumed.credentials)),
        subject_from_web_identity_token: Some(session.subject),
        assumed_role_user: Some(AssumedRoleUser { assumed_role_id: assumed.id, arn: assumed.arn }),
        packed_policy_size: assumed.packed_size.and_then(|percent| i32::try_from(percent).ok()),
        provider: Some(session.provider),
        audience: Some(session.audience),
        source_identity: assumed.source_identity,
        session_token_utilization: None,
        session_token_size: None,
    };
    Ok(call.encode(&output).map(full))
}

/// Whether a request that nobody signed is for the operation that needs no signature.
pub(crate) fn needs_no_signature(parts: &Parts, body: &[u8]) -> bool {
    aws_wire::route("sts", parts, body).is_ok_and(|routed| routed.operation.name == OPERATION)
}
