//! `craton backup`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base::{Clock as _, SystemClock};
use http::Method;
use serde_json::{Value, json};

use super::jobs;
use crate::args::Format;
use crate::client::Client;
use crate::output;

/// What is to be known of a backup, or of the data folder that was made of it.
#[derive(Debug)]
pub struct BackupFacts {
    /// The backup's folder, or the data folder.
    pub path: PathBuf,
    /// The version of Craton that made it.
    pub craton: String,
    /// When.
    pub created: String,
    /// How many files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The database's rows.
    pub rows: u64,
    /// What a server needs beside it.
    pub needs: Option<&'static str>,
}

pub(super) async fn create(
    client: &Client,
    path: Option<PathBuf>,
    without_root_key: bool,
    format: Format,
) -> Result<()> {
    let path = place(client, path)?;
    let body = json!({ "path": path, "withoutRootKey": without_root_key });
    let answer = client.craton(Method::POST, "/backups", Some(&body)).await?;
    let job = jobs::follow(client, &answer["job"], "backup", "nothing is left of the backup").await?;
    if format == Format::Json {
        return output::json(&job["output"]);
    }
    let bytes = job["output"]["bytes"].as_u64().unwrap_or_default();
    output::line(format!("{}  {}", job["output"]["path"].as_str().unwrap_or_default(), output::bytes(bytes)))?;
    if !without_root_key {
        output::note(
            "It holds the root key, where that is in a file: keep it as safe as the data folder, on another disk.",
        );
    }
    Ok(())
}

/// The absolute path on the server's machine.
fn place(client: &Client, path: Option<PathBuf>) -> Result<PathBuf> {
    let path = path.unwrap_or_else(|| {
        let time = SystemClock.now().to_iso8601();
        let digits: String = time.chars().take(19).filter(|c| *c != '-' && *c != ':').collect();
        PathBuf::from(format!("craton-backup-{digits}Z"))
    });
    if path.is_absolute() {
        return Ok(path);
    }
    if !client.is_of_data_folder() {
        bail!(
            "`{}` is relative, and the server may run on another machine\nhint: name a path of its machine from `/` on",
            path.display()
        );
    }
    std::path::absolute(&path).with_context(|| format!("`{}` cannot be a backup", path.display()))
}

/// Tells that a backup is whole.
pub(crate) fn verified(facts: &BackupFacts, format: Format) -> Result<()> {
    print(&format!("`{}` is whole", facts.path.display()), facts, format)
}

/// Tells that a data folder was made.
pub(crate) fn restored(facts: &BackupFacts, format: Format) -> Result<()> {
    print(&format!("restored to `{}`", facts.path.display()), facts, format)
}

fn print(what: &str, facts: &BackupFacts, format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(&json(facts));
    }
    let BackupFacts { craton, created, files, bytes, rows, needs, .. } = facts;
    output::line(what)?;
    output::line(format!("made   {created} by Craton {craton}"))?;
    output::line(format!("holds  {rows} rows, {files} files, {}", output::bytes(*bytes)))?;
    match needs {
        Some(needs) => output::line(format!("needs  {needs}")),
        None => Ok(()),
    }
}

fn json(facts: &BackupFacts) -> Value {
    let BackupFacts { path, craton, created, files, bytes, rows, needs } = facts;
    json!({
        "path": path, "craton": craton, "created": created, "files": files, "bytes": bytes, "rows": rows, "needs": needs,
    })
}
