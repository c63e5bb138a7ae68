//! A model's events as an AWS event stream.

use base::{Error, Result};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use models::ChatEvent;

use super::errors::{Exceptions, in_stream, wire};
use crate::observe;

/// What `encode` makes of each event; an error becomes one of the stream's `exceptions` and ends the stream.
pub(super) fn write(
    events: impl Stream<Item = Result<ChatEvent, Error>> + Send + 'static,
    exceptions: Exceptions,
    mut encode: impl FnMut(&ChatEvent) -> Vec<Bytes> + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let mut failed = false;
    events
        .take_while(move |item| {
            let open = !failed;
            failed = item.is_err();
            std::future::ready(open)
        })
        .flat_map(move |item| {
            stream::iter(match item {
                Ok(event) => encode(&event),
                Err(error) => {
                    observe::broke_off(wire(&error).code, &error);
                    let (code, message) = in_stream(&error, exceptions);
                    vec![aws_wire::exception_event(code, &message)]
                }
            })
        })
}
