//! Tests of the policy language.

mod conditions;
mod decisions;
mod malformed;
mod matching;
mod principals;
mod reference;
mod robust;
mod spans;
mod table;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

const OWN: &str = "111122223333";
const OTHER: &str = "777788889999";

fn parse(kind: Kind, document: &Value) -> Document {
    Document::parse(kind, document.to_string()).unwrap_or_else(|error| panic!("{error:?}: {document}"))
}

/// A document of one statement.
fn one(kind: Kind, statement: Value) -> Document {
    parse(kind, &json!({"Version": "2012-10-17", "Statement": statement}))
}

fn attached(id: &str, document: Document) -> Attached {
    Attached { id: id.into(), document: Arc::new(document) }
}

fn ada() -> Caller {
    user(OWN, "ada")
}

fn user(account: &str, name: &str) -> Caller {
    Caller::User(User {
        account: account.parse().unwrap(),
        id: "AIDAEXAMPLEEXAMPLE".to_owned(),
        name: name.to_owned(),
        path: "/".to_owned(),
        tags: vec![("team".to_owned(), "red".to_owned())],
    })
}

fn session(account: &str) -> Caller {
    Caller::Role(RoleSession {
        account: account.parse().unwrap(),
        role_id: "AROAEXAMPLEEXAMPLE".to_owned(),
        role_name: "importer".to_owned(),
        path: "/jobs/".to_owned(),
        session_name: "run-1".to_owned(),
        tags: Vec::new(),
        service_linked: false,
    })
}

fn root(account: &str) -> Caller {
    Caller::Root { account: account.parse().unwrap() }
}

fn service(name: &str) -> Caller {
    Caller::Service { name: name.to_owned() }
}

/// `ada` reads an object of her own account's bucket.
fn get_object() -> RequestBuilder {
    Request::builder(ada(), "s3:GetObject", "arn:aws:s3:::bucket/key")
}

fn identity(statement: Value) -> Policies {
    Policies { identity: vec![attached("identity", one(Kind::Managed, statement))], ..Policies::default() }
}

/// The outcome of the only statement of an identity policy.
fn outcome(statement: Value, request: &Request) -> Outcome {
    let decision = decide(request, &identity(statement));
    let [policy] = decision.trace.as_slice() else { panic!("one policy") };
    let [statement] = policy.statements.as_slice() else { panic!("one statement") };
    statement.outcome.clone()
}

fn matches(statement: Value, request: &Request) -> bool {
    outcome(statement, request) == Outcome::Matched(None)
}

/// Whether a condition, given as the `Condition` element, holds for a request with these keys.
fn holds(condition: Value, keys: &[(&str, &[&str])]) -> bool {
    let request = keys.iter().fold(get_object(), |request, (name, values)| {
        request.keys(name, values.iter().map(|value| (*value).to_owned()).collect())
    });
    matches(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}), &request.build())
}
