use ::store::testing::each_backend;

use super::*;
use crate::policy::Kind;

/// The findings as `LINE:COLUMN error|warning MESSAGE HINT`.
async fn findings(d: &Deployment, kind: Kind, text: &str) -> Vec<String> {
    let found = d.identity.check_policy(&d.ctx, kind, text).await.unwrap();
    let line = |finding: PolicyFinding| {
        let at = finding.position.map_or_else(|| "-".to_owned(), |at| format!("{}:{}", at.line, at.column));
        let severity = if finding.refused { "error" } else { "warning" };
        format!("{at} {severity} {} {}", finding.message, finding.hint.unwrap_or_default())
    };
    found.into_iter().map(line).collect()
}

fn policy(statement: &str) -> String {
    format!("{{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  {statement}]}}")
}

#[tokio::test]
async fn a_refusal_is_told_with_its_place() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        for (kind, text, expected) in [
            (
                Kind::Managed,
                policy(r#"{"Effect": "Allow", "Action": ["s3:GetObject", "GetObject"], "Resource": "*"}"#),
                "3:50 error Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. `GetObject` has \
                 no colon; actions look like `s3:GetObject`.",
            ),
            (
                Kind::Managed,
                "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [,]\n}".to_owned(),
                "3:17 error Syntax errors in policy. The policy is not a JSON object: expected value.",
            ),
            (
                Kind::ServiceControl,
                policy(r#"{"Effect": "Deny", "Action": "*"}"#),
                "3:3 error Policy statement must contain resources. ",
            ),
            (
                Kind::Trust,
                policy(
                    r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:sts::111122223333:role/x"}, "Action": "sts:AssumeRole"}"#,
                ),
                "3:44 error Invalid principal in policy: \"AWS\":\"arn:aws:sts::111122223333:role/x\" Users and roles \
                 belong to `iam`: `arn:aws:iam::111122223333:role/x`.",
            ),
            (
                Kind::Key,
                policy(
                    r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:user/x"}, "Action": "kms:*", "Resource": "*"}"#,
                ),
                "3:44 error Invalid principal in policy: \"AWS\":\"arn:aws:iam::999999999999:user/x\" There is no \
                 account `999999999999` here, so nothing in it can be named but the account itself.",
            ),
        ] {
            assert_eq!(findings(&d, kind, &text).await, [expected], "{text}");
        }
        let bucket = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}"#;
        assert_eq!(
            findings(&d, Kind::Bucket, &policy(bucket)).await,
            ["3:51 error Action does not apply to any resource(s) in statement `s3:GetObject` is about objects: add \
              `arn:aws:s3:::b/*`."]
        );
        let long = policy(&format!(r#"{{"Effect": "Allow", "Action": "{}", "Resource": "*"}}"#, "a".repeat(6_144)));
        let refused = d.identity.check_policy(&d.ctx, Kind::Managed, &long).await.unwrap();
        assert_eq!(refused[0].code, Some("LimitExceeded"));
    })
    .await;
}

#[tokio::test]
async fn what_was_hardly_meant_is_warned_of_and_not_refused() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let good = r#"{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}"#;
        assert_eq!(findings(&d, Kind::Managed, &policy(good)).await, [""; 0]);
        let everything = r#"{"Effect": "Allow", "Action": ["s3:GetObject", "s3:*"], "Resource": "arn:aws:s3:::b*"}"#;
        assert_eq!(findings(&d, Kind::Managed, &policy(everything)).await, [""; 0]);
        for (statement, expected) in [
            (
                r#"{"Effect": "Allow", "Action": "s3:GetObjcet", "Resource": "*"}"#,
                "3:33 warning `s3:GetObjcet` is no action that is known here. Did you mean `s3:GetObject`?",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}"#,
                "3:33 warning `s3:GetObject` applies to none of the statement's resources, so the statement says \
                 nothing of it. `s3:GetObject` is about objects: add `arn:aws:s3:::b/*`.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/*"}"#,
                "3:33 warning `s3:ListBucket` applies to none of the statement's resources, so the statement says \
                 nothing of it. `s3:ListBucket` is about buckets: add `arn:aws:s3:::b`.",
            ),
        ] {
            assert_eq!(findings(&d, Kind::Managed, &policy(statement)).await, [expected]);
        }
        let old = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/${aws:username}/*"}}"#;
        assert_eq!(
            findings(&d, Kind::Bucket, old).await,
            ["2:25 warning `arn:aws:s3:::b/${aws:username}/*` is plain text here: policies without the present version \
              have no variables. Add `\"Version\": \"2012-10-17\"`."]
        );
    })
    .await;
}
