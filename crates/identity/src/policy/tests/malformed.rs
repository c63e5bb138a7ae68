//! What is refused, and with which words.

use super::*;

fn refusal(kind: Kind, document: &Value) -> Malformed {
    Document::parse(kind, document.to_string()).expect_err(&document.to_string())
}

fn statement_refusal(kind: Kind, statement: Value) -> String {
    refusal(kind, &json!({"Version": "2012-10-17", "Statement": statement})).message
}

fn allow(resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": resource})
}

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

#[test]
fn identity_policies_with_wrong_syntax_are_refused() {
    let good = allow("arn:aws:s3:::b");
    let wrong = [
        json!({"Version": "2013-10-17", "Statement": good}),
        json!({"Version": "2012-10-17"}),
        json!({"Version": "2012-10-17", "Statement": []}),
        json!({"Version": "2012-10-17", "Statement": ["afd"]}),
        json!({"Version": "2012-10-17", "Statement": good, "Extra": 1}),
        json!({"Version": "2012-10-17", "Statement": good, "Id": ["x"]}),
        json!({"Version": "2012-10-17", "Statement": good, "Id": {}}),
        json!({"Version": 2012, "Statement": good}),
        json!("text"),
        json!([good]),
    ];
    for document in &wrong {
        assert_eq!(refusal(Kind::Managed, document).message, SYNTAX, "{document}");
    }
    for text in ["", "This is not JSON", "{", "{}x", "\u{feff}{}", "null"] {
        let error = Document::parse(Kind::Managed, text).unwrap_err();
        assert_eq!((error.message.as_str(), error.fault), (SYNTAX, Fault::Malformed), "{text}");
    }
}

#[test]
fn statements_with_wrong_syntax_are_refused() {
    let wrong = [
        json!({"Action": "s3:ListBucket", "Resource": "*"}),
        json!({"Effect": "invalid", "Action": "s3:ListBucket", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Extra": "value"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": {"a": "*"}}),
        json!({"Effect": "Deny", "Action": "s3:ListBucket", "Resource": ["a", {}]}),
        json!({"Effect": "Deny", "Action": [[]], "Resource": "*"}),
        json!({"Effect": "Deny", "Action": {}, "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "NotAction": "s3:x", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "NotResource": []}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Sid": {}}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Sid": []}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": []}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": "a"}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": {"a": "b"}}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": {"x": {"a": "1"}}}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
               "Condition": {"DateGreaterThan": {"a": {}}}}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
               "Condition": {"ForAnyValue::StringEqualsIfExists": {"a": "asf"}}}),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
               "Condition": {"NullIfExists": {"a": "true"}}}),
    ];
    for statement in wrong {
        assert_eq!(statement_refusal(Kind::Managed, statement.clone()), SYNTAX, "{statement}");
    }
    let statement =
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEqual": {"a": "b"}}});
    let error = refusal(Kind::Managed, &json!({"Version": "2012-10-17", "Statement": statement}));
    assert_eq!(error.hint.as_deref(), Some("Invalid condition operator `StringEqual`."));
    assert_eq!(statement_refusal(Kind::Session, json!({"Effect": "Allow", "Action": "*", "Resource": [null]})), SYNTAX);
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*",
        "Effect": "Allow"}}"#;
    let error = Document::parse(Kind::Managed, text).unwrap_err();
    assert_eq!(error.message, SYNTAX);
    assert!(error.hint.unwrap().contains("`Effect` stands twice"));
}

#[test]
fn identity_policies_need_the_present_version_and_no_principal() {
    let version = "Policy document must be version 2012-10-17 or greater.";
    assert_eq!(refusal(Kind::Managed, &json!({"Statement": allow("*")})).message, version);
    assert_eq!(refusal(Kind::InlineRole, &json!({"Version": "2008-10-17", "Statement": allow("*")})).message, version);
    for kind in [Kind::Managed, Kind::InlineUser, Kind::InlineGroup, Kind::Session, Kind::ServiceControl] {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
        assert_eq!(statement_refusal(kind, statement), "Policy document should not specify a principal.");
    }
}

#[test]
fn actions_are_checked_in_iams_words() {
    let action = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    let vendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    assert_eq!(statement_refusal(Kind::Managed, action("s3GetObject")), vendor);
    assert_eq!(statement_refusal(Kind::Managed, action("")), vendor);
    assert_eq!(statement_refusal(Kind::Managed, json!({"Effect": "Allow", "Action": "invalid"})), vendor);
    assert_eq!(statement_refusal(Kind::Managed, action("a a:ListBucket")), "Vendor a a is not valid");
    assert_eq!(
        statement_refusal(Kind::Managed, action("s3:List:Bucket")),
        "Actions/Condition can contain only one colon."
    );
    let none = "Policy statement must contain actions.";
    assert_eq!(statement_refusal(Kind::Managed, json!({"Effect": "Allow", "Resource": "*"})), none);
    assert_eq!(statement_refusal(Kind::Managed, json!({"Effect": "Allow", "Action": [], "Resource": "*"})), none);
    assert_eq!(statement_refusal(Kind::Managed, json!([{"Effect": "Deny"}, allow("*")])), none);
}

#[test]
fn resources_are_checked_in_iams_words() {
    let none = "Policy statement must contain resources.";
    assert_eq!(statement_refusal(Kind::Managed, json!({"Effect": "Allow", "Action": "s3:ListBucket"})), none);
    assert_eq!(
        statement_refusal(Kind::Managed, json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": []})),
        none
    );
    let cases = [
        ("invalid resource", r#"Resource invalid resource must be in ARN format or "*"."#),
        ("", r#"Resource  must be in ARN format or "*"."#),
        ("x:aws:s3:::b", r#"Resource x:aws:s3:::b must be in ARN format or "*"."#),
        ("a:bsdfdsafsad", r#"Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*"."#),
        ("a:b:cadfsdf", r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#),
        ("a:b:c:d:e:f:g:h", r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#),
        ("aws:s3:::b", r#"Partition "s3" is not valid for resource "arn:s3:::b:*"."#),
        ("arn::s3:::b", r#"Partition "" is not valid for resource "arn::s3:::b"."#),
        ("arn:aws", "Resource vendor must be fully qualified and cannot contain regexes."),
        ("arn:aws:s3*:::b", "Resource vendor must be fully qualified and cannot contain regexes."),
        (
            "arn:aws:iam:us-east-1::user/x",
            "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information.",
        ),
        ("arn:aws:s3:us-east-1::b", "Resource arn:aws:s3:us-east-1::b can not contain region information."),
        ("arn:aws:s3::b", LEGACY),
        ("arn:aws::::b", LEGACY),
        ("arn:aws::b", LEGACY),
        ("arn:aws:s3::${aws:PrincipalAccount}:b", LEGACY),
    ];
    for (resource, message) in cases {
        assert_eq!(statement_refusal(Kind::Managed, allow(resource)), message, "{resource}");
    }
    assert_eq!(
        statement_refusal(Kind::Managed, allow("arn:aws:iam:::b")),
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
         instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
         access-report/."
    );
}

#[test]
fn faults_are_reported_in_iams_order() {
    let message = |statement: Value| statement_refusal(Kind::Managed, statement);
    assert_eq!(message(json!({"Effect": "denY", "Action": "s3:ListBucket", "Resource": "*"})), LEGACY);
    assert_eq!(message(json!({"Effect": "allow", "Resource": "arn:aws:s3:us-east-1::b"})), LEGACY);
    assert_eq!(message(json!({"Effect": "Allow", "Resource": "arn:aws:s3::b"})), LEGACY);
    let resource = r#"Resource sdfsadf must be in ARN format or "*"."#;
    assert_eq!(message(json!({"Effect": "Allow", "Action": "s:3:ListBucket", "Resource": "sdfsadf"})), resource);
    let unique = "Statement IDs (SID) in a single policy must be unique.";
    assert_eq!(
        message(
            json!([{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "a", "Effect": "Allow"}])
        ),
        unique
    );
    let undated = json!({"Effect": "Allow", "Condition": {"DateGreaterThan": {"a": "sdfdsf"}}});
    assert_eq!(message(undated.clone()), LEGACY);
    assert_eq!(
        refusal(Kind::Managed, &json!({"Statement": undated})).message,
        "Policy document must be version 2012-10-17 or greater."
    );
    let mut sid = allow("*");
    sid["Sid"] = json!("has spaces");
    assert!(message(sid).starts_with("Statement IDs (SID) must be alpha-numeric."));
}

#[test]
fn what_iam_takes_is_taken() {
    let resources = [
        "*",
        "arn:aws:s3:::b",
        "arn:aws:iam:::user/b",
        "arn:aws:s33:::b",
        "arn:aws:fdsasf",
        "arn:aws:ec2:us-east-1::b",
        "arn:aws:iam::*:user/${aws:username}",
        "arn:aws:dynamodb:*:*:table/MyTable",
        "arn:*:s3:::b",
        "arn:aws:*",
        "arn:aws:s3:us-east-1:111122223333:accesspoint/a",
        "arn:aws-cn:s3:::b",
    ];
    for resource in resources {
        one(Kind::Managed, allow(resource));
    }
    let conditions = [
        json!({}),
        json!({"DateGreaterThan": {}}),
        json!({"DateGreaterThan": {"a": []}}),
        json!({"DateGreaterThan": {"a": "01T"}}),
        json!({"DateLessThan": {"a": "-292275054"}}),
        json!({"DateLessThanEquals": {"a": "2016-12-13t2:00:00.593194+23"}}),
        json!({"x": {}, "y": {}}),
        json!({"ForAnyValue:StringEqualsIfExists": {"a": "asf"}}),
        json!({"NumericLessThan": {"a": 10}, "Bool": {"b": [true, "false"]}}),
    ];
    for condition in conditions {
        let statement = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition});
        let document = one(Kind::Managed, statement);
        assert_eq!(Document::parse(Kind::Managed, document.to_string()), Ok(document));
    }
    for action in ["*", "iam: asdf safdsf af ", "s3-s:x", "s3.s:x", "aaaaaadsfdsafsadfsadfaaaaa:ListBucket"] {
        one(Kind::Managed, json!({"Effect": "Allow", "NotAction": action, "NotResource": "*"}));
    }
    one(Kind::Managed, json!([allow("*"), {"Sid": "", "Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]));
}

#[test]
fn trust_policies_are_checked_in_iams_words() {
    let trust = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    let refuse = |statement: Value| statement_refusal(Kind::Trust, statement);
    let service = json!({"Service": "bedrock.amazonaws.com"});
    let mut with_resource = trust(service.clone());
    with_resource["Resource"] = json!("*");
    assert_eq!(refuse(with_resource), "Has prohibited field Resource");
    assert_eq!(refuse(json!({"Effect": "Allow", "Action": "sts:AssumeRole"})), "Missing required field Principal");
    assert_eq!(refuse(trust(json!({}))), "Missing required field Principal cannot be empty!");
    assert_eq!(refuse(trust(json!({"AWS": []}))), "Missing required field Principal cannot be empty!");
    assert_eq!(refuse(json!({"Effect": "Allow", "Principal": service})), "Missing required field Action");
    assert_eq!(refuse(json!({"Principal": service, "Action": "sts:AssumeRole"})), "Missing required field Effect");
    let only_sts = "AssumeRole policy may only specify STS AssumeRole actions.";
    for action in ["*", "s3:GetObject", "sts:GetCallerIdentity"] {
        assert_eq!(refuse(json!({"Effect": "Allow", "Principal": service, "Action": action})), only_sts);
    }
    one(Kind::Trust, json!({"Effect": "Allow", "Principal": service, "Action": ["sts:Assume*", "sts:TagSession"]}));
    assert_eq!(
        refuse(json!({"Effect": "Deny", "NotPrincipal": service, "Action": "sts:AssumeRole"})),
        "AssumeRole policy must not contain NotPrincipal field."
    );
    assert_eq!(
        refuse(trust(json!({"Federated": "cognito-identity.amazonaws.com"}))),
        "A condition block must be present for the Cognito provider"
    );
    assert_eq!(refuse(trust(json!({"Group": "x"}))), r#"Invalid principal in policy: "Group""#);
    assert_eq!(refuse(trust(json!({"Service": "x"}))), r#"Invalid principal in policy: "SERVICE":"x""#);
    assert_eq!(Document::parse(Kind::Trust, "{").unwrap_err().message, "This policy contains invalid Json");
    assert_eq!(
        refusal(Kind::Trust, &json!({"Statement": []})).message,
        "Could not parse the policy: Statement is empty!"
    );
}

#[test]
fn principals_that_are_none_are_refused_with_what_was_meant() {
    let refuse = |name: &str| {
        let statement = json!({"Effect": "Allow", "Principal": {"AWS": name}, "Action": "sts:AssumeRole"});
        let error = refusal(Kind::Trust, &json!({"Version": "2012-10-17", "Statement": statement}));
        assert_eq!(error.message, format!("Invalid principal in policy: \"AWS\":\"{name}\""));
        error.hint.unwrap_or_default()
    };
    let hint = refuse("arn:aws:sts::777788889999:role/current-user-role");
    assert_eq!(hint, "Users and roles belong to `iam`: `arn:aws:iam::777788889999:role/current-user-role`.");
    assert!(
        refuse("arn:aws:iam::777788889999:assumed-role/r/s").contains("arn:aws:sts::777788889999:assumed-role/r/s")
    );
    assert!(refuse("arn:aws:iam::777788889999:group/g").contains("group"));
    for name in [
        "ada",
        "12345678910",
        "arn:aws:iam::12345678910:role/r",
        "arn:aws:iam::777788889999:role/*",
        "arn:aws:iam::777788889999:user/",
        "arn:aws:iam:us-east-1:777788889999:user/u",
        "arn:aws:s3:::bucket",
        "arn:x:iam::777788889999:root",
        "arn:aws:sts::777788889999:assumed-role/r",
        "",
        "arn:aws:iam::*:root",
        "arn:aws:iam::777788889999:role/a b",
        "AIDA",
    ] {
        refuse(name);
    }
}

#[test]
fn principals_of_every_form_are_taken() {
    let names = json!([
        "*",
        "777788889999",
        "arn:aws:iam::777788889999:root",
        "arn:aws:iam::777788889999:user/path/ada",
        "arn:aws:iam::777788889999:role/r",
        "arn:aws:sts::777788889999:assumed-role/r/s",
        "AROAEXAMPLEEXAMPLE12",
        "arn:aws:sts::777788889999:federated-user/f",
        "arn:aws-us-gov:iam::777788889999:root",
    ]);
    let canonical = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    let principal = json!({
        "AWS": names, "CanonicalUser": canonical, "Service": ["bedrock.amazonaws.com"],
        "Federated": ["accounts.google.com", "arn:aws:iam::777788889999:saml-provider/p"],
    });
    let document =
        one(Kind::Bucket, json!({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}));
    let principals = document.statements()[0].principals().unwrap();
    assert_eq!(principals.aws().count(), 9);
    assert_eq!(principals.names().count(), 13);
}

#[test]
fn policies_of_resources_are_checked_in_their_words() {
    let get = |name: &str, value: Value| {
        let mut statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
        statement[name] = value;
        statement_refusal(Kind::Bucket, statement)
    };
    assert_eq!(get("Action", json!("s3GetObject")), "Policy has invalid action");
    assert_eq!(get("Action", json!("ec2:RunInstances")), "Policy has invalid action");
    assert_eq!(get("Resource", json!("bucket")), "Policy has invalid resource");
    assert_eq!(get("Resource", json!("arn:aws:s3::${a}:b")), "Policy has invalid resource");
    assert_eq!(get("Resource", json!([])), "Missing required field Resource cannot be empty!");
    assert_eq!(get("Principal", json!({"AWS": "ada"})), "Invalid principal in policy");
    assert_eq!(get("Principal", json!("ada")), "Invalid principal in policy");
    assert_eq!(get("Effect", json!("allow")), "Invalid effect: allow");
    assert_eq!(get("Effect", json!("x")), "Invalid effect: x");
    assert_eq!(get("Condition", json!({"StringEqual": {"a": "b"}})), "Invalid Condition type : StringEqual");
    assert_eq!(get("Foo", json!("x")), "Unknown field Foo");
    let base = json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*"});
    assert_eq!(statement_refusal(Kind::Key, base), "Missing required field Principal");
    assert_eq!(
        statement_refusal(Kind::Key, json!({"Effect": "Allow", "Principal": "*", "Action": "kms:*"})),
        "Missing required field Resource"
    );
    assert_eq!(
        statement_refusal(
            Kind::Key,
            json!({"Effect": "Allow", "Principal": {"AWS": "x"}, "Action": "kms:*",
            "Resource": "*"})
        ),
        "Policy contains a statement with one or more invalid principals."
    );
    assert_eq!(
        statement_refusal(
            Kind::Bucket,
            json!({"Effect": "Allow", "NotPrincipal": "*", "Action": "s3:*",
            "Resource": "*"})
        ),
        "Allow with NotPrincipal is not allowed."
    );
    assert!(Document::parse(Kind::Bucket, "[]").unwrap_err().message.starts_with("Policies must be valid JSON"));
    let sid = |sid: &str| json!({"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"});
    one(Kind::Key, json!([sid("Enable IAM User Permissions")]));
    assert_eq!(
        statement_refusal(Kind::Key, json!([sid("a"), sid("a")])),
        "The Statement Ids in the policy are not unique"
    );
}

#[test]
fn documents_are_refused_over_their_quota_which_counts_as_the_kind_does() {
    let of_size = |kind: Kind, size: usize, padding: &str| {
        let principal = if kind.is_identity_based() { "" } else { r#""Principal":"*","# };
        let action = if kind == Kind::Trust { "sts:AssumeRole" } else { "s3:*" };
        let resource = if kind == Kind::Trust { "" } else { r#","Resource":"*""# };
        let start = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{principal}"Action":"{action}"{resource}}}],"Id":""#
        );
        let text = format!("{start}{}\"}}{padding}", "x".repeat(size - start.len() - 2));
        assert_eq!(kind.size(text.trim()), size);
        Document::parse(kind, text)
    };
    let kinds = [
        (Kind::Managed, 6_144),
        (Kind::InlineUser, 2_048),
        (Kind::InlineGroup, 5_120),
        (Kind::InlineRole, 10_240),
        (Kind::Session, 2_048),
        (Kind::Trust, 2_048),
        (Kind::ServiceControl, 5_120),
        (Kind::Bucket, 20_480),
        (Kind::Key, 32_768),
        (Kind::Secret, 20_480),
        (Kind::Resource, 20_480),
    ];
    for (kind, most) in kinds {
        assert_eq!(kind.quota(), most);
        of_size(kind, most, "").unwrap();
        assert_eq!(of_size(kind, most + 1, "").unwrap_err().fault, Fault::TooLarge, "{kind:?}");
    }
    of_size(Kind::Managed, 6_144, &" \n".repeat(1_000)).unwrap();
    assert_eq!(of_size(Kind::Bucket, 20_480, " ").unwrap_err().fault, Fault::TooLarge);
    let long = of_size(Kind::Managed, 6_144, &" ".repeat(130_000)).unwrap_err();
    assert_eq!(long.message, "Cannot exceed quota for PolicySize: 6144");
    assert_eq!(of_size(Kind::Trust, 2_049, "").unwrap_err().message, "Cannot exceed quota for ACLSizePerRole: 2048");
}

#[test]
fn huge_and_deep_texts_are_refused_without_being_followed() {
    for kind in [Kind::Managed, Kind::Trust, Kind::Bucket] {
        assert_eq!(Document::parse(kind, "x".repeat(1 << 20)).unwrap_err().fault, Fault::TooLarge);
        for open in ["[", "{\"Statement\":", "{\"Condition\":[", "{\"a\":{"] {
            let error = Document::parse(kind, open.repeat(1_000)).unwrap_err();
            assert_eq!(error.fault, Fault::Malformed, "{open}");
        }
    }
    Document::parse(Kind::Key, [0xff, 0xfe]).unwrap_err();
}

#[test]
fn a_refusal_becomes_an_error_with_its_hint() {
    let error = base::Error::from(Document::parse(Kind::Managed, "{").unwrap_err());
    assert_eq!((error.kind, error.message.as_str()), (base::ErrorKind::Invalid, SYNTAX));
    assert!(error.hint.unwrap().starts_with("The policy is not a JSON object"));
}
