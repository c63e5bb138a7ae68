//! Work in progress.

use base::{PageRequest, Timestamp};
use futures::stream::StreamExt as _;
use http::StatusCode;
use jobs::{Job, JobId};
use serde_json::{Value, json};

use crate::body::streamed;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::openai::sse;

const PAGE: u32 = 100;

/// The account's jobs, newest first; `nextToken` where there are more.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let request = PageRequest::from_token(PAGE, call.query("nextToken").as_deref())?;
    let page = call.api.jobs().list(call.ctx.account(), &request).await?;
    let next = page.next_token();
    let items: Vec<Value> = page.items.iter().map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": next})))
}

/// One job.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let job = call.api.jobs().get(call.ctx.account(), &id(&call)?).await?;
    Ok(respond(StatusCode::OK, &describe(&job)))
}

/// Asks a job to end.
pub(super) async fn cancel(call: Call<Labels>) -> Answer {
    let job = call.api.jobs().cancel(call.ctx.account(), &id(&call)?).await?;
    Ok(respond(StatusCode::OK, &describe(&job)))
}

/// The job whenever it changes, as server-sent events, until it has ended.
pub(super) async fn events(call: Call<Labels>) -> Answer {
    let id = id(&call)?;
    // A job that is not there is an error, not an empty stream.
    call.api.jobs().get(call.ctx.account(), &id).await?;
    let jobs = call.api.jobs().watch(call.ctx.account(), &id);
    Ok(sse::response(streamed(jobs.map(|job| sse::event(&describe(&job))))))
}

fn id(call: &Call<Labels>) -> base::Result<JobId> {
    call.label(0).parse()
}

/// A job as JSON. Its input may name files of the server and is not told.
pub(super) fn describe(job: &Job) -> Value {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_iso8601);
    json!({
        "id": job.id.as_str(),
        "kind": job.kind,
        "state": job.state.as_str(),
        "progress": job.progress.as_ref().map(|progress| json!({
            "done": progress.done,
            "total": progress.total,
            "unit": progress.unit,
            "message": progress.message,
        })),
        "attempt": job.attempt,
        "error": job.error.as_ref().map(|error| json!({
            "code": error.kind.as_str(),
            "message": error.message,
            "hint": error.hint,
        })),
        "output": job.output,
        "cancelRequested": job.cancel_requested,
        "createdAt": job.created.to_iso8601(),
        "startedAt": time(job.started),
        "endedAt": time(job.ended),
    })
}
