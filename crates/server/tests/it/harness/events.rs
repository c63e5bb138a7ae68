//! `application/vnd.amazon.eventstream`, decoded by AWS's own crate.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use serde_json::Value;

/// An answer that arrives event by event.
pub(crate) struct EventStream {
    response: reqwest::Response,
    buffer: BytesMut,
    decoder: MessageFrameDecoder,
}

/// One event: its type, and its payload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) payload: Value,
}

impl EventStream {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
        Self { response, buffer: BytesMut::new(), decoder: MessageFrameDecoder::new() }
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Errors
    /// The stream broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, String> {
        loop {
            match self.decoder.decode_frame(&mut self.buffer).map_err(|error| error.to_string())? {
                DecodedFrame::Complete(message) => return Ok(Some(event(&message))),
                DecodedFrame::Incomplete => match self.response.chunk().await.map_err(|error| error.to_string())? {
                    Some(bytes) => self.buffer.extend_from_slice(&bytes),
                    None if self.buffer.is_empty() => return Ok(None),
                    None => return Err("the stream ended within an event".to_owned()),
                },
            }
        }
    }

    /// The text of the next event that has some.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            let event = self.next().await.unwrap().expect("text before the end");
            if let Some(text) = event.payload.pointer("/delta/text").and_then(Value::as_str) {
                return text.to_owned();
            }
        }
    }

    /// Everything that still comes.
    ///
    /// # Errors
    /// The stream broke off.
    pub(crate) async fn rest(&mut self) -> Result<Vec<Event>, String> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }
}

fn event(message: &Message) -> Event {
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().unwrap().as_str().to_owned())
    };
    let kind = header(":event-type").or_else(|| header(":exception-type")).expect("every event has a type");
    assert_eq!(header(":content-type").as_deref(), Some("application/json"));
    assert!(header(":message-type").is_some());
    Event { kind, payload: serde_json::from_slice(message.payload()).unwrap() }
}
