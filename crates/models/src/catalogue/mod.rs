//! The built-in catalogue, and the cards of the models that can be or have been pulled.

mod card;
mod entry;
mod search;

#[cfg(test)]
mod tests;

use base::{Error, Result};

pub(crate) use card::unknown;
pub use card::{Card, CardFilter, CardKind, CardSource, CardState, Licence};
pub use entry::Figure;
#[cfg(test)]
pub(crate) use entry::PackageMember;
pub(crate) use entry::{Architecture, Entry, HubFile, Origin, Package, PackageFile, Packed, PackedFormat, Prompts};
pub use search::Search;

/// The built-in entries, in the order of the file.
#[derive(Debug)]
pub(crate) struct Catalogue {
    entries: Vec<Entry>,
}

impl Catalogue {
    /// Reads the embedded file.
    ///
    /// # Errors
    /// Internal, where the file is malformed; a test proves that it is not.
    pub(crate) fn built_in() -> Result<Self> {
        Self::parse(include_str!("catalogue.toml"))
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let entries = entry::parse(text).map_err(|e| Error::internal(format!("the built-in catalogue: {e}")))?;
        Ok(Self { entries })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The model with the most parameters that is tuned to chat and whose estimated memory is within `bytes`.
    pub(crate) fn largest_chat_model_within(&self, bytes: u64) -> Option<Recommended> {
        let fits = |entry: &&Entry| entry.chats && entry.memory_bytes <= bytes;
        let largest = self.entries.iter().filter(fits).max_by_key(|entry| entry.parameters)?;
        let terms_must_be_accepted = largest.licence.terms_must_be_accepted;
        Some(Recommended { name: largest.name.clone(), terms_must_be_accepted })
    }
}

/// A model that is recommended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommended {
    /// Its name in the catalogue.
    pub name: String,
    /// Whether pulling it asks for the acceptance of its licence.
    pub terms_must_be_accepted: bool,
}
