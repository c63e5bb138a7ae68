//! The request's condition keys.

use std::collections::BTreeMap;

/// Condition keys and their values. Names are compared without regard to case and kept in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// The values of a key; `None` where the request does not have it. `key` is in lower case.
    pub(super) fn get(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// The values of the key `name`, in any case.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.get(&name.to_lowercase())
    }

    /// The names of all keys, in lower case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// All keys with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    pub(crate) fn insert(&mut self, name: &str, values: Vec<String>) {
        self.values.insert(name.to_lowercase(), values);
    }
}
