//! The numbers of numbered paragraphs, which stand nowhere in a document but follow from its order.

use std::collections::HashMap;

use super::xml::{Token, Xml};
use crate::Result;

/// Levels of a list.
const LEVELS: usize = 9;

/// The lists of a document and where each has come to.
#[derive(Default)]
pub(super) struct Numbering {
    definitions: HashMap<String, [Level; LEVELS]>,
    lists: HashMap<String, List>,
    /// By definition: several lists may count on together.
    counters: HashMap<String, Counters>,
}

/// The last number of each level; none before its first.
type Counters = [Option<u32>; LEVELS];

/// One level's numbers.
#[derive(Clone, Default)]
struct Level {
    start: u32,
    format: String,
    /// `%1.%2` for the first and second level's numbers with a dot.
    text: String,
}

#[derive(Default)]
struct List {
    definition: String,
    /// Where this list begins anew.
    starts: HashMap<usize, u32>,
    begun: bool,
}

impl Numbering {
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut xml = Xml::new(text);
        let mut numbering = Self::default();
        let (mut definition, mut list, mut at) = (None, None, 0);
        while let Some(token) = xml.next()? {
            let tag = match token {
                Token::Start(tag) => tag,
                Token::End(name) => {
                    match name.as_str() {
                        "abstractNum" => definition = None,
                        "num" => list = None,
                        _ => {}
                    }
                    continue;
                }
                Token::Text(_) => continue,
            };
            let level = || tag.attribute("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0).min(LEVELS - 1);
            let value = || tag.value().unwrap_or_default().to_owned();
            match tag.name.as_str() {
                "abstractNum" => {
                    let id = tag.attribute("abstractNumId").unwrap_or_default().to_owned();
                    numbering.definitions.insert(id.clone(), Default::default());
                    definition = Some(id);
                }
                "num" => {
                    let id = tag.attribute("numId").unwrap_or_default().to_owned();
                    numbering.lists.insert(id.clone(), List::default());
                    list = Some(id);
                }
                "lvl" | "lvlOverride" => at = level(),
                _ => {}
            }
            let levels = definition.as_ref().and_then(|id| numbering.definitions.get_mut(id));
            if let Some(level) = levels.and_then(|levels| levels.get_mut(at)) {
                match tag.name.as_str() {
                    "start" => level.start = value().parse().unwrap_or(1),
                    "numFmt" => level.format = value(),
                    "lvlText" => level.text = value(),
                    _ => {}
                }
            }
            if let Some(list) = list.as_ref().and_then(|id| numbering.lists.get_mut(id)) {
                match tag.name.as_str() {
                    "abstractNumId" => list.definition = value(),
                    "startOverride" => {
                        list.starts.insert(at, value().parse().unwrap_or(1));
                    }
                    _ => {}
                }
            }
        }
        Ok(numbering)
    }

    /// The next number or bullet of a list at a level; none of what is no list.
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<String> {
        let level = level.min(LEVELS - 1);
        let list = self.lists.get_mut(list)?;
        let levels = self.definitions.get(&list.definition)?;
        let counters = self.counters.entry(list.definition.clone()).or_default();
        if !std::mem::replace(&mut list.begun, true) {
            for level in list.starts.keys() {
                counters[*level] = None;
            }
        }
        let start = list.starts.get(&level).copied().unwrap_or(levels[level].start);
        counters[level] = Some(counters[level].map_or(start, |number| number.saturating_add(1)));
        counters[level + 1..].fill(None);
        match levels[level].format.as_str() {
            "bullet" => Some("-".to_owned()),
            "none" => None,
            _ => Some(label(levels, level, counters)),
        }
    }
}

fn label(levels: &[Level; LEVELS], level: usize, counters: &Counters) -> String {
    let mut label = String::new();
    let mut characters = levels[level].text.chars();
    while let Some(character) = characters.next() {
        let of = match character {
            '%' => characters.next().and_then(|digit| digit.to_digit(10)).and_then(|digit| digit.checked_sub(1)),
            character => {
                label.push(character);
                continue;
            }
        };
        if let Some(of) = of.map(|of| of as usize).filter(|of| *of < LEVELS) {
            label.push_str(&number(counters[of].unwrap_or(levels[of].start), &levels[of].format));
        }
    }
    label
}

/// A number as a list writes it.
fn number(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number),
        "upperLetter" => letters(number).to_ascii_uppercase(),
        "lowerRoman" => roman(number),
        "upperRoman" => roman(number).to_ascii_uppercase(),
        "decimalZero" => format!("{number:02}"),
        _ => number.to_string(),
    }
}

/// a to z, then aa to zz.
fn letters(number: u32) -> String {
    let Some(from_zero) = number.checked_sub(1) else { return "0".to_owned() };
    let letter = char::from(b'a' + (from_zero % 26) as u8);
    std::iter::repeat_n(letter, (from_zero / 26 + 1).min(8) as usize).collect()
}

fn roman(number: u32) -> String {
    const NUMERALS: &[(u32, &str)] = &[
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number >= 4000 {
        return number.to_string();
    }
    let mut left = number;
    let mut text = String::new();
    for (value, numeral) in NUMERALS {
        while left >= *value {
            text.push_str(numeral);
            left -= value;
        }
    }
    text
}

#[cfg(test)]
#[path = "numbering_tests.rs"]
mod tests;
