//! Fetching a hub's file: with resume, and checked against its SHA-256.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base::{Error, Result};
use futures::StreamExt as _;
use reqwest::{Method, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{Follow, Hub, Located, SILENCE, refuse, wrong_hash};
use crate::library::{Library, ManifestFile, blocking, hash_file, hex, io_error, stopped};
use crate::pull::meter::Meter;

impl Hub {
    /// Fetches a file, unless it is here. Its bytes add to what the meter has counted.
    ///
    /// # Errors
    /// Invalid, where its bytes have another SHA-256 than they must: after a download that began with what an earlier one
    /// had left, only if those of a whole download are wrong too.
    pub(crate) async fn fetch(&self, library: &Arc<Library>, file: &Located, meter: &Meter) -> Result<ManifestFile> {
        let before = meter.read().done;
        if let (true, Some(sha256), Some(bytes)) = (file.is_here, &file.expected, file.bytes) {
            meter.advance(bytes)?;
            return Ok(ManifestFile { name: file.name.clone(), sha256: sha256.clone(), bytes });
        }
        let key = match &file.expected {
            Some(sha256) => sha256.clone(),
            None => hex(&Sha256::digest(format!("{} {}", file.url, file.etag))),
        };
        let partial = library.partial(&format!("{key}.part"));
        // The lock lasts as long as the file is written, so that two processes do not write the same partial file.
        let (held, lock, cancelled) = (library.clone(), format!("blob-{key}"), meter.cancelled.clone());
        let _alone = blocking(move || held.lock(&lock, &cancelled)).await?;
        loop {
            let resumed = length(&partial).await > 0;
            self.download(library, file, &partial, before, meter).await?;
            meter.say(format!("verifying {}", file.label));
            match verify(library, file, &partial, meter).await? {
                Ok(kept) => return Ok(kept),
                // What an earlier download left may be at fault, and not the source.
                Err(_) if resumed => tracing::warn!(file = file.label, "a resumed download is damaged; it starts over"),
                Err(found) => return Err(wrong_hash(&file.label, &found, &key)),
            }
        }
    }

    /// Completes the partial file. A connection that is cut is taken up again as long as each brings something.
    async fn download(
        &self,
        library: &Arc<Library>,
        file: &Located,
        partial: &Path,
        before: u64,
        meter: &Meter,
    ) -> Result<()> {
        let label = &file.label;
        meter.say(format!("downloading {label}"));
        loop {
            let have = length(partial).await;
            if file.bytes == Some(have) {
                meter.set(before + have);
                return Ok(());
            }
            let (held, rest) = (library.clone(), file.bytes.unwrap_or(0).saturating_sub(have));
            blocking(move || held.check_space(rest)).await?;
            match self.download_rest(file, have, partial, before, meter).await? {
                End::Complete => return Ok(()),
                End::Cut if length(partial).await > have => {
                    tracing::info!(file = label, "the connection was cut; the download goes on where it stopped");
                }
                End::Cut => {
                    return Err(Error::unavailable(format!("The download of `{label}` was cut off."))
                        .with_hint("Pull again: it goes on where it stopped."));
                }
            }
        }
    }

    async fn download_rest(
        &self,
        wanted: &Located,
        have: u64,
        partial: &Path,
        before: u64,
        meter: &Meter,
    ) -> Result<End> {
        let label = &wanted.label;
        let range = (have > 0).then(|| format!("bytes={have}-"));
        let response = self.send(Method::GET, wanted.url.clone(), range, Follow::All).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // What is here is not a beginning of what the hub has: begin again.
            tokio::fs::remove_file(partial).await.map_err(|e| io_error("remove", partial, &e))?;
            return Err(Error::unavailable(format!("The download of `{label}` has to begin again.")));
        }
        let response = refuse(response, label)?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response) == Some(have);
        if response.status() == StatusCode::PARTIAL_CONTENT && !goes_on {
            return Err(Error::unavailable(format!("The hub sent another part of `{label}` than was asked for.")));
        }
        let begins_at = if goes_on { have } else { 0 };
        meter.set(before + begins_at);
        let mut options = tokio::fs::OpenOptions::new();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let file = options.open(partial).await.map_err(|e| io_error("write", partial, &e))?;
        let expected = wanted.bytes.or_else(|| response.content_length().map(|rest| begins_at + rest));
        let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
        let outcome = receive(response, &mut file, begins_at, expected, label, partial, meter).await;
        // What has come is kept, whatever ended the connection.
        file.flush().await.map_err(|e| io_error("write", partial, &e))?;
        outcome
    }
}

/// The length of a partial file; 0 where there is none.
async fn length(partial: &Path) -> u64 {
    tokio::fs::metadata(partial).await.map_or(0, |facts| facts.len())
}

/// Puts a complete partial file in place, unless it has another SHA-256 than it must: then it is removed and that one
/// returned.
async fn verify(
    library: &Arc<Library>,
    file: &Located,
    partial: &Path,
    meter: &Meter,
) -> Result<std::result::Result<ManifestFile, String>> {
    let (library, partial, cancelled) = (library.clone(), partial.to_owned(), meter.cancelled.clone());
    let (name, expected) = (file.name.clone(), file.expected.clone());
    blocking(move || {
        let sha256 = hash_file(&partial, &cancelled)?;
        if expected.is_some_and(|expected| expected != sha256) {
            fs::remove_file(&partial).map_err(|e| io_error("remove", &partial, &e))?;
            return Ok(Err(sha256));
        }
        let bytes = fs::metadata(&partial).map_err(|e| io_error("read", &partial, &e))?.len();
        library.adopt(&partial, &sha256)?;
        Ok(Ok(ManifestFile { name, sha256, bytes }))
    })
    .await
}

/// How a connection ended.
enum End {
    Complete,
    Cut,
}

async fn receive(
    response: Response,
    file: &mut (impl tokio::io::AsyncWrite + Unpin),
    begins_at: u64,
    expected: Option<u64>,
    label: &str,
    partial: &Path,
    meter: &Meter,
) -> Result<End> {
    let mut have = begins_at;
    let mut stream = response.bytes_stream();
    loop {
        let next = tokio::select! {
            () = meter.cancelled.cancelled() => return Err(stopped()),
            next = tokio::time::timeout(SILENCE, stream.next()) => next,
        };
        match next {
            Ok(Some(Ok(chunk))) => {
                have += chunk.len() as u64;
                if expected.is_some_and(|expected| have > expected) {
                    return Err(Error::invalid(format!("The hub sent more of `{label}` than it declared.")));
                }
                file.write_all(&chunk).await.map_err(|e| io_error("write", partial, &e))?;
                meter.advance(chunk.len() as u64)?;
            }
            Ok(None) if expected.is_none_or(|expected| have == expected) => return Ok(End::Complete),
            Ok(None | Some(Err(_))) | Err(_) => return Ok(End::Cut),
        }
    }
}

/// The offset that a partial answer begins at.
fn starts_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
