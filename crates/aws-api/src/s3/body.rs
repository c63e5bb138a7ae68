//! Bodies on their way to s3s and back. Objects and parts are never whole in memory; documents and the files of forms
//! are, within their limits.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base::Error;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::visit::{BodyFault, Visit};
use crate::body::{LONGEST_SILENCE, ResponseBody, full, streamed};
use crate::observe;

/// A request's body as s3s takes it. A client that falls silent for too long is not waited for.
pub(crate) fn inbound<B>(body: B, visit: &Visit) -> s3s::Body
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Display,
{
    if body.is_end_stream() {
        return s3s::Body::empty();
    }
    let silence = Box::pin(tokio::time::sleep(LONGEST_SILENCE));
    s3s::Body::http_body_unsync(Patient { body, silence, visit: visit.clone(), longest: LONGEST_SILENCE })
}

struct Patient<B> {
    body: B,
    silence: Pin<Box<Sleep>>,
    visit: Visit,
    longest: Duration,
}

impl<B> Body for Patient<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Err(error))) => {
                this.visit.body_fault(BodyFault::Broken);
                Poll::Ready(Some(Err(io::Error::other(error.to_string()))))
            }
            Poll::Ready(frame) => {
                let next = Instant::now() + this.longest;
                this.silence.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(|error| io::Error::other(error.to_string()))))
            }
            Poll::Pending => match this.silence.as_mut().poll(context) {
                Poll::Ready(()) => {
                    this.visit.body_fault(BodyFault::Stalled);
                    Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The bytes of an object to be stored. What is wrong with them on their way is noted in `visit`.
pub(crate) fn to_store(blob: s3s::dto::StreamingBlob, visit: &Visit) -> BoxStream<'static, io::Result<Bytes>> {
    let visit = visit.clone();
    blob.map(move |piece| {
        piece.map_err(|error| {
            visit.body_fault(fault(error.as_ref()));
            io::Error::other(error)
        })
    })
    .boxed()
}

/// s3s's errors about bodies are private types: their texts tell them apart.
fn fault(error: &(dyn StdError + Send + Sync)) -> BodyFault {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        BodyFault::Hash
    } else if text.contains("SignatureMismatch") {
        BodyFault::Chunk
    } else if text.contains("Incomplete") || text.contains("LengthMismatch") || text.contains("Underlying") {
        BodyFault::Broken
    } else {
        BodyFault::Format
    }
}

/// The bytes of a stored object as s3s takes them.
pub(crate) fn from_store(body: BoxStream<'static, base::Result<Bytes>>) -> s3s::dto::StreamingBlob {
    let frames = body.map(|piece| piece.map(Frame::data).map_err(Broken));
    s3s::dto::StreamingBlob::from(s3s::Body::http_body_unsync(http_body_util::StreamBody::new(frames)))
}

/// An error of the store on its way through s3s.
#[derive(Debug)]
struct Broken(Error);

impl Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Broken {}

/// The body of an answer. A stream that breaks ends early: the client misses bytes that the head announced.
pub(crate) fn outbound(body: s3s::Body) -> ResponseBody {
    if let Some(bytes) = body.bytes() {
        return full(bytes);
    }
    streamed(body.scan((), |(), piece| {
        std::future::ready(match piece {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let error = match error.downcast::<Broken>() {
                    Ok(broken) => broken.0,
                    Err(other) => Error::internal(other),
                };
                observe::broke_off("InternalError", &error);
                None
            }
        })
    }))
}
