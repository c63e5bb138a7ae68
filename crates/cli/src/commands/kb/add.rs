//! `craton kb add`.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::aws;
use super::documents::{self, Accepted, TOGETHER};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::kb_args::Add;
use crate::output;

/// The most bytes of a file, as Bedrock has it, and about the most of a request.
const MOST_BYTES: u64 = 5 << 20;
const MOST_TOGETHER: u64 = 8 << 20;
/// The data source that is made where none is handed its documents.
const SOURCE: &str = "added";

/// A file that is put in: its document's id, and how many bytes it has; of what is no plain file, at most.
struct File<'a> {
    path: &'a Path,
    id: String,
    bytes: u64,
}

pub(super) async fn run(client: &Client, args: &Add, format: Format, here: &str) -> Result<()> {
    let (metadata, files) = (metadata(args)?, checked(args)?);
    let id = aws::find(client, &args.base).await?;
    let source = source(client, (&id, &args.base), args.source.as_deref(), here).await?;
    let path = format!("{}/documents", aws::source_path(&id, &source));
    let mut accepted = Accepted::default();
    if let Err(error) = send(client, &path, (&files, metadata.as_ref()), &mut accepted).await {
        return Err(accepted.broken_off(error, (files.len(), "were handed in"), format));
    }
    let mut details = accepted.details;
    if args.wait {
        details = documents::settled(client, (&id, &args.base), details, here).await?;
    }
    documents::tell(&details, format)?;
    let failed = details.iter().filter(|detail| text(detail, "status").contains("FAILED")).count();
    ensure!(failed == 0, "{failed} of {} documents could not be indexed", details.len());
    if !args.wait {
        output::note(&format!("they are indexed soon: `craton kb documents {}{here}` tells how that ends", args.base));
    }
    Ok(())
}

/// Sends the files part by part, each read when it is sent.
async fn send(
    client: &Client,
    path: &str,
    (files, metadata): (&[File<'_>], Option<&Value>),
    accepted: &mut Accepted,
) -> Result<()> {
    for part in parts(files) {
        let documents = part.iter().map(|file| document(file, metadata)).collect::<Result<Vec<Value>>>()?;
        accepted.send(client, (Method::PUT, path), &json!({ "documents": documents }), part.len()).await?;
    }
    Ok(())
}

/// The files, each of which can be opened and is neither empty nor too large, and no two of which are one document. None is read.
fn checked(args: &Add) -> Result<Vec<File<'_>>> {
    ensure!(args.id.is_none() || args.files.len() == 1, "`--id` names one document\nhint: put the files in one by one");
    let (mut files, mut known) = (Vec::with_capacity(args.files.len()), HashSet::new());
    for path in &args.files {
        let id = match &args.id {
            Some(id) => id.clone(),
            None => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        };
        let unread = || format!("cannot read `{}`", path.display());
        let about = std::fs::metadata(path).with_context(unread)?;
        ensure!(!id.is_empty() && !about.is_dir(), "`{}` is no file", path.display());
        ensure!(
            known.insert(id.clone()),
            "two files are called `{id}`\nhint: put them in one by one, each with an --id"
        );
        // What comes out of a pipe can be read once, and how much that is shows then.
        let bytes = if about.is_file() { about.len() } else { MOST_BYTES };
        check_size(path, bytes)?;
        if about.is_file() {
            std::fs::File::open(path).with_context(unread)?;
        }
        files.push(File { path, id, bytes });
    }
    Ok(files)
}

fn check_size(path: &Path, bytes: u64) -> Result<()> {
    ensure!(bytes > 0, "`{}` is empty", path.display());
    ensure!(
        bytes <= MOST_BYTES,
        "`{}` has {bytes} bytes, more than 5 MiB\nhint: larger files are read in from a bucket: `craton kb create NAME --from s3://…`",
        path.display()
    );
    Ok(())
}

/// A file's document, as a request has it.
fn document(File { path, id, .. }: &File<'_>, metadata: Option<&Value>) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    check_size(path, bytes.len() as u64)?;
    let mut document = json!({ "content": { "dataSourceType": "CUSTOM", "custom": {
        "customDocumentIdentifier": { "id": id },
        "sourceType": "IN_LINE",
        "inlineContent": content(path, bytes),
    } } });
    if let Some(metadata) = metadata {
        document["metadata"] = metadata.clone();
    }
    Ok(document)
}

/// What a file says: as text where it is plain text, otherwise its bytes with the media type of its name.
fn content(file: &Path, bytes: Vec<u8>) -> Value {
    let media_type = media_type(file);
    match (media_type, String::from_utf8(bytes)) {
        (None, Ok(text)) => json!({ "type": "TEXT", "textContent": { "data": text } }),
        (media_type, bytes) => {
            let bytes = bytes.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
            let media_type = media_type.unwrap_or("application/octet-stream");
            json!({ "type": "BYTE", "byteContent": { "mimeType": media_type, "data": STANDARD.encode(bytes) } })
        }
    }
}

/// The media type that a file's name tells; none of plain text, and of what is not known.
fn media_type(file: &Path) -> Option<&'static str> {
    let extension = file.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match extension.as_str() {
        "md" | "markdown" => "text/markdown",
        "html" | "htm" | "xhtml" => "text/html",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

/// The attributes and the readers of the documents; none where nothing is said.
fn metadata(args: &Add) -> Result<Option<Value>> {
    if args.metadata.is_empty() && args.reader.is_empty() {
        return Ok(None);
    }
    let mut metadata = json!({ "type": "IN_LINE_ATTRIBUTE" });
    if !args.metadata.is_empty() {
        let attributes =
            args.metadata.iter().map(|(key, value)| Ok(json!({ "key": key, "value": value_of(key, value)? })));
        metadata["inlineAttributes"] = attributes.collect::<Result<Vec<Value>>>()?.into();
    }
    if !args.reader.is_empty() {
        let entry = |name: &String| json!({ "name": name, "type": "USER", "access": "ALLOW" });
        metadata["accessControlList"] = args.reader.iter().map(entry).collect::<Vec<Value>>().into();
    }
    Ok(Some(metadata))
}

/// An attribute's value as Bedrock types it.
fn value_of(key: &str, value: &str) -> Result<Value> {
    Ok(match serde_json::from_str::<Value>(value) {
        Ok(Value::Number(number)) => json!({ "type": "NUMBER", "numberValue": number }),
        Ok(Value::Bool(boolean)) => json!({ "type": "BOOLEAN", "booleanValue": boolean }),
        Ok(Value::String(text)) => json!({ "type": "STRING", "stringValue": text }),
        Ok(Value::Array(list)) => {
            ensure!(
                !list.is_empty() && list.iter().all(Value::is_string),
                "`{key}={value}` is no list of texts\nhint: write {key}='[\"a\", \"b\"]'"
            );
            json!({ "type": "STRING_LIST", "stringListValue": list })
        }
        Ok(Value::Object(_)) => {
            bail!("`{key}={value}`: an attribute is a text, a number, true or false, or a list of texts")
        }
        Ok(Value::Null) | Err(_) => json!({ "type": "STRING", "stringValue": value }),
    })
}

/// The files of each request.
fn parts<'a>(files: &'a [File<'a>]) -> Vec<&'a [File<'a>]> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, file) in files.iter().enumerate() {
        if at > start && (at - start == TOGETHER || bytes + file.bytes > MOST_TOGETHER) {
            parts.push(&files[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += file.bytes;
    }
    if start < files.len() {
        parts.push(&files[start..]);
    }
    parts
}

/// The data source that is handed documents: the one that is named, or the only one, which is made where there is none.
async fn source(client: &Client, (id, base): (&str, &str), wanted: Option<&str>, here: &str) -> Result<String> {
    let all = match wanted {
        Some(_) => aws::sources_called(client, (id, base), wanted, here).await?,
        None => aws::sources(client, id).await?.iter().map(|source| text(source, "dataSourceId")).collect(),
    };
    let mut custom = Vec::new();
    for source in all {
        if aws::is_custom(client, id, &source).await? {
            custom.push(source);
        }
    }
    match (custom.len(), wanted) {
        (1, _) => Ok(custom.remove(0)),
        (0, Some(wanted)) => bail!(
            "the data source `{wanted}` reads a bucket\nhint: leave --source out, or put the files into the bucket and run \
             `craton kb sync {base}{here}`"
        ),
        (0, None) => {
            let made = aws::make_source(client, id, SOURCE, (None, None)).await?;
            output::note(&format!("made the data source `{SOURCE}` for documents that are put in: {made}"));
            Ok(made)
        }
        (_, _) => bail!("`{base}` has several data sources that are handed documents\nhint: name one with --source"),
    }
}
