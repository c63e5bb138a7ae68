//! The root, the units and what lies in them.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    Child, ChildType, CreateOrganizationalUnitRequest, CreateOrganizationalUnitResponse,
    DeleteOrganizationalUnitRequest, DescribeOrganizationalUnitRequest, DescribeOrganizationalUnitResponse,
    ListChildrenRequest, ListChildrenResponse, ListOrganizationalUnitsForParentRequest,
    ListOrganizationalUnitsForParentResponse, ListParentsRequest, ListParentsResponse, ListRootsResponse,
    OrganizationalUnit, Parent, ParentType, Root, UpdateOrganizationalUnitRequest, UpdateOrganizationalUnitResponse,
};
use identity::organizations::{PlaceKind, PlaceName};

use super::organization::policy_types;
use super::{input, page_request, pairs};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn list_roots(call: AwsCall) -> Answer {
    let (place, service_control) = call.api.identity().list_roots(&call.ctx).await?;
    let output = ListRootsResponse { roots: Some(vec![root(place, service_control)]), next_token: None };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_parents(call: AwsCall) -> Answer {
    let input: ListParentsRequest = input(&call)?;
    let place = call.api.identity().parent_of(&call.ctx, &input.child_id).await?;
    let kind = if place.kind == PlaceKind::Root { ParentType::Root } else { ParentType::OrganizationalUnit };
    let parents = vec![Parent { id: Some(place.id), r#type: Some(kind) }];
    Ok(call.encode(&ListParentsResponse { parents: Some(parents), next_token: None }).map(full))
}

pub(super) async fn list_children(call: AwsCall) -> Answer {
    let input: ListChildrenRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let kind = match input.child_type {
        ChildType::Account => PlaceKind::Account,
        ChildType::OrganizationalUnit => PlaceKind::Unit,
    };
    let page = call.api.identity().list_children(&call.ctx, &input.parent_id, kind, &request).await?;
    let child = |place: PlaceName| Child { id: Some(place.id), r#type: Some(input.child_type) };
    let output = ListChildrenResponse {
        next_token: page.next_token(),
        children: Some(page.items.into_iter().map(child).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn create_unit(call: AwsCall) -> Answer {
    let input: CreateOrganizationalUnitRequest = input(&call)?;
    let tags = pairs(input.tags);
    let made = call.api.identity().create_unit(&call.ctx, &input.parent_id, &input.name, tags).await?;
    Ok(call.encode(&CreateOrganizationalUnitResponse { organizational_unit: Some(unit(made)) }).map(full))
}

pub(super) async fn describe_unit(call: AwsCall) -> Answer {
    let input: DescribeOrganizationalUnitRequest = input(&call)?;
    let place = call.api.identity().describe_unit(&call.ctx, &input.organizational_unit_id).await?;
    Ok(call.encode(&DescribeOrganizationalUnitResponse { organizational_unit: Some(unit(place)) }).map(full))
}

pub(super) async fn update_unit(call: AwsCall) -> Answer {
    let input: UpdateOrganizationalUnitRequest = input(&call)?;
    let (id, name) = (&input.organizational_unit_id, input.name.as_deref());
    let renamed = call.api.identity().rename_unit(&call.ctx, id, name).await?;
    Ok(call.encode(&UpdateOrganizationalUnitResponse { organizational_unit: Some(unit(renamed)) }).map(full))
}

pub(super) async fn delete_unit(call: AwsCall) -> Answer {
    let input: DeleteOrganizationalUnitRequest = input(&call)?;
    call.api.identity().delete_unit(&call.ctx, &input.organizational_unit_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_units(call: AwsCall) -> Answer {
    let input: ListOrganizationalUnitsForParentRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_units(&call.ctx, &input.parent_id, &request).await?;
    let output = ListOrganizationalUnitsForParentResponse {
        next_token: page.next_token(),
        organizational_units: Some(page.items.into_iter().map(unit).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) fn root(place: PlaceName, service_control: bool) -> Root {
    Root {
        id: Some(place.id),
        arn: Some(place.arn),
        name: Some(place.name),
        policy_types: Some(policy_types(service_control)),
    }
}

fn unit(place: PlaceName) -> OrganizationalUnit {
    OrganizationalUnit { id: Some(place.id), arn: Some(place.arn), name: Some(place.name), path: Some(place.path) }
}
