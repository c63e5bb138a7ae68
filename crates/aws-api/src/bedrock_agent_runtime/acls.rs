//! `GetIngestedDocumentAcl` and `CheckIngestedDocumentAcl`.

use aws_wire::generated::bedrock_agent_runtime::{
    CheckIngestedDocumentAclRequest, CheckIngestedDocumentAclResponse, DocumentAcl, DocumentAclCondition,
    DocumentAclGroup, DocumentAclMemberRelation, DocumentAclMembership, DocumentAclMembershipType, DocumentAclUser,
    GetIngestedDocumentAclRequest, GetIngestedDocumentAclResponse,
};
use base::Error;
use knowledge::DocumentName;

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetIngestedDocumentAclRequest = call.decode()?;
    let name = DocumentName {
        knowledge_base: input.knowledge_base_id,
        data_source: input.data_source_id,
        document: input.document_id,
    };
    let acl = call.api.knowledge().document_acl(&call.ctx, &name).await?;
    let document_acl = DocumentAcl {
        allow_list: membership(acl.allowed_users.iter(), acl.allowed_groups.iter()),
        deny_list: membership(acl.denied_users.iter(), acl.denied_groups.iter()),
    };
    Ok(call.encode(&GetIngestedDocumentAclResponse { document_acl }).map(full))
}

pub(super) async fn check(call: AwsCall) -> Answer {
    let input: CheckIngestedDocumentAclRequest = call.decode()?;
    let user = input.user_context.user_id;
    if user.is_empty() {
        return Err(Error::invalid("`userContext.userId` is empty.").into());
    }
    let name = DocumentName {
        knowledge_base: input.knowledge_base_id,
        data_source: input.data_source_id,
        document: input.document_id,
    };
    let has_access = call.api.knowledge().may_read(&call.ctx, &name, Some(&user)).await?;
    Ok(call.encode(&CheckIngestedDocumentAclResponse { has_access }).map(full))
}

/// Any one of the users and groups; nothing where there are none.
fn membership<'a>(
    users: impl Iterator<Item = &'a String>,
    groups: impl Iterator<Item = &'a String>,
) -> Option<DocumentAclMembership> {
    let r#type = DocumentAclMembershipType::DataSource;
    let users: Vec<DocumentAclUser> = users.map(|id| DocumentAclUser { id: id.clone(), r#type }).collect();
    let groups: Vec<DocumentAclGroup> = groups.map(|id| DocumentAclGroup { id: id.clone(), r#type }).collect();
    if users.is_empty() && groups.is_empty() {
        return None;
    }
    let condition = DocumentAclCondition {
        users: Some(users),
        groups: Some(groups),
        condition_operator: Some(DocumentAclMemberRelation::Or),
    };
    Some(DocumentAclMembership {
        conditions: Some(vec![condition]),
        member_relation: Some(DocumentAclMemberRelation::Or),
    })
}
