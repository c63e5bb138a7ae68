//! Event streams: `application/vnd.amazon.eventstream`.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::encode::json_body;
use crate::value::Event;

/// The frame of one event, named after its variant, with a JSON body.
pub fn event<E: Event>(event: &E) -> Bytes {
    // Generated event enums serialise to an object with one member.
    let tree = serde_json::to_value(event).unwrap_or_default();
    let (name, body) = match tree {
        Value::Object(map) => map.into_iter().next().unwrap_or_default(),
        _ => Default::default(),
    };
    let shape = E::STREAM.members().iter().find(|member| member.name == name).map(|member| member.shape);
    frame((":event-type", &name), "event", JSON, json_body(shape, body))
}

/// The frame of an event `name` whose one member is the frame's payload, as it is.
pub fn payload_event(name: &str, payload: Bytes) -> Bytes {
    frame((":event-type", name), "event", "application/octet-stream", payload)
}

/// The frame that ends a stream with the exception `code`: `ThrottlingException` travels as `throttlingException`.
pub fn exception_event(code: &str, message: &str) -> Bytes {
    let mut letters = code.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    frame((":exception-type", &name), "exception", JSON, Bytes::from(json!({ "message": message }).to_string()))
}

/// As [`exception_event`], for a service whose streams name their exceptions as their codes are: `ModelStreamError`, with
/// `code` for its `ErrorCode`.
pub fn named_exception_event(name: &str, code: &str, message: &str) -> Bytes {
    let body = json!({ "Message": message, "ErrorCode": code });
    frame((":exception-type", name), "exception", JSON, Bytes::from(body.to_string()))
}

const JSON: &str = "application/json";

/// A frame of a `kind` and name, with what its body is.
fn frame((kind, name): (&'static str, &str), message_type: &'static str, media: &'static str, body: Bytes) -> Bytes {
    let header = |key: &'static str, value: &str| Header::new(key, HeaderValue::String(value.to_owned().into()));
    let message = Message::new(body)
        .add_header(header(kind, name))
        .add_header(header(":content-type", media))
        .add_header(header(":message-type", message_type));
    let mut buffer = BytesMut::new();
    #[expect(
        clippy::expect_used,
        reason = "fails only for payloads over 4 GiB or headers over 64 KiB; ours are names"
    )]
    write_message_to(&message, &mut buffer).expect("an event fits a frame");
    buffer.freeze()
}

/// What a client reads from a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// An event and its JSON body; members that only pad it are the reader's to ignore.
    Event {
        /// Its name: `contentBlockDelta`.
        name: String,
        /// Its body.
        body: Value,
    },
    /// An exception that ends the stream.
    Exception {
        /// Its name: `throttlingException`.
        name: String,
        /// Text for a person.
        message: String,
    },
}

/// A frame that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event stream is damaged: {0}")]
pub struct DamagedStream(String);

/// Reads events from the pieces of a body as they arrive.
#[derive(Debug, Default)]
pub struct EventReader {
    decoder: MessageFrameDecoder,
    buffer: BytesMut,
    /// Bytes after the last whole frame; the decoder may already hold some of them.
    waiting: bool,
}

impl EventReader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece of the body.
    pub fn push(&mut self, piece: &[u8]) {
        self.waiting |= !piece.is_empty();
        self.buffer.extend_from_slice(piece);
    }

    /// Whether part of a frame is waiting for the rest: at the end of the body that means a cut stream.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.waiting
    }

    /// The next whole event, if its bytes are there.
    ///
    /// # Errors
    /// When a checksum or a header is wrong.
    pub fn read(&mut self) -> Result<Option<Received>, DamagedStream> {
        match self.decoder.decode_frame(&mut self.buffer) {
            Ok(DecodedFrame::Complete(message)) => {
                self.waiting = !self.buffer.is_empty();
                received(&message).map(Some)
            }
            Ok(DecodedFrame::Incomplete) => Ok(None),
            Err(error) => Err(DamagedStream(error.to_string())),
        }
    }
}

fn received(message: &Message) -> Result<Received, DamagedStream> {
    let header = |name: &str| {
        let found = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(found.value().as_string().ok()?.as_str().to_owned())
    };
    let missing = |name: &str| DamagedStream(format!("a frame has no header `{name}`"));
    let body: Value = serde_json::from_slice(message.payload()).map_err(|error| DamagedStream(error.to_string()))?;
    if header(":message-type").as_deref() == Some("event") {
        return Ok(Received::Event { name: header(":event-type").ok_or_else(|| missing(":event-type"))?, body });
    }
    let name = header(":exception-type").or_else(|| header(":error-code")).ok_or_else(|| missing(":exception-type"))?;
    Ok(Received::Exception { name, message: body["message"].as_str().unwrap_or_default().to_owned() })
}
