//! What an index holds: documents with text fields, typed metadata, permissions and a vector.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::Language;
use crate::{Error, Result};

/// The longest key, metadata name or principal, in bytes.
pub const MAX_NAME_BYTES: usize = 2_048;
/// The most text that one document may hold, all its fields together, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 << 20;
/// The most dimensions a vector may have.
pub const MAX_DIMENSION: usize = 8_192;
/// The most text fields a schema may have.
pub const MAX_FIELDS: usize = 16;

/// What all documents of an index have in common. It is fixed when the index is made.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Schema {
    /// The text fields, each ranked with its own statistics.
    pub fields: Vec<TextField>,
    /// The language of documents and queries that name none.
    pub language: Language,
    /// The dimension of the vectors; none where the index ranks text alone.
    pub dimension: Option<usize>,
}

/// A text field of a schema.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TextField {
    /// The field's name.
    pub name: String,
    /// What a match in it counts, beside those in the other fields. Above 0.
    pub weight: f64,
}

impl Schema {
    /// One text field, named `text`.
    #[must_use]
    pub fn text(language: Language, dimension: Option<usize>) -> Self {
        Self { fields: vec![TextField { name: "text".to_owned(), weight: 1.0 }], language, dimension }
    }

    /// The place of a field in the schema.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// # Errors
    /// Invalid: no field or too many, a name twice or empty, a weight that is not above 0, a dimension out of range.
    pub fn validate(&self) -> Result<()> {
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            let reason = format!("a schema of {} text fields", self.fields.len());
            return Err(Error::invalid(reason, format!("declare 1 to {MAX_FIELDS} text fields")));
        }
        let mut names = BTreeSet::new();
        for field in &self.fields {
            name(&field.name, "text field")?;
            if !names.insert(&field.name) {
                return Err(Error::invalid(format!("two text fields named `{}`", field.name), "rename one of them"));
            }
            if !(field.weight.is_finite() && field.weight > 0.0) {
                let reason = format!("the weight `{}` of the text field `{}`", field.weight, field.name);
                return Err(Error::invalid(reason, "give a number above 0"));
            }
        }
        match self.dimension {
            Some(dimension) if dimension == 0 || dimension > MAX_DIMENSION => {
                Err(Error::invalid(format!("vectors of dimension {dimension}"), format!("give 1 to {MAX_DIMENSION}")))
            }
            _ => Ok(()),
        }
    }
}

/// A document: the unit that is ranked, permitted and replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What names it; putting a document of the same key replaces it.
    pub key: String,
    /// Its texts by the schema's field names. A field that is left out is empty, and one that is empty is left out.
    pub fields: BTreeMap<String, String>,
    /// Its language, where it is not the schema's.
    pub language: Option<Language>,
    /// What filters ask for.
    pub metadata: BTreeMap<String, Value>,
    /// Who may see it.
    pub acl: Acl,
    /// Its vector. It is kept at unit length: similarity is the cosine.
    pub vector: Option<Vec<f32>>,
}

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A finite number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A list of texts.
    TextList(Vec<String>),
    /// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
    Time(i64),
}

/// Who may see a document: nobody by default; a denial outweighs every allowance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Acl {
    /// Whether everybody who is not denied may see it.
    pub public: bool,
    /// Users who may see it.
    pub allowed_users: BTreeSet<String>,
    /// Groups whose members may see it.
    pub allowed_groups: BTreeSet<String>,
    /// Users who may not see it.
    pub denied_users: BTreeSet<String>,
    /// Groups whose members may not see it.
    pub denied_groups: BTreeSet<String>,
}

impl Acl {
    /// Everybody may see it.
    #[must_use]
    pub fn public() -> Self {
        Self { public: true, ..Self::default() }
    }

    fn principals(&self) -> impl Iterator<Item = &String> {
        [&self.allowed_users, &self.allowed_groups, &self.denied_users, &self.denied_groups].into_iter().flatten()
    }
}

/// One step of a batch. A batch is applied whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds a document, or replaces the one of its key.
    Put(Document),
    /// Removes a document; nothing happens where there is none.
    Delete {
        /// Its key.
        key: String,
    },
    /// Removes every document whose key begins so.
    DeletePrefix {
        /// The beginning, not empty.
        prefix: String,
    },
    /// Replaces a document's permissions; nothing happens where there is none.
    SetAcl {
        /// Its key.
        key: String,
        /// Its permissions from now on.
        acl: Acl,
    },
}

/// What a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Documents put.
    pub put: u64,
    /// Documents removed, those that were replaced not counted.
    pub deleted: u64,
    /// Documents whose permissions were replaced.
    pub permissions: u64,
}

impl Change {
    /// Checks the change against the schema and brings its vector to unit length.
    pub(crate) fn normalise(&mut self, schema: &Schema) -> Result<()> {
        match self {
            Self::Put(document) => document.normalise(schema),
            Self::Delete { key } => name(key, "key"),
            Self::DeletePrefix { prefix } => name(prefix, "prefix"),
            Self::SetAcl { key, acl } => name(key, "key").and_then(|()| principals(acl)),
        }
    }
}

impl Document {
    fn normalise(&mut self, schema: &Schema) -> Result<()> {
        name(&self.key, "key")?;
        principals(&self.acl)?;
        if let Some(unknown) = self.fields.keys().find(|field| schema.field(field).is_none()) {
            let known: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
            let reason = format!("`{}` has a text field `{unknown}`", self.key);
            return Err(Error::invalid(reason, format!("the index has {}", known.join(", "))));
        }
        self.fields.retain(|_, text| !text.is_empty());
        self.fields.values().try_for_each(|text| no_nul(text, "a text"))?;
        let bytes: usize = self.fields.values().map(String::len).sum();
        if bytes > MAX_TEXT_BYTES {
            let reason = format!("`{}` has {bytes} bytes of text", self.key);
            return Err(Error::invalid(reason, format!("split it into parts of at most {MAX_TEXT_BYTES} bytes")));
        }
        for (field, value) in &self.metadata {
            name(field, "metadata name")?;
            match value {
                Value::Text(text) => no_nul(text, "a metadata value")?,
                Value::TextList(texts) => texts.iter().try_for_each(|text| no_nul(text, "a metadata value"))?,
                Value::Number(_) | Value::Boolean(_) | Value::Time(_) => {}
            }
            if matches!(value, Value::Number(number) if !number.is_finite()) {
                let reason = format!("the metadata `{field}` of `{}` is not a finite number", self.key);
                return Err(Error::invalid(reason, "leave it out, or give a finite number"));
            }
        }
        match &mut self.vector {
            Some(vector) => unit(vector, schema.dimension, &self.key),
            None => Ok(()),
        }
    }
}

/// Checks a vector's dimension and brings it to unit length.
///
/// # Errors
/// Invalid: another dimension than the index's, a component that is not finite, or no length at all.
pub(crate) fn unit(vector: &mut [f32], dimension: Option<usize>, owner: &str) -> Result<()> {
    let Some(expected) = dimension else {
        return Err(Error::invalid(format!("`{owner}` has a vector"), "the index was made without vectors"));
    };
    if vector.len() != expected {
        let reason = format!("the vector of `{owner}` has {} dimensions", vector.len());
        return Err(Error::invalid(reason, format!("the index has {expected}")));
    }
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !length.is_finite() || length < 1e-30 {
        let reason = format!("the vector of `{owner}` has the length {length}");
        return Err(Error::invalid(reason, "a vector must have a direction: finite numbers that are not all 0"));
    }
    // Within rounding of 1 it stays as it is, so that a vector that was read can be put again unchanged.
    if (length - 1.0).abs() > 1e-6 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
    Ok(())
}

fn principals(acl: &Acl) -> Result<()> {
    acl.principals().try_for_each(|principal| name(principal, "principal"))
}

fn name(name: &str, what: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid(format!("an empty {what}"), "give it at least one character"));
    }
    if name.len() > MAX_NAME_BYTES {
        let reason = format!("a {what} of {} bytes", name.len());
        return Err(Error::invalid(reason, format!("keep it within {MAX_NAME_BYTES} bytes")));
    }
    no_nul(name, what)
}

/// The one character that PostgreSQL's texts cannot hold; it means nothing in a text.
fn no_nul(text: &str, what: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid(format!("the character U+0000 in {what}"), "leave it out"));
    }
    Ok(())
}
