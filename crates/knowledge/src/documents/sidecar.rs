//! What is said of a document beside its content: metadata, and who may read it.

use std::collections::BTreeMap;

use base::{Error, Result};
use search::{Acl, Value};
use serde_json::Value as Json;

/// The ending of a sidecar's key, after that of its object.
pub(crate) const ENDING: &str = ".metadata.json";
/// The largest sidecar, in bytes: Bedrock's.
pub(crate) const MAX_BYTES: u64 = 10 << 10;
/// The most attributes of a document.
const MAX_ATTRIBUTES: usize = 100;
/// How the names begin that are given by Bedrock, or by us.
const RESERVED: [&str; 2] = ["x-amz-bedrock", super::INTERNAL];

/// What is said of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sidecar {
    /// Its metadata.
    pub(crate) metadata: BTreeMap<String, Value>,
    /// The names of those that are embedded with its text.
    pub(crate) embedded: Vec<String>,
    /// Who may read it, as it was written.
    pub(crate) acl: Acl,
    /// Who wrote that.
    pub(crate) acl_by: AclBy,
}

/// Who said who may read a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AclBy {
    /// Nobody: whoever may ask may read it.
    Nobody,
    /// A sidecar.
    Sidecar,
    /// Whoever handed it in. It holds until a sidecar says otherwise, or the document is handed in again.
    Hand,
}

impl Default for Sidecar {
    /// Nothing: whoever may ask may read it.
    fn default() -> Self {
        Self { metadata: BTreeMap::new(), embedded: Vec::new(), acl: Acl::public(), acl_by: AclBy::Nobody }
    }
}

/// One who may or may not read a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    /// Whose name: an IAM user's, a role's, a group's, or one that the application gives its users.
    pub name: String,
    /// Whether it is a group's.
    pub group: bool,
    /// Whether they may.
    pub allow: bool,
}

impl Sidecar {
    /// Reads a sidecar's JSON.
    ///
    /// # Errors
    /// Invalid, where it is none; NotImplemented for rows of a table as documents.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let json: Json = serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid("The metadata file is not JSON.").with_hint(format!("It says: {error}."))
        })?;
        let Some(members) = json.as_object() else {
            return Err(Error::invalid("The metadata file is not a JSON object."));
        };
        if members.contains_key("documentStructureConfiguration") {
            return Err(Error::not_implemented("`documentStructureConfiguration` is not implemented.")
                .with_hint("Leave it out: each row of the table is then text of one document."));
        }
        let attributes = members.get("metadataAttributes");
        let acl = members.get("accessControlList").or_else(|| members.get("AccessControlList"));
        if attributes.is_none() && acl.is_none() {
            return Err(Error::invalid("The metadata file has neither `metadataAttributes` nor `accessControlList`."));
        }
        let mut made = Self::default();
        if let Some(attributes) = attributes {
            let attributes =
                attributes.as_object().ok_or_else(|| Error::invalid("`metadataAttributes` is not a JSON object."))?;
            for (name, json) in attributes {
                let (value, embedded) = attribute(name, json)?;
                made.metadata.insert(name.clone(), value);
                made.embedded.extend(embedded.then(|| name.clone()));
            }
        }
        if let Some(acl) = acl {
            (made.acl, made.acl_by) = (permissions(&entries(acl)?)?, AclBy::Sidecar);
        }
        made.checked()
    }

    /// What was handed in with a document.
    ///
    /// # Errors
    /// Invalid: a name that is reserved, or two values of one name.
    pub(crate) fn handed_in(attributes: Vec<(String, Value)>, acl: Option<&[AclEntry]>) -> Result<Self> {
        let mut made = Self::default();
        for (name, value) in attributes {
            if made.metadata.insert(name.clone(), value).is_some() {
                return Err(Error::invalid(format!("The metadata attribute `{name}` is there twice.")));
            }
        }
        if let Some(entries) = acl {
            (made.acl, made.acl_by) = (permissions(entries)?, AclBy::Hand);
        }
        made.checked()
    }

    fn checked(self) -> Result<Self> {
        if self.metadata.len() > MAX_ATTRIBUTES {
            let count = self.metadata.len();
            return Err(Error::invalid(format!("There are {count} metadata attributes, more than {MAX_ATTRIBUTES}.")));
        }
        match self.metadata.keys().find(|name| RESERVED.iter().any(|reserved| name.starts_with(reserved))) {
            Some(name) => Err(Error::invalid(format!("The name of the metadata attribute `{name}` is reserved."))),
            None => Ok(self),
        }
    }

    /// All of it as one text, the same for the same.
    pub(crate) fn canonical(&self) -> String {
        let Self { metadata, embedded, acl, acl_by } = self;
        format!("{metadata:?}{embedded:?}{acl:?}{}", if *acl_by == AclBy::Hand { "by hand" } else { "" })
    }

    /// With the permissions that were handed in last with a document, if any were, unless the sidecar itself says who may read it.
    pub(crate) fn handed(self, acl: Option<&Acl>) -> Self {
        match (self.acl_by, acl) {
            (AclBy::Sidecar, _) => self,
            (_, Some(acl)) => Self { acl: acl.clone(), acl_by: AclBy::Hand, ..self },
            (_, None) => Self { acl: Acl::public(), acl_by: AclBy::Nobody, ..self },
        }
    }

    /// What is embedded before the text.
    pub(crate) fn preface(&self) -> String {
        let line = |name: &String| self.metadata.get(name).map(|value| format!("{name}: {}\n", plain(value)));
        self.embedded.iter().filter_map(line).collect()
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::TextList(texts) => texts.join(", "),
        Value::Time(millis) => millis.to_string(),
    }
}

/// An attribute's value, and whether it is embedded.
fn attribute(name: &str, json: &Json) -> Result<(Value, bool)> {
    let Some(members) = json.as_object() else { return Ok((value(name, json)?, false)) };
    let typed = members.get("value").and_then(Json::as_object).ok_or_else(|| unknown(name))?;
    let kind = typed.get("type").and_then(Json::as_str).unwrap_or_default();
    let member = match kind {
        "STRING" => "stringValue",
        "NUMBER" => "numberValue",
        "BOOLEAN" => "booleanValue",
        "STRING_LIST" => "stringListValue",
        _ => return Err(unknown(name)),
    };
    let value = value(name, typed.get(member).unwrap_or(&Json::Null))?;
    let fits = match &value {
        Value::Text(_) => kind == "STRING",
        Value::Number(_) => kind == "NUMBER",
        Value::Boolean(_) => kind == "BOOLEAN",
        Value::TextList(_) => kind == "STRING_LIST",
        Value::Time(_) => false,
    };
    match fits {
        true => Ok((value, members.get("includeForEmbedding").and_then(Json::as_bool).unwrap_or(false))),
        false => Err(unknown(name)),
    }
}

fn value(name: &str, json: &Json) -> Result<Value> {
    match json {
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Bool(boolean) => Ok(Value::Boolean(*boolean)),
        Json::Number(number) => number.as_f64().map(Value::Number).ok_or_else(|| unknown(name)),
        Json::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Value::TextList).ok_or_else(|| unknown(name))
        }
        Json::Null | Json::Object(_) => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::invalid(format!("The metadata attribute `{name}` has no value of a known type."))
        .with_hint("Values are texts, numbers, booleans and lists of texts.")
}

fn entries(json: &Json) -> Result<Vec<AclEntry>> {
    let invalid = |what: &str| {
        Error::invalid(format!("An entry of `accessControlList` has no valid `{what}`."))
            .with_hint("Each is an object with `name`, `type` (`USER` or `GROUP`) and `access` (`ALLOW` or `DENY`).")
    };
    let entry = |json: &Json| -> Result<AclEntry> {
        let member = |lower: &str, upper: &str| json.get(lower).or_else(|| json.get(upper)).and_then(Json::as_str);
        let one_of = |text: Option<&str>, yes: &str, no: &str| match text {
            Some(text) if text.eq_ignore_ascii_case(yes) => Some(true),
            Some(text) if text.eq_ignore_ascii_case(no) => Some(false),
            _ => None,
        };
        let name = member("name", "Name").filter(|name| !name.is_empty()).ok_or_else(|| invalid("name"))?;
        let group = one_of(member("type", "Type"), "GROUP", "USER").ok_or_else(|| invalid("type"))?;
        let allow = one_of(member("access", "Access"), "ALLOW", "DENY").ok_or_else(|| invalid("access"))?;
        Ok(AclEntry { name: name.to_owned(), group, allow })
    };
    let list = json.as_array().ok_or_else(|| Error::invalid("`accessControlList` is not a list."))?;
    list.iter().map(entry).collect()
}

/// The permissions of these entries: nobody but who is allowed.
fn permissions(entries: &[AclEntry]) -> Result<Acl> {
    if entries.is_empty() {
        return Err(Error::invalid("`accessControlList` is empty.")
            .with_hint("Leave it out for a document that everybody may read, or name who may."));
    }
    let mut acl = Acl::default();
    for AclEntry { name, group, allow } in entries {
        let names = match (group, allow) {
            (false, true) => &mut acl.allowed_users,
            (true, true) => &mut acl.allowed_groups,
            (false, false) => &mut acl.denied_users,
            (true, false) => &mut acl.denied_groups,
        };
        names.insert(name.clone());
    }
    Ok(acl)
}

#[cfg(test)]
#[path = "sidecar_tests.rs"]
mod tests;
