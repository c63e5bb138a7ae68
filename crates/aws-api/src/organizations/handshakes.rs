//! Invitations into an organization.

use aws_wire::generated::organizations::{
    AcceptHandshakeRequest, AcceptHandshakeResponse, ActionType, CancelHandshakeRequest, CancelHandshakeResponse,
    DeclineHandshakeRequest, DeclineHandshakeResponse, DescribeHandshakeRequest, DescribeHandshakeResponse, Handshake,
    HandshakeFilter, HandshakeParty, HandshakePartyType, HandshakeResource, HandshakeResourceType, HandshakeState,
    InviteAccountToOrganizationRequest, InviteAccountToOrganizationResponse, ListHandshakesForAccountRequest,
    ListHandshakesForAccountResponse, ListHandshakesForOrganizationRequest, ListHandshakesForOrganizationResponse,
};
use base::Error;
use identity::organizations as domain;

use super::{input, page_request, pairs};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn invite_account(call: AwsCall) -> Answer {
    let input: InviteAccountToOrganizationRequest = input(&call)?;
    if input.target.r#type != HandshakePartyType::Account {
        return Err(Error::not_implemented("Invitations by e-mail are not implemented.")
            .with_hint("Invite an account by its id: `Id=111122223333,Type=ACCOUNT`.")
            .into());
    }
    let notes = input.notes.unwrap_or_default();
    let tags = pairs(input.tags);
    let made = call.api.identity().invite_account(&call.ctx, &input.target.id, &notes, tags).await?;
    Ok(call.encode(&InviteAccountToOrganizationResponse { handshake: Some(describe(made)) }).map(full))
}

pub(super) async fn accept_handshake(call: AwsCall) -> Answer {
    let input: AcceptHandshakeRequest = input(&call)?;
    let handshake = call.api.identity().accept_handshake(&call.ctx, &input.handshake_id).await?;
    Ok(call.encode(&AcceptHandshakeResponse { handshake: Some(describe(handshake)) }).map(full))
}

pub(super) async fn decline_handshake(call: AwsCall) -> Answer {
    let input: DeclineHandshakeRequest = input(&call)?;
    let handshake = call.api.identity().decline_handshake(&call.ctx, &input.handshake_id).await?;
    Ok(call.encode(&DeclineHandshakeResponse { handshake: Some(describe(handshake)) }).map(full))
}

pub(super) async fn cancel_handshake(call: AwsCall) -> Answer {
    let input: CancelHandshakeRequest = input(&call)?;
    let handshake = call.api.identity().cancel_handshake(&call.ctx, &input.handshake_id).await?;
    Ok(call.encode(&CancelHandshakeResponse { handshake: Some(describe(handshake)) }).map(full))
}

pub(super) async fn describe_handshake(call: AwsCall) -> Answer {
    let input: DescribeHandshakeRequest = input(&call)?;
    let handshake = call.api.identity().describe_handshake(&call.ctx, &input.handshake_id).await?;
    Ok(call.encode(&DescribeHandshakeResponse { handshake: Some(describe(handshake)) }).map(full))
}

pub(super) async fn list_for_account(call: AwsCall) -> Answer {
    let input: ListHandshakesForAccountRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_handshakes_for_account(&call.ctx, &request).await?;
    let output = ListHandshakesForAccountResponse {
        next_token: page.next_token(),
        handshakes: Some(wanted(page.items, input.filter)),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_for_organization(call: AwsCall) -> Answer {
    let input: ListHandshakesForOrganizationRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_handshakes_for_organization(&call.ctx, &request).await?;
    let output = ListHandshakesForOrganizationResponse {
        next_token: page.next_token(),
        handshakes: Some(wanted(page.items, input.filter)),
    };
    Ok(call.encode(&output).map(full))
}

/// All handshakes are invitations.
fn wanted(items: Vec<domain::Handshake>, filter: Option<HandshakeFilter>) -> Vec<Handshake> {
    let action = filter.and_then(|filter| filter.action_type);
    let invitations = action.is_none_or(|action| action == ActionType::Invite);
    items.into_iter().filter(|_| invitations).map(describe).collect()
}

fn describe(handshake: domain::Handshake) -> Handshake {
    let party = |id: String, kind| HandshakeParty { id, r#type: kind };
    // Parties have the organization's id without its prefix, as in AWS.
    let organization = handshake.organization.trim_start_matches("o-").to_owned();
    Handshake {
        id: Some(handshake.id.clone()),
        arn: Some(handshake.arn.clone()),
        parties: Some(vec![
            party(organization, HandshakePartyType::Organization),
            party(handshake.account.to_string(), HandshakePartyType::Account),
        ]),
        state: HandshakeState::from_wire(handshake.state.as_str()),
        requested_timestamp: Some(handshake.requested.into()),
        expiration_timestamp: Some(handshake.expires.into()),
        action: Some(ActionType::Invite),
        resources: Some(resources(handshake)),
    }
}

fn resources(handshake: domain::Handshake) -> Vec<HandshakeResource> {
    let resource = |kind, value: String| HandshakeResource { value: Some(value), r#type: Some(kind), resources: None };
    let features = if handshake.all_features { "ALL" } else { "CONSOLIDATED_BILLING" };
    let organization = HandshakeResource {
        resources: Some(vec![
            resource(HandshakeResourceType::MasterEmail, handshake.management_email),
            resource(HandshakeResourceType::MasterName, format!("account {}", handshake.management)),
            resource(HandshakeResourceType::OrganizationFeatureSet, features.to_owned()),
        ]),
        ..resource(HandshakeResourceType::Organization, handshake.organization)
    };
    let mut resources = vec![organization, resource(HandshakeResourceType::Account, handshake.account.to_string())];
    if !handshake.notes.is_empty() {
        resources.push(resource(HandshakeResourceType::Notes, handshake.notes));
    }
    resources
}
