//! Listings of secrets and of their versions.

use aws_wire::generated::secretsmanager::{
    Filter, FilterNameStringType, ListSecretVersionIdsRequest, ListSecretVersionIdsResponse, ListSecretsRequest,
    ListSecretsResponse, SecretListEntry, SecretVersionsListEntry, SortByType, SortOrderType,
};
use base::Error;
use identity::secrets::{self, FilterKey, ListRequest, Secret, SecretRef, SortBy};

use super::secrets::tags;
use super::{domain, next, page_request};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn list_secrets(call: AwsCall) -> Answer {
    let input: ListSecretsRequest = call.decode()?;
    let request = ListRequest {
        filters: filters(input.filters.unwrap_or_default())?,
        with_deleted: input.include_planned_deletion.unwrap_or_default(),
        sort_by: match input.sort_by {
            None | Some(SortByType::CreatedDate) => SortBy::Created,
            Some(SortByType::LastAccessedDate) => SortBy::Accessed,
            Some(SortByType::LastChangedDate) => SortBy::Changed,
            Some(SortByType::Name) => SortBy::Name,
        },
        descending: input.sort_order == Some(SortOrderType::Desc),
        page: page_request(input.max_results, input.next_token.as_deref(), 100)?,
    };
    let page = domain(&call).list(&call.ctx, &request).await?;
    let next_token = next(&page);
    let secret_list = Some(page.items.into_iter().map(entry).collect());
    Ok(call.encode(&ListSecretsResponse { secret_list, next_token }).map(full))
}

fn entry(secret: Secret) -> SecretListEntry {
    SecretListEntry {
        arn: Some(secret.arn),
        name: Some(secret.name),
        description: secret.description,
        kms_key_id: secret.kms_key,
        last_changed_date: Some(secret.changed.into()),
        last_accessed_date: secret.accessed.map(Into::into),
        deleted_date: secret.purge.map(Into::into),
        tags: Some(tags(secret.tags)),
        secret_versions_to_stages: Some(secret.stages).filter(|stages| !stages.is_empty()),
        created_date: Some(secret.created.into()),
        ..SecretListEntry::default()
    }
}

pub(super) fn filters(filters: Vec<Filter>) -> Result<Vec<secrets::Filter>, Failure> {
    filters.into_iter().map(filter).collect()
}

fn filter(filter: Filter) -> Result<secrets::Filter, Failure> {
    let name = filter.key.ok_or_else(|| Error::invalid("Invalid filter key"))?;
    let key = match name {
        FilterNameStringType::Description => FilterKey::Description,
        FilterNameStringType::Name => FilterKey::Name,
        FilterNameStringType::TagKey => FilterKey::TagKey,
        FilterNameStringType::TagValue => FilterKey::TagValue,
        FilterNameStringType::PrimaryRegion => FilterKey::PrimaryRegion,
        FilterNameStringType::OwningService => FilterKey::OwningService,
        FilterNameStringType::All => FilterKey::All,
    };
    let values = filter.values.filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| Error::invalid(format!("Invalid filter values for key: {name}")))?;
    Ok(secrets::Filter { key, values })
}

pub(super) async fn list_secret_version_ids(call: AwsCall) -> Answer {
    let input: ListSecretVersionIdsRequest = call.decode()?;
    let request = page_request(input.max_results, input.next_token.as_deref(), 100)?;
    let (id, all) = (SecretRef::new(input.secret_id), input.include_deprecated.unwrap_or_default());
    let (secret, page) = domain(&call).versions(&call.ctx, &id, all, &request).await?;
    let next_token = next(&page);
    let versions = page.items.into_iter().map(|version| SecretVersionsListEntry {
        version_id: Some(version.id),
        version_stages: Some(version.stages),
        last_accessed_date: version.accessed.map(Into::into),
        created_date: Some(version.created.into()),
        kms_key_ids: Some(vec![match &secret.kms_key {
            Some(_) => version.key_arn,
            None => "DefaultEncryptionKey".to_owned(),
        }]),
    });
    let output = ListSecretVersionIdsResponse {
        versions: Some(versions.collect()),
        next_token,
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
    };
    Ok(call.encode(&output).map(full))
}
