//! Server-sent events.

use base::Error;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::{HeaderValue, Response, header};
use models::{ChatEvent, ChatStream};
use serde_json::Value;

use crate::body::ResponseBody;
use crate::observe;

/// A response that streams server-sent events.
pub(crate) fn response(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// One event that carries `data`.
pub(crate) fn event(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// Writes the events of a request's answers.
pub(super) trait Write<T> {
    /// What tells an event.
    fn event(&mut self, event: &T) -> Vec<Value>;

    /// What follows the last one.
    fn end(&mut self) -> Vec<Value>;
}

/// Answers as server-sent events, then `[DONE]`. An error ends the stream with one event that tells it.
pub(super) fn stream<T>(
    events: impl Stream<Item = Result<T, Error>> + Send + 'static,
    mut writer: impl Write<T> + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static
where
    T: Send + 'static,
{
    let mut failed = false;
    events.map(Some).chain(stream::iter([None])).flat_map(move |item| {
        let mut out = Vec::new();
        match item {
            _ if failed => {}
            Some(Ok(told)) => out.extend(writer.event(&told).iter().map(event)),
            Some(Err(error)) => {
                failed = true;
                observe::broke_off(error.kind.as_str(), &error);
                out.push(event(&super::errors::body(&error)));
            }
            None => {
                out.extend(writer.end().iter().map(event));
                out.push(Bytes::from_static(b"data: [DONE]\n\n"));
            }
        }
        stream::iter(out)
    })
}

/// The stream with its first event looked at: an error there can still be told as an HTTP error.
pub(crate) async fn started(
    mut answer: ChatStream,
) -> Result<impl Stream<Item = Result<ChatEvent, Error>> + Send + 'static, Error> {
    let first = answer.next().await.ok_or_else(|| Error::internal("an answer ended before it began"))??;
    Ok(stream::iter([Ok(first)]).chain(answer))
}
