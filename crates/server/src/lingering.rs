//! Request bodies that their handler does not read to the end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    http_1: bool,
    waits: Waits,
}

/// Whether a request's client waits to be told to send its body (`Expect: 100-continue`). It is told once the body is asked for.
///
/// After an answer to such a client the connection ends, because what it would send next is a body or a request.
#[derive(Clone)]
pub(crate) struct Waits(Arc<AtomicBool>);

impl Waits {
    /// Whether it still waits.
    pub(crate) fn now(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Lingering {
    /// The request with such a body, and whether its client waits. HTTP/2 ends a stream without its connection, and a
    /// client that waits for `100 Continue` has sent nothing: of neither is anything thrown away.
    pub(crate) fn wrap(request: Request<Incoming>) -> (Request<Self>, Waits) {
        let http_1 = request.version() < Version::HTTP_2;
        let asks = http_1 && request.headers().contains_key(header::EXPECT) && !request.body().is_end_stream();
        let waits = Waits(Arc::new(AtomicBool::new(asks)));
        let told = waits.clone();
        (request.map(|body| Self { body: Some(body), http_1, waits }), told)
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits.0.store(false, Ordering::SeqCst);
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
        let lingers = self.http_1 && !self.waits.now();
        let rest = self.body.take().filter(|body| lingers && !body.is_end_stream());
        // Outside the runtime nothing is served any more.
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, discard(rest)));
        }
    }
}

async fn discard(mut body: Incoming) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(LONGEST_SILENCE, body.frame()).await {}
}
