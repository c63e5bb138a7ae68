//! Where blobs are kept.

use std::path::PathBuf;
use std::sync::Arc;

use base::{Error, Result};
use object_store::ObjectStore;

use super::remote;

/// Where the bytes of objects are kept.
#[derive(Debug, Clone)]
pub enum BlobPlace {
    /// A folder of this machine that this process has for itself, such as one in its data directory.
    Folder(PathBuf),
    /// A folder that is to be locked, for no process may have it beside another one.
    LockedFolder(PathBuf),
    /// A bucket or container of an object store that several processes may share.
    Remote(RemoteStore),
}

/// An object store and the prefix that the blobs have in it.
#[derive(Debug, Clone)]
pub struct RemoteStore {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: String,
    /// For messages: the URL without what may be secret.
    pub(super) name: String,
}

impl BlobPlace {
    /// The place that a URL names: `file:///FOLDER`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`,
    /// `az://CONTAINER/PREFIX`, or `memory:` for trials. Credentials come from the provider's usual variables
    /// (`AWS_ACCESS_KEY_ID` …, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` …). Where an S3 store is not
    /// AWS's, `CRATON_OBJECT_STORE_ENDPOINT` says where it is; `AWS_ENDPOINT_URL` does not, for it names Craton itself.
    ///
    /// # Errors
    /// Invalid, for another URL, or where something that the provider needs is missing.
    pub fn from_url(url: &str) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!("`{url}` is no URL of an object store."))
                .with_hint("Such as `s3://BUCKET/PREFIX`, `gs://BUCKET`, `az://CONTAINER`, `file:///FOLDER`.")
        };
        let (scheme, rest) = url.split_once(':').ok_or_else(invalid)?;
        match scheme {
            "file" => match rest.strip_prefix("//") {
                Some(path) if path.starts_with('/') => Ok(Self::LockedFolder(PathBuf::from(path))),
                _ => Err(invalid()),
            },
            "memory" | "s3" | "s3a" | "gs" | "az" | "azure" | "abfs" | "abfss" => {
                Ok(Self::Remote(remote::connect(scheme, url)?))
            }
            _ => Err(invalid()),
        }
    }
}
