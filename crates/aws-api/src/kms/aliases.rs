//! Aliases.

use aws_wire::Nothing;
use aws_wire::generated::kms::{
    AliasListEntry, CreateAliasRequest, DeleteAliasRequest, ListAliasesRequest, ListAliasesResponse, UpdateAliasRequest,
};
use identity::kms::KeyRef;

use super::{kms, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_alias(call: AwsCall) -> Answer {
    let input: CreateAliasRequest = call.decode()?;
    kms(&call).create_alias(&call.ctx, &input.alias_name, &KeyRef::parse(&input.target_key_id)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn update_alias(call: AwsCall) -> Answer {
    let input: UpdateAliasRequest = call.decode()?;
    kms(&call).update_alias(&call.ctx, &input.alias_name, &KeyRef::parse(&input.target_key_id)?).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_alias(call: AwsCall) -> Answer {
    let input: DeleteAliasRequest = call.decode()?;
    kms(&call).delete_alias(&call.ctx, &input.alias_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_aliases(call: AwsCall) -> Answer {
    let input: ListAliasesRequest = call.decode()?;
    let request = page_request(input.limit, input.marker.as_deref(), 50)?;
    let key = input.key_id.as_deref().map(KeyRef::parse).transpose()?;
    let page = kms(&call).list_aliases(&call.ctx, key.as_ref(), &request).await?;
    let (next_marker, truncated) = rest(&page);
    let aliases = page.items.into_iter().map(|alias| AliasListEntry {
        alias_name: Some(alias.name),
        alias_arn: Some(alias.arn),
        target_key_id: Some(alias.key_id),
        creation_date: Some(alias.created.into()),
        last_updated_date: Some(alias.updated.into()),
    });
    Ok(call.encode(&ListAliasesResponse { aliases: Some(aliases.collect()), next_marker, truncated }).map(full))
}
