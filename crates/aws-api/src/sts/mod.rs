//! `sts`: who am I, and temporary credentials.

mod assume_role;
pub(crate) mod errors;
mod web_identity;

use aws_wire::generated::sts::{
    Credentials, DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse, GetAccessKeyInfoRequest,
    GetAccessKeyInfoResponse, GetCallerIdentityRequest, GetCallerIdentityResponse, GetSessionTokenRequest,
    GetSessionTokenResponse,
};
use aws_wire::{RouteError, WireError, route};
use base::Error;
use futures::future::FutureExt as _;
use http::request::Parts;
use identity::{Access, SessionCredentials};

use crate::body::full;
use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;

pub(crate) use web_identity::needs_no_signature;

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
    Row {
        operation: "AssumeRole",
        action: "sts:AssumeRole",
        access: Access::Write,
        check: Check::InDomain,
        handler: |call| assume_role::assume_role(call).boxed(),
    },
    Row {
        operation: "AssumeRoleWithWebIdentity",
        action: "sts:AssumeRoleWithWebIdentity",
        access: Access::Write,
        check: Check::InDomain,
        handler: |call| web_identity::assume_role(call).boxed(),
    },
    Row {
        operation: "GetAccessKeyInfo",
        action: "sts:GetAccessKeyInfo",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| get_access_key_info(call).boxed(),
    },
    Row {
        operation: "DecodeAuthorizationMessage",
        action: "sts:DecodeAuthorizationMessage",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| decode_authorization_message(call).boxed(),
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
        return Err(no_mfa().into());
    }
    let duration = input.duration_seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let session = call.api.identity().get_session_token(&call.ctx, duration).await?;
    let output = GetSessionTokenResponse {
        credentials: Some(credentials(session)),
        session_token_utilization: None,
        session_token_size: None,
    };
    Ok(call.encode(&output).map(full))
}

async fn get_access_key_info(call: AwsCall) -> Answer {
    let input: GetAccessKeyInfoRequest = call.decode()?;
    let account = call.api.identity().account_of_access_key(&input.access_key_id).await?;
    Ok(call.encode(&GetAccessKeyInfoResponse { account: Some(account) }).map(full))
}

async fn decode_authorization_message(call: AwsCall) -> Answer {
    let input: DecodeAuthorizationMessageRequest = call.decode()?;
    let message = call.api.identity().decode_authorization_message(&call.ctx, &input.encoded_message).await?;
    Ok(call.encode(&DecodeAuthorizationMessageResponse { decoded_message: Some(message) }).map(full))
}

fn credentials(session: SessionCredentials) -> Credentials {
    Credentials {
        access_key_id: session.access_key_id,
        secret_access_key: session.secret.reveal().clone(),
        session_token: session.session_token.reveal().clone(),
        expiration: session.expires.into(),
    }
}

/// The refusal of a request that AWS takes without a signature and that is not built here: to ask for one would mislead.
pub(crate) fn unbuilt_without_signature(parts: &Parts, body: &[u8]) -> Option<WireError> {
    match route("sts", parts, body) {
        Err(error @ RouteError::NotImplemented { operation, .. }) if operation.name == "AssumeRoleWithSAML" => {
            Some(error.to_wire())
        }
        _ => None,
    }
}

fn no_mfa() -> Error {
    Error::not_implemented("Multi-factor authentication is not implemented (`SerialNumber`, `TokenCode`).")
}
