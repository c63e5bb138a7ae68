//! One request to S3 on its way through s3s, and what is found out about it there.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use aws_wire::Operation;
use aws_wire::sigv4::Signed;
use base::RequestId;
use http::{Extensions, Method};
use identity::Ctx;

use super::errors::Told;
use super::form_fields::Fields;

/// What is known of a request before s3s sees it, and what is found out there. It travels in the request's extensions.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

/// What is known of a request when it comes.
pub(crate) struct Arrived {
    pub(crate) request_id: RequestId,
    pub(crate) source: IpAddr,
    pub(crate) tls: bool,
    pub(crate) method: Method,
    /// When the request's time is over.
    pub(crate) deadline: Option<Instant>,
    /// What the request says of its signature, where that is of version 4 and not in a form.
    pub(crate) signed: Option<Signed>,
    /// The session token of a signature of version 2.
    pub(crate) token: Option<String>,
    /// The caller, where it is known already: the console's session.
    pub(crate) known: Option<Ctx>,
    /// The operation that AWS's model finds for the request.
    pub(crate) operation: Option<&'static Operation>,
    /// The request's path, unescaped, with the bucket first however it is named.
    pub(crate) resource: String,
    /// Its `Range`, as it was sent.
    pub(crate) range: Option<String>,
    /// The version or the upload that the query string names.
    pub(crate) version: Option<String>,
    pub(crate) upload: Option<String>,
}

struct Inner {
    arrived: Arrived,
    found: OnceLock<&'static str>,
    caller: OnceLock<Ctx>,
    told: Mutex<Option<Told>>,
    fault: OnceLock<BodyFault>,
    form: OnceLock<Fields>,
}

/// What was wrong with a request's body on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// The client sent nothing for too long.
    Stalled,
    /// The client broke off, or sent another length than it said.
    Broken,
    /// The bytes are not those that were signed.
    Hash,
    /// The signature of a chunk or of the trailer is wrong.
    Chunk,
    /// The chunks cannot be read.
    Format,
    /// A document is not what its digest is of.
    Digest,
}

impl Visit {
    /// A request that has come.
    pub(crate) fn new(arrived: Arrived) -> Self {
        Self(Arc::new(Inner {
            arrived,
            found: OnceLock::new(),
            caller: OnceLock::new(),
            told: Mutex::new(None),
            fault: OnceLock::new(),
            form: OnceLock::new(),
        }))
    }

    /// The visit of a request that s3s handles.
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Self>()
    }

    /// What was known at first.
    pub(crate) fn arrived(&self) -> &Arrived {
        &self.0.arrived
    }

    /// Notes the operation that s3s found.
    pub(crate) fn found(&self, operation: &'static str) {
        // The first one stays.
        let _ = self.0.found.set(operation);
    }

    /// The operation's name: what s3s found, else what AWS's model says.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        self.0.found.get().copied().or_else(|| self.0.arrived.operation.map(|operation| operation.name))
    }

    /// What the request names: its `BucketName`, `Key`, `VersionId` or `UploadId`.
    pub(crate) fn named(&self, what: &str) -> Option<String> {
        let (bucket, key) = self.0.arrived.resource.trim_start_matches('/').split_once('/').map_or_else(
            || (self.0.arrived.resource.trim_start_matches('/'), None),
            |(bucket, key)| (bucket, Some(key)),
        );
        match what {
            "BucketName" => Some(bucket.to_owned()),
            "Key" => key.map(ToOwned::to_owned),
            "VersionId" => self.0.arrived.version.clone(),
            "UploadId" => self.0.arrived.upload.clone(),
            "Method" => Some(self.0.arrived.method.to_string()),
            "RangeRequested" => self.0.arrived.range.clone(),
            _ => None,
        }
    }

    /// Notes who asks.
    pub(crate) fn authenticated(&self, ctx: Ctx) {
        // The first one stays.
        let _ = self.0.caller.set(ctx);
    }

    /// Who asks, once that is known.
    pub(crate) fn caller(&self) -> Option<&Ctx> {
        self.0.caller.get()
    }

    /// Keeps the whole of an error: s3s has no place for its details.
    pub(crate) fn tell(&self, told: Told) {
        *self.0.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }

    /// The error that was kept.
    pub(crate) fn told(&self) -> Option<Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes that the request's body was not as it should be. The first fault is the cause of what follows.
    pub(crate) fn body_fault(&self, fault: BodyFault) {
        let _ = self.0.fault.set(fault);
    }

    /// Notes the fields of a form.
    pub(crate) fn form_read(&self, fields: Fields) {
        let _ = self.0.form.set(fields);
    }

    /// The fields of a form, once they were read.
    pub(crate) fn form(&self) -> Option<&Fields> {
        self.0.form.get()
    }

    /// What was wrong with the body.
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        self.0.fault.get().copied()
    }
}
