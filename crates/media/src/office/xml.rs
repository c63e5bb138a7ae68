//! XML, token by token, without namespaces: in a document's part no two of them share a name that matters.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::{Error, Result};

/// Elements in elements.
const DEEPEST: usize = 256;

/// A token.
#[derive(Debug)]
pub(super) enum Token {
    Start(Tag),
    /// The end of an element, also of one without content.
    End(String),
    Text(String),
}

/// The start of an element.
#[derive(Debug)]
pub(super) struct Tag {
    /// Without its prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute, by its name without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every attribute of a name, whatever its prefix.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.attributes.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `w:val`.
    pub(super) fn value(&self) -> Option<&str> {
        self.attribute("val")
    }

    /// Whether a property without a value, or with one that means so, is on.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.value(), Some("0" | "false" | "off" | "none"))
    }
}

/// The tokens of a part.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0 }
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>> {
        loop {
            let at = self.reader.buffer_position();
            let corrupt = |error: &dyn std::fmt::Display| {
                Error::corrupt(format!("its XML is not well formed near byte {at}: {error}"))
            };
            match self.reader.read_event().map_err(|error| corrupt(&error))? {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return Err(Error::corrupt(format!("its XML is nested deeper than {DEEPEST} elements")));
                    }
                    return Ok(Some(Token::Start(tag(&start).map_err(|error| corrupt(&error))?)));
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Token::End(end.local_name().as_ref().to_owned())));
                }
                Event::Text(text) => return Ok(Some(Token::Text(text.xml10_content().into_owned()))),
                Event::CData(text) => return Ok(Some(Token::Text(text.xml10_content().into_owned()))),
                Event::GeneralRef(reference) => {
                    if let Some(text) = resolve(&reference) {
                        return Ok(Some(Token::Text(text)));
                    }
                }
                Event::Eof if self.depth > 0 => return Err(corrupt(&"it ends too early")),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// Reads past the end of the element that has just begun.
    pub(super) fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside && self.next()?.is_some() {}
        Ok(())
    }

    /// The text of the element that has just begun, read past its end.
    pub(super) fn text(&mut self) -> Result<String> {
        let outside = self.depth.saturating_sub(1);
        let mut text = String::new();
        while self.depth > outside {
            match self.next()? {
                Some(Token::Text(piece)) => text.push_str(&piece),
                Some(_) => {}
                None => break,
            }
        }
        Ok(text)
    }

    /// The number of elements that are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }
}

fn tag(start: &BytesStart<'_>) -> Result<Tag, quick_xml::Error> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0)?.into_owned();
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
    }
    Ok(Tag { name: start.local_name().as_ref().to_owned(), attributes })
}

/// Characters by number and the five names of XML; an entity that a document declares itself is nothing.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}
