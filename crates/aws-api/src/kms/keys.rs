//! Keys.

use aws_wire::Nothing;
use aws_wire::generated::kms::{
    CancelKeyDeletionRequest, CancelKeyDeletionResponse, CreateKeyRequest, CreateKeyResponse, CustomerMasterKeySpec,
    DescribeKeyRequest, DescribeKeyResponse, DisableKeyRequest, EnableKeyRequest, EncryptionAlgorithmSpec,
    KeyListEntry, KeyManagerType, KeyMetadata, KeySpec, KeyState, KeyUsageType, ListKeysRequest, ListKeysResponse,
    OriginType, ResourceOwnerType, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse,
    UpdateKeyDescriptionRequest,
};
use base::Error;
use identity::kms::{self, Key, KeyRef, Manager, NewKey};

use super::{page_request, refuse, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn create_key(call: AwsCall) -> Answer {
    let input: CreateKeyRequest = call.decode()?;
    check_kind(&input)?;
    let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect();
    let new = NewKey {
        description: input.description.unwrap_or_default(),
        policy: input.policy,
        bypass_lockout_check: input.bypass_policy_lockout_safety_check.unwrap_or_default(),
        tags,
    };
    let key = super::kms(&call).create_key(&call.ctx, new).await?;
    Ok(call.encode(&CreateKeyResponse { key_metadata: Some(metadata(&key)) }).map(full))
}

/// Refuses what is not a symmetric key of one region whose material is made here.
fn check_kind(input: &CreateKeyRequest) -> Result<(), Failure> {
    let old = input.customer_master_key_spec.filter(|spec| *spec != CustomerMasterKeySpec::SymmetricDefault);
    let spec = input.key_spec.filter(|spec| *spec != KeySpec::SymmetricDefault);
    if let Some(name) = spec.map(KeySpec::as_str).or(old.map(CustomerMasterKeySpec::as_str)) {
        return Err(Error::not_implemented(format!("Keys of the specification {name} are not implemented."))
            .with_hint("Symmetric keys are: leave `KeySpec` out.")
            .into());
    }
    if let Some(usage) = input.key_usage.filter(|usage| *usage != KeyUsageType::EncryptDecrypt) {
        return Err(invalid(if input.key_spec.is_some() || input.customer_master_key_spec.is_some() {
            format!("KeyUsage {usage} is not compatible with KeySpec SYMMETRIC_DEFAULT")
        } else {
            "You must specify a KeySpec value for all KMS keys except for symmetric encryption KMS keys.".to_owned()
        }));
    }
    refuse(input.origin.filter(|origin| *origin != OriginType::AwsKms), "Origin")?;
    refuse(input.custom_key_store_id.as_ref(), "CustomKeyStoreId")?;
    refuse(input.xks_key_id.as_ref(), "XksKeyId")?;
    refuse(input.multi_region.filter(|multi| *multi), "MultiRegion")
}

fn invalid(message: String) -> Failure {
    Error::invalid(message).into()
}

pub(super) async fn describe_key(call: AwsCall) -> Answer {
    let input: DescribeKeyRequest = call.decode()?;
    let key = super::kms(&call).describe_key(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&DescribeKeyResponse { key_metadata: Some(metadata(&key)) }).map(full))
}

pub(super) async fn list_keys(call: AwsCall) -> Answer {
    let input: ListKeysRequest = call.decode()?;
    let shared = input.resource_owners.iter().flatten().find(|owner| **owner != ResourceOwnerType::Self_);
    refuse(shared, "ResourceOwners")?;
    let request = page_request(input.limit, input.marker.as_deref(), 100)?;
    let page = super::kms(&call).list_keys(&call.ctx, &request).await?;
    let (next_marker, truncated) = rest(&page);
    let (account, region) = (call.ctx.account(), call.ctx.region());
    let entry = |id: String| KeyListEntry {
        key_arn: Some(format!("arn:aws:kms:{region}:{account}:key/{id}")),
        key_id: Some(id),
    };
    let keys = Some(page.items.into_iter().map(entry).collect());
    Ok(call.encode(&ListKeysResponse { keys, next_marker, truncated }).map(full))
}

pub(super) async fn enable_key(call: AwsCall) -> Answer {
    let input: EnableKeyRequest = call.decode()?;
    super::kms(&call).enable_key(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn disable_key(call: AwsCall) -> Answer {
    let input: DisableKeyRequest = call.decode()?;
    super::kms(&call).disable_key(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn update_key_description(call: AwsCall) -> Answer {
    let input: UpdateKeyDescriptionRequest = call.decode()?;
    let key = KeyRef::parse(&input.key_id)?;
    super::kms(&call).update_description(&call.ctx, &key, &input.description).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn schedule_key_deletion(call: AwsCall) -> Answer {
    let input: ScheduleKeyDeletionRequest = call.decode()?;
    let days = input.pending_window_in_days.map(|days| u32::try_from(days).unwrap_or_default());
    let key = super::kms(&call).schedule_deletion(&call.ctx, &KeyRef::parse(&input.key_id)?, days).await?;
    let output = ScheduleKeyDeletionResponse {
        key_id: Some(key.arn()),
        deletion_date: key.deletion.map(Into::into),
        key_state: state(&key),
        pending_window_in_days: key.pending_window.and_then(|days| i32::try_from(days).ok()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn cancel_key_deletion(call: AwsCall) -> Answer {
    let input: CancelKeyDeletionRequest = call.decode()?;
    let key = super::kms(&call).cancel_deletion(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&CancelKeyDeletionResponse { key_id: Some(key.arn()) }).map(full))
}

fn state(key: &Key) -> Option<KeyState> {
    KeyState::from_wire(key.state().as_str())
}

fn metadata(key: &Key) -> KeyMetadata {
    KeyMetadata {
        aws_account_id: Some(key.account.to_string()),
        key_id: key.id.clone(),
        arn: Some(key.arn()),
        creation_date: Some(key.created.into()),
        enabled: Some(key.state() == kms::KeyState::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some(KeyUsageType::EncryptDecrypt),
        key_state: state(key),
        deletion_date: key.deletion.map(Into::into),
        origin: Some(OriginType::AwsKms),
        key_manager: Some(match key.manager {
            Manager::Aws => KeyManagerType::Aws,
            Manager::Customer => KeyManagerType::Customer,
        }),
        customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
        key_spec: Some(KeySpec::SymmetricDefault),
        encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::SymmetricDefault]),
        multi_region: Some(false),
        ..KeyMetadata::default()
    }
}
