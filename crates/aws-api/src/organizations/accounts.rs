//! The accounts of an organization.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    Account, AccountJoinedMethod, AccountState, AccountStatus, CloseAccountRequest, CreateAccountFailureReason,
    CreateAccountRequest, CreateAccountResponse, CreateAccountState, CreateAccountStatus, DescribeAccountRequest,
    DescribeAccountResponse, DescribeCreateAccountStatusRequest, DescribeCreateAccountStatusResponse,
    ListAccountsForParentRequest, ListAccountsForParentResponse, ListAccountsRequest, ListAccountsResponse,
    ListCreateAccountStatusRequest, ListCreateAccountStatusResponse, MoveAccountRequest,
    RemoveAccountFromOrganizationRequest,
};
use identity::organizations::{AccountRequest, Member, NewAccount};

use super::{input, page_request, pairs};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_account(call: AwsCall) -> Answer {
    let input: CreateAccountRequest = input(&call)?;
    let new =
        NewAccount { email: input.email, name: input.account_name, role: input.role_name, tags: pairs(input.tags) };
    let request = call.api.identity().create_member_account(&call.ctx, new).await?;
    Ok(call.encode(&CreateAccountResponse { create_account_status: Some(status(request)) }).map(full))
}

pub(super) async fn describe_create_account_status(call: AwsCall) -> Answer {
    let input: DescribeCreateAccountStatusRequest = input(&call)?;
    let request = call.api.identity().describe_account_request(&call.ctx, &input.create_account_request_id).await?;
    let output = DescribeCreateAccountStatusResponse { create_account_status: Some(status(request)) };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_create_account_status(call: AwsCall) -> Answer {
    let input: ListCreateAccountStatusRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let states = input.states.unwrap_or_default();
    let wants = |state| states.is_empty() || states.contains(&state);
    // Nothing is in progress for longer than its request.
    let fulfilled = match (wants(CreateAccountState::Succeeded), wants(CreateAccountState::Failed)) {
        (true, true) => None,
        (false, false) => {
            let output = ListCreateAccountStatusResponse { create_account_statuses: Some(vec![]), next_token: None };
            return Ok(call.encode(&output).map(full));
        }
        (succeeded, _) => Some(succeeded),
    };
    let page = call.api.identity().list_account_requests(&call.ctx, fulfilled, &request).await?;
    let output = ListCreateAccountStatusResponse {
        next_token: page.next_token(),
        create_account_statuses: Some(page.items.into_iter().map(status).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_accounts(call: AwsCall) -> Answer {
    let input: ListAccountsRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_member_accounts(&call.ctx, &request).await?;
    let output = ListAccountsResponse {
        next_token: page.next_token(),
        accounts: Some(page.items.into_iter().map(account).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn list_accounts_for_parent(call: AwsCall) -> Answer {
    let input: ListAccountsForParentRequest = input(&call)?;
    let request = page_request(input.max_results, input.next_token.as_deref())?;
    let page = call.api.identity().list_accounts_under(&call.ctx, &input.parent_id, &request).await?;
    let output = ListAccountsForParentResponse {
        next_token: page.next_token(),
        accounts: Some(page.items.into_iter().map(account).collect()),
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn describe_account(call: AwsCall) -> Answer {
    let input: DescribeAccountRequest = input(&call)?;
    let member = call.api.identity().describe_member_account(&call.ctx, &input.account_id).await?;
    Ok(call.encode(&DescribeAccountResponse { account: Some(account(member)) }).map(full))
}

pub(super) async fn move_account(call: AwsCall) -> Answer {
    let input: MoveAccountRequest = input(&call)?;
    let (from, to) = (&input.source_parent_id, &input.destination_parent_id);
    call.api.identity().move_account(&call.ctx, &input.account_id, from, to).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn close_account(call: AwsCall) -> Answer {
    let input: CloseAccountRequest = input(&call)?;
    call.api.identity().close_account(&call.ctx, &input.account_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn remove_account(call: AwsCall) -> Answer {
    let input: RemoveAccountFromOrganizationRequest = input(&call)?;
    call.api.identity().remove_account(&call.ctx, &input.account_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn leave_organization(call: AwsCall) -> Answer {
    call.api.identity().leave_organization(&call.ctx).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn account(member: Member) -> Account {
    let (status, state) = match member.closed {
        Some(_) => (AccountStatus::Suspended, AccountState::Closed),
        None => (AccountStatus::Active, AccountState::Active),
    };
    let joined = if member.invited { AccountJoinedMethod::Invited } else { AccountJoinedMethod::Created };
    Account {
        id: Some(member.id),
        arn: Some(member.arn),
        email: Some(member.email),
        name: Some(member.name),
        status: Some(status),
        state: Some(state),
        paths: Some(vec![member.path]),
        joined_method: Some(joined),
        joined_timestamp: Some(member.joined.into()),
    }
}

fn status(request: AccountRequest) -> CreateAccountStatus {
    let (state, account_id, failure_reason) = match request.outcome {
        Ok(account) => (CreateAccountState::Succeeded, Some(account.to_string()), None),
        Err(why) => (CreateAccountState::Failed, None, CreateAccountFailureReason::from_wire(&why)),
    };
    CreateAccountStatus {
        id: Some(request.id),
        account_name: Some(request.name),
        state: Some(state),
        requested_timestamp: Some(request.requested.into()),
        completed_timestamp: Some(request.requested.into()),
        account_id,
        gov_cloud_account_id: None,
        failure_reason,
    }
}
