//! Access keys of IAM users.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    AccessKey, AccessKeyLastUsed, AccessKeyMetadata, CreateAccessKeyRequest, CreateAccessKeyResponse,
    DeleteAccessKeyRequest, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse, ListAccessKeysRequest,
    ListAccessKeysResponse, StatusType, UpdateAccessKeyRequest,
};
use base::Error;
use identity::Status;

use super::shapes::{page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// What stands in place of a user's name for a key of the account's root.
const ROOT: &str = "root";

pub(super) async fn create_access_key(call: AwsCall) -> Answer {
    let input: CreateAccessKeyRequest = call.decode()?;
    let new = call.api.identity().create_access_key(&call.ctx, input.user_name.as_deref()).await?;
    let access_key = AccessKey {
        user_name: new.key.user_name.unwrap_or_else(|| ROOT.to_owned()),
        access_key_id: new.key.id,
        status: status(new.key.status),
        secret_access_key: new.secret.reveal().clone(),
        create_date: Some(new.key.created.into()),
    };
    Ok(call.encode(&CreateAccessKeyResponse { access_key }).map(full))
}

pub(super) async fn list_access_keys(call: AwsCall) -> Answer {
    let input: ListAccessKeysRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let page = call.api.identity().list_access_keys(&call.ctx, input.user_name.as_deref(), &request).await?;
    let (is_truncated, marker) = rest(&page);
    let access_key_metadata = page
        .items
        .into_iter()
        .map(|key| AccessKeyMetadata {
            user_name: Some(key.user_name.unwrap_or_else(|| ROOT.to_owned())),
            access_key_id: Some(key.id),
            status: Some(status(key.status)),
            create_date: Some(key.created.into()),
        })
        .collect();
    Ok(call.encode(&ListAccessKeysResponse { access_key_metadata, is_truncated, marker }).map(full))
}

pub(super) async fn update_access_key(call: AwsCall) -> Answer {
    let input: UpdateAccessKeyRequest = call.decode()?;
    let status = settable(&input.status)?;
    let identity = call.api.identity();
    identity.update_access_key(&call.ctx, input.user_name.as_deref(), &input.access_key_id, status).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_access_key(call: AwsCall) -> Answer {
    let input: DeleteAccessKeyRequest = call.decode()?;
    let identity = call.api.identity();
    identity.delete_access_key(&call.ctx, input.user_name.as_deref(), &input.access_key_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn last_used(call: AwsCall) -> Answer {
    let input: GetAccessKeyLastUsedRequest = call.decode()?;
    let (key, last) = call.api.identity().access_key_last_used(&call.ctx, &input.access_key_id).await?;
    let unknown = || "N/A".to_owned();
    let access_key_last_used = Some(AccessKeyLastUsed {
        last_used_date: key.last_used.map(Into::into),
        service_name: last.service.unwrap_or_else(unknown),
        region: last.region.unwrap_or_else(unknown),
    });
    let user_name = Some(key.user_name.unwrap_or_else(|| ROOT.to_owned()));
    Ok(call.encode(&GetAccessKeyLastUsedResponse { user_name, access_key_last_used }).map(full))
}

/// The status that a request sets.
pub(super) fn settable(status: &StatusType) -> Result<Status, Error> {
    match status {
        StatusType::Active => Ok(Status::Active),
        StatusType::Inactive => Ok(Status::Inactive),
        StatusType::Expired => Err(Error::invalid("The status `Expired` cannot be set.").with_hint("Use `Inactive`.")),
    }
}

pub(super) fn status(status: Status) -> StatusType {
    match status {
        Status::Active => StatusType::Active,
        Status::Inactive => StatusType::Inactive,
    }
}
