//! The styles of paragraphs: which are headings, which are numbered.

use std::collections::HashMap;

use super::xml::{Token, Xml};
use crate::Result;

/// Styles that one may build on.
const LONGEST_CHAIN: usize = 16;

/// The styles of a document, by their ids.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

#[derive(Default)]
struct Style {
    /// Its name: Word keeps the built-in ones in English.
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    numbering: Option<String>,
    level: Option<usize>,
}

impl Styles {
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut xml = Xml::new(text);
        let mut styles = HashMap::new();
        let mut id = String::new();
        while let Some(token) = xml.next()? {
            let Token::Start(tag) = token else { continue };
            if tag.name == "style" {
                id = tag.attribute("styleId").unwrap_or_default().to_owned();
                styles.insert(id.clone(), Style::default());
            }
            let Some(style) = styles.get_mut(&id) else { continue };
            let value = tag.value().map(str::to_owned);
            match tag.name.as_str() {
                "name" => style.name = value.unwrap_or_default().to_ascii_lowercase(),
                "basedOn" => style.based_on = value,
                "outlineLvl" => style.outline = value.and_then(|level| level.parse().ok()),
                "numId" => style.numbering = value,
                "ilvl" => style.level = value.and_then(|level| level.parse().ok()),
                _ => {}
            }
        }
        Ok(Self(styles))
    }

    /// The level of a heading in this style, from 1 to 6; none of any other paragraph.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        self.find(id, |style| {
            let named = style.name.strip_prefix("heading ").and_then(|level| level.parse().ok());
            let title = (style.name == "title").then_some(1);
            named.or(title).or(style.outline.filter(|level| *level < 9).map(|level| level + 1))
        })
        .map(|level| level.clamp(1, 6))
    }

    /// The numbering of paragraphs in this style and their level.
    pub(super) fn numbering(&self, id: &str) -> Option<(String, usize)> {
        let numbering = self.find(id, |style| style.numbering.clone())?;
        Some((numbering, self.find(id, |style| style.level).unwrap_or(0)))
    }

    /// What the style, or the nearest that it builds on, says.
    fn find<T>(&self, id: &str, says: impl Fn(&Style) -> Option<T>) -> Option<T> {
        let mut style = self.0.get(id);
        for _ in 0..LONGEST_CHAIN {
            if let Some(said) = says(style?) {
                return Some(said);
            }
            style = self.0.get(style?.based_on.as_deref()?);
        }
        None
    }
}
