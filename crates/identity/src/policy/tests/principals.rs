//! Who a statement is about.

use super::*;

fn coverage(element: &str, principal: Value, caller: Caller) -> Option<Coverage> {
    coverage_with(element, principal, caller, None)
}

fn coverage_with(element: &str, principal: Value, caller: Caller, boundary: Option<Attached>) -> Option<Coverage> {
    let effect = if element == "NotPrincipal" { "Deny" } else { "Allow" };
    let statement = json!({"Effect": effect, element: principal, "Action": "s3:*", "Resource": "*"});
    let policies =
        Policies { resource: Some(attached("bucket", one(Kind::Bucket, statement))), boundary, ..Policies::default() };
    let request = Request::builder(caller, "s3:GetObject", "arn:aws:s3:::bucket/key")
        .canonical_user("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be")
        .build();
    match &decide(&request, &policies).trace[0].statements[0].outcome {
        Outcome::Matched(coverage) => *coverage,
        Outcome::OtherPrincipal => None,
        other => panic!("{other:?}"),
    }
}

fn aws(name: &str) -> Value {
    json!({"AWS": name})
}

const ROLE: &str = "arn:aws:iam::111122223333:role/jobs/importer";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/importer/run-1";
const ADA: &str = "arn:aws:iam::111122223333:user/ada";
const ACCOUNT: &str = "arn:aws:iam::111122223333:root";

#[test]
fn everyone_covers_everyone_directly() {
    for principal in [json!("*"), aws("*")] {
        for caller in [ada(), session(OTHER), root(OTHER), service("s3.amazonaws.com"), Caller::Anonymous] {
            assert_eq!(coverage("Principal", principal.clone(), caller), Some(Coverage::Direct));
        }
    }
}

#[test]
fn an_account_covers_its_users_sessions_and_root() {
    for name in [OWN, ACCOUNT] {
        for caller in [ada(), session(OWN), root(OWN)] {
            assert_eq!(coverage("Principal", aws(name), caller), Some(Coverage::Account));
        }
        for caller in [user(OTHER, "ada"), session(OTHER), root(OTHER), service("s3.amazonaws.com"), Caller::Anonymous]
        {
            assert_eq!(coverage("Principal", aws(name), caller), None);
        }
    }
    let canonical = json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"});
    assert_eq!(coverage("Principal", canonical, ada()), Some(Coverage::Account));
    let other = json!({"CanonicalUser": "0".repeat(64)});
    assert_eq!(coverage("Principal", other, ada()), None);
}

#[test]
fn users_and_sessions_are_covered_by_their_own_names_and_sessions_by_their_role() {
    assert_eq!(coverage("Principal", aws(ADA), ada()), Some(Coverage::Direct));
    assert_eq!(coverage("Principal", aws(ADA), user(OWN, "Ada")), None, "case counts");
    assert_eq!(coverage("Principal", aws(ADA), session(OWN)), None);
    assert_eq!(coverage("Principal", aws(SESSION), session(OWN)), Some(Coverage::Direct));
    assert_eq!(coverage("Principal", aws(ROLE), session(OWN)), Some(Coverage::Role));
    assert_eq!(coverage("Principal", aws("arn:aws:iam::111122223333:role/importer"), session(OWN)), None, "no path");
    assert_eq!(coverage("Principal", json!({"AWS": [ACCOUNT, ROLE]}), session(OWN)), Some(Coverage::Role));
    assert_eq!(coverage("Principal", json!({"AWS": [ROLE, SESSION]}), session(OWN)), Some(Coverage::Direct));
    assert_eq!(coverage("Principal", aws("AIDAEXAMPLEEXAMPLE"), ada()), Some(Coverage::Direct));
    assert_eq!(coverage("Principal", aws("AROAEXAMPLEEXAMPLE"), session(OWN)), Some(Coverage::Role));
    assert_eq!(coverage("Principal", aws("AROAEXAMPLEEXAMPLE"), ada()), None);
}

#[test]
fn services_and_providers_are_covered_by_their_names() {
    let bedrock = || service("bedrock.amazonaws.com");
    assert_eq!(coverage("Principal", json!({"Service": "bedrock.amazonaws.com"}), bedrock()), Some(Coverage::Direct));
    assert_eq!(coverage("Principal", json!({"Service": "s3.amazonaws.com"}), bedrock()), None);
    assert_eq!(coverage("Principal", json!({"Federated": "bedrock.amazonaws.com"}), bedrock()), None);
    let google = Caller::Federated { provider: "accounts.google.com".to_owned() };
    assert_eq!(
        coverage("Principal", json!({"Federated": "accounts.google.com"}), google.clone()),
        Some(Coverage::Direct)
    );
    assert_eq!(coverage("Principal", json!({"Service": "accounts.google.com"}), google), None);
}

#[test]
fn not_principal_spares_only_who_is_named_itself() {
    let denied = |principal: Value, caller: Caller| coverage("NotPrincipal", principal, caller).is_some();
    assert!(!denied(json!({"AWS": [ADA, ACCOUNT]}), ada()));
    assert!(denied(json!({"AWS": [ADA, ACCOUNT]}), user(OWN, "bob")), "the account spares its root only");
    assert!(!denied(json!({"AWS": [ADA, ACCOUNT]}), root(OWN)));
    assert!(denied(json!({"AWS": [ADA, ACCOUNT]}), root(OTHER)) && denied(aws(ADA), Caller::Anonymous));
    assert!(!denied(json!({"AWS": [SESSION, ROLE, ACCOUNT]}), session(OWN)));
    assert!(denied(json!({"AWS": [ROLE, ACCOUNT]}), session(OWN)), "a role does not spare its sessions");
    assert!(!denied(json!("*"), ada()) && !denied(json!({"Service": "s3.amazonaws.com"}), service("s3.amazonaws.com")));
}

#[test]
fn not_principal_spares_nobody_with_a_permissions_boundary() {
    let boundary = attached("boundary", one(Kind::Managed, json!({"Effect": "Allow", "Action": "*", "Resource": "*"})));
    assert!(coverage_with("NotPrincipal", aws(ADA), ada(), None).is_none());
    assert!(coverage_with("NotPrincipal", aws(ADA), ada(), Some(boundary)).is_some());
}

fn key<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    match request.context().values(name) {
        Some([value]) => Some(value),
        _ => None,
    }
}

#[test]
fn a_request_knows_its_callers_keys() {
    let request = get_object().build();
    for (name, value) in [
        ("aws:PrincipalArn", Some(ADA)),
        ("aws:PrincipalAccount", Some(OWN)),
        ("aws:PrincipalType", Some("User")),
        ("aws:userid", Some("AIDAEXAMPLEEXAMPLE")),
        ("aws:username", Some("ada")),
        ("aws:PrincipalTag/team", Some("red")),
        ("aws:PrincipalIsAWSService", Some("false")),
        ("aws:ViaAWSService", Some("false")),
        ("aws:ResourceAccount", Some(OWN)),
        ("aws:PrincipalServiceName", None),
    ] {
        assert_eq!(key(&request, name), value, "{name}");
    }
    let of = |caller: Caller| Request::builder(caller, "sts:AssumeRole", "arn:aws:iam::777788889999:role/r").build();
    let request = of(session(OWN));
    assert_eq!(key(&request, "aws:PrincipalArn"), Some(ROLE));
    assert_eq!(key(&request, "aws:userid"), Some("AROAEXAMPLEEXAMPLE:run-1"));
    assert_eq!(key(&request, "aws:username"), None);
    assert_eq!(key(&request, "aws:ResourceAccount"), Some(OTHER));
    assert!(!request.is_same_account());
    let request = of(root(OTHER));
    assert_eq!((key(&request, "aws:userid"), key(&request, "aws:PrincipalType")), (Some(OTHER), Some("Account")));
    assert!(request.is_same_account());
    let request = of(service("bedrock.amazonaws.com"));
    assert_eq!(key(&request, "aws:PrincipalServiceName"), Some("bedrock.amazonaws.com"));
    assert_eq!(key(&request, "aws:PrincipalIsAWSService"), Some("true"));
    assert_eq!(key(&request, "aws:PrincipalArn"), None);
}

#[test]
fn what_a_call_tells_becomes_keys() {
    let tags = [("Cost".to_owned(), "1".to_owned()), ("Team".to_owned(), "red".to_owned())];
    let request = get_object()
        .at(base::Timestamp(1_769_860_800_500))
        .source_ip("::ffff:10.0.0.1".parse().unwrap())
        .secure_transport(true)
        .region("eu-west-1")
        .organization("o-1", "o-1/r-1/")
        .token_issued(base::Timestamp(0))
        .source("arn:aws:bedrock:us-east-1:777788889999:model-import-job/x")
        .called_via(&["athena.amazonaws.com", "s3.amazonaws.com"])
        .request_tags(&tags)
        .resource_tags(&tags[..1])
        .encryption_context(&tags[1..])
        .key("s3:prefix", "home/")
        .build();
    for (name, value) in [
        ("aws:CurrentTime", "2026-01-31T12:00:00.500Z"),
        ("aws:EpochTime", "1769860800"),
        ("aws:SourceIp", "10.0.0.1"),
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:PrincipalOrgID", "o-1"),
        ("aws:TokenIssueTime", "1970-01-01T00:00:00.000Z"),
        ("aws:SourceArn", "arn:aws:bedrock:us-east-1:777788889999:model-import-job/x"),
        ("aws:SourceAccount", OTHER),
        ("aws:ViaAWSService", "true"),
        ("aws:CalledViaFirst", "athena.amazonaws.com"),
        ("aws:CalledViaLast", "s3.amazonaws.com"),
        ("aws:RequestTag/team", "red"),
        ("aws:ResourceTag/Cost", "1"),
        ("kms:EncryptionContext:Team", "red"),
        ("kms:EncryptionContextKeys", "Team"),
        ("s3:prefix", "home/"),
    ] {
        assert_eq!(key(&request, name), Some(value), "{name}");
    }
    assert_eq!(request.context().values("aws:TagKeys").unwrap(), ["Cost", "Team"]);
    assert_eq!(request.context().values("aws:CalledVia").unwrap().len(), 2);
    assert!(request.context().names().any(|name| name == "aws:calledvia"));
}

#[test]
fn who_the_caller_is_cannot_be_set() {
    let request = Request::builder(session(OWN), "s3:GetObject", "*")
        .key("aws:username", "root")
        .key("AWS:PrincipalTag/admin", "true")
        .key("aws:PrincipalAccount", OTHER)
        .key("aws:ResourceAccount", OTHER)
        .build();
    assert_eq!((key(&request, "aws:username"), key(&request, "aws:PrincipalTag/admin")), (None, None));
    assert_eq!((key(&request, "aws:PrincipalAccount"), key(&request, "aws:ResourceAccount")), (Some(OWN), Some(OWN)));
}
