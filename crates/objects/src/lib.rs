//! Buckets and objects: storage, versions, multipart uploads, listings, policies, encryption at rest.
//!
//! Rows in the database say what exists; the bytes lie in blobs, each written once under a random id and encrypted in
//! chunks, in a folder or in an object store; those of small objects lie in their rows, encrypted too. A key is a name in a row and never a path. Every function of [`Objects`]
//! takes the caller's context and checks the permission itself, with the bucket's policy; what takes none is
//! maintenance, or public by nature, and says so.

mod asks;
mod blobs;
mod body;
mod buckets;
mod checksums;
mod collector;
mod conditions;
mod copy;
mod customer_keys;
mod delete;
mod encryption;
mod error;
mod events;
mod get;
mod keys;
mod kms;
mod listing;
mod locks;
mod multipart;
mod open;
mod put;
mod ranges;
mod seal;
mod tagging;
mod tags;
mod versions;

pub use blobs::{BlobPlace, CollectionHold, INLINE, OtherOwner};
pub use body::{Body, Trailers};
pub use buckets::cors::{CorsAsk, CorsGrant, CorsRule};
pub use buckets::settings::{AclOwner, PublicAccessBlock};
pub use buckets::{Bucket, BucketPage, BucketRef, ListBuckets, NewBucket, Versioning};
pub use checksums::{BodyDigest, Checksum, ChecksumAlgorithm, ChecksumType, Checksums};
pub use collector::{Collected, Collector};
pub use conditions::Conditions;
pub use copy::{Copied, CopyObject, Directive, parse_copy_source};
pub use customer_keys::CustomerKey;
pub use delete::{DeleteEntry, DeleteObject, DeleteOutcome, Deleted};
pub use encryption::{DefaultEncryption, Encryption, Sealed};
pub use error::{Code, Error, ErrorFacts, Result};
pub use events::Event;
pub use get::{Attributes, GetObject, Got, PartsAsk};
pub use listing::{ListObjects, ListObjectsV2, ListVersions, ListedObject, ListedVersion, Listing, VersionListing};
pub use locks::{DefaultRetention, LockConfiguration, ObjectLock, Period, Retention, RetentionMode};
pub use multipart::{
    CompletePart, CompleteUpload, CopiedPart, CopyPart, ListParts, ListUploads, NewUpload, PartChecks, PartInfo,
    PartListing, PartRef, Upload, UploadInfo, UploadListing, UploadRef, UploadedPart,
};
pub use open::{Objects, TABLES, forget_deployment};
pub use put::{Put, PutObject};
pub use ranges::{ByteRange, ContentRange};
pub use tagging::Tagging;
pub use tags::{Pairs, parse_tagging_header};
pub use versions::{Headers, ObjectInfo, ObjectRef};

#[cfg(test)]
mod tests;
