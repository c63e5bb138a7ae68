//! Finding and counting the input's files.

use base::{Error, Result};
use identity::Ctx;
use objects::{Code, GetObject, ListObjectsV2, Objects};

use super::BatchLimits;
use super::job::{BatchPlace, InputFile};
use super::lines::{Lines, of_objects};
use super::place::Place;

/// What the names of input files end with.
const ENDING: &str = ".jsonl";

/// The files of an input, with their records counted, for a caller who may read them.
///
/// # Errors
/// Invalid, where there is none, one is no JSONL file, or there is more than `limits` allow; those of reading.
pub(super) async fn files(
    objects: &Objects,
    ctx: &Ctx,
    input: &BatchPlace,
    limits: &BatchLimits,
) -> Result<Vec<InputFile>> {
    let place = input.parse()?;
    let mut files = match single(objects, ctx, &place).await? {
        Some(file) => vec![file],
        None => below(objects, ctx, &place, limits).await?,
    };
    if files.is_empty() {
        return Err(Error::invalid(format!("There is no {ENDING} file in `{}`.", input.uri))
            .with_hint(format!("The names of input files end with `{ENDING}`.")));
    }
    check_sizes(&files, &place, limits)?;
    for file in &mut files {
        let mut lines = lines(objects, &place, file, limits);
        while lines.next(ctx).await?.is_some() {
            file.records += 1;
        }
    }
    let records: u64 = files.iter().map(|file| file.records).sum();
    if records > limits.records || files.iter().any(|file| file.records > u64::from(u32::MAX)) {
        return Err(Error::invalid(format!("The input has {records} records, more than {}.", limits.records))
            .with_hint("Make several jobs of it."));
    }
    if records < limits.fewest_records {
        return Err(Error::invalid(format!("The input has {records} records, fewer than {}.", limits.fewest_records)));
    }
    Ok(files)
}

/// The lines of a file, as long as it stays the one that was found.
pub(super) fn lines(objects: &Objects, place: &Place, file: &InputFile, limits: &BatchLimits) -> Lines {
    let known = (file.etag.clone(), file.bytes);
    Lines::new(objects.clone(), place.clone(), file.key.clone(), known, limits.record_bytes)
}

/// The file that the place names, where it names one.
async fn single(objects: &Objects, ctx: &Ctx, place: &Place) -> Result<Option<InputFile>> {
    let Some(key) = place.key() else { return Ok(None) };
    let found = match objects.head_object(ctx, &GetObject::new(place.object(key))).await {
        Ok(found) => found.object,
        Err(error) if error.code == Code::NoSuchKey => return Ok(None),
        // Whoever may not read a key may still read what lies below.
        Err(error) if error.code == Code::AccessDenied && !key.ends_with(ENDING) => return Ok(None),
        Err(error) => return Err(of_objects(error)),
    };
    if !key.ends_with(ENDING) {
        return Err(Error::invalid(format!("The name of `{}` does not end with `{ENDING}`.", place.uri(key))));
    }
    let name = key.rsplit('/').next().unwrap_or(key).to_owned();
    Ok(Some(InputFile { key: key.to_owned(), name, etag: found.etag, bytes: found.size, records: 0 }))
}

/// The JSONL files of the folder that the place names, and of those in it.
async fn below(objects: &Objects, ctx: &Ctx, place: &Place, limits: &BatchLimits) -> Result<Vec<InputFile>> {
    let (prefix, mut files, mut token) = (place.folder(), Vec::new(), None);
    loop {
        let ask = ListObjectsV2 {
            bucket: place.bucket(),
            prefix: prefix.clone(),
            delimiter: None,
            start_after: None,
            token,
            max_keys: None,
        };
        let page = objects.list_objects_v2(ctx, &ask).await.map_err(of_objects)?;
        for object in page.entries.into_iter().filter(|object| object.key.ends_with(ENDING)) {
            let name = object.key.strip_prefix(&prefix).unwrap_or(&object.key).to_owned();
            files.push(InputFile { key: object.key, name, etag: object.etag, bytes: object.size, records: 0 });
        }
        if files.len() > limits.files {
            return Err(Error::invalid(format!("There are more than {} input files.", limits.files))
                .with_hint("Make several jobs of them."));
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(files);
        }
    }
}

fn check_sizes(files: &[InputFile], place: &Place, limits: &BatchLimits) -> Result<()> {
    if let Some(large) = files.iter().find(|file| file.bytes > limits.file_bytes) {
        let uri = place.uri(&large.key);
        return Err(Error::invalid(format!("`{uri}` has {} bytes, more than {}.", large.bytes, limits.file_bytes))
            .with_hint("Cut it into several files."));
    }
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    if bytes > limits.job_bytes {
        return Err(Error::invalid(format!("The input has {bytes} bytes, more than {}.", limits.job_bytes))
            .with_hint("Make several jobs of it."));
    }
    Ok(())
}
