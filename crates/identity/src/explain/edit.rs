//! A change to one policy.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::policy::{Attached, Caller, Document, Kind, Policies, PolicyType};

/// Where a policy stands among those that apply to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Of a level, and its place there.
    ServiceControl(usize, usize),
    Resource,
    Identity(usize),
    Boundary,
    Session(usize),
}

/// What is wrong, by the name under which administrators know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// A policy names another account than the one that is meant.
    WrongAccount,
    /// A policy names another region than the one that is meant.
    WrongRegion,
    /// The caller may not list a bucket.
    MissingListBucket,
    /// A statement for objects names the bucket without `/*`.
    MissingObjectWildcard,
    /// A statement for a bucket names only its objects.
    MissingBucketArn,
    /// A condition asks for another value.
    ConditionValue,
    /// The statement that is meant lacks the action.
    MissingAction,
    /// A policy names a principal that does not exist.
    UnknownPrincipal,
    /// A policy of resources does not name the caller.
    PrincipalNotNamed,
    /// A statement denies.
    ExplicitDeny,
    /// The permissions boundary does not allow it.
    Boundary,
    /// A session policy does not allow it.
    SessionPolicy,
    /// A service control policy denies it, or none allows it.
    ServiceControlPolicy,
    /// The caller may not pass the role.
    MissingPassRole,
    /// The resource is another account's and has no policy.
    NoResourcePolicy,
    /// No policy allows it.
    NotAllowed,
    /// The credentials do not reach so far, whatever policies say.
    Credentials,
}

/// A changed policy, or a new one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    pub(crate) place: Place,
    pub(crate) policy_type: PolicyType,
    /// The policy before; `None` for a new one.
    pub(crate) before: Option<Attached>,
    pub(crate) after: Attached,
    /// The place of the new or changed statement in `after`; `None` where one was removed.
    pub(crate) statement: Option<usize>,
    pub(crate) mistake: Mistake,
    /// What is wrong and what the change does, in one sentence each.
    pub(crate) finding: String,
    pub(crate) summary: String,
    /// Whether it mends what somebody meant, as against adding what nobody wrote.
    pub(crate) mends: bool,
}

impl Mistake {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongAccount => "wrong-account",
            Self::WrongRegion => "wrong-region",
            Self::MissingListBucket => "missing-list-bucket",
            Self::MissingObjectWildcard => "missing-object-wildcard",
            Self::MissingBucketArn => "missing-bucket-arn",
            Self::ConditionValue => "condition-value",
            Self::MissingAction => "missing-action",
            Self::UnknownPrincipal => "unknown-principal",
            Self::PrincipalNotNamed => "principal-not-named",
            Self::ExplicitDeny => "explicit-deny",
            Self::Boundary => "permissions-boundary",
            Self::SessionPolicy => "session-policy",
            Self::ServiceControlPolicy => "service-control-policy",
            Self::MissingPassRole => "missing-pass-role",
            Self::NoResourcePolicy => "no-resource-policy",
            Self::NotAllowed => "not-allowed",
            Self::Credentials => "credentials",
        }
    }
}

impl Place {
    pub(crate) fn of(self, policies: &Policies) -> Option<&Attached> {
        match self {
            Self::ServiceControl(level, index) => policies.service_control.get(level)?.get(index),
            Self::Resource => policies.resource.as_ref(),
            Self::Identity(index) => policies.identity.get(index),
            Self::Boundary => policies.boundary.as_ref(),
            Self::Session(index) => policies.session.as_ref()?.get(index),
        }
    }

    pub(crate) fn all(policies: &Policies) -> Vec<Self> {
        let levels = policies.service_control.iter().enumerate();
        let controls = levels.flat_map(|(level, list)| (0..list.len()).map(move |i| Self::ServiceControl(level, i)));
        let session = policies.session.as_ref().map_or(0, Vec::len);
        controls
            .chain(policies.resource.iter().map(|_| Self::Resource))
            .chain((0..policies.identity.len()).map(Self::Identity))
            .chain(policies.boundary.iter().map(|_| Self::Boundary))
            .chain((0..session).map(Self::Session))
            .collect()
    }

    pub(crate) fn policy_type(self, policies: &Policies) -> PolicyType {
        match self {
            Self::ServiceControl(..) => PolicyType::ServiceControl,
            Self::Resource => match policies.resource.as_ref().map(|attached| attached.document.kind()) {
                Some(Kind::Trust) => PolicyType::Trust,
                _ => PolicyType::Resource,
            },
            Self::Identity(_) => PolicyType::Identity,
            Self::Boundary => PolicyType::Boundary,
            Self::Session(_) => PolicyType::Session,
        }
    }
}

impl Edit {
    /// The policies with the change.
    pub(crate) fn applied(&self, policies: &Policies) -> Policies {
        let mut policies = policies.clone();
        let after = self.after.clone();
        match self.place {
            Place::ServiceControl(level, index) => {
                if policies.service_control.len() <= level {
                    policies.service_control.resize(level + 1, Vec::new());
                }
                put(&mut policies.service_control[level], index, after);
            }
            Place::Resource => policies.resource = Some(after),
            Place::Identity(index) => put(&mut policies.identity, index, after),
            Place::Boundary => policies.boundary = Some(after),
            Place::Session(index) => put(policies.session.get_or_insert_default(), index, after),
        }
        policies
    }

    /// The policies of another principal, or of another resource, with the change: wherever the policy stands.
    pub(crate) fn applied_wherever(&self, policies: &Policies) -> Policies {
        let mut changed = policies.clone();
        let id = &self.after.id;
        let lists = changed.service_control.iter_mut().chain([&mut changed.identity]);
        let single = changed.boundary.iter_mut().chain(&mut changed.resource);
        for attached in lists.flatten().chain(single).filter(|attached| attached.id == *id) {
            *attached = self.after.clone();
        }
        changed
    }

    /// Whether the changed policy is among these.
    pub(crate) fn is_among(&self, policies: &Policies) -> bool {
        Place::all(policies)
            .into_iter()
            .filter_map(|place| place.of(policies))
            .any(|attached| attached.id == self.after.id)
    }

    /// The new or changed statement.
    pub(crate) fn statement(&self) -> Option<Value> {
        self.after.document.to_json()["Statement"].get(self.statement?).cloned()
    }
}

fn put(list: &mut Vec<Attached>, index: usize, attached: Attached) {
    match list.get_mut(index) {
        Some(slot) => *slot = attached,
        None => list.push(attached),
    }
}

/// A document being changed, as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    id: Arc<str>,
    kind: Kind,
    json: Value,
}

impl Draft {
    pub(crate) fn of(attached: &Attached) -> Self {
        let document = &attached.document;
        Self { id: Arc::clone(&attached.id), kind: document.kind(), json: document.to_json() }
    }

    /// A document without statements, which is none yet.
    pub(crate) fn empty(id: impl Into<Arc<str>>, kind: Kind) -> Self {
        Self { id: id.into(), kind, json: json!({"Version": "2012-10-17", "Statement": []}) }
    }

    pub(crate) fn statement(&mut self, index: usize) -> Option<&mut Map<String, Value>> {
        self.json["Statement"].get_mut(index)?.as_object_mut()
    }

    pub(crate) fn has_sid(&self, sid: &str) -> bool {
        self.json["Statement"].as_array().into_iter().flatten().any(|statement| statement["Sid"] == sid)
    }

    /// Appends a statement; its place.
    pub(crate) fn push(&mut self, statement: Value) -> usize {
        match self.json["Statement"].as_array_mut() {
            Some(statements) => {
                statements.push(statement);
                statements.len() - 1
            }
            None => 0,
        }
    }

    pub(crate) fn remove(&mut self, index: usize) {
        if let Some(statements) = self.json["Statement"].as_array_mut()
            && index < statements.len()
        {
            statements.remove(index);
        }
    }

    /// The document; `None` where it would be refused, as one that became too long.
    pub(crate) fn finish(self) -> Option<Attached> {
        let document = Document::parse(self.kind, self.json.to_string()).ok()?;
        Some(Attached { id: self.id, document: Arc::new(document) })
    }
}

/// Adds `value` to an element that is one text or several.
pub(crate) fn add_text(element: &mut Value, value: &str) {
    match element {
        Value::Array(values) => values.push(json!(value)),
        Value::Null => *element = json!(value),
        _ => *element = json!([element.take(), value]),
    }
}

/// Takes `value` out of an element that is one text or several; whether something is left.
pub(crate) fn remove_text(element: &mut Value, value: &str) -> bool {
    match element {
        Value::Array(values) => {
            values.retain(|kept| kept.as_str() != Some(value));
            !values.is_empty()
        }
        one => one.as_str() != Some(value),
    }
}

/// Puts `new` in the place of `old`.
pub(crate) fn replace_text(element: &mut Value, old: &str, new: &str) {
    match element {
        Value::Array(values) => {
            values.iter_mut().filter(|kept| kept.as_str() == Some(old)).for_each(|v| *v = json!(new))
        }
        one if one.as_str() == Some(old) => *one = json!(new),
        _ => {}
    }
}

/// The texts of an element.
pub(crate) fn texts(element: &Value) -> Vec<&str> {
    match element {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// How a policy of resources names the caller: a user or a role by its ARN, a service by its name.
pub(crate) fn principal_element(caller: &Caller) -> Value {
    match caller {
        Caller::Service { name } => json!({"Service": name}),
        Caller::Federated { provider } => json!({"Federated": provider}),
        Caller::Anonymous => json!("*"),
        _ => json!({"AWS": caller.principal_arn()}),
    }
}
