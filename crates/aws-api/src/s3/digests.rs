//! Digests of documents: what a request says of the XML or JSON that it brings is verified as it is read. Objects and
//! parts are verified where they are stored.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use objects::BodyDigest;

use super::convert::trailing;
use super::errors::Told;
use super::visit::{BodyFault, Visit};

/// Operations whose digests are those of an object.
const OF_OBJECTS: [&str; 6] =
    ["CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "PostObject", "PutObject", "UploadPart"];

/// What to verify of the body of a request for `operation`; `None` where it says nothing of a document.
pub(crate) fn of(operation: Option<&str>, headers: &HeaderMap) -> Result<Option<BodyDigest>, Told> {
    // s3s takes an empty one for none.
    if headers.get("content-md5").is_some_and(|value| value.is_empty()) {
        return Err(Told::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
    }
    if operation.is_none_or(|operation| OF_OBJECTS.contains(&operation)) {
        return Ok(None);
    }
    let md5 = headers.get("content-md5").and_then(|value| value.to_str().ok());
    Ok(BodyDigest::new(md5, trailing(headers))?)
}

/// A document on its way, whose end comes only if it is what its digests are of.
pub(crate) struct Digested<B> {
    body: B,
    digest: Option<BodyDigest>,
    visit: Visit,
}

impl<B> Digested<B> {
    pub(crate) fn new(body: B, digest: BodyDigest, visit: &Visit) -> Self {
        Self { body, digest: Some(digest), visit: visit.clone() }
    }
}

impl<B> Body for Digested<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    type Data = Bytes;
    type Error = String;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
        match (&frame, &mut this.digest) {
            (Some(Ok(frame)), Some(digest)) => {
                if let Some(data) = frame.data_ref() {
                    digest.update(data);
                }
            }
            (None, digest) => {
                if let Some(Err(error)) = digest.take().map(BodyDigest::finish) {
                    this.visit.body_fault(BodyFault::Digest);
                    return Poll::Ready(Some(Err(error.error.message)));
                }
            }
            _ => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| error.to_string())))
    }

    // The end is told by the last poll alone, which verifies.
    fn is_end_stream(&self) -> bool {
        self.digest.is_none() && self.body.is_end_stream()
    }
}
