//! Random policies and requests: the engine against an evaluator that is slow and plain.
//!
//! The evaluator reads the JSON of the policies anew for each request, matches wildcards by recursion, and shares no
//! code with the engine.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// A request, as the evaluator sees it.
#[derive(Debug, Clone)]
struct Call {
    caller: usize,
    action: &'static str,
    resource: &'static str,
    account: &'static str,
    keys: BTreeMap<&'static str, Vec<&'static str>>,
}

/// The policies, as JSON.
#[derive(Debug, Clone)]
struct Given {
    control: Vec<Vec<Value>>,
    resource: Option<(Kind, Value)>,
    identity: Vec<Value>,
    boundary: Option<Value>,
    session: Option<Vec<Value>>,
}

const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole"];
const RESOURCES: [&str; 5] = [
    "*",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::bucket/ada/x:y",
    "arn:aws:s3:::bucket/*",
    "arn:aws:kms:us-east-1:111122223333:key/1",
];
const ACTION_PATTERNS: [&str; 8] =
    ["*", "s3:*", "S3:get*", "s3:?utObject", "kms:Decrypt", "sts:Assume*", "kms:*rypt", "s3:*Ob*ct"];
const RESOURCE_PATTERNS: [&str; 10] = [
    "*",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/${aws:username}/*",
    "arn:aws:s3:::bucket/${aws:username, 'ada'}/?:*",
    "arn:aws:s3:::b*y",
    "arn:aws:s3:::bucket/${*}",
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:kms:*:*:k*1",
    "arn:aws:*:*:*:*${k}",
];
const KEYS: [&str; 4] = ["k", "n", "aws:PrincipalArn", "aws:username"];
const VALUES: [&str; 9] =
    ["ada", "a*", "${aws:username}", "10", "9.5", "true", "10.0.0.0/8", "arn:aws:iam::*:user/*", "*"];
const REQUEST_VALUES: [&str; 9] =
    ["ada", "ADA", "10", "9", "false", "true", "10.1.2.3", "11.0.0.1", "arn:aws:iam::1:user/x"];
const COMPARISONS: [&str; 21] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Null",
];
const PRINCIPALS: [&str; 8] = [
    "*",
    "111122223333",
    "arn:aws:iam::777788889999:root",
    "arn:aws:iam::111122223333:user/ada",
    "arn:aws:iam::111122223333:role/jobs/importer",
    "arn:aws:sts::111122223333:assumed-role/importer/run-1",
    "arn:aws:iam::777788889999:user/ada",
    "arn:aws:iam::777788889999:role/jobs/importer",
];

fn callers() -> [Caller; 7] {
    let bedrock = service("bedrock.amazonaws.com");
    [ada(), session(OWN), root(OWN), user(OTHER, "ada"), session(OTHER), bedrock, Caller::Anonymous]
}

fn one_or_many(values: Vec<&'static str>) -> Value {
    if let [one] = values.as_slice() { json!(one) } else { json!(values) }
}

fn conditions() -> impl Strategy<Value = Option<Value>> {
    let operator = (select(&["", "ForAnyValue:", "ForAllValues:"][..]), select(&COMPARISONS[..]), any::<bool>());
    let condition = (operator, select(&KEYS[..]), vec(select(&VALUES[..]), 1..3));
    proptest::option::weighted(
        0.5,
        vec(condition, 1..3).prop_map(|conditions| {
            let mut block = json!({});
            for ((qualifier, comparison, if_exists), key, values) in conditions {
                let name = match comparison {
                    "Null" => "Null".to_owned(),
                    _ => format!("{qualifier}{comparison}{}", if if_exists { "IfExists" } else { "" }),
                };
                block[name][key] = one_or_many(values);
            }
            block
        }),
    )
}

fn statement(kind: Kind) -> impl Strategy<Value = Value> {
    let patterns = (subsequence(&ACTION_PATTERNS[..], 1..3), subsequence(&RESOURCE_PATTERNS[..], 1..3));
    let negations = (any::<bool>(), any::<bool>(), any::<bool>());
    let principals = proptest::option::weighted(0.9, subsequence(&PRINCIPALS[..], 1..3));
    (any::<bool>(), patterns, negations, principals, conditions()).prop_map(
        move |(allow, (actions, resources), (not_action, not_resource, not_principal), principals, conditions)| {
            let mut statement = json!({"Effect": if allow { "Allow" } else { "Deny" }});
            let actions = match kind {
                Kind::Trust => vec!["sts:AssumeRole"],
                _ => actions,
            };
            statement[if not_action && kind != Kind::Trust { "NotAction" } else { "Action" }] = one_or_many(actions);
            if kind != Kind::Trust {
                statement[if not_resource { "NotResource" } else { "Resource" }] = one_or_many(resources);
            }
            if !kind.is_identity_based() {
                let name = if not_principal && !allow && kind != Kind::Trust { "NotPrincipal" } else { "Principal" };
                statement[name] = match principals {
                    Some(names) => json!({"AWS": one_or_many(names)}),
                    None => json!({"Service": "bedrock.amazonaws.com"}),
                };
            }
            if let Some(conditions) = conditions {
                statement["Condition"] = conditions;
            }
            statement
        },
    )
}

pub(super) fn document(kind: Kind) -> impl Strategy<Value = Value> {
    vec(statement(kind), 1..4).prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

fn of_resource() -> impl Strategy<Value = Option<(Kind, Value)>> {
    let kind = select(&[Kind::Resource, Kind::Key, Kind::Trust][..]);
    proptest::option::weighted(0.8, kind.prop_flat_map(|kind| document(kind).prop_map(move |json| (kind, json))))
}

fn given() -> impl Strategy<Value = Given> {
    let identity = vec(document(Kind::Managed), 0..3);
    let boundary = proptest::option::weighted(0.3, document(Kind::Managed));
    let session = proptest::option::weighted(0.3, vec(document(Kind::Session), 1..3));
    let control = proptest::option::weighted(0.3, vec(vec(document(Kind::ServiceControl), 1..3), 1..3));
    (control, of_resource(), identity, boundary, session).prop_map(
        |(control, resource, identity, boundary, session)| Given {
            control: control.unwrap_or_default(),
            resource,
            identity,
            boundary,
            session,
        },
    )
}

fn call() -> impl Strategy<Value = Call> {
    let values = || vec(select(&REQUEST_VALUES[..]), 0..3);
    let keys = (proptest::option::of(values()), proptest::option::of(values()));
    (0..7_usize, select(&ACTIONS[..]), select(&RESOURCES[..]), any::<bool>(), keys).prop_map(
        |(caller, action, resource, own, (k, n))| {
            let mut keys = BTreeMap::new();
            keys.extend(k.map(|values| ("k", values)));
            keys.extend(n.map(|values| ("n", values)));
            Call { caller, action, resource, account: if own { OWN } else { OTHER }, keys }
        },
    )
}

/// The plain evaluator.
struct Reference<'a> {
    call: &'a Call,
    caller: Caller,
    has_boundary: bool,
}

impl Reference<'_> {
    fn key(&self, name: &str) -> Vec<String> {
        let given = self.call.keys.get(name).map(|values| values.iter().map(|value| (*value).to_owned()).collect());
        match (name, &self.caller) {
            ("aws:PrincipalArn", caller) => caller.principal_arn().into_iter().collect(),
            ("aws:username", Caller::User(user)) => vec![user.name.clone()],
            ("aws:username", _) => Vec::new(),
            _ => given.unwrap_or_default(),
        }
    }

    /// A pattern's characters; `Err` where a variable has no value. `None` is `*`, `Some(None)` is `?`.
    fn characters(&self, pattern: &str) -> Result<Vec<Option<Option<char>>>, ()> {
        let mut characters = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            if rest.starts_with("${") {
                let end = rest.find('}').unwrap();
                let inside = &rest[2..end];
                let text = match inside.split_once(", ") {
                    _ if inside == "*" => "*".to_owned(),
                    Some((key, default)) => {
                        let values = self.key(key);
                        if values.len() == 1 { values[0].clone() } else { default.trim_matches('\'').to_owned() }
                    }
                    None => {
                        let values = self.key(inside);
                        if values.len() != 1 {
                            return Err(());
                        }
                        values[0].clone()
                    }
                };
                characters.extend(text.chars().map(|c| Some(Some(c))));
                rest = &rest[end + 1..];
            } else {
                let c = rest.chars().next().unwrap();
                characters.push(match c {
                    '*' => None,
                    '?' => Some(None),
                    _ => Some(Some(c)),
                });
                rest = &rest[c.len_utf8()..];
            }
        }
        Ok(characters)
    }

    fn like(&self, pattern: &str, text: &str) -> Result<bool, ()> {
        let text: Vec<char> = text.chars().collect();
        Ok(wild(&self.characters(pattern)?, &text))
    }

    /// With `*` and `?` standing for themselves.
    fn text(&self, pattern: &str) -> Result<String, ()> {
        let characters = self.characters(pattern)?;
        Ok(characters.into_iter().map(|c| c.map_or('*', |c| c.unwrap_or('?'))).collect())
    }

    fn arn_like(&self, pattern: &str, text: &str) -> Result<bool, ()> {
        if pattern == "*" {
            return Ok(true);
        }
        let hidden = pattern.replace("aws:username", "aws\u{1}username");
        let patterns: Vec<String> = hidden.splitn(6, ':').map(|field| field.replace('\u{1}', ":")).collect();
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let mut all = patterns.len() == 6 && fields.len() == 6;
        for (at, pattern) in patterns.iter().enumerate() {
            let matches = self.like(pattern, fields.get(at).copied().unwrap_or_default())?;
            all = all && matches;
        }
        Ok(all)
    }

    fn one_matches(&self, comparison: &str, expected: &str, actual: &str) -> Result<bool, ()> {
        let numbers = || Some((actual.parse::<f64>().ok()?, expected.parse::<f64>().ok()?));
        Ok(match comparison.replace("Not", "").as_str() {
            "StringEquals" => self.text(expected)? == actual,
            "StringEqualsIgnoreCase" => self.text(expected)?.to_uppercase() == actual.to_uppercase(),
            "StringLike" => self.like(expected, actual)?,
            "NumericEquals" => numbers().is_some_and(|(a, b)| a == b),
            "NumericLessThan" => numbers().is_some_and(|(a, b)| a < b),
            "NumericLessThanEquals" => numbers().is_some_and(|(a, b)| a <= b),
            "NumericGreaterThan" => numbers().is_some_and(|(a, b)| a > b),
            "NumericGreaterThanEquals" => numbers().is_some_and(|(a, b)| a >= b),
            "Bool" => ["true", "false"].contains(&actual) && actual == expected,
            "IpAddress" => expected == "10.0.0.0/8" && actual.starts_with("10."),
            "ArnEquals" | "ArnLike" => self.arn_like(expected, actual)?,
            // Of the texts above only these are base64, and of those only equal ones are the same bytes.
            "BinaryEquals" => ["true"].contains(&actual) && expected == actual,
            other => panic!("{other}"),
        })
    }

    fn condition(&self, operator: &str, key: &str, expected: &[&str]) -> Result<bool, ()> {
        let (qualifier, rest) = operator.split_once(':').unwrap_or(("", operator));
        let if_exists = rest.ends_with("IfExists");
        let comparison = rest.trim_end_matches("IfExists");
        let negated = comparison.contains("Not");
        let actual = self.key(key);
        if comparison == "Null" {
            return Ok(expected.iter().any(|expected| *expected == actual.is_empty().to_string()));
        }
        if actual.is_empty() && if_exists {
            return Ok(true);
        }
        if comparison.starts_with("String") || comparison.starts_with("Arn") {
            for expected in expected {
                self.characters(expected)?;
            }
        }
        let mut each = Vec::new();
        for actual in &actual {
            let mut any = false;
            for expected in expected {
                let matches = self.one_matches(comparison, expected, actual)?;
                any = any || matches;
            }
            each.push(any);
        }
        Ok(match qualifier {
            "ForAllValues" => each.iter().all(|any| *any != negated),
            "ForAnyValue" => each.iter().any(|any| *any != negated),
            _ if negated => each.iter().all(|any| !any),
            _ => each.contains(&true),
        })
    }

    fn resource(&self, pattern: &str) -> Result<bool, ()> {
        if pattern == "*" {
            return Ok(true);
        }
        self.characters(pattern)?;
        let fields: Vec<&str> = self.call.resource.splitn(6, ':').collect();
        let hidden = pattern.replace("aws:username", "aws\u{1}username");
        let mut patterns: Vec<String> = hidden.splitn(6, ':').map(|field| field.replace('\u{1}', ":")).collect();
        patterns.resize(6, "*".to_owned());
        let mut all = fields.len() == 6;
        for (pattern, field) in patterns.iter().zip(fields) {
            let matches = self.like(pattern, field)?;
            all = all && matches;
        }
        Ok(all)
    }

    /// 0 for none, 1 through the account, 2 through the role, 3 directly.
    fn principal(&self, name: &str) -> u8 {
        let account = self.caller.account().map(|account| account.to_string());
        let named = name.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(name);
        let is_role = matches!(self.caller, Caller::Role(_));
        match name {
            "*" => 3,
            _ if account.as_deref() == Some(named) => 1,
            _ if is_role && self.caller.principal_arn().as_deref() == Some(name) => 2,
            _ if self.caller.arn() == name => 3,
            _ => 0,
        }
    }

    fn spares(&self, name: &str) -> bool {
        let is_root = matches!(self.caller, Caller::Root { .. });
        self.principal(name) == 3 || (is_root && self.principal(name) == 1)
    }

    /// Whether the statement is about the call, and how strongly it covers the caller.
    fn statement(&self, statement: &Value) -> Option<u8> {
        let names = |element: &Value| -> Vec<String> {
            let mut names = Vec::new();
            for group in element.as_object().unwrap().values() {
                names.extend(texts(group).iter().map(|name| (*name).to_owned()));
            }
            names
        };
        let mut coverage = 3;
        if let Some(element) = statement.get("Principal") {
            coverage = names(element).iter().map(|name| self.principal(name)).max().unwrap_or(0);
        }
        if let Some(element) = statement.get("NotPrincipal") {
            let spared = names(element).iter().any(|name| self.spares(name)) && !self.has_boundary;
            coverage = if spared { 0 } else { 3 };
        }
        let action = |pattern: &str| {
            let text: Vec<char> = self.call.action.to_lowercase().chars().collect();
            wild(&self.characters(&pattern.to_lowercase()).unwrap(), &text)
        };
        let about_action = match statement.get("Action") {
            Some(actions) => texts(actions).into_iter().any(action),
            None => !texts(&statement["NotAction"]).into_iter().any(action),
        };
        let about_resource = match (statement.get("Resource"), statement.get("NotResource")) {
            (Some(resources), _) => self.resources(resources),
            (None, Some(resources)) => self.resources(resources).map(|any| !any),
            (None, None) => Ok(true),
        };
        let conditions = self.conditions(statement.get("Condition"));
        let holds = about_action && about_resource == Ok(true) && conditions == Ok(true) && coverage > 0;
        holds.then_some(coverage)
    }

    fn resources(&self, patterns: &Value) -> Result<bool, ()> {
        let mut any = false;
        for pattern in texts(patterns) {
            let matches = self.resource(pattern)?;
            any = any || matches;
        }
        Ok(any)
    }

    fn conditions(&self, block: Option<&Value>) -> Result<bool, ()> {
        let mut all = true;
        for (operator, keys) in block.and_then(Value::as_object).into_iter().flatten() {
            for (key, values) in keys.as_object().unwrap() {
                let holds = self.condition(operator, key, &texts(values))?;
                all = all && holds;
            }
        }
        Ok(all)
    }

    fn says(&self, documents: &[&Value], effect: &str) -> u8 {
        let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
        statements.filter(|s| s["Effect"] == effect).filter_map(|s| self.statement(s)).max().unwrap_or(0)
    }

    fn allowed(&self, given: &Given) -> bool {
        let belongs = self.caller.account().is_some();
        let resource: Vec<&Value> = given.resource.iter().map(|(_, document)| document).collect();
        let identity: Vec<&Value> = given.identity.iter().collect();
        let boundary: Vec<&Value> = given.boundary.iter().collect();
        let session: Vec<&Value> = given.session.iter().flatten().collect();
        let control: Vec<&Value> = given.control.iter().flatten().collect();
        let denies = |documents: &[&Value]| self.says(documents, "Deny") > 0;
        let allows = |documents: &[&Value]| self.says(documents, "Allow") > 0;
        if denies(&resource) {
            return false;
        }
        let shared = self.says(&resource, "Allow");
        if !belongs {
            return shared > 0;
        }
        if [&identity, &boundary, &session, &control].into_iter().any(|documents| denies(documents)) {
            return false;
        }
        if !given.control.iter().all(|level| allows(&level.iter().collect::<Vec<_>>())) {
            return false;
        }
        let capped = (given.boundary.is_some() && !allows(&boundary)) || (given.session.is_some() && !allows(&session));
        let is_root = matches!(self.caller, Caller::Root { .. });
        let mine = (is_root || allows(&identity)) && !capped;
        if self.caller.account().unwrap().as_str() != self.account() {
            return mine && shared > 0;
        }
        let must_name = matches!(given.resource, Some((Kind::Key | Kind::Trust, _)));
        match shared {
            3 => true,
            2 => !capped,
            1 => mine,
            _ => mine && !must_name,
        }
    }

    fn account(&self) -> &str {
        self.call.account
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        several => several.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect(),
    }
}

/// Wildcards by trying everything.
fn wild(pattern: &[Option<Option<char>>], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((None, rest)) => (0..=text.len()).any(|skip| wild(rest, &text[skip..])),
        Some((Some(None), rest)) => !text.is_empty() && wild(rest, &text[1..]),
        Some((Some(Some(c)), rest)) => text.first() == Some(c) && wild(rest, &text[1..]),
    }
}

fn request(call: &Call) -> Request {
    let [caller] = [callers()[call.caller].clone()];
    let request = Request::builder(caller, call.action, call.resource).resource_account(call.account.parse().unwrap());
    call.keys
        .iter()
        .fold(request, |request, (name, values)| {
            request.keys(name, values.iter().map(|value| (*value).to_owned()).collect())
        })
        .build()
}

fn compiled(given: &Given) -> Policies {
    let all = |kind: Kind, documents: &[Value]| -> Vec<Attached> {
        documents.iter().map(|document| attached("x", parse(kind, document))).collect()
    };
    Policies {
        service_control: given.control.iter().map(|level| all(Kind::ServiceControl, level)).collect(),
        resource: given.resource.as_ref().map(|(kind, document)| attached("r", parse(*kind, document))),
        grants: Vec::new(),
        identity: all(Kind::Managed, &given.identity),
        boundary: given.boundary.as_ref().map(|document| attached("b", parse(Kind::Managed, document))),
        session: given.session.as_ref().map(|documents| all(Kind::Session, documents)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_engine_decides_as_the_plain_evaluator_does(given in given(), calls in vec(call(), 8)) {
        let policies = compiled(&given);
        for call in &calls {
            let request = request(call);
            let caller = request.caller().clone();
            let reference = Reference { call, caller, has_boundary: given.boundary.is_some() };
            let decision = decide(&request, &policies);
            prop_assert_eq!(decision.allowed, reference.allowed(&given), "{:?}: {:?}", call, decision);
        }
    }

    #[test]
    fn every_statement_matches_as_the_plain_evaluator_says(json in document(Kind::Resource), calls in vec(call(), 8)) {
        let resource = Some(attached("r", parse(Kind::Resource, &json)));
        let policies = Policies { resource, ..Policies::default() };
        for call in &calls {
            let request = request(call);
            let reference = Reference { call, caller: request.caller().clone(), has_boundary: false };
            let decision = decide(&request, &policies);
            for (statement, trace) in json["Statement"].as_array().unwrap().iter().zip(&decision.trace[0].statements) {
                let expected = reference.statement(statement).is_some();
                prop_assert_eq!(trace.is_match(), expected, "{:?} {}: {:?}", call, statement, trace.outcome);
            }
        }
    }
}
