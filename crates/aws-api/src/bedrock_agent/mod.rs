//! `bedrock-agent`: knowledge bases, their data sources, ingestion jobs and documents.

mod data_sources;
mod documents;
pub(crate) mod errors;
mod ingestion_jobs;
mod knowledge_bases;
mod tags;

use base::{Arn, Error, ErrorKind, PageRequest, Result};
use futures::future::FutureExt as _;
use identity::{Access, Ask};
use knowledge::Tags;

use crate::call::{Asked, Check, Row};
use crate::dispatch::AwsCall;

/// What Bedrock lists at once where nothing is said.
const PAGE: u32 = 10;

/// A row on the knowledge base that the path names.
macro_rules! row {
    ($operation:literal, $access:ident, $handler:path) => {
        Row {
            operation: $operation,
            action: concat!("bedrock:", $operation),
            access: Access::$access,
            check: Check::Asks(|call| named(call, concat!("bedrock:", $operation))),
            handler: |call| $handler(call).boxed(),
        }
    };
}

/// A row on the resource whose ARN the path has.
macro_rules! tag_row {
    ($operation:literal, $access:ident, $handler:path) => {
        Row {
            operation: $operation,
            action: concat!("bedrock:", $operation),
            access: Access::$access,
            check: Check::Asks(|call| tags::asks(call, concat!("bedrock:", $operation))),
            handler: |call| $handler(call).boxed(),
        }
    };
}

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "CreateKnowledgeBase",
        action: "bedrock:CreateKnowledgeBase",
        access: Access::Write,
        check: Check::Asks(knowledge_bases::create_asks),
        handler: |call| knowledge_bases::create(call).boxed(),
    },
    row!("GetKnowledgeBase", Read, knowledge_bases::get),
    Row {
        operation: "ListKnowledgeBases",
        action: "bedrock:ListKnowledgeBases",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| knowledge_bases::list(call).boxed(),
    },
    row!("UpdateKnowledgeBase", Write, knowledge_bases::update),
    row!("DeleteKnowledgeBase", Write, knowledge_bases::delete),
    row!("CreateDataSource", Write, data_sources::create),
    row!("GetDataSource", Read, data_sources::get),
    row!("ListDataSources", Read, data_sources::list),
    row!("UpdateDataSource", Write, data_sources::update),
    row!("DeleteDataSource", Write, data_sources::delete),
    row!("StartIngestionJob", Write, ingestion_jobs::start),
    row!("GetIngestionJob", Read, ingestion_jobs::get),
    row!("ListIngestionJobs", Read, ingestion_jobs::list),
    row!("StopIngestionJob", Write, ingestion_jobs::stop),
    row!("IngestKnowledgeBaseDocuments", Write, documents::ingest),
    row!("GetKnowledgeBaseDocuments", Read, documents::get),
    row!("ListKnowledgeBaseDocuments", Read, documents::list),
    row!("DeleteKnowledgeBaseDocuments", Write, documents::delete),
    tag_row!("TagResource", Write, tags::tag),
    tag_row!("UntagResource", Write, tags::untag),
    tag_row!("ListTagsForResource", Read, tags::list),
];

/// The action on the knowledge base that the path names, with its tags.
pub(crate) fn named<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        let id = call.label("knowledgeBaseId");
        let resource = format!("knowledge-base/{}", id.rsplit('/').next().unwrap_or_default());
        let arn = Arn::new("bedrock", Some(call.ctx.region()), Some(call.ctx.account()), resource).to_string();
        Ok(vec![Ask::new(action, arn.as_str()).resource_tags(&tags_of(call, &arn).await?)])
    }
    .boxed()
}

/// The tags of a knowledge base; none of one that is not there, of which the handler tells.
async fn tags_of(call: &AwsCall, arn: &str) -> Result<Tags> {
    match call.api.knowledge().tags(&call.ctx, arn).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Tags::default()),
        tags => tags,
    }
}

/// A status as AWS has it.
///
/// # Errors
/// Internal, where AWS has none of that name.
fn status<T>(known: fn(&str) -> Option<T>, text: &str) -> Result<T> {
    known(text).ok_or_else(|| Error::internal(format!("AWS has no status `{text}`")))
}

/// # Errors
/// Invalid, for a token that no listing gave.
fn page(most: Option<i32>, token: Option<&str>) -> Result<PageRequest> {
    let limit = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE);
    PageRequest::from_token(limit, token)
}
