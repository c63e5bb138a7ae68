//! Blobs in an object store: `PREFIX/ab/ab…`.

use std::sync::Arc;

use base::{Error, Result};
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};

use super::Found;
use super::place::RemoteStore;

/// How much is sent at once. Object stores want at least 5 MiB in every part but the last.
const PART: usize = 5 * 1024 * 1024;

/// The object store.
#[derive(Clone)]
pub(super) struct Remote(Arc<RemoteStore>);

/// A blob that is being sent.
pub(super) struct Writer {
    remote: Remote,
    path: Path,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    finished: bool,
}

/// Says where an S3 store is that is not AWS's.
const ENDPOINT: &str = "CRATON_OBJECT_STORE_ENDPOINT";

/// The object store of a URL whose scheme is known.
pub(super) fn connect(scheme: &str, url: &str) -> Result<RemoteStore> {
    let refused = |error: object_store::Error| {
        Error::invalid(format!("The object store `{url}` cannot be used: {error}."))
            .with_hint("Set the provider's variables for credentials and region.")
    };
    let after = url.split_once("://").map_or("", |(_, rest)| rest);
    let prefix = after.split_once('/').map_or("", |(_, prefix)| prefix).trim_matches('/').to_owned();
    // An error says that the process chose its cryptography before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let store: Arc<dyn ObjectStore> = match scheme {
        "memory" => Arc::new(InMemory::new()),
        "s3" | "s3a" => Arc::new(s3(url).build().map_err(refused)?),
        "gs" => Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url).build().map_err(refused)?),
        _ => Arc::new(MicrosoftAzureBuilder::from_env().with_url(url).build().map_err(refused)?),
    };
    Ok(RemoteStore { store, prefix, name: url.to_owned() })
}

/// As `AmazonS3Builder::from_env`, but for the endpoint.
fn s3(url: &str) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") && !name.contains("ENDPOINT_URL"))
    {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
    }
    builder.with_url(url)
}

impl Remote {
    pub(super) fn new(store: RemoteStore) -> Self {
        Self(Arc::new(store))
    }

    /// The store, for messages.
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// What the object `name` beside the blobs says, if there is one.
    pub(super) async fn read_marker(&self, name: &str) -> Result<Option<String>> {
        let read = async { self.0.store.get(&self.beside(name)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Writes the object `name` beside the blobs.
    pub(super) async fn write_marker(&self, name: &str, text: String) -> Result<()> {
        let written = self.0.store.put(&self.beside(name), PutPayload::from(text.into_bytes())).await;
        written.map(drop).map_err(|error| self.explain(&error))
    }

    /// As [`Remote::write_marker`], but leaves one that is there, where the store can tell.
    pub(super) async fn write_first_marker(&self, name: &str, text: String) -> Result<()> {
        let payload = PutPayload::from(text.clone().into_bytes());
        match self.0.store.put_opts(&self.beside(name), payload, PutMode::Create.into()).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                self.write_marker(name, text).await
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn beside(&self, name: &str) -> Path {
        match self.0.prefix.as_str() {
            "" => Path::from(name),
            prefix => Path::from(format!("{prefix}/{name}")),
        }
    }

    pub(super) fn create(&self, id: &str) -> Writer {
        Writer { remote: self.clone(), path: self.path(id), buffer: Vec::new(), upload: None, finished: false }
    }

    pub(super) async fn read(&self, id: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        match self.0.store.get_range(&self.path(id), offset..offset + length).await {
            Ok(bytes) => Ok(bytes.into()),
            Err(object_store::Error::NotFound { path, .. }) => {
                Err(crate::seal::damaged().with_detail(format!("`{path}` is missing")))
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    pub(super) async fn remove(&self, id: &str) -> Result<()> {
        match self.0.store.delete(&self.path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.explain(&error)),
        }
    }

    pub(super) async fn list(&self, shard: &str) -> Result<Vec<Found>> {
        let folder = if self.0.prefix.is_empty() { shard.to_owned() } else { format!("{}/{shard}", self.0.prefix) };
        let found: Vec<_> = self
            .0
            .store
            .list(Some(&Path::from(folder)))
            .try_collect()
            .await
            .map_err(|error: object_store::Error| self.explain(&error))?;
        let blobs = found.into_iter().filter_map(|facts| {
            let id = facts.location.filename().filter(|name| super::is_id(name))?.to_owned();
            Some(Found { id, written: facts.last_modified.timestamp_millis() })
        });
        Ok(blobs.collect())
    }

    fn path(&self, id: &str) -> Path {
        let shard = &id[..2];
        match self.0.prefix.as_str() {
            "" => Path::from(format!("{shard}/{id}")),
            prefix => Path::from(format!("{prefix}/{shard}/{id}")),
        }
    }

    fn explain(&self, error: &object_store::Error) -> Error {
        Error::unavailable("The storage of objects cannot be used.")
            .with_hint("Look at the server's log for the object store and the reason.")
            .with_detail(format!("{}: {error}", self.0.name))
    }
}

impl Writer {
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.buffer.extend_from_slice(&bytes);
        drop(bytes);
        while self.buffer.len() >= PART {
            let rest = self.buffer.split_off(PART);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send(part).await?;
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        let rest = std::mem::take(&mut self.buffer);
        if self.upload.is_none() {
            let sent = self.remote.0.store.put(&self.path, PutPayload::from(rest)).await;
            sent.map_err(|error| self.remote.explain(&error))?;
            self.finished = true;
            return Ok(());
        }
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await.map_err(|error| self.remote.explain(&error))?;
        }
        self.finished = true;
        Ok(())
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<()> {
        let remote = self.remote.clone();
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let begun = remote.0.store.put_multipart(&self.path).await;
                self.upload.insert(begun.map_err(|error| remote.explain(&error))?)
            }
        };
        upload.put_part(PutPayload::from(part)).await.map_err(|error| remote.explain(&error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let (Some(mut upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                // What is not aborted expires by the object store's own rules.
                let _ = upload.abort().await;
            });
        }
    }
}
