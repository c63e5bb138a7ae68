//! OpenID Connect providers.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    AddClientIDToOpenIDConnectProviderRequest, CreateOpenIDConnectProviderRequest, CreateOpenIDConnectProviderResponse,
    DeleteOpenIDConnectProviderRequest, GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse,
    ListOpenIDConnectProvidersRequest, ListOpenIDConnectProvidersResponse, OpenIDConnectProviderListEntry,
    RemoveClientIDFromOpenIDConnectProviderRequest, UpdateOpenIDConnectProviderThumbprintRequest,
};

use super::shapes::{self, from_tags};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateOpenIDConnectProviderRequest = call.decode()?;
    let (clients, prints) = (input.client_id_list.unwrap_or_default(), input.thumbprint_list.unwrap_or_default());
    let identity = call.api.identity();
    let made = identity.create_oidc_provider(&call.ctx, &input.url, clients, prints, from_tags(input.tags)).await?;
    let output = CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(made.arn),
        tags: shapes::some_tags(made.tags),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetOpenIDConnectProviderRequest = call.decode()?;
    let arn = &input.open_id_connect_provider_arn;
    let provider = call.api.identity().get_oidc_provider(&call.ctx, arn).await?;
    let output = GetOpenIDConnectProviderResponse {
        url: Some(provider.name().to_owned()),
        client_id_list: Some(provider.client_ids),
        thumbprint_list: Some(provider.thumbprints),
        create_date: Some(provider.created.into()),
        tags: Some(shapes::tags(provider.tags)),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let _: ListOpenIDConnectProvidersRequest = call.decode()?;
    let providers = call.api.identity().list_oidc_providers(&call.ctx).await?;
    let entries = providers.into_iter().map(|provider| OpenIDConnectProviderListEntry { arn: Some(provider.arn) });
    let output = ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(entries.collect()) };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteOpenIDConnectProviderRequest = call.decode()?;
    call.api.identity().delete_oidc_provider(&call.ctx, &input.open_id_connect_provider_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn update_thumbprint(call: AwsCall) -> Answer {
    let input: UpdateOpenIDConnectProviderThumbprintRequest = call.decode()?;
    let arn = &input.open_id_connect_provider_arn;
    call.api.identity().set_oidc_thumbprints(&call.ctx, arn, input.thumbprint_list).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn add_client_id(call: AwsCall) -> Answer {
    let input: AddClientIDToOpenIDConnectProviderRequest = call.decode()?;
    let arn = &input.open_id_connect_provider_arn;
    call.api.identity().add_oidc_client_id(&call.ctx, arn, &input.client_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn remove_client_id(call: AwsCall) -> Answer {
    let input: RemoveClientIDFromOpenIDConnectProviderRequest = call.decode()?;
    let arn = &input.open_id_connect_provider_arn;
    call.api.identity().remove_oidc_client_id(&call.ctx, arn, &input.client_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
