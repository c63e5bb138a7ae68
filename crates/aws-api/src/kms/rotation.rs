//! Rotation of key material.

use aws_wire::Nothing;
use aws_wire::generated::kms::{
    DisableKeyRotationRequest, EnableKeyRotationRequest, GetKeyRotationStatusRequest, GetKeyRotationStatusResponse,
    IncludeKeyMaterial, ListKeyRotationsRequest, ListKeyRotationsResponse, RotateKeyOnDemandRequest,
    RotateKeyOnDemandResponse, RotationType, RotationsListEntry,
};
use identity::kms::KeyRef;

use super::{kms, page_request, refuse, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn enable_key_rotation(call: AwsCall) -> Answer {
    let input: EnableKeyRotationRequest = call.decode()?;
    let days = input.rotation_period_in_days.map(|days| u32::try_from(days).unwrap_or_default());
    kms(&call).enable_rotation(&call.ctx, &KeyRef::parse(&input.key_id)?, days).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn disable_key_rotation(call: AwsCall) -> Answer {
    let input: DisableKeyRotationRequest = call.decode()?;
    kms(&call).disable_rotation(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn get_key_rotation_status(call: AwsCall) -> Answer {
    let input: GetKeyRotationStatusRequest = call.decode()?;
    let (arn, rotation) = kms(&call).rotation_status(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    let output = GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(rotation.is_some()),
        key_id: Some(arn),
        rotation_period_in_days: rotation.and_then(|rotation| i32::try_from(rotation.period_days).ok()),
        next_rotation_date: rotation.map(|rotation| rotation.next.into()),
        on_demand_rotation_start_date: None,
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn rotate_key_on_demand(call: AwsCall) -> Answer {
    let input: RotateKeyOnDemandRequest = call.decode()?;
    let arn = kms(&call).rotate_on_demand(&call.ctx, &KeyRef::parse(&input.key_id)?).await?;
    Ok(call.encode(&RotateKeyOnDemandResponse { key_id: Some(arn) }).map(full))
}

pub(super) async fn list_key_rotations(call: AwsCall) -> Answer {
    let input: ListKeyRotationsRequest = call.decode()?;
    let all = input.include_key_material.filter(|include| *include == IncludeKeyMaterial::AllKeyMaterial);
    refuse(all, "IncludeKeyMaterial")?;
    let request = page_request(input.limit, input.marker.as_deref(), 100)?;
    let page = kms(&call).list_rotations(&call.ctx, &KeyRef::parse(&input.key_id)?, &request).await?;
    let (next_marker, truncated) = rest(&page);
    let rotations = page.items.into_iter().map(|past| RotationsListEntry {
        key_id: Some(input.key_id.clone()),
        rotation_date: Some(past.time.into()),
        rotation_type: RotationType::from_wire(past.kind.as_str()),
        ..RotationsListEntry::default()
    });
    Ok(call
        .encode(&ListKeyRotationsResponse { rotations: Some(rotations.collect()), next_marker, truncated })
        .map(full))
}
