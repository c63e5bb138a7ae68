//! The public hub: `ListHubs`, `DescribeHub`, `ListHubContents`, `ListHubContentVersions`, `DescribeHubContent`. Hubs of an
//! account's own cannot be made.

use std::cmp::Ordering;

use aws_wire::generated::sagemaker::{
    DescribeHubContentRequest, DescribeHubContentResponse, DescribeHubRequest, DescribeHubResponse, HubContentInfo,
    HubContentSortBy, HubContentStatus, HubContentSupportStatus, HubContentType, HubInfo, HubStatus,
    ListHubContentVersionsRequest, ListHubContentVersionsResponse, ListHubContentsRequest, ListHubContentsResponse,
    ListHubsRequest, ListHubsResponse, SortOrder,
};
use aws_wire::{Routed, Timestamp, WireError};
use base::{Page, PageRequest};
use futures::future::FutureExt as _;
use identity::{Access, Ctx};
use models::{CATALOGUED, CardKind, HubModel, PUBLIC_HUB};

use crate::body::full;
use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;
use crate::errors::Failure;
use crate::jumpstart;

/// What a list gives at once where nothing is said, and at most.
const PAGE: u32 = 100;
/// The form of the contents' documents.
const SCHEMA: &str = "2.3.0";

/// The operations.
pub(crate) const ROWS: &[Row<Routed>] = &[
    Row {
        operation: "ListHubs",
        action: "sagemaker:ListHubs",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| list_hubs(call).boxed(),
    },
    Row {
        operation: "DescribeHub",
        action: "sagemaker:DescribeHub",
        access: Access::Read,
        check: Check::Arn(asked_hub),
        handler: |call| describe_hub(call).boxed(),
    },
    Row {
        operation: "ListHubContents",
        action: "sagemaker:ListHubContents",
        access: Access::Read,
        check: Check::Arn(asked_hub),
        handler: |call| list_contents(call).boxed(),
    },
    Row {
        operation: "ListHubContentVersions",
        action: "sagemaker:ListHubContentVersions",
        access: Access::Read,
        check: Check::Arn(asked_content),
        handler: |call| list_versions(call).boxed(),
    },
    Row {
        operation: "DescribeHubContent",
        action: "sagemaker:DescribeHubContent",
        access: Access::Read,
        check: Check::Arn(asked_content),
        handler: |call| describe_content(call).boxed(),
    },
];

/// The ARN of the hub that a request names: its name, or an ARN already.
fn asked_hub(call: &AwsCall) -> String {
    let name = member(call, "HubName");
    if name.starts_with("arn:") { name } else { hub_arn(&call.ctx, &name) }
}

/// The ARN of the content that a request names.
fn asked_content(call: &AwsCall) -> String {
    let hub = member(call, "HubName");
    let name = hub.rsplit('/').next().unwrap_or(&hub);
    let (kind, content) = (member(call, "HubContentType"), member(call, "HubContentName"));
    let owner = if name == PUBLIC_HUB { "aws" } else { call.ctx.account().as_str() };
    format!("arn:aws:sagemaker:{}:{owner}:hub-content/{name}/{kind}/{content}/*", call.ctx.region())
}

/// A member of the request's body, which is not decoded yet.
fn member(call: &AwsCall, name: &str) -> String {
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
    body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn hub_arn(ctx: &Ctx, name: &str) -> String {
    let owner = if name == PUBLIC_HUB { "aws" } else { ctx.account().as_str() };
    format!("arn:aws:sagemaker:{}:{owner}:hub/{name}", ctx.region())
}

async fn list_hubs(call: AwsCall) -> Answer {
    let input: ListHubsRequest = call.decode()?;
    let span = Span { before: input.creation_time_before, after: input.creation_time_after };
    let changed = Span { before: input.last_modified_time_before, after: input.last_modified_time_after };
    let named = input.name_contains.as_deref().is_none_or(|part| contains(PUBLIC_HUB, part));
    // A page begins after a hub, and there is one.
    let hubs = if named && span.holds() && changed.holds() && input.next_token.is_none() {
        vec![hub(&call.ctx)]
    } else {
        vec![]
    };
    Ok(call.encode(&ListHubsResponse { hub_summaries: hubs, next_token: None }).map(full))
}

fn hub(ctx: &Ctx) -> HubInfo {
    HubInfo {
        hub_name: PUBLIC_HUB.to_owned(),
        hub_arn: hub_arn(ctx, PUBLIC_HUB),
        hub_display_name: Some(PUBLIC_HUB.to_owned()),
        hub_description: Some(DESCRIPTION.to_owned()),
        hub_search_keywords: None,
        hub_status: HubStatus::InService,
        creation_time: CATALOGUED.into(),
        last_modified_time: CATALOGUED.into(),
    }
}

const DESCRIPTION: &str = "The models of the built-in catalogue.";

async fn describe_hub(call: AwsCall) -> Answer {
    let input: DescribeHubRequest = call.decode()?;
    check_hub(&call.ctx, &input.hub_name)?;
    let hub = hub(&call.ctx);
    let response = DescribeHubResponse {
        hub_name: hub.hub_name,
        hub_arn: hub.hub_arn,
        hub_display_name: hub.hub_display_name,
        hub_description: hub.hub_description,
        hub_search_keywords: hub.hub_search_keywords,
        s3_storage_config: None,
        hub_status: hub.hub_status,
        failure_reason: None,
        creation_time: hub.creation_time,
        last_modified_time: hub.last_modified_time,
        created_by: None,
        last_modified_by: None,
    };
    Ok(call.encode(&response).map(full))
}

async fn list_contents(call: AwsCall) -> Answer {
    let input: ListHubContentsRequest = call.decode()?;
    check_hub(&call.ctx, &input.hub_name)?;
    let span = Span { before: input.creation_time_before, after: input.creation_time_after };
    let mut models = Vec::new();
    if input.hub_content_type == HubContentType::Model && span.holds() && reads(input.max_schema_version.as_deref()) {
        models = call.api.models().hub_models();
    }
    if let Some(part) = &input.name_contains {
        models.retain(|model| contains(&model.id, part));
    }
    let descends = descends(input.sort_order, input.sort_by);
    let page = page(models, descends, input.max_results, input.next_token.as_deref())?;
    let next_token = page.next_token();
    let hub_content_summaries = page.items.iter().map(|model| info(&call.ctx, model)).collect();
    Ok(call.encode(&ListHubContentsResponse { hub_content_summaries, next_token }).map(full))
}

async fn list_versions(call: AwsCall) -> Answer {
    let input: ListHubContentVersionsRequest = call.decode()?;
    check_hub(&call.ctx, &input.hub_name)?;
    let model = find(&call, input.hub_content_type, &input.hub_content_name, None)?;
    let span = Span { before: input.creation_time_before, after: input.creation_time_after };
    let recent = input.min_version.as_deref().is_none_or(|least| compare(&model.version, least) != Ordering::Less);
    let wanted = recent && span.holds() && reads(input.max_schema_version.as_deref()) && input.next_token.is_none();
    let hub_content_summaries = if wanted { vec![info(&call.ctx, &model)] } else { vec![] };
    Ok(call.encode(&ListHubContentVersionsResponse { hub_content_summaries, next_token: None }).map(full))
}

async fn describe_content(call: AwsCall) -> Answer {
    let input: DescribeHubContentRequest = call.decode()?;
    check_hub(&call.ctx, &input.hub_name)?;
    let version = input.hub_content_version.as_deref();
    let model = find(&call, input.hub_content_type, &input.hub_content_name, version)?;
    let info = info(&call.ctx, &model);
    let response = DescribeHubContentResponse {
        hub_content_name: info.hub_content_name,
        hub_content_arn: info.hub_content_arn,
        hub_content_version: info.hub_content_version,
        hub_content_type: info.hub_content_type,
        document_schema_version: info.document_schema_version,
        hub_name: PUBLIC_HUB.to_owned(),
        hub_arn: hub_arn(&call.ctx, PUBLIC_HUB),
        hub_content_display_name: info.hub_content_display_name,
        hub_content_description: info.hub_content_description,
        hub_content_markdown: Some(markdown(&model)),
        hub_content_document: jumpstart::document(&model, call.ctx.region().as_str()).to_string(),
        sage_maker_public_hub_content_arn: None,
        reference_min_version: None,
        support_status: info.support_status,
        hub_content_search_keywords: info.hub_content_search_keywords,
        hub_content_dependencies: Some(vec![]),
        hub_content_status: info.hub_content_status,
        failure_reason: None,
        creation_time: info.creation_time,
        last_modified_time: Some(CATALOGUED.into()),
        created_by: None,
        last_modified_by: None,
    };
    Ok(call.encode(&response).map(full))
}

fn info(ctx: &Ctx, model: &HubModel) -> HubContentInfo {
    HubContentInfo {
        hub_content_name: model.id.clone(),
        hub_content_arn: model.arn(ctx.region().as_str()),
        sage_maker_public_hub_content_arn: None,
        hub_content_version: model.version.clone(),
        hub_content_type: HubContentType::Model,
        document_schema_version: SCHEMA.to_owned(),
        hub_content_display_name: Some(model.title.clone()),
        hub_content_description: Some(model.description.clone()),
        support_status: Some(HubContentSupportStatus::Supported),
        hub_content_search_keywords: Some(keywords(model)),
        hub_content_status: HubContentStatus::Available,
        creation_time: CATALOGUED.into(),
        original_creation_time: None,
    }
}

fn keywords(model: &HubModel) -> Vec<String> {
    let task = match model.kind {
        CardKind::Text => "@task:text-generation",
        CardKind::Embedding => "@task:sentence-similarity",
    };
    vec![task.to_owned(), format!("@framework:{}", model.framework()), "@capability:inference".to_owned()]
}

fn markdown(model: &HubModel) -> String {
    let terms = if model.eula { " Its terms must be accepted before it is deployed." } else { "" };
    format!(
        "# {}\n\n{}\n\nBy {}, under [{}]({}).{terms}\n",
        model.title, model.description, model.provider, model.licence.name, model.licence.url
    )
}

/// The model of that name and version; the newest, where none is named.
fn find(call: &AwsCall, kind: HubContentType, name: &str, version: Option<&str>) -> Result<HubModel, Failure> {
    let model = call.api.models().hub_model_by_id(name).filter(|_| kind == HubContentType::Model);
    let model = model.ok_or_else(|| absent(format!("Hub content {name} does not exist in hub {PUBLIC_HUB}.")))?;
    match version.filter(|version| *version != model.version) {
        Some(version) => {
            Err(absent(format!("Hub content {name} of version {version} does not exist in hub {PUBLIC_HUB}.")))
        }
        None => Ok(model),
    }
}

/// # Errors
/// ResourceNotFound, for every hub but the public one of the caller's region.
fn check_hub(ctx: &Ctx, hub: &str) -> Result<(), Failure> {
    if hub == PUBLIC_HUB || hub == hub_arn(ctx, PUBLIC_HUB) {
        return Ok(());
    }
    Err(absent(format!("Hub {hub} does not exist.")))
}

fn absent(message: String) -> Failure {
    Failure::Wire(WireError::with_status(400, "ResourceNotFound", message))
}

/// When something was made, at the latest and at the earliest.
struct Span {
    before: Option<Timestamp>,
    after: Option<Timestamp>,
}

impl Span {
    /// Whether the catalogue was made then.
    fn holds(&self) -> bool {
        self.before.is_none_or(|before| CATALOGUED < before.into())
            && self.after.is_none_or(|after| CATALOGUED > after.into())
    }
}

fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// Whether a reader of documents of that form reads ours.
fn reads(most: Option<&str>) -> bool {
    most.is_none_or(|most| compare(SCHEMA, most) != Ordering::Greater)
}

/// Compares versions number by number.
fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<u64>>();
    numbers(a).cmp(&numbers(b))
}

/// Whether names come in falling order. All contents are of one age and state: by these, their order is that of names.
fn descends(order: Option<SortOrder>, _by: Option<HubContentSortBy>) -> bool {
    order == Some(SortOrder::Descending)
}

fn page(
    mut models: Vec<HubModel>,
    descends: bool,
    most: Option<i32>,
    token: Option<&str>,
) -> Result<Page<HubModel>, Failure> {
    let limit = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let request = PageRequest::from_token(limit, token)?;
    if descends {
        models.reverse();
    }
    let follows = |id: &str, after: &String| if descends { id < after.as_str() } else { id > after.as_str() };
    models.retain(|model| request.after.as_ref().is_none_or(|after| follows(&model.id, after)));
    models.truncate(request.limit as usize + 1);
    Ok(Page::cut(&request, models, |model| model.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(compare("2.10.0", "2.9.9"), Ordering::Greater);
        assert_eq!(compare("1.0.0", "1.0.0"), Ordering::Equal);
        assert!(reads(None) && reads(Some("2.3.0")) && reads(Some("3.0.0")) && !reads(Some("2.2.9")));
    }
}
