//! What happened to objects, for other parts of Craton.

use std::net::IpAddr;

use base::{AccountId, Region, RequestId, Timestamp};
use identity::Ctx;

use crate::buckets::Bucket;
use crate::open::Objects;

/// Something that happened to an object, told after it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// S3's name: `ObjectCreated:Put`, `ObjectRemoved:DeleteMarkerCreated` …
    pub name: &'static str,
    /// When.
    pub time: Timestamp,
    /// The bucket's owner.
    pub account: AccountId,
    /// The bucket's region.
    pub region: Region,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// The object's size; 0 where it was removed.
    pub size: u64,
    /// The object's ETag, without quotes; empty where it was removed.
    pub etag: String,
    /// The ARN of the one who asked.
    pub principal: String,
    /// Where the request came from; `None` for internal work.
    pub source_ip: Option<IpAddr>,
    /// The request.
    pub request_id: RequestId,
}

/// What an event is about.
#[derive(Debug, Default)]
pub(crate) struct About<'a> {
    pub(crate) key: &'a str,
    pub(crate) version_id: Option<&'a str>,
    pub(crate) size: u64,
    pub(crate) etag: &'a str,
}

impl Objects {
    /// Tells the subscribers.
    pub(crate) fn tell(&self, ctx: &Ctx, name: &'static str, bucket: &Bucket, about: &About<'_>) {
        self.publish(Event {
            name,
            time: self.now(),
            account: bucket.owner.clone(),
            region: bucket.region.clone(),
            bucket: bucket.name.clone(),
            key: about.key.to_owned(),
            version_id: about.version_id.map(str::to_owned),
            size: about.size,
            etag: about.etag.to_owned(),
            principal: ctx.principal().arn(),
            source_ip: ctx.source_ip(),
            request_id: ctx.request_id().clone(),
        });
    }
}
