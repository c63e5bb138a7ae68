//! JSON: a line a value, behind the path that leads to it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::extracted::Output;
use crate::limits::Budget;
use crate::{BlockKind, Error, Extracted, Format, Result, text};

pub(crate) fn extract(bytes: &[u8], charset: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let (text, warnings) = text::read(bytes, charset);
    let mut output = Output::new(budget);
    output.warnings = warnings;
    let mut lines = Lines { output: &mut output, path: String::new(), refused: None };
    let mut reader = serde_json::Deserializer::from_str(&text);
    // Values may follow one another, as in JSON lines.
    loop {
        if let Err(error) = lines.deserialize(&mut reader) {
            let refused = lines.refused.take();
            return Err(refused.unwrap_or_else(|| Error::corrupt(format!("it is no JSON: {error}"))));
        }
        lines.path.clear();
        if reader.end().is_ok() {
            break;
        }
    }
    if output.is_empty() {
        return Err(Error::no_text("its JSON holds no values"));
    }
    output.finish(Format::Json)
}

/// Writes values as they are read: no value is held, and repeated names all stay.
struct Lines<'a, 'b> {
    output: &'a mut Output<'b>,
    path: String,
    /// Why writing stopped.
    refused: Option<Error>,
}

impl Lines<'_, '_> {
    fn line<E: serde::de::Error>(&mut self, value: &str) -> Result<(), E> {
        let line = match self.path.is_empty() {
            true => value.to_owned(),
            false => format!("{}: {value}", self.path),
        };
        self.output.block(BlockKind::Row, &line).map_err(|error| {
            let message = E::custom(&error);
            self.refused = Some(error);
            message
        })
    }
}

impl<'de> DeserializeSeed<'de> for &mut Lines<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Lines<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.line(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.line(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.line(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.line(&value.to_string())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        match value.trim().is_empty() {
            true => Ok(()),
            false => self.line(value.trim()),
        }
    }

    /// `null` says nothing.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let length = self.path.len();
        for index in 0_u64.. {
            self.path.push_str(&format!("[{index}]"));
            let more = values.next_element_seed(&mut *self)?.is_some();
            self.path.truncate(length);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let length = self.path.len();
        while let Some(name) = values.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            values.next_value_seed(&mut *self)?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
