//! Writing the results: one object for each input file, and the manifest.

use std::io;

use base::{Error, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use identity::Ctx;
use objects::{Body, Encryption, PutObject};
use serde_json::json;
use tokio::sync::mpsc;

use super::job::{BatchJob, InputFile};
use super::lines::of_objects;
use super::place::Place;
use super::{failure, input, record, store};
use crate::Models;

/// What the names of results end with.
const ENDING: &str = ".out";
const MANIFEST: &str = "manifest.json.out";
/// Records that are read from the database at once.
const PAGE: u32 = 128;
/// Bytes that are gathered before they are handed on.
const PIECE: usize = 256 << 10;

impl Models {
    /// Tries whether the role may write results, up to the point at which it would.
    ///
    /// # Errors
    /// Denied, and others of a write that fails.
    pub(super) async fn try_output(&self, role: &Ctx, job: &BatchJob) -> Result<()> {
        let (place, key) = target(job, MANIFEST)?;
        // A body that breaks off: everything before it is decided then, and nothing is kept.
        let broken = stream::iter([Err(io::Error::other("tried"))]).boxed();
        let body = Body { stream: broken, length: None, trailers: None };
        match self.inner.objects.put_object(role, put(job, &place, &key), body).await {
            Err(error) if error.body.is_none() => Err(failure::no_output(&place.uri(&key), of_objects(error))),
            _ => Ok(()),
        }
    }

    /// Writes the results of a file: a line for each of its records that is answered, in their order. The object is there
    /// whole or not at all.
    ///
    /// # Errors
    /// Those of reading the input and of writing the object.
    pub(super) async fn write_results(
        &self,
        role: &Ctx,
        job: &BatchJob,
        (number, file): (u32, &InputFile),
    ) -> Result<()> {
        let (place, key) = target(job, &result_name(&file.name))?;
        let (send, receive) = mpsc::channel(4);
        let pieces = stream::unfold(receive, |mut receive| async move {
            receive.recv().await.map(|piece: io::Result<Bytes>| (piece, receive))
        });
        let body = Body { stream: pieces.boxed(), length: None, trailers: None };
        let putting = self.inner.objects.put_object(role, put(job, &place, &key), body);
        let making = async {
            let made = self.results(role, job, (number, file), &send).await;
            if let Err(error) = &made {
                // The object is not made then. Who takes the bytes may be gone.
                drop(send.send(Err(io::Error::other(error.message.clone()))).await);
            }
            drop(send);
            made
        };
        let (made, written) = tokio::join!(making, putting);
        match written {
            Err(error) if error.body.is_none() => Err(failure::no_output(&place.uri(&key), of_objects(error))),
            Err(error) => made.and(Err(error.error)),
            Ok(_) => made,
        }
    }

    /// Sends the lines. Ends early where nobody takes them.
    async fn results(
        &self,
        role: &Ctx,
        job: &BatchJob,
        (number, file): (u32, &InputFile),
        to: &mpsc::Sender<io::Result<Bytes>>,
    ) -> Result<()> {
        let limits = &self.inner.batch_limits;
        let mut lines = input::lines(&self.inner.objects, &job.input.parse()?, file, limits);
        let (mut at, mut text) = (0u32, String::new());
        loop {
            let (inner, position) = (&self.inner, (number, at));
            let kept = store::kept(&inner.store, inner.identity.keyring(), role, &job.id, position, PAGE).await?;
            if kept.is_empty() {
                break;
            }
            for record in kept {
                let line = loop {
                    let line = lines.next(role).await?;
                    at += 1;
                    if at > record.line {
                        break line;
                    }
                };
                let line = line.ok_or_else(|| Error::internal("an input file is shorter than it was"))?;
                let read = record::read(&job.id, (number, record.line), &line);
                text.push_str(&record::write(read, record.succeeded, &record.answer)?);
                if text.len() >= PIECE && to.send(Ok(std::mem::take(&mut text).into())).await.is_err() {
                    return Ok(());
                }
            }
        }
        if !text.is_empty() {
            drop(to.send(Ok(text.into())).await);
        }
        Ok(())
    }

    /// Writes what the job came to.
    ///
    /// # Errors
    /// Those of writing the object.
    pub(super) async fn write_manifest(&self, role: &Ctx, job: &BatchJob) -> Result<()> {
        let (place, key) = target(job, MANIFEST)?;
        let counts = &job.counts;
        let manifest = json!({
            "totalRecordCount": counts.records,
            "processedRecordCount": counts.processed(),
            "successRecordCount": counts.succeeded,
            "errorRecordCount": counts.failed,
            "inputTokenCount": counts.input_tokens,
            "outputTokenCount": counts.output_tokens,
        });
        let body = Body::from_bytes(manifest.to_string());
        let written = self.inner.objects.put_object(role, put(job, &place, &key), body).await;
        written.map(drop).map_err(|error| failure::no_output(&place.uri(&key), of_objects(error)))
    }
}

/// The name of the results of a file.
pub(super) fn result_name(file: &str) -> String {
    format!("{file}{ENDING}")
}

/// Where a result of the job goes.
fn target(job: &BatchJob, name: &str) -> Result<(Place, String)> {
    let place = job.output.parse()?;
    let key = format!("{}{}/{name}", place.folder(), job.id);
    Ok((place, key))
}

fn put(job: &BatchJob, place: &Place, key: &str) -> PutObject {
    let encryption =
        job.output_key.clone().map(|key| Encryption::Kms { key: Some(key), bucket_key: None, context: None });
    PutObject { bucket: place.bucket(), encryption, ..PutObject::new("", key) }
}
