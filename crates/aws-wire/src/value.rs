//! The leaf types of generated structures, and the traits that bind structures to the codecs.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::Shape;

/// Bytes. Shown by length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<T: Into<Bytes>> From<T> for Blob {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self::from).map_err(serde::de::Error::custom)
    }
}

/// A moment in a structure. Serialised as whole milliseconds since 1970; the codecs turn that into the wire's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl From<base::Timestamp> for Timestamp {
    fn from(time: base::Timestamp) -> Self {
        Self(time.as_millis())
    }
}

impl From<Timestamp> for base::Timestamp {
    fn from(time: Timestamp) -> Self {
        Self(time.0)
    }
}

/// A generated request structure (or `()` for operations that take nothing).
pub trait Input: DeserializeOwned {
    /// Puts the raw body into the member that is the payload, if that member is a blob.
    fn set_payload(&mut self, _body: Bytes) {}
}

/// A generated response structure (or `()` for operations that give nothing).
pub trait Output: Serialize {
    /// The raw body, if the payload member is a blob.
    fn payload(&self) -> Option<Bytes> {
        None
    }
}

/// A generated enum of the events of one stream, serialised as `{"eventName": {…}}`.
pub trait Event: Serialize {
    /// The stream's schema.
    const STREAM: &'static Shape;
}

/// What operations without a request structure take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

impl Input for Nothing {}
impl Output for Nothing {}
impl Output for () {}

/// `Debug` that shows the type alone, for structures that hold secrets.
macro_rules! opaque_debug {
    ($($name:ident),* $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        }
    )*};
}
pub(crate) use opaque_debug;

/// An enum of strings with `as_str`, `Display` and serde.
macro_rules! string_enum {
    ($vis:vis enum $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $vis enum $name { $($variant),* }

        impl $name {
            /// The value on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The variant of a value on the wire.
            #[must_use]
            pub fn from_wire(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_wire(&text).ok_or_else(|| serde::de::Error::custom(concat!("not a value of ", stringify!($name))))
            }
        }
    };
}
pub(crate) use string_enum;
