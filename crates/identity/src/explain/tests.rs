//! The search for the smallest change, over policies and requests as services ask them.

mod mistakes;
mod wording;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::edit::{Edit, Mistake, Place};
use super::reach::{self, Universe};
use super::solve::{Problem, Solution};
use crate::policy::{Attached, Caller, Document, Kind, Policies, Request, RequestBuilder, RoleSession, User, decide};

const OWN: &str = "111122223333";
const OTHER: &str = "777788889999";

fn attached(id: &str, kind: Kind, statement: Value) -> Attached {
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let document = Document::parse(kind, &text).unwrap_or_else(|error| panic!("{error:?}: {text}"));
    Attached { id: id.into(), document: Arc::new(document) }
}

fn ada() -> Caller {
    Caller::User(User {
        account: OWN.parse().unwrap(),
        id: "AIDAEXAMPLE".into(),
        name: "ada".into(),
        path: "/".into(),
        tags: Vec::new(),
    })
}

fn importer() -> Caller {
    Caller::Role(RoleSession {
        account: OWN.parse().unwrap(),
        role_id: "AROAEXAMPLE".into(),
        role_name: "importer".into(),
        path: "/".into(),
        session_name: "run-1".into(),
        tags: Vec::new(),
        service_linked: false,
    })
}

fn bedrock() -> Caller {
    Caller::Service { name: "bedrock.amazonaws.com".into() }
}

fn request(caller: Caller, action: &str, resource: &str) -> RequestBuilder {
    Request::builder(caller, action, resource)
}

fn identity(statement: Value) -> Policies {
    Policies { identity: vec![attached("user/ada/own", Kind::InlineUser, statement)], ..Policies::default() }
}

fn everything() -> Value {
    json!({"Effect": "Allow", "Action": "*", "Resource": "*"})
}

fn solve(request: &Request, policies: &Policies) -> Solution {
    solve_with(request, policies, &[], &Universe::default())
}

fn solve_with(request: &Request, policies: &Policies, unknown: &[&str], universe: &Universe) -> Solution {
    assert!(!decide(request, policies).allowed, "it is denied at first");
    let unknown: HashSet<String> = unknown.iter().map(|name| (*name).to_owned()).collect();
    let solution = Problem { request, policies, unknown: &unknown, universe }.solve();
    assert!(solution.proven, "{solution:?}");
    let fixed = solution.edits.iter().fold(policies.clone(), |policies, edit| edit.applied(&policies));
    assert!(decide(request, &fixed).allowed);
    solution
}

/// The only change.
fn only(solution: &Solution) -> &Edit {
    let [edit] = solution.edits.as_slice() else { panic!("one change: {:#?}", solution.edits) };
    edit
}

/// The request's caller may nothing else after the change.
fn reaches_nothing_else(solution: &Solution, request: &Request, policies: &Policies) {
    assert_eq!(reach::of(&solution.edits, request, policies, &Universe::default()), []);
}

#[test]
fn a_new_statement_allows_the_request_and_nothing_else() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").build();
    let policies = Policies::default();
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Identity(0), Mistake::NotAllowed));
    let statement = json!({"Sid": "AllowGetObject", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::notes/a"});
    assert_eq!(edit.statement(), Some(statement.clone()));
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    assert_eq!(
        super::command::of(edit, &request),
        [format!(
            "aws iam put-user-policy --user-name ada --policy-name allow-s3-GetObject --policy-document '{document}'"
        )]
    );
    reaches_nothing_else(&solution, &request, &policies);
}

#[test]
fn of_several_denials_each_is_found() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").build();
    let deny = json!([{"Sid": "No", "Effect": "Deny", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
        everything()]);
    let policies = Policies {
        service_control: vec![vec![attached(
            "arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
            Kind::ServiceControl,
            deny.clone(),
        )]],
        boundary: Some(attached(
            "arn:aws:iam::111122223333:policy/edge",
            Kind::Managed,
            json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}),
        )),
        ..identity(deny)
    };
    let solution = solve(&request, &policies);
    let mut places: Vec<_> = solution.edits.iter().map(|edit| edit.place).collect();
    places.sort_by_key(|place| format!("{place:?}"));
    assert_eq!(places, [Place::Boundary, Place::Identity(0), Place::ServiceControl(0, 0)]);
}

#[test]
fn a_boundary_of_aws_is_replaced_by_a_copy_that_allows_it() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").build();
    let of_aws = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";
    let statement = json!({"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"});
    let policies =
        Policies { boundary: Some(attached(of_aws, Kind::Managed, statement)), ..identity(json!([everything()])) };
    let solution = solve(&request, &policies);
    let [edit] = solution.edits.as_slice() else { panic!("{:?}", solution.edits) };
    assert!(solution.proven && edit.finding.contains(of_aws) && edit.summary.contains(of_aws));
    let own = "arn:aws:iam::111122223333:policy/boundary-of-ada";
    assert_eq!((&*edit.after.id, edit.after.document.statements().len()), (own, 2));
    let commands = super::command::of(edit, &request);
    assert!(commands[0].starts_with("aws iam create-policy --policy-name boundary-of-ada --policy-document "));
    assert_eq!(
        commands[1..],
        [format!("aws iam put-user-permissions-boundary --user-name ada --permissions-boundary {own}")]
    );
}

#[test]
fn a_deny_is_loosened_where_it_lets_the_least_through() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").build();
    let deny = json!([{"Sid": "No", "Effect": "Deny", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
        everything()]);
    let policies = Policies {
        identity: vec![attached("arn:aws:iam::111122223333:policy/shared", Kind::Managed, deny)],
        ..Policies::default()
    };
    // Alone ada loses less of the deny by one action; with others under it, by an exception for her.
    let solution = solve(&request, &policies);
    assert_eq!(only(&solution).statement().unwrap()["Action"], "s3:PutObject");
    let others = (0..3).map(|n| {
        let user = User {
            name: format!("u{n}"),
            id: format!("AIDA{n}"),
            account: OWN.parse().unwrap(),
            path: "/".into(),
            tags: Vec::new(),
        };
        (Caller::User(user), policies.clone())
    });
    let universe = Universe { callers: others.collect() };
    let solution = solve_with(&request, &policies, &[], &universe);
    let condition = json!({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/ada"}});
    assert_eq!(only(&solution).statement().unwrap()["Condition"], condition);
    let more = reach::of(&solution.edits, &request, &policies, &universe);
    assert!(more.iter().all(|allowed| allowed.principal.ends_with("user/ada")), "{more:?}");
    assert!(more.iter().any(|allowed| allowed.action == "s3:PutObject"), "{more:?}");
}

#[test]
fn policies_of_aws_are_left_alone() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").build();
    let policies = Policies {
        identity: vec![attached(
            "arn:aws:iam::aws:policy/ReadOnly",
            Kind::Managed,
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::notes"}),
        )],
        ..Policies::default()
    };
    assert_eq!(only(&solve(&request, &policies)).place, Place::Identity(1));
}

#[test]
fn what_the_caller_can_do_itself_is_said() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::notes/a").secure_transport(false).build();
    let policies = Policies {
        resource: Some(attached(
            "arn:aws:s3:::notes",
            Kind::Bucket,
            json!({"Effect": "Deny", "Principal": "*",
            "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        )),
        ..identity(everything())
    };
    let solution = solve(&request, &policies);
    assert!(solution.advice[0].contains("https"), "{:?}", solution.advice);
}
