//! AWS protocols: signatures, routing, codecs, event streams, generated shapes.
//!
//! A request's way: [`sigv4::parse`] and [`sigv4::verify`], [`route`], [`decode`]; then [`encode`] or [`encode_error`], or
//! [`encode_stream_head`] followed by [`event`]s. Everything is generic code over the static tables in [`generated`].

mod decode;
mod encode;
mod errors;
mod event_stream;
pub mod generated;
mod route;
pub mod schema;
pub mod sigv4;
mod timestamp;
mod validate;
mod value;

pub use decode::{Violation, decode};
pub use encode::{encode, encode_stream_head};
pub use errors::{WireError, encode_error};
pub use event_stream::{
    DamagedStream, EventReader, Received, event, exception_event, named_exception_event, payload_event,
};
pub use route::{RouteError, Routed, route, services_for_scope};
pub use schema::{Operation, Protocol, Service, UNNAMED};
pub use value::{Blob, Event, Input, Nothing, Output, Timestamp};
