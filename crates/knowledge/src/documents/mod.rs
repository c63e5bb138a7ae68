//! Documents of knowledge bases: what is known of each, and who may read it.

pub(crate) mod chunk;
pub(crate) mod operations;
mod requests;
pub(crate) mod sidecar;
pub(crate) mod store;

use base::{Error, Result, Timestamp};
use search::Acl;

use self::sidecar::{AclBy, Sidecar};
use crate::realm::hash;

/// How the names of metadata begin that chunks have for us alone.
pub(crate) const INTERNAL: &str = "craton:";

/// Where a document comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// An object.
    S3 {
        /// `s3://BUCKET/KEY`.
        uri: String,
    },
    /// Handed in.
    Custom {
        /// The id that it was handed in under.
        id: String,
    },
}

impl Location {
    /// The URI or the id.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::S3 { uri } => uri,
            Self::Custom { id } => id,
        }
    }

    /// As AWS writes its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::S3 { .. } => "S3",
            Self::Custom { .. } => "CUSTOM",
        }
    }

    pub(crate) fn from_row(kind: &str, name: String) -> Result<Self> {
        match kind {
            "S3" => Ok(Self::S3 { uri: name }),
            "CUSTOM" => Ok(Self::Custom { id: name }),
            other => Err(Error::internal(format!("document kind `{other}`"))),
        }
    }
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Where a document stands, as Bedrock has it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum DocumentStatus {
            $($(#[$doc])* $name,)*
        }

        impl DocumentStatus {
            /// As AWS writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(crate) fn from_row(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$name),)*
                    other => Err(Error::internal(format!("document status `{other}`"))),
                }
            }
        }
    };
}

statuses! {
    /// It can be found.
    Indexed = "INDEXED";
    /// It was handed in and waits.
    Starting = "STARTING";
    /// It waits for another of its name.
    Pending = "PENDING";
    /// It is being read.
    InProgress = "IN_PROGRESS";
    /// It cannot be indexed; what was found of it before is found still.
    Failed = "FAILED";
    /// Its metadata cannot be read; what was said of it before holds still.
    MetadataUpdateFailed = "METADATA_UPDATE_FAILED";
    /// It was handed in twice in one request, and the other one counts.
    Ignored = "IGNORED";
    /// There is none.
    NotFound = "NOT_FOUND";
    /// It is to be removed.
    Deleting = "DELETING";
    /// It is being removed.
    DeleteInProgress = "DELETE_IN_PROGRESS";
}

/// What is told of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentDetail {
    /// The knowledge base's id.
    pub knowledge_base: String,
    /// The data source's id.
    pub data_source: String,
    /// Which document.
    pub location: Location,
    /// Where it stands.
    pub status: DocumentStatus,
    /// Why it failed.
    pub reason: Option<String>,
    /// When that changed last.
    pub modified: Timestamp,
    /// How many chunks it has.
    pub chunks: u64,
    /// Its language: ISO 639-1, where that is known.
    pub language: Option<String>,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// What was odd about the file.
    pub warnings: Vec<String>,
}

/// A document's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) location: Location,
    pub(crate) status: DocumentStatus,
    pub(crate) reason: Option<String>,
    /// The object and the sidecar that were read last.
    pub(crate) etag: Option<String>,
    pub(crate) sidecar_etag: Option<String>,
    /// What is indexed; none where nothing is.
    pub(crate) indexed: Option<Indexed>,
    /// Who may read it, where that was handed in: it holds for what is indexed later, too, unless a sidecar says otherwise.
    pub(crate) handed_acl: Option<Acl>,
    /// The ingestion job that dealt with it last.
    pub(crate) job: Option<String>,
    /// Which of what was handed in of it this is about.
    pub(crate) handed_in: Option<String>,
    pub(crate) modified: Timestamp,
}

/// What is indexed of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indexed {
    /// The hash of the content.
    pub(crate) content: String,
    /// The hash of what of the metadata was embedded with it.
    pub(crate) preface: String,
    /// The hash of metadata and permissions.
    pub(crate) sidecar: String,
    pub(crate) acl: Acl,
    /// Whether that was handed in with the document.
    pub(crate) acl_handed_in: bool,
    pub(crate) language: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) chunks: u64,
}

impl Entry {
    /// A document of which nothing is known yet.
    pub(crate) fn new(location: Location, now: Timestamp) -> Self {
        Self {
            location,
            status: DocumentStatus::Starting,
            reason: None,
            etag: None,
            sidecar_etag: None,
            indexed: None,
            handed_acl: None,
            job: None,
            handed_in: None,
            modified: now,
        }
    }

    pub(crate) fn hash(&self) -> String {
        hash_of(self.location.name())
    }

    /// Notes who may read the document, where that was handed in.
    pub(crate) fn hold(&mut self, sidecar: &Sidecar) {
        self.handed_acl = (sidecar.acl_by == AclBy::Hand).then(|| sidecar.acl.clone());
    }

    /// Notes why the document is not as it should be; what is indexed stays, and it is tried again next time.
    pub(crate) fn fail(&mut self, status: DocumentStatus, error: &Error) {
        (self.status, self.reason) = (status, Some(error.public_text()));
        (self.etag, self.sidecar_etag) = (None, None);
    }

    pub(crate) fn detail(self, base: &str, source: &str) -> DocumentDetail {
        let (chunks, language, title, warnings) = match self.indexed {
            Some(indexed) => (indexed.chunks, indexed.language, indexed.title, indexed.warnings),
            None => (0, None, None, Vec::new()),
        };
        DocumentDetail {
            knowledge_base: base.to_owned(),
            data_source: source.to_owned(),
            location: self.location,
            status: self.status,
            reason: self.reason,
            modified: self.modified,
            chunks,
            language,
            title,
            warnings,
        }
    }
}

/// The hash of a document's name, which stands in the keys of its chunks: half a SHA-256.
pub(crate) fn hash_of(name: &str) -> String {
    let mut whole = hash(name);
    whole.truncate(32);
    whole
}
