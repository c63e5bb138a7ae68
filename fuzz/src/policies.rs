//! A policy document as an administrator may write it: reading, printing, deciding. No text may do more than be refused;
//! what was read prints to a document that decides the same; a denial explains itself.

use std::sync::Arc;

use identity::policy::{Attached, Caller, Document, Kind, Policies, Request, User, decide};

const KINDS: [Kind; 11] = [
    Kind::Managed,
    Kind::InlineUser,
    Kind::InlineGroup,
    Kind::InlineRole,
    Kind::Session,
    Kind::ServiceControl,
    Kind::Trust,
    Kind::Bucket,
    Kind::Key,
    Kind::Secret,
    Kind::Resource,
];

/// `ACTION RESOURCE` in the first line, the document in the rest.
pub fn run(data: &[u8]) {
    let (first, text) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&b"s3:GetObject arn:aws:s3:::notes/ada/1"[..], data),
    };
    let Ok(first) = std::str::from_utf8(first) else { return };
    let (action, resource) = first.split_once(' ').unwrap_or((first, "*"));
    let request = request(action, resource);
    for kind in KINDS {
        let Ok(document) = Document::parse(kind, text) else { continue };
        let printed = document.to_json().to_string();
        let again = match Document::parse(kind, &printed) {
            Ok(again) => again,
            Err(error) => panic!("{kind:?} printed what it does not read: {error:?} {printed}"),
        };
        let (one, two) = (decide_by(&request, kind, document), decide_by(&request, kind, again));
        assert_eq!(one, two, "{kind:?} decides another way than its print: {printed}");
    }
}

/// Whether it is allowed, and the words of the denial, under `document` alone and beside a policy that allows everything.
fn decide_by(request: &Request, kind: Kind, document: Document) -> Vec<(bool, Option<String>)> {
    let attached = Attached { id: "fuzzed".into(), document: Arc::new(document) };
    let everything = Document::parse(
        Kind::Managed,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    );
    let Ok(everything) = everything else { panic!("the plainest policy is not read") };
    let all = Attached { id: "all".into(), document: Arc::new(everything) };
    let mut cases = vec![place(kind, attached.clone(), Policies::default())];
    cases.push(place(kind, attached, Policies { identity: vec![all], ..Policies::default() }));
    cases
        .iter()
        .map(|policies| {
            let decision = decide(request, policies);
            let denial = decision.denial(request);
            assert_eq!(decision.allowed, denial.is_none(), "a denial has words, and nothing else has");
            (decision.allowed, denial)
        })
        .collect()
}

fn place(kind: Kind, document: Attached, mut policies: Policies) -> Policies {
    match kind {
        Kind::Session => policies.session = Some(vec![document]),
        Kind::ServiceControl => policies.service_control = vec![vec![document]],
        kind if kind.is_identity_based() => policies.identity.push(document),
        _ => policies.resource = Some(document),
    }
    policies
}

fn request(action: &str, resource: &str) -> Request {
    let Ok(account) = "111122223333".parse() else { panic!("an account") };
    let user = User {
        account,
        id: "AIDAEXAMPLE".to_owned(),
        name: "ada".to_owned(),
        path: "/".to_owned(),
        tags: vec![("team".to_owned(), "red".to_owned())],
    };
    Request::builder(Caller::User(user), action, resource)
        .at(base::Timestamp(1_769_860_800_000))
        .source_ip(std::net::IpAddr::from([10, 1, 2, 3]))
        .secure_transport(true)
        .region("us-east-1")
        .key("s3:prefix", "home/ada/")
        .build()
}
