//! `StartIngestionJob`, `GetIngestionJob`, `ListIngestionJobs`, `StopIngestionJob`.

use aws_wire::generated::bedrock_agent::{
    GetIngestionJobRequest, GetIngestionJobResponse, IngestionJob as Shape, IngestionJobSortByAttribute,
    IngestionJobStatistics, IngestionJobStatus, IngestionJobSummary, ListIngestionJobsRequest,
    ListIngestionJobsResponse, SortOrder, StartIngestionJobRequest, StartIngestionJobResponse, StopIngestionJobRequest,
    StopIngestionJobResponse,
};
use base::{Error, Result};
use knowledge::{IngestionFilter, IngestionJob, IngestionStatistics, IngestionStatus};

use super::{page, status};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn start(call: AwsCall) -> Answer {
    let input: StartIngestionJobRequest = call.decode()?;
    let (base, source) = (&input.knowledge_base_id, &input.data_source_id);
    let asked = (input.description, input.client_token);
    let job = call.api.knowledge().start_ingestion(&call.ctx, base, source, asked).await?;
    Ok(call.encode(&StartIngestionJobResponse { ingestion_job: shape(job)? }).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetIngestionJobRequest = call.decode()?;
    let (base, source, id) = (&input.knowledge_base_id, &input.data_source_id, &input.ingestion_job_id);
    let job = call.api.knowledge().ingestion_job(&call.ctx, base, source, id).await?;
    Ok(call.encode(&GetIngestionJobResponse { ingestion_job: shape(job)? }).map(full))
}

pub(super) async fn stop(call: AwsCall) -> Answer {
    let input: StopIngestionJobRequest = call.decode()?;
    let (base, source, id) = (&input.knowledge_base_id, &input.data_source_id, &input.ingestion_job_id);
    let job = call.api.knowledge().stop_ingestion(&call.ctx, base, source, id).await?;
    Ok(call.encode(&StopIngestionJobResponse { ingestion_job: shape(job)? }).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListIngestionJobsRequest = call.decode()?;
    let mut filter = IngestionFilter::default();
    for value in input.filters.unwrap_or_default().into_iter().flat_map(|filter| filter.values) {
        let unknown = |_| Error::invalid(format!("`{value}` is not the status of an ingestion job."));
        filter.statuses.push(IngestionStatus::from_name(&value).map_err(unknown)?);
    }
    if let Some(sort) = input.sort_by {
        filter.ascending = sort.order == SortOrder::Ascending;
        filter.by_status = sort.attribute == IngestionJobSortByAttribute::Status;
    }
    let page = page(input.max_results, input.next_token.as_deref())?;
    let (base, source) = (&input.knowledge_base_id, &input.data_source_id);
    let found = call.api.knowledge().ingestion_jobs(&call.ctx, base, source, &filter, &page).await?;
    let output = ListIngestionJobsResponse {
        next_token: found.next_token(),
        ingestion_job_summaries: found.items.into_iter().map(summary).collect::<Result<_>>()?,
    };
    Ok(call.encode(&output).map(full))
}

fn summary(job: IngestionJob) -> Result<IngestionJobSummary> {
    Ok(IngestionJobSummary {
        knowledge_base_id: job.knowledge_base,
        data_source_id: job.data_source,
        ingestion_job_id: job.id,
        description: job.description,
        status: status(IngestionJobStatus::from_wire, job.status.as_str())?,
        started_at: job.started.into(),
        updated_at: job.modified.into(),
        text_ready_at: None,
        statistics: Some(statistics(job.statistics)?),
    })
}

fn shape(job: IngestionJob) -> Result<Shape> {
    Ok(Shape {
        knowledge_base_id: job.knowledge_base,
        data_source_id: job.data_source,
        ingestion_job_id: job.id,
        description: job.description,
        status: status(IngestionJobStatus::from_wire, job.status.as_str())?,
        statistics: Some(statistics(job.statistics)?),
        failure_reasons: Some(job.failure_reasons).filter(|reasons| !reasons.is_empty()),
        started_at: job.started.into(),
        updated_at: job.modified.into(),
        text_ready_at: None,
    })
}

fn statistics(statistics: IngestionStatistics) -> Result<IngestionJobStatistics> {
    let count = |count: u64| i64::try_from(count).map(Some).map_err(Error::internal);
    let IngestionStatistics { scanned, sidecars_scanned, added, modified, metadata_modified, deleted, failed } =
        statistics;
    Ok(IngestionJobStatistics {
        number_of_documents_scanned: count(scanned)?,
        number_of_metadata_documents_scanned: count(sidecars_scanned)?,
        number_of_new_documents_indexed: count(added)?,
        number_of_modified_documents_indexed: count(modified)?,
        number_of_metadata_documents_modified: count(metadata_modified)?,
        number_of_documents_deleted: count(deleted)?,
        number_of_documents_failed: count(failed)?,
        number_of_documents_skipped: None,
    })
}
