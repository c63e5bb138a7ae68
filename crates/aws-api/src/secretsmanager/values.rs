//! Values, their versions' stages, and random passwords.

use aws_wire::generated::secretsmanager::{
    APIErrorType, BatchGetSecretValueRequest, BatchGetSecretValueResponse, GetRandomPasswordRequest,
    GetRandomPasswordResponse, GetSecretValueRequest, GetSecretValueResponse, PutSecretValueRequest,
    PutSecretValueResponse, SecretValueEntry, UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse,
};
use base::Error;
use identity::secrets::{BatchFailure, Got, ListRequest, PasswordRules, Put, SecretRef, SortBy, VersionRef};

use super::secrets::missing;
use super::{check_token, domain, listing, next, page_request, refuse, shown, value};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn get_secret_value(call: AwsCall) -> Answer {
    let input: GetSecretValueRequest = call.decode()?;
    let version = VersionRef { id: input.version_id, stage: input.version_stage };
    let got = domain(&call).value(&call.ctx, &SecretRef::new(input.secret_id), &version).await?;
    let (secret_string, secret_binary) = shown(got.value);
    let output = GetSecretValueResponse {
        arn: Some(got.arn),
        name: Some(got.name),
        version_id: Some(got.version),
        secret_binary,
        secret_string,
        version_stages: Some(got.stages).filter(|stages| !stages.is_empty()),
        created_date: Some(got.created.into()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn batch_get_secret_value(call: AwsCall) -> Answer {
    let input: BatchGetSecretValueRequest = call.decode()?;
    let filters = input.filters.filter(|filters| !filters.is_empty());
    let ids = input.secret_id_list.filter(|ids| !ids.is_empty());
    if input.max_results.is_some() && filters.is_none() {
        return Err(Error::invalid(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        )
        .into());
    }
    let secrets = domain(&call);
    let (next_token, values, failures) = match (ids, filters) {
        (Some(ids), None) => {
            let ids: Vec<SecretRef> = ids.into_iter().map(SecretRef::new).collect();
            let (values, failures) = secrets.values(&call.ctx, &ids).await?;
            (None, values, failures)
        }
        (None, Some(filters)) => {
            let request = ListRequest {
                filters: listing::filters(filters)?,
                with_deleted: false,
                sort_by: SortBy::Created,
                descending: false,
                page: page_request(input.max_results, input.next_token.as_deref(), 20)?,
            };
            let (page, values, failures) = secrets.values_of(&call.ctx, &request).await?;
            (next(&page), values, failures)
        }
        _ => {
            return Err(Error::invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.").into());
        }
    };
    let output = BatchGetSecretValueResponse {
        secret_values: Some(values.into_iter().map(entry).collect()),
        next_token,
        errors: Some(failures.into_iter().map(failure).collect()),
    };
    Ok(call.encode(&output).map(full))
}

fn entry(got: Got) -> SecretValueEntry {
    let (secret_string, secret_binary) = shown(got.value);
    SecretValueEntry {
        arn: Some(got.arn),
        name: Some(got.name),
        version_id: Some(got.version),
        secret_binary,
        secret_string,
        version_stages: Some(got.stages),
        created_date: Some(got.created.into()),
    }
}

fn failure(BatchFailure { id, error }: BatchFailure) -> APIErrorType {
    APIErrorType {
        secret_id: Some(id),
        error_code: Some(error.code.as_str().to_owned()),
        message: Some(error.error.public_text()),
    }
}

pub(super) async fn put_secret_value(call: AwsCall) -> Answer {
    check_token(&call)?;
    let input: PutSecretValueRequest = call.decode()?;
    refuse(input.rotation_token, "RotationToken")?;
    let value = value(input.secret_string, input.secret_binary)?;
    let put = Put {
        token: input.client_request_token,
        value: value.ok_or_else(|| missing("You must provide either SecretString or SecretBinary."))?,
        stages: input.version_stages.unwrap_or_default(),
    };
    let (made, stages) = domain(&call).put(&call.ctx, &SecretRef::new(input.secret_id), put).await?;
    let output = PutSecretValueResponse {
        arn: Some(made.arn),
        name: Some(made.name),
        version_id: made.version,
        version_stages: Some(stages),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn update_secret_version_stage(call: AwsCall) -> Answer {
    let input: UpdateSecretVersionStageRequest = call.decode()?;
    let (from, to) = (input.remove_from_version_id.as_deref(), input.move_to_version_id.as_deref());
    let id = SecretRef::new(input.secret_id);
    let made = domain(&call).move_stage(&call.ctx, &id, &input.version_stage, from, to).await?;
    Ok(call.encode(&UpdateSecretVersionStageResponse { arn: Some(made.arn), name: Some(made.name) }).map(full))
}

/// Refuses a length of nothing in this service's own words.
fn check_length(call: &AwsCall) -> Result<(), Failure> {
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match body.get("PasswordLength").and_then(serde_json::Value::as_i64) {
        Some(length) if length < 1 => {
            Err(Error::invalid("Password length is too short based on the required types.").into())
        }
        _ => Ok(()),
    }
}

pub(super) async fn get_random_password(call: AwsCall) -> Answer {
    check_length(&call)?;
    let input: GetRandomPasswordRequest = call.decode()?;
    let rules = PasswordRules {
        length: input.password_length.map_or(32, |length| usize::try_from(length).unwrap_or_default()),
        exclude: input.exclude_characters.unwrap_or_default(),
        lower: !input.exclude_lowercase.unwrap_or_default(),
        upper: !input.exclude_uppercase.unwrap_or_default(),
        digits: !input.exclude_numbers.unwrap_or_default(),
        punctuation: !input.exclude_punctuation.unwrap_or_default(),
        space: input.include_space.unwrap_or_default(),
        each_kind: input.require_each_included_type.unwrap_or(true),
    };
    let password = domain(&call).random_password(&call.ctx, &rules).await?;
    let output = GetRandomPasswordResponse { random_password: Some(password.reveal().clone()) };
    Ok(call.encode(&output).map(full))
}
