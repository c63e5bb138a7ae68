//! Request bodies that their handler does not read to the end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// How long the rest of a body may take in all.
const LONGEST: Duration = Duration::from_secs(30);
/// How long the client may send nothing of it.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// A body whose rest is taken in and thrown away when it is dropped early.
///
/// An HTTP/1 server that stops reading closes the connection, and a client that is still sending then sees a broken
/// pipe instead of the answer that tells it why.
pub(crate) struct Lingering {
    /// `None` once the value is dropped.
    body: Option<Incoming>,
    lingers: bool,
}

impl Lingering {
    /// The request with such a body. HTTP/2 ends a stream without its connection, and a client that waits for
    /// `100 Continue` has sent nothing: neither needs it.
    pub(crate) fn wrap(request: Request<Incoming>) -> Request<Self> {
        let lingers = request.version() < Version::HTTP_2 && !request.headers().contains_key(header::EXPECT);
        request.map(|body| Self { body: Some(body), lingers })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| self.lingers && !body.is_end_stream());
        // Outside the runtime nothing is served any more.
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, discard(rest)));
        }
    }
}

async fn discard(mut body: Incoming) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(LONGEST_SILENCE, body.frame()).await {}
}
