//! Values that are bound to the placeholders of a query.

use std::borrow::Cow;

use base::{AccountId, Region, Timestamp};

/// The type of a column, needed to send a typed NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `BOOLEAN`
    Bool,
    /// `BIGINT`
    Int,
    /// `DOUBLE PRECISION`
    Real,
    /// `TEXT`
    Text,
    /// `BYTEA`
    Bytes,
}

/// One value for a placeholder. Made by [`params!`](crate::params) from the types that have a `From` here, and from
/// `Option`s of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// NULL for a column of that type.
    Null(Column),
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Real(f64),
    /// Text without NUL characters.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same value, which borrows nothing; each NUL character in a text is U+FFFD.
    pub(crate) fn to_owned_without_nul(&self) -> Value<'static> {
        match self {
            Self::Null(column) => Value::Null(*column),
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Real(value) => Value::Real(*value),
            Self::Text(value) => Value::Text(Cow::Owned(value.replace('\0', "\u{fffd}"))),
            Self::Bytes(value) => Value::Bytes(Cow::Owned(value.clone().into_owned())),
        }
    }
}

/// The values of a query's placeholders, in order: `params![id, name, 17]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*] as &[$crate::Value<'_>]
    };
}

/// A type that fits one type of column.
pub(crate) trait Fits {
    const COLUMN: Column;
}

macro_rules! value_from {
    ($($type:ty => $column:ident, |$value:ident| $convert:expr;)*) => {
        $(
            impl<'a> From<$type> for Value<'a> {
                fn from($value: $type) -> Self {
                    Self::$column($convert)
                }
            }

            impl<'a> Fits for $type {
                const COLUMN: Column = Column::$column;
            }
        )*
    };
}

value_from! {
    bool => Bool, |value| value;
    i32 => Int, |value| value.into();
    i64 => Int, |value| value;
    u32 => Int, |value| value.into();
    Timestamp => Int, |value| value.as_millis();
    f64 => Real, |value| value;
    String => Text, |value| Cow::Owned(value);
    &'a str => Text, |value| Cow::Borrowed(value);
    &'a String => Text, |value| Cow::Borrowed(value);
    &'a AccountId => Text, |value| Cow::Borrowed(value.as_str());
    &'a Region => Text, |value| Cow::Borrowed(value.as_str());
    Vec<u8> => Bytes, |value| Cow::Owned(value);
    &'a [u8] => Bytes, |value| Cow::Borrowed(value);
    &'a Vec<u8> => Bytes, |value| Cow::Borrowed(value);
}

impl<'a, T: Into<Value<'a>> + Fits> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null(T::COLUMN), Into::into)
    }
}
