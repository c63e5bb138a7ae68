//! Backups of the deployment. Only its first account makes them; their progress and their end are those of a job.

use backup::NewBackup;
use http::StatusCode;
use serde_json::json;

use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// Starts to make a backup.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["path", "withoutRootKey"])?;
    let new = NewBackup {
        path: root.required("path")?.text()?.into(),
        with_keys: !root.boolean("withoutRootKey")?.unwrap_or(false),
    };
    let job = call.api.backups().create(&call.ctx, new).await?;
    Ok(respond(StatusCode::ACCEPTED, &json!({"job": super::jobs::describe(&job)})))
}
