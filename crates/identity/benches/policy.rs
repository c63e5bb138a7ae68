//! The cost of one decision over ten policies of five statements, trace included, and of reading one such policy.

#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use identity::policy::{Attached, Caller, Document, Kind, Policies, Request, User, decide};
use serde_json::{Value, json};

/// Five statements: other actions, other resources, a variable, a condition, and one that depends on `nth`.
fn policy(nth: usize) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["bedrock:InvokeModel*", "bedrock:List*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*",
            "Resource": [format!("arn:aws:s3:::team-{nth}/*"), format!("arn:aws:s3:::team-{nth}")]},
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": "arn:aws:s3:::homes/${aws:username}/*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
            "Bool": {"aws:SecureTransport": "false"},
            "NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::homes", "Condition": {
            "StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}}},
    ]})
}

fn document(kind: Kind, json: &Value) -> Arc<Document> {
    Arc::new(Document::parse(kind, json.to_string()).expect("it is well formed"))
}

fn request(action: &str, resource: &str) -> Request {
    let user = User {
        account: "111122223333".parse().expect("an account"),
        id: "AIDAEXAMPLE".to_owned(),
        name: "ada".to_owned(),
        path: "/".to_owned(),
        tags: vec![("team".to_owned(), "red".to_owned())],
    };
    Request::builder(Caller::User(user), action, resource)
        .at(base::Timestamp(1_769_860_800_000))
        .source_ip("10.1.2.3".parse().expect("an address"))
        .secure_transport(true)
        .region("us-east-1")
        .build()
}

fn benchmarks(c: &mut Criterion) {
    let identity = (0..10)
        .map(|nth| Attached { id: format!("policy-{nth}").into(), document: document(Kind::Managed, &policy(nth)) })
        .collect();
    let policies = Policies { identity, ..Policies::default() };
    let allowed = request("s3:GetObject", "arn:aws:s3:::homes/ada/notes.txt");
    let denied = request("s3:DeleteObject", "arn:aws:s3:::homes/ada/notes.txt");
    assert!(decide(&allowed, &policies).allowed && !decide(&denied, &policies).allowed);

    let mut group = c.benchmark_group("policy");
    group.bench_function("decide_allowed", |b| b.iter(|| decide(black_box(&allowed), &policies)));
    group.bench_function("decide_denied", |b| b.iter(|| decide(black_box(&denied), &policies)));
    group.bench_function("build_request", |b| {
        b.iter(|| request(black_box("s3:GetObject"), "arn:aws:s3:::homes/ada/notes.txt"));
    });
    let text = policy(0).to_string();
    group.bench_function("parse", |b| b.iter(|| Document::parse(Kind::Managed, black_box(&text))));
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
