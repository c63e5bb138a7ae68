//! Which of a checkpoint's files holds which tensor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::header::MOST_TENSORS;
use super::{Entry, Header, header_length};
use crate::error::Result;
use crate::finding::{Finding, Report};
use crate::source::{Source, SourceFile, read_file, read_range};

/// The file of a checkpoint that was not split.
const SINGLE: &str = "model.safetensors";
/// The file that says which shard holds which tensor.
const INDEX: &str = "model.safetensors.index.json";
/// Longer indexes are refused.
const LONGEST_INDEX: u64 = 16 << 20;
/// More shards are refused.
const MOST_SHARDS: usize = 4096;
/// Bytes of all headers together.
const MOST_HEADER_BYTES: u64 = 64 << 20;
const SAVE_AGAIN: &str = "Save the model again with `save_pretrained` and upload all of its files.";

/// A tensor and the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) file: String,
    pub(crate) entry: Entry,
}

/// All tensors, file after file in the order of their bytes; findings where files are missing, damaged or contradict
/// the index. None where what is there is not enough to judge the tensors by.
pub(crate) async fn locate(
    source: &dyn Source,
    files: &[SourceFile],
    report: &mut Report,
) -> Result<Option<Vec<Located>>> {
    let index = match read_file(source, files, INDEX, LONGEST_INDEX).await? {
        Ok(index) => index,
        Err(finding) => {
            report.add(finding);
            return Ok(None);
        }
    };
    let index = match index.as_deref().map(parse_index).transpose() {
        Ok(index) => index,
        Err(problem) => {
            report.add(Finding::error(INDEX, problem, SAVE_AGAIN));
            return Ok(None);
        }
    };
    let Some(shards) = report.keep(shards(files, index.as_ref())) else { return Ok(None) };
    note_unused(files, &shards, report);
    let mut located = Vec::new();
    let mut header_bytes = 0;
    let mut whole = true;
    for shard in &shards {
        let Some(file) = files.iter().find(|file| file.name == *shard) else {
            let problem = format!("the index names `{shard}`, which is not there");
            report.add(Finding::error(INDEX, problem, format!("Upload `{shard}` beside the other files.")));
            whole = false;
            continue;
        };
        match read_header(source, file, &mut header_bytes).await? {
            Ok(header) => {
                located.extend(header.entries.into_iter().map(|entry| Located { file: shard.clone(), entry }))
            }
            Err(_) if header_bytes > MOST_HEADER_BYTES => {
                let problem = format!("the headers up to this one's are longer than {MOST_HEADER_BYTES} bytes");
                report.add(Finding::error(shard, problem, SAVE_AGAIN));
                return Ok(None);
            }
            Err(problem) => {
                report.add(Finding::error(shard, problem, "Upload the file again and compare its length."));
                whole = false;
            }
        }
        if located.len() > MOST_TENSORS {
            let problem = format!("the files up to this one hold more than {MOST_TENSORS} tensors");
            report.add(Finding::error(shard, problem, SAVE_AGAIN));
            return Ok(None);
        }
    }
    if !whole {
        return Ok(None);
    }
    let consistent = check_once(&located, report) && index.is_none_or(|index| check_index(&index, &located, report));
    Ok(consistent.then_some(located))
}

/// The files to read, in order.
fn shards(files: &[SourceFile], index: Option<&BTreeMap<String, String>>) -> std::result::Result<Vec<String>, Finding> {
    if let Some(index) = index {
        let shards: BTreeSet<&String> = index.values().collect();
        if shards.len() > MOST_SHARDS {
            return Err(Finding::error(INDEX, format!("it names {} files", shards.len()), SAVE_AGAIN));
        }
        return Ok(shards.into_iter().cloned().collect());
    }
    let named = |name: &str| files.iter().any(|file| file.name == name);
    if named(SINGLE) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let first = |like: fn(&str) -> bool| files.iter().map(|file| file.name.as_str()).find(|name| like(name));
    if let Some(shard) = first(|name| name.starts_with("model-") && name.ends_with(".safetensors")) {
        let problem = format!("it is missing, and `{shard}` is one shard of several");
        return Err(Finding::error(INDEX, problem, "Upload the index that was saved beside the shards."));
    }
    let fix = "Save the model with `save_pretrained(FOLDER, safe_serialization=True)` and upload the whole folder.";
    let problem = match first(|name| name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth")) {
        Some(other) => format!("there is none; `{other}` is in a format that can run code when it is read"),
        None => "there is none".to_owned(),
    };
    Err(Finding::error(SINGLE, problem, fix))
}

fn note_unused(files: &[SourceFile], shards: &[String], report: &mut Report) {
    let unused = files.iter().filter(|file| file.name.ends_with(".safetensors") && !shards.contains(&file.name));
    for file in unused.take(4) {
        let problem = "it is not part of the model and is not read";
        report.add(Finding::note(&file.name, problem, "Leave it out of the upload."));
    }
}

/// A file's header. Its length is added to `sum`; where that grows too large, the header is not read.
async fn read_header(
    source: &dyn Source,
    file: &SourceFile,
    sum: &mut u64,
) -> Result<std::result::Result<Header, String>> {
    if file.bytes < super::header::PREFIX {
        return Ok(Err(format!("it is truncated: it has {} bytes", file.bytes)));
    }
    let prefix = read_range(source, &file.name, 0, super::header::PREFIX).await?;
    let prefix = <[u8; 8]>::try_from(prefix).unwrap_or_default();
    let length = match header_length(prefix, file.bytes) {
        Ok(length) => length,
        Err(problem) => return Ok(Err(problem)),
    };
    *sum += length;
    if *sum > MOST_HEADER_BYTES {
        return Ok(Err("it is one header too many".to_owned()));
    }
    let json = read_range(source, &file.name, super::header::PREFIX, length).await?;
    Ok(Header::parse(&json, file.bytes))
}

/// No tensor is in two shards.
fn check_once(located: &[Located], report: &mut Report) -> bool {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for Located { file, entry } in located {
        if let Some(other) = seen.insert(&entry.name, file) {
            let problem = format!("tensor `{}` is also in `{other}`", entry.name);
            report.add(Finding::error(file, problem, SAVE_AGAIN));
            return false;
        }
    }
    true
}

/// The index and the shards name the same tensors.
fn check_index(index: &BTreeMap<String, String>, located: &[Located], report: &mut Report) -> bool {
    let found: HashMap<&str, &str> = located.iter().map(|l| (l.entry.name.as_str(), l.file.as_str())).collect();
    let before = report.findings.len();
    for (name, file) in index {
        match found.get(name.as_str()) {
            Some(really) if really == file => {}
            Some(really) => {
                let problem = format!("it says that tensor `{name}` is in `{file}`, and it is in `{really}`");
                report.add(Finding::error(INDEX, problem, SAVE_AGAIN));
            }
            None => {
                let problem = format!("it says that tensor `{name}` is in `{file}`, and it is not");
                report.add(Finding::error(INDEX, problem, SAVE_AGAIN));
            }
        }
        if report.findings.len() > before {
            return false;
        }
    }
    if let Some(extra) = located.iter().find(|located| !index.contains_key(&located.entry.name)) {
        let problem = format!("it does not name tensor `{}`", extra.entry.name);
        report.add(Finding::error(INDEX, problem, SAVE_AGAIN));
        return false;
    }
    true
}

/// The index's map from tensors to files.
///
/// # Errors
/// Says what is wrong, also where a file's name leads out of the checkpoint's folder.
pub fn parse_index(json: &[u8]) -> std::result::Result<BTreeMap<String, String>, String> {
    let index: Index = serde_json::from_slice(json).map_err(|error| format!("it is damaged: {error}"))?;
    if index.weight_map.0.is_empty() {
        return Err("it names no tensor".to_owned());
    }
    match index.weight_map.0.values().find(|file| !is_plain_name(file)) {
        Some(file) => Err(format!("it names the file `{}`, which is not a name in this folder", file.escape_debug())),
        None => Ok(index.weight_map.0),
    }
}

/// Whether it names a `.safetensors` file of the same folder and nothing else.
#[must_use]
pub fn is_plain_name(file: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    file.len() <= 255 && file.ends_with(".safetensors") && !file.starts_with('.') && file.chars().all(plain)
}

#[derive(Deserialize)]
struct Index {
    #[serde(default, rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    weight_map: WeightMap,
}

/// Each tensor once.
struct WeightMap(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for WeightMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = WeightMap;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of tensors and their files")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<WeightMap, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((name, file)) = map.next_entry::<String, String>()? {
                    if entries.insert(name.clone(), file).is_some() {
                        return Err(serde::de::Error::custom(format!("tensor `{name}` appears twice")));
                    }
                }
                Ok(WeightMap(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
