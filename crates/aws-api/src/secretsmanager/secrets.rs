//! Making, describing, changing and deleting secrets.

use aws_wire::Nothing;
use aws_wire::generated::secretsmanager::{
    CreateSecretRequest, CreateSecretResponse, DeleteSecretRequest, DeleteSecretResponse, DescribeSecretRequest,
    DescribeSecretResponse, RestoreSecretRequest, RestoreSecretResponse, Tag, TagResourceRequest, UntagResourceRequest,
    UpdateSecretRequest, UpdateSecretResponse,
};
use base::Error;
use identity::secrets::{self, NewSecret, SecretRef, Update};

use super::{check_token, domain, refuse, value};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn create_secret(call: AwsCall) -> Answer {
    check_token(&call)?;
    let input: CreateSecretRequest = call.decode()?;
    refuse(input.add_replica_regions.filter(|regions| !regions.is_empty()), "AddReplicaRegions")?;
    refuse(input.r#type, "Type")?;
    refuse(input.cross_account_primary_arn, "CrossAccountPrimaryArn")?;
    let new = NewSecret {
        name: input.name,
        token: input.client_request_token,
        description: input.description,
        kms_key: input.kms_key_id,
        value: value(input.secret_string, input.secret_binary)?,
        tags: pairs(input.tags.unwrap_or_default()),
    };
    let made = domain(&call).create(&call.ctx, new).await?;
    let output = CreateSecretResponse {
        arn: Some(made.arn),
        name: Some(made.name),
        version_id: made.version,
        ..CreateSecretResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn describe_secret(call: AwsCall) -> Answer {
    let input: DescribeSecretRequest = call.decode()?;
    let secret = domain(&call).describe(&call.ctx, &SecretRef::new(input.secret_id)).await?;
    let output = DescribeSecretResponse {
        arn: Some(secret.arn),
        name: Some(secret.name),
        description: secret.description,
        kms_key_id: secret.kms_key,
        last_changed_date: Some(secret.changed.into()),
        last_accessed_date: secret.accessed.map(Into::into),
        deleted_date: secret.purge.map(Into::into),
        tags: (secret.tagged || !secret.tags.is_empty()).then(|| tags(secret.tags)),
        version_ids_to_stages: Some(secret.stages).filter(|stages| !stages.is_empty()),
        created_date: Some(secret.created.into()),
        ..DescribeSecretResponse::default()
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn update_secret(call: AwsCall) -> Answer {
    check_token(&call)?;
    let input: UpdateSecretRequest = call.decode()?;
    refuse(input.r#type, "Type")?;
    let update = Update {
        token: input.client_request_token,
        description: input.description,
        kms_key: input.kms_key_id,
        value: value(input.secret_string, input.secret_binary)?,
    };
    let made = domain(&call).update(&call.ctx, &SecretRef::new(input.secret_id), update).await?;
    let output = UpdateSecretResponse { arn: Some(made.arn), name: Some(made.name), version_id: made.version };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn delete_secret(call: AwsCall) -> Answer {
    let input: DeleteSecretRequest = call.decode()?;
    let id = SecretRef::new(input.secret_id);
    let (made, date) = match (input.force_delete_without_recovery.unwrap_or_default(), input.recovery_window_in_days) {
        (true, Some(days)) => {
            secrets::check_recovery(days)?;
            return Err(Error::invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            )
            .into());
        }
        (true, None) => domain(&call).force_delete(&call.ctx, &id).await?,
        (false, days) => domain(&call).delete(&call.ctx, &id, days).await?,
    };
    let output = DeleteSecretResponse { arn: Some(made.arn), name: Some(made.name), deletion_date: Some(date.into()) };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn restore_secret(call: AwsCall) -> Answer {
    let input: RestoreSecretRequest = call.decode()?;
    let made = domain(&call).restore(&call.ctx, &SecretRef::new(input.secret_id)).await?;
    Ok(call.encode(&RestoreSecretResponse { arn: Some(made.arn), name: Some(made.name) }).map(full))
}

pub(super) async fn tag_resource(call: AwsCall) -> Answer {
    let input: TagResourceRequest = call.decode()?;
    domain(&call).tag(&call.ctx, &SecretRef::new(input.secret_id), &pairs(input.tags)).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn untag_resource(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    domain(&call).untag(&call.ctx, &SecretRef::new(input.secret_id), &input.tag_keys).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect()
}

pub(super) fn tags(pairs: Vec<(String, String)>) -> Vec<Tag> {
    pairs.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}

/// What a request lacks.
pub(super) fn missing(what: &str) -> Failure {
    Failure::Wire(aws_wire::WireError::with_status(400, "InvalidRequestException", what))
}
