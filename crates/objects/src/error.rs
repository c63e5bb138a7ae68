//! Why an operation on buckets and objects was refused, with S3's own code.

use std::fmt;
use std::io;
use std::sync::Arc;

use base::{ErrorKind, Timestamp};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal: S3's code, what domain code knows of it, and what the answer's headers need.
#[derive(Debug, Clone)]
pub struct Error {
    /// S3's code.
    pub code: Code,
    /// Message, hint, and the kind that other domain code acts on.
    pub error: base::Error,
    /// What the answer says of the object, where it says anything.
    pub facts: Option<Box<ErrorFacts>>,
    /// Where the body's stream failed: its error, unchanged.
    pub body: Option<Arc<io::Error>>,
}

/// What a refusal says of the object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFacts {
    /// Whether a delete marker stands where the object was.
    pub delete_marker: bool,
    /// The version that the refusal is about.
    pub version_id: Option<String>,
    /// The object's ETag, without quotes.
    pub etag: Option<String>,
    /// When the object was written.
    pub modified: Option<Timestamp>,
    /// The object's size in bytes.
    pub size: Option<u64>,
    /// The bucket that does not exist.
    pub bucket: Option<String>,
    /// The header whose condition does not hold.
    pub condition: Option<&'static str>,
}

/// The code's text: given, or the variant's name.
macro_rules! name {
    ($name:ident $text:literal) => {
        $text
    };
    ($name:ident) => {
        stringify!($name)
    };
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $(= $text:literal)?, $status:literal, $kind:ident;)*) => {
        /// S3's error codes, as far as they can come from here (S3 API Reference, "Error responses").
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The code as answers give it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => name!($name $($text)?),)*
                }
            }

            /// The answer's HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }

            /// The kind that domain code acts on.
            #[must_use]
            pub const fn kind(self) -> ErrorKind {
                match self {
                    $(Self::$name => ErrorKind::$kind,)*
                }
            }
        }
    };
}

codes! {
    /// An access control list was given; buckets here have none.
    AccessControlListNotSupported, 400, Invalid;
    /// The caller may not do this.
    AccessDenied, 403, Denied;
    /// What arrived is not what the given digest is of.
    BadDigest, 400, Invalid;
    /// More tags than an object may have.
    BadRequest, 400, Invalid;
    /// Another account has a bucket of that name.
    BucketAlreadyExists, 409, AlreadyExists;
    /// The caller's account has the bucket already.
    BucketAlreadyOwnedByYou, 409, AlreadyExists;
    /// The bucket still holds versions.
    BucketNotEmpty, 409, Conflict;
    /// Another write came first.
    ConditionalRequestConflict, 409, Conflict;
    /// The object or part is larger than S3 allows.
    EntityTooLarge, 400, Invalid;
    /// A part that is not the last is smaller than 5 MiB.
    EntityTooSmall, 400, Invalid;
    /// The location does not fit the region that was called.
    IllegalLocationConstraintException, 400, Invalid;
    /// Fewer bytes arrived than were announced.
    IncompleteBody, 400, Invalid;
    /// A fault of ours.
    InternalError, 500, Internal;
    /// A parameter has a value that S3 refuses.
    InvalidArgument, 400, Invalid;
    /// The bucket's name breaks the rules.
    InvalidBucketName, 400, Invalid;
    /// The expected bucket owner is not an account id.
    InvalidBucketOwnerAWSAccountID, 400, Invalid;
    /// The bucket's state forbids this.
    InvalidBucketState, 409, Conflict;
    /// A given digest is not of the form that its algorithm has.
    InvalidDigest, 400, Invalid;
    /// The customer's key is for an algorithm that S3 does not have.
    InvalidEncryptionAlgorithmError, 400, Invalid;
    /// The location is no region.
    InvalidLocationConstraint, 400, Invalid;
    /// A listed part was not uploaded, or is another one now.
    InvalidPart, 400, Invalid;
    /// The listed parts are not in ascending order.
    InvalidPartOrder, 400, Invalid;
    /// The object has no such part.
    InvalidPartNumber, 416, Invalid;
    /// The object has none of the bytes that were asked for.
    InvalidRange, 416, Invalid;
    /// The request contradicts itself.
    InvalidRequest, 400, Invalid;
    /// The default retention is for no time, or for too long.
    InvalidRetentionPeriod, 400, Invalid;
    /// The storage class does not exist.
    InvalidStorageClass, 400, Invalid;
    /// A tag breaks the rules.
    InvalidTag, 400, Invalid;
    /// The key is longer than 1024 bytes.
    KeyTooLongError, 400, Invalid;
    /// KMS: the key is disabled.
    KmsDisabled = "KMS.DisabledException", 400, Conflict;
    /// KMS: the key is for something else.
    KmsInvalidKeyUsage = "KMS.InvalidKeyUsageException", 400, Invalid;
    /// KMS: the key's state forbids its use.
    KmsInvalidState = "KMS.KMSInvalidStateException", 400, Conflict;
    /// KMS: there is no such key.
    KmsNotFound = "KMS.NotFoundException", 400, NotFound;
    /// The bucket policy is refused.
    MalformedPolicy, 400, Invalid;
    /// The document does not say what it must.
    MalformedXML, 400, Invalid;
    /// The metadata is larger than 2 KB.
    MetadataTooLarge, 400, Invalid;
    /// The version is a delete marker.
    MethodNotAllowed, 405, Invalid;
    /// There is no such bucket.
    NoSuchBucket, 404, NotFound;
    /// The bucket has no policy.
    NoSuchBucketPolicy, 404, NotFound;
    /// The bucket has no CORS rules.
    NoSuchCORSConfiguration, 404, NotFound;
    /// There is no such object.
    NoSuchKey, 404, NotFound;
    /// Nothing was said of the object's retention, or of its legal hold.
    NoSuchObjectLockConfiguration, 404, NotFound;
    /// The bucket has no public access block.
    NoSuchPublicAccessBlockConfiguration, 404, NotFound;
    /// The bucket has no tags.
    NoSuchTagSet, 404, NotFound;
    /// There is no such multipart upload, or it has ended.
    NoSuchUpload, 404, NotFound;
    /// The object has no such version.
    NoSuchVersion, 404, NotFound;
    /// Known, and not built.
    NotImplemented, 501, NotImplemented;
    /// A conditional read: the object is the one that the caller has.
    NotModified, 304, Conflict;
    /// The bucket has no object lock.
    ObjectLockConfigurationNotFoundError, 404, NotFound;
    /// The bucket has no ownership controls.
    OwnershipControlsNotFoundError, 404, NotFound;
    /// A condition of the request does not hold.
    PreconditionFailed, 412, Conflict;
    /// The body did not arrive in time.
    RequestTimeout, 400, Timeout;
    /// The bucket has no default encryption.
    ServerSideEncryptionConfigurationNotFoundError, 404, NotFound;
    /// Something needed is not reachable, or full.
    ServiceUnavailable, 503, Unavailable;
    /// Too much at once.
    SlowDown, 503, Throttled;
    /// The account has as many buckets as it may.
    TooManyBuckets, 400, Conflict;
}

impl Error {
    /// A refusal that says `message`.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, error: base::Error::new(code.kind(), message), facts: None, body: None }
    }

    /// Adds what the caller may do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.error = self.error.with_hint(hint);
        self
    }

    /// Adds what the answer says of the object.
    #[must_use]
    pub fn with_facts(mut self, facts: ErrorFacts) -> Self {
        self.facts = Some(Box::new(facts));
        self
    }

    /// The body's stream failed.
    pub(crate) fn body(error: io::Error) -> Self {
        // Where an object is copied the stream is our own: what is wrong with it is not the caller's doing.
        if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<base::Error>()) {
            return own.clone().into();
        }
        let message = "The request body could not be read.";
        Self { body: Some(Arc::new(error)), ..Self::new(Code::IncompleteBody, message) }
    }

    pub(crate) fn no_such_bucket(name: &str) -> Self {
        Self::new(Code::NoSuchBucket, "The specified bucket does not exist")
            .with_hint(format!("There is no bucket `{name}`."))
            .with_facts(ErrorFacts { bucket: Some(name.to_owned()), ..ErrorFacts::default() })
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(Code::NoSuchKey, "The specified key does not exist.").with_hint(format!("Key: `{key}`."))
    }

    pub(crate) fn no_such_version() -> Self {
        Self::new(Code::NoSuchVersion, "The specified version does not exist.")
    }

    pub(crate) fn no_such_upload() -> Self {
        Self::new(
            Code::NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
             completed.",
        )
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(crate) fn precondition_failed(condition: &'static str) -> Self {
        Self::new(Code::PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
            .with_hint(format!("`{condition}` does not hold."))
            .with_facts(ErrorFacts { condition: Some(condition), ..ErrorFacts::default() })
    }

    pub(crate) fn not_implemented(what: impl fmt::Display) -> Self {
        Self::new(Code::NotImplemented, format!("{what} is not implemented."))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.error)
    }
}

impl std::error::Error for Error {}

impl From<base::Error> for Error {
    fn from(error: base::Error) -> Self {
        let code = match error.kind {
            ErrorKind::NotFound | ErrorKind::Invalid => Code::InvalidArgument,
            ErrorKind::AlreadyExists | ErrorKind::Conflict => Code::ConditionalRequestConflict,
            ErrorKind::Denied | ErrorKind::Unauthenticated => Code::AccessDenied,
            ErrorKind::Throttled => Code::SlowDown,
            ErrorKind::Unavailable => Code::ServiceUnavailable,
            ErrorKind::Timeout => Code::RequestTimeout,
            ErrorKind::NotImplemented => Code::NotImplemented,
            ErrorKind::Damaged | ErrorKind::Internal => Code::InternalError,
        };
        Self { code, error, facts: None, body: None }
    }
}

impl From<Error> for base::Error {
    fn from(error: Error) -> Self {
        error.error
    }
}
