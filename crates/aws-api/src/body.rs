//! Request bodies in, response bodies out.

use std::convert::Infallible;
use std::fmt::Display;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::stream::StreamExt as _;
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};

/// The body of every response: whole, or a stream that ends early where its request was cancelled.
pub type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// A body that is known as a whole.
pub(crate) fn full(bytes: impl Into<Bytes>) -> ResponseBody {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body that is written piece by piece. Each piece is made when the one before has been taken, and dropping the body
/// drops the stream.
pub(crate) fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> ResponseBody {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
}

/// How long a client may send nothing of a body that it has announced. Its request takes up a place meanwhile.
pub(crate) const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Why a request's body could not be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than allowed. What follows was not read.
    TooLarge,
    /// The client broke off, or the connection did.
    Broken(String),
    /// The client has sent nothing for too long.
    Stalled,
}

/// The whole body, up to `limit` bytes, of which each piece may take as long as `silence`.
pub(crate) async fn read<B>(mut body: B, limit: usize, silence: Duration) -> Result<Bytes, Unread>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    let hint = body.size_hint();
    if hint.lower() > limit as u64 {
        return Err(Unread::TooLarge);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = tokio::time::timeout(silence, body.frame()).await.map_err(|_| Unread::Stalled)? {
        let Ok(data) = frame.map_err(|e| Unread::Broken(e.to_string()))?.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(Unread::TooLarge);
        }
        // Most bodies are one frame, which is kept as it is.
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            let known = usize::try_from(hint.lower()).unwrap_or(limit).min(limit);
            all.reserve(known.max(first.len() + data.len()));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn pieces(pieces: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames: Vec<_> = pieces.iter().map(|p| Ok(Frame::data(Bytes::from_static(p.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn pieces_are_joined_in_order() {
        assert_eq!(read(pieces(&["ab", "", "c", "def"]), 6, LONGEST_SILENCE).await.unwrap(), "abcdef");
        assert_eq!(read(pieces(&[]), 0, LONGEST_SILENCE).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_not_read_to_its_end() {
        assert_eq!(read(pieces(&["ab", "cd"]), 3, LONGEST_SILENCE).await, Err(Unread::TooLarge));
        let announced = Full::new(Bytes::from_static(b"abcd"));
        assert_eq!(read(announced, 3, LONGEST_SILENCE).await, Err(Unread::TooLarge));
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_is_not_waited_for() {
        let begun = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"ab")))]);
        let body = StreamBody::new(begun.chain(stream::pending()));
        assert_eq!(read(body, 6, Duration::ZERO).await, Err(Unread::Stalled));
    }
}
