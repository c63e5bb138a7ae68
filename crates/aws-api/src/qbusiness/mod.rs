//! `qbusiness`: the applications of assistants.

use aws_wire::generated::qbusiness::{
    Application, ApplicationStatus, IdentityType, ListApplicationsRequest, ListApplicationsResponse,
};
use base::PageRequest;
use futures::future::FutureExt as _;
use identity::Access;

use crate::body::full;
use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;

/// What Q Business lists at once where nothing is said.
const PAGE: u32 = 10;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[Row {
    operation: "ListApplications",
    action: "qbusiness:ListApplications",
    access: Access::Read,
    check: Check::Arn(|_| "*".to_owned()),
    handler: |call| list_applications(call).boxed(),
}];

async fn list_applications(call: AwsCall) -> Answer {
    let input: ListApplicationsRequest = call.decode()?;
    let limit = input.max_results.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE);
    let request = PageRequest::from_token(limit, input.next_token.as_deref())?;
    let page = call.api.assistants().list_applications(&call.ctx, &request).await?;
    let next_token = page.next_token();
    let applications = page
        .items
        .into_iter()
        .map(|application| Application {
            display_name: Some(application.display_name),
            application_id: Some(application.id),
            created_at: Some(application.created.into()),
            updated_at: Some(application.updated.into()),
            status: ApplicationStatus::from_wire(&application.status),
            identity_type: IdentityType::from_wire(&application.identity_type),
            quick_sight_configuration: None,
        })
        .collect();
    Ok(call.encode(&ListApplicationsResponse { next_token, applications: Some(applications) }).map(full))
}
