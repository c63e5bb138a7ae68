//! Policy documents, read and compiled once.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::arn::ArnPattern;
use super::kind::Kind;
use super::malformed::Malformed;
use super::pattern::Variable;
use super::principals::{Group, Principals};
use super::span::Span;
use super::statement::{Effect, Statement};

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The first, and what a document without `Version` has: no policy variables.
    V2008,
    /// The present one.
    V2012,
}

/// A policy document: valid for its kind, and compiled for matching.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(super) kind: Kind,
    pub(super) version: Option<Version>,
    pub(super) id: Option<Arc<str>>,
    pub(super) statements: Vec<Statement>,
    pub(super) source: Source,
}

/// The text that a document was read from. Documents that say the same are equal, however they were written.
#[derive(Debug, Clone)]
pub(super) struct Source(pub(super) Arc<str>);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Document {
    /// Reads and checks a policy document of `kind`.
    ///
    /// # Errors
    /// What AWS would refuse it with. Whether the users, roles and resources that it names exist is not looked at.
    pub fn parse(kind: Kind, text: impl AsRef<[u8]>) -> Result<Self, Malformed> {
        super::parse::document(kind, text.as_ref())
    }

    /// The text that the document was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.0
    }

    /// Where each statement begins and ends in [`Document::text`].
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        super::span::of_statements(self.text())
    }

    /// The document's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The language's version, if the document gives one.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// The document's `Id`, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The statements.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The condition keys that the document asks for, in conditions and as variables, as written; variables in lower
    /// case. What `GetContextKeysForCustomPolicy` answers, and what a simulation may be missing.
    #[must_use]
    pub fn context_keys(&self) -> BTreeSet<Arc<str>> {
        let mut keys = BTreeSet::new();
        for statement in &self.statements {
            let resources = statement.resources.iter().flat_map(|resources| &resources.patterns);
            let in_resources = resources.flat_map(ArnPattern::variables);
            let in_conditions = statement.conditions.iter().flat_map(|condition| condition.variables());
            keys.extend(in_resources.chain(in_conditions).map(|Variable { key, .. }| Arc::clone(key)));
        }
        for condition in self.statements.iter().flat_map(|statement| &statement.conditions) {
            let lower = condition.key().to_lowercase();
            keys.remove(lower.as_str());
            keys.insert(condition.key().into());
        }
        keys
    }

    /// The document as JSON, in one form: elements in the order of the IAM User Guide, one value as a string, several
    /// as an array. Parsing it gives the same document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        if let Some(version) = self.version {
            object.insert("Version".to_owned(), json!(version.name()));
        }
        if let Some(id) = &self.id {
            object.insert("Id".to_owned(), json!(**id));
        }
        object.insert("Statement".to_owned(), self.statements.iter().map(statement).collect());
        Value::Object(object)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

impl Version {
    /// The date that names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

fn statement(statement: &Statement) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    if let Some(sid) = statement.sid() {
        put("Sid", json!(sid));
    }
    put("Effect", json!(if statement.effect == Effect::Allow { "Allow" } else { "Deny" }));
    if let Some(element) = statement.principals() {
        put(if element.negated { "NotPrincipal" } else { "Principal" }, principals(element));
    }
    let (actions, negated) = statement.actions();
    put(if negated { "NotAction" } else { "Action" }, texts(actions));
    if let Some((resources, negated)) = statement.resources() {
        put(if negated { "NotResource" } else { "Resource" }, texts(resources));
    }
    if !statement.conditions.is_empty() {
        put("Condition", conditions(statement));
    }
    Value::Object(object)
}

fn principals(principals: &Principals) -> Value {
    let mut groups: Vec<(Group, Vec<Arc<str>>)> = Vec::new();
    for entry in &principals.entries {
        match groups.last_mut() {
            Some((group, names)) if *group == entry.group => names.push(Arc::clone(&entry.text)),
            _ => groups.push((entry.group, vec![Arc::clone(&entry.text)])),
        }
    }
    if let [(Group::Everyone, _)] = groups.as_slice() {
        return json!("*");
    }
    groups.iter().map(|(group, names)| (group.name().to_owned(), texts(names))).collect()
}

fn conditions(statement: &Statement) -> Value {
    let mut operators: Map<String, Value> = Map::new();
    for condition in &statement.conditions {
        let keys = operators.entry(condition.operator().to_string()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = keys {
            keys.insert(condition.key().to_owned(), texts(condition.values()));
        }
    }
    Value::Object(operators)
}

fn texts(texts: &[Arc<str>]) -> Value {
    match texts {
        [one] => json!(**one),
        several => several.iter().map(|text| json!(**text)).collect(),
    }
}
