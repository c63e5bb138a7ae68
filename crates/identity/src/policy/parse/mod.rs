//! From text to a compiled document. First the syntax of every statement, then the rules of the document's kind in the
//! order in which AWS reports them, then compilation, which cannot fail.

mod identity;
mod principals;
mod resource;
mod words;

use std::sync::Arc;

use super::arn::{ArnPattern, Missing};
use super::condition::{Condition, Operator};
use super::document::{Document, Source, Version};
use super::json::{self, Json};
use super::kind::Kind;
use super::malformed::Malformed;
use super::pattern::{Pattern, Syntax};
use super::principals::Principals;
use super::statement::{Effect, Element, Statement};

/// A statement whose elements have the right JSON types and nothing more.
struct Raw<'a> {
    sid: Option<&'a str>,
    effect: Option<&'a str>,
    principal: Option<(&'static str, &'a Json)>,
    actions: Option<List<'a>>,
    resources: Option<List<'a>>,
    conditions: Vec<RawCondition<'a>>,
}

/// `Action`, `NotAction`, `Resource` or `NotResource`.
struct List<'a> {
    negated: bool,
    texts: Vec<&'a str>,
}

struct RawCondition<'a> {
    operator: Operator,
    key: &'a str,
    values: Vec<Arc<str>>,
}

/// The document's own elements.
struct Top<'a> {
    version: Option<Version>,
    id: Option<&'a str>,
    statements: Vec<Raw<'a>>,
}

pub(super) fn document(kind: Kind, bytes: &[u8]) -> Result<Document, Malformed> {
    kind.check_bytes(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| words::not_json(kind, &error.to_string()))?;
    read(kind, text).map_err(|malformed| malformed.located(text))
}

fn read(kind: Kind, text: &str) -> Result<Document, Malformed> {
    let json = json::parse(text.as_bytes()).map_err(|error| words::not_json_at(kind, &error))?;
    kind.check_size(text)?;
    let top = top(kind, &json)?;
    let principals = if kind.is_identity_based() {
        identity::check(&top)?;
        top.statements.iter().map(|_| None).collect()
    } else {
        resource::check(kind, &top)?
    };
    let variables = top.version == Some(Version::V2012);
    let statements = top.statements.iter().zip(principals).map(|(raw, principals)| compile(raw, principals, variables));
    Ok(Document {
        kind,
        version: top.version,
        id: top.id.map(Arc::from),
        statements: statements.collect(),
        source: Source(text.into()),
    })
}

fn top(kind: Kind, json: &Json) -> Result<Top<'_>, Malformed> {
    let Json::Object(members) = json else {
        return Err(words::not_json(kind, "it is not an object"));
    };
    let (mut version, mut id, mut statements) = (None, None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("Version", Json::String(text)) => version = Some(read_version(kind, text)?),
            ("Id", Json::String(text)) => id = Some(text.as_str()),
            ("Statement", Json::Object(_)) => statements = Some(std::slice::from_ref(value)),
            ("Statement", Json::Array(array)) => statements = Some(array.as_slice()),
            ("Version" | "Id" | "Statement", _) => return Err(words::wrong_type(kind, name)),
            _ => return Err(words::unknown_element(kind, name)),
        }
    }
    let statements = statements.filter(|statements| !statements.is_empty()).ok_or_else(|| words::no_statement(kind))?;
    let raw = |(number, statement)| {
        raw_statement(kind, statement).map_err(|malformed: Malformed| malformed.in_statement(number))
    };
    let statements = statements.iter().enumerate().map(raw).collect::<Result<_, _>>()?;
    Ok(Top { version, id, statements })
}

fn read_version(kind: Kind, text: &str) -> Result<Version, Malformed> {
    match text {
        "2012-10-17" => Ok(Version::V2012),
        "2008-10-17" => Ok(Version::V2008),
        _ => Err(words::unknown_version(kind, text)),
    }
}

fn raw_statement(kind: Kind, json: &Json) -> Result<Raw<'_>, Malformed> {
    let Json::Object(members) = json else {
        return Err(words::wrong_type(kind, "Statement"));
    };
    let mut raw =
        Raw { sid: None, effect: None, principal: None, actions: None, resources: None, conditions: Vec::new() };
    for (name, value) in members {
        match name.as_str() {
            "Sid" => raw.sid = Some(string(kind, name, value)?),
            "Effect" => raw.effect = Some(string(kind, name, value)?),
            "Principal" => put(kind, &mut raw.principal, ("Principal", value), "Principal")?,
            "NotPrincipal" => put(kind, &mut raw.principal, ("NotPrincipal", value), "Principal")?,
            "Action" | "NotAction" => put(kind, &mut raw.actions, list(kind, name, value)?, "Action")?,
            "Resource" | "NotResource" => put(kind, &mut raw.resources, list(kind, name, value)?, "Resource")?,
            "Condition" => raw.conditions = conditions(kind, value)?,
            _ => return Err(words::unknown_element(kind, name)),
        }
    }
    match raw.effect {
        None => Err(words::no_effect(kind)),
        Some(effect) if ["Allow", "Deny"].iter().any(|known| known.eq_ignore_ascii_case(effect)) => Ok(raw),
        Some(effect) => Err(words::unknown_effect(kind, effect)),
    }
}

/// Sets an element of which a statement has at most one form.
fn put<T>(kind: Kind, slot: &mut Option<T>, value: T, name: &str) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => {
            let hint = format!("A statement has `{name}` or `Not{name}`, not both.");
            Err(words::syntax(kind, hint).at(format!("Not{name}")))
        }
    }
}

fn string<'a>(kind: Kind, name: &str, value: &'a Json) -> Result<&'a str, Malformed> {
    match value {
        Json::String(text) => Ok(text),
        _ => Err(words::wrong_type(kind, name)),
    }
}

fn list<'a>(kind: Kind, name: &str, value: &'a Json) -> Result<List<'a>, Malformed> {
    let texts = match value {
        Json::String(text) => vec![text.as_str()],
        Json::Array(items) => items.iter().map(|item| string(kind, name, item)).collect::<Result<_, _>>()?,
        _ => return Err(words::wrong_type(kind, name)),
    };
    Ok(List { negated: name.starts_with("Not"), texts })
}

fn conditions(kind: Kind, json: &Json) -> Result<Vec<RawCondition<'_>>, Malformed> {
    let Json::Object(operators) = json else {
        return Err(words::wrong_type(kind, "Condition"));
    };
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let Json::Object(keys) = keys else {
            return Err(words::wrong_type(kind, name));
        };
        for (key, values) in keys {
            let operator = Operator::parse(name).ok_or_else(|| words::unknown_operator(kind, name))?;
            conditions.push(RawCondition { operator, key, values: condition_values(kind, key, values)? });
        }
    }
    Ok(conditions)
}

/// One value or several; numbers and booleans may stand without quotes.
fn condition_values(kind: Kind, key: &str, json: &Json) -> Result<Vec<Arc<str>>, Malformed> {
    let values = match json {
        Json::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    values
        .iter()
        .map(|value| match value {
            Json::String(text) | Json::Number(text) => Ok(text.as_str().into()),
            Json::Bool(truth) => Ok(if *truth { "true".into() } else { "false".into() }),
            _ => Err(words::wrong_type(kind, key)),
        })
        .collect()
}

fn compile(raw: &Raw<'_>, principals: Option<Principals>, variables: bool) -> Statement {
    let in_resources = Syntax { wildcards: true, variables };
    let in_actions = Syntax { wildcards: true, variables: false };
    Statement {
        sid: raw.sid.map(Arc::from),
        effect: if raw.effect == Some("Deny") { Effect::Deny } else { Effect::Allow },
        principals,
        actions: element(raw.actions.as_ref(), |text| Pattern::compile(&text.to_lowercase(), in_actions)),
        resources: raw.resources.as_ref().map(|resources| {
            element(Some(resources), |text| ArnPattern::compile(text, in_resources, Missing::Anything))
        }),
        conditions: raw
            .conditions
            .iter()
            .map(|raw| Condition::compile(raw.operator, raw.key, raw.values.clone(), variables))
            .collect(),
    }
}

fn element<P>(list: Option<&List<'_>>, compile: impl Fn(&str) -> P) -> Element<P> {
    let (negated, texts) = list.map_or((false, &[][..]), |list| (list.negated, list.texts.as_slice()));
    Element {
        negated,
        texts: texts.iter().map(|text| Arc::from(*text)).collect(),
        patterns: texts.iter().map(|text| compile(text)).collect(),
    }
}
