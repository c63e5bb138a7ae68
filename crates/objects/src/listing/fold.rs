//! Folding keys into common prefixes, and where a listing goes on.

/// The most rows that are read at once.
const LARGEST_BATCH: u32 = 1_001;
/// The fewest.
const SMALLEST_BATCH: u32 = 16;

/// Takes keys in their order and says what becomes of each.
#[derive(Debug)]
pub(crate) struct Fold<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// How many entries and common prefixes there may be.
    limit: u32,
    taken: u32,
    prefixes: Vec<String>,
    last: Option<String>,
    truncated: bool,
    /// How many there were before the last batch; `None` before the first.
    taken_before: Option<u32>,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is an entry.
    Entry,
    /// It is part of a common prefix.
    Folded,
    /// It is beyond the page.
    Full,
}

impl<'a> Fold<'a> {
    pub(crate) fn new(prefix: &'a str, delimiter: Option<&'a str>, limit: u32) -> Self {
        Self {
            prefix,
            delimiter,
            limit,
            taken: 0,
            prefixes: Vec::new(),
            last: None,
            truncated: false,
            taken_before: None,
        }
    }

    /// The first key that may come, given the marker of the page before.
    pub(crate) fn start(&self, marker: Option<&str>) -> Option<String> {
        let from = match marker {
            None => String::new(),
            // A marker that is a common prefix stands for all keys in it.
            Some(marker) if self.common_prefix(marker) == Some(marker) => successor(marker)?,
            Some(marker) => after(marker),
        };
        Some(from.max(self.prefix.to_owned()))
    }

    /// The key at which the listing ends.
    pub(crate) fn end(&self) -> String {
        end(self.prefix)
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.limit == 0
    }

    pub(crate) fn push(&mut self, key: &str) -> Step {
        match self.common_prefix(key) {
            Some(common) if self.prefixes.last().is_some_and(|last| last == common) => Step::Folded,
            _ if self.taken == self.limit => {
                self.truncated = true;
                Step::Full
            }
            Some(common) => {
                self.taken += 1;
                self.last = Some(common.to_owned());
                self.prefixes.push(common.to_owned());
                Step::Folded
            }
            None => {
                self.taken += 1;
                self.last = Some(key.to_owned());
                Step::Entry
            }
        }
    }

    /// How many rows to read next: all that are missing at first, then few where most of the last ones were folded
    /// together, for then the place behind the common prefix is soon to be looked up.
    pub(crate) fn batch(&mut self) -> i64 {
        let missing = (self.limit - self.taken + 1).max(SMALLEST_BATCH);
        let gained = self.taken - self.taken_before.unwrap_or(0);
        let batch = if self.taken_before.is_none() { missing } else { (2 * gained).clamp(SMALLEST_BATCH, missing) };
        self.taken_before = Some(self.taken);
        i64::from(batch.min(LARGEST_BATCH))
    }

    /// The first key that may come after `key`, which was pushed: the next one, or the one behind the common prefix
    /// that it is in. `None` where there can be none.
    pub(crate) fn next(&self, key: &str) -> Option<String> {
        match self.common_prefix(key) {
            Some(common) => successor(common),
            None => Some(after(key)),
        }
    }

    /// Whether `key` is an entry of its own.
    pub(crate) fn covers(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && !self.folds(key)
    }

    /// Whether `key` is folded.
    pub(crate) fn folds(&self, key: &str) -> bool {
        self.common_prefix(key).is_some()
    }

    /// The last entry's key, or the last common prefix, whichever came later.
    pub(crate) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn into_prefixes(self) -> Vec<String> {
        self.prefixes
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        key.get(..end)
    }
}

/// The least key greater than `key`: keys have no NUL characters.
pub(crate) fn after(key: &str) -> String {
    format!("{key}\u{1}")
}

/// The least text greater than every text that begins with `prefix`; `None` where there is none.
pub(crate) fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// A text greater than every key that begins with `prefix`, and at most as great as any other greater one.
pub(crate) fn end(prefix: &str) -> String {
    // Keys have at most 1,024 bytes: 256 of the greatest characters.
    successor(prefix).unwrap_or_else(|| "\u{10ffff}".repeat(257))
}
