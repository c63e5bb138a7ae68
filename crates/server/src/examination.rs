//! A checkpoint in a folder of this machine, examined as an import would before it copies anything.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use aws_api::describe_checkpoint;
use checkpoint::{Accepted, Examination, Folder, Quantization, Room};
use models::report_json;
use serde_json::{Value, json};

use crate::settings::{Machine, ModelRoom};

/// Examines the checkpoint in `folder`, which would be kept on the disk of `data` in the quantization of this name.
///
/// # Errors
/// The folder or a setting cannot be read.
pub(crate) fn examine_checkpoint(folder: &Path, quantization: &str, data: &Path) -> Result<Value> {
    ensure!(
        folder.is_dir(),
        "`{}` is not a folder\nhint: name the folder that holds config.json, the tokenizer and the weights",
        folder.display()
    );
    let settings = ModelRoom::resolve(|name| std::env::var(name).ok(), &Machine::current())?;
    let room = Room::new(free_space(data), settings.memory_budget, &settings.load);
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start the runtime")?;
    runtime.block_on(examined(folder, quantization, room))
}

async fn examined(folder: &Path, quantization: &str, room: Room) -> Result<Value> {
    let known = Quantization::from_name(quantization);
    let quantization = known.with_context(|| format!("`{quantization}` is not a quantization"))?;
    let source = Folder(folder.to_owned());
    // No model is too large for it.
    let unlimited = Room { disk: u64::MAX, memory: u64::MAX, ..room };
    let mut examination = checkpoint::examine(&source, quantization, unlimited).await.map_err(of_reading)?;
    let Some(accepted) = examination.accepted.take() else { return Ok(told(&examination, &[])) };
    let sizes: Vec<Value> =
        Quantization::ALL.into_iter().map(|quantization| size(&accepted, quantization, room)).collect();
    // The same again, with the room that there is.
    let examination = checkpoint::examine(&source, quantization, room).await.map_err(of_reading)?;
    Ok(told(&examination, &sizes))
}

fn of_reading(error: checkpoint::Error) -> anyhow::Error {
    match error {
        checkpoint::Error::Source { error, .. }
        | checkpoint::Error::Sink(error)
        | checkpoint::Error::Template(error) => error.into(),
        other => other.into(),
    }
}

fn told(examination: &Examination, sizes: &[Value]) -> Value {
    json!({
        "passes": examination.report.passes(),
        "report": report_json(&examination.report),
        "model": examination.facts.as_ref().map(describe_checkpoint),
        "sizes": sizes,
    })
}

/// The bytes of the model on disk, and loaded with working buffers and the caches of the requests that it answers at the
/// same time.
fn size(accepted: &Accepted, quantization: Quantization, room: Room) -> Value {
    let bytes = accepted.plan("", quantization).bytes();
    let memory = room.memory_needed(accepted.config(), bytes);
    json!({ "quantization": quantization.name(), "bytes": bytes, "memoryBytes": memory })
}

/// Bytes that are free where `folder` is, or would be; all there could be where the system does not tell.
fn free_space(folder: &Path) -> u64 {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let existing = absolute.ancestors().find(|folder| folder.is_dir());
    let stat = existing.and_then(|folder| rustix::fs::statvfs(folder).ok());
    stat.map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
#[path = "examination/tests.rs"]
mod tests;
