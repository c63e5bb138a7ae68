//! `sts`: who am I, and temporary credentials.

pub(crate) mod errors;

use aws_wire::generated::sts::{
    Credentials, GetCallerIdentityRequest, GetCallerIdentityResponse, GetSessionTokenRequest, GetSessionTokenResponse,
};
use base::Error;
use futures::future::FutureExt as _;
use identity::Access;

use crate::body::full;
use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "GetCallerIdentity",
        action: "sts:GetCallerIdentity",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| get_caller_identity(call).boxed(),
    },
    Row {
        operation: "GetSessionToken",
        action: "sts:GetSessionToken",
        access: Access::Write,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| get_session_token(call).boxed(),
    },
];

async fn get_caller_identity(call: AwsCall) -> Answer {
    let _: GetCallerIdentityRequest = call.decode()?;
    let principal = call.ctx.principal();
    let output = GetCallerIdentityResponse {
        user_id: Some(principal.user_id()),
        account: Some(call.ctx.account().to_string()),
        arn: Some(principal.arn()),
    };
    Ok(call.encode(&output).map(full))
}

async fn get_session_token(call: AwsCall) -> Answer {
    let input: GetSessionTokenRequest = call.decode()?;
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(Error::not_implemented(
            "Multi-factor authentication is not implemented (`SerialNumber`, `TokenCode`).",
        )
        .into());
    }
    let duration = input.duration_seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let session = call.api.identity().get_session_token(&call.ctx, duration).await?;
    let credentials = Credentials {
        access_key_id: session.access_key_id,
        secret_access_key: session.secret.reveal().clone(),
        session_token: session.session_token.reveal().clone(),
        expiration: session.expires.into(),
    };
    let output = GetSessionTokenResponse {
        credentials: Some(credentials),
        session_token_utilization: None,
        session_token_size: None,
    };
    Ok(call.encode(&output).map(full))
}
