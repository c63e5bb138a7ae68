//! Grants.

use aws_wire::Nothing;
use aws_wire::generated::kms::{
    CreateGrantRequest, CreateGrantResponse, GrantConstraints, GrantListEntry, GrantOperation, ListGrantsRequest,
    ListGrantsResponse, ListRetirableGrantsRequest, RetireGrantRequest, RevokeGrantRequest,
};
use base::{Error, Page};
use identity::kms::{GrantInfo, GrantRef, KeyRef, NewGrant};
use identity::policy::GrantConstraint;

use super::{kms, options, page_request, refuse, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn create_grant(call: AwsCall) -> Answer {
    let input: CreateGrantRequest = call.decode()?;
    refuse(input.grantee_service_principal.as_ref(), "GranteeServicePrincipal")?;
    refuse(input.retiring_service_principal.as_ref(), "RetiringServicePrincipal")?;
    let grantee = input.grantee_principal.ok_or_else(|| invalid("A grant needs a GranteePrincipal."))?;
    let new = NewGrant {
        grantee,
        retiring: input.retiring_principal,
        operations: input.operations.iter().map(|operation| operation.as_str().to_owned()).collect(),
        constraint: input.constraints.map(constraint).transpose()?.flatten(),
        name: input.name,
    };
    let options = options(input.grant_tokens, input.dry_run);
    let grant = kms(&call).create_grant(&call.ctx, &KeyRef::parse(&input.key_id)?, new, &options).await?;
    let output = CreateGrantResponse { grant_token: Some(grant.token), grant_id: Some(grant.id) };
    Ok(call.encode(&output).map(full))
}

fn constraint(constraints: GrantConstraints) -> Result<Option<GrantConstraint>, Failure> {
    refuse(constraints.source_arn.as_ref(), "SourceArn")?;
    match (constraints.encryption_context_equals, constraints.encryption_context_subset) {
        (Some(_), Some(_)) => {
            Err(invalid("A grant has either EncryptionContextEquals or EncryptionContextSubset, not both."))
        }
        (Some(pairs), None) => Ok(Some(GrantConstraint::Equals(pairs))),
        (None, Some(pairs)) => Ok(Some(GrantConstraint::Subset(pairs))),
        (None, None) => Ok(None),
    }
}

pub(super) async fn list_grants(call: AwsCall) -> Answer {
    let input: ListGrantsRequest = call.decode()?;
    refuse(input.grantee_service_principal.as_ref(), "GranteeServicePrincipal")?;
    let request = page_request(input.limit, input.marker.as_deref(), 50)?;
    let (id, grantee) = (input.grant_id.as_deref(), input.grantee_principal.as_deref());
    let key = KeyRef::parse(&input.key_id)?;
    let page = kms(&call).list_grants(&call.ctx, &key, id, grantee, &request).await?;
    Ok(call.encode(&listing(page)).map(full))
}

pub(super) async fn list_retirable_grants(call: AwsCall) -> Answer {
    let input: ListRetirableGrantsRequest = call.decode()?;
    refuse(input.retiring_service_principal.as_ref(), "RetiringServicePrincipal")?;
    let request = page_request(input.limit, input.marker.as_deref(), 50)?;
    let retiring = input.retiring_principal.ok_or_else(|| invalid("RetiringPrincipal is needed."))?;
    let page = kms(&call).list_retirable_grants(&call.ctx, &retiring, &request).await?;
    Ok(call.encode(&listing(page)).map(full))
}

pub(super) async fn revoke_grant(call: AwsCall) -> Answer {
    let input: RevokeGrantRequest = call.decode()?;
    let options = options(None, input.dry_run);
    kms(&call).revoke_grant(&call.ctx, &KeyRef::parse(&input.key_id)?, &input.grant_id, &options).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn retire_grant(call: AwsCall) -> Answer {
    let input: RetireGrantRequest = call.decode()?;
    let grant = match (input.grant_token, input.key_id, input.grant_id) {
        (Some(token), None, None) => GrantRef::Token(token),
        (None, Some(key), Some(id)) => GrantRef::Id(KeyRef::parse(&key)?, id),
        _ => return Err(invalid("Either GrantToken, or KeyId and GrantId must be given.")),
    };
    kms(&call).retire_grant(&call.ctx, &grant, &options(None, input.dry_run)).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn listing(page: Page<GrantInfo>) -> ListGrantsResponse {
    let (next_marker, truncated) = rest(&page);
    ListGrantsResponse { grants: Some(page.items.into_iter().map(entry).collect()), next_marker, truncated }
}

fn entry(grant: GrantInfo) -> GrantListEntry {
    let constraints = grant.constraint.map(|constraint| match constraint {
        GrantConstraint::Equals(pairs) => {
            GrantConstraints { encryption_context_equals: Some(pairs), ..GrantConstraints::default() }
        }
        GrantConstraint::Subset(pairs) => {
            GrantConstraints { encryption_context_subset: Some(pairs), ..GrantConstraints::default() }
        }
    });
    GrantListEntry {
        key_id: Some(grant.key_arn),
        grant_id: Some(grant.id),
        name: grant.name,
        creation_date: Some(grant.created.into()),
        grantee_principal: Some(grant.grantee),
        retiring_principal: grant.retiring,
        issuing_account: Some(grant.issuing_account),
        operations: Some(grant.operations.iter().filter_map(|name| GrantOperation::from_wire(name)).collect()),
        constraints,
        ..GrantListEntry::default()
    }
}

fn invalid(message: &str) -> Failure {
    Error::invalid(message).into()
}
