//! Actions, resources and policy variables.

use super::*;

fn action_matches(pattern: &str, action: &str) -> bool {
    matches(
        json!({"Effect": "Allow", "Action": pattern, "Resource": "*"}),
        &Request::builder(ada(), action, "arn:aws:s3:::bucket/key").build(),
    )
}

fn resource_matches(pattern: &str, resource: &str) -> bool {
    let request = Request::builder(ada(), "s3:GetObject", resource).build();
    matches(json!({"Effect": "Allow", "Action": "*", "Resource": pattern}), &request)
}

#[test]
fn actions_match_without_regard_to_case_and_with_wildcards() {
    assert!(action_matches("S3:getobject", "s3:GetObject"));
    assert!(action_matches("s3:*", "s3:GetObject") && !action_matches("s3:*", "s3x:GetObject"));
    assert!(action_matches("s3:Get*", "s3:GetObject") && !action_matches("s3:Get*", "s3:PutObject"));
    assert!(action_matches("s3:*Object", "s3:GetObject") && !action_matches("s3:*Object", "s3:GetObjectAcl"));
    assert!(action_matches("s3:?etObject", "s3:GetObject") && !action_matches("s3:?GetObject", "s3:GetObject"));
    assert!(action_matches("*", "kms:Decrypt") && action_matches("*:*", "kms:Decrypt"));
    assert!(action_matches("iam:*AccessKey*", "iam:CreateAccessKey"));
    assert!(!action_matches("s3:GetObject", "s3:GetObjectAcl") && !action_matches("s3:GetObjectAcl", "s3:GetObject"));
}

#[test]
fn not_action_and_not_resource_are_complements() {
    let request = get_object().build();
    let statement =
        |action: &str, resource: &str| json!({"Effect": "Deny", "NotAction": action, "NotResource": resource});
    assert!(matches(statement("s3:Put*", "arn:aws:s3:::other/*"), &request));
    assert_eq!(outcome(statement("s3:Get*", "arn:aws:s3:::other/*"), &request), Outcome::OtherAction);
    assert_eq!(outcome(statement("s3:Put*", "arn:aws:s3:::bucket/*"), &request), Outcome::OtherResource);
}

#[test]
fn a_star_crosses_slashes_and_colons_in_the_resource_but_no_earlier_field() {
    assert!(resource_matches("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b/c"));
    assert!(resource_matches("arn:aws:logs:*:*:log-group:*", "arn:aws:logs:us-east-1:1:log-group:g:log-stream:s"));
    assert!(!resource_matches("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket"));
    assert!(resource_matches("arn:aws:s3:::bucket*", "arn:aws:s3:::bucket"));
    assert!(resource_matches("arn:aws:sns:*:1:topic", "arn:aws:sns:eu-west-1:1:topic"));
    assert!(!resource_matches("arn:aws:sns:*:topic", "arn:aws:sns:eu-west-1:1:topic"));
    assert!(!resource_matches("arn:aws:sns:*:2:x:y", "arn:aws:sns:eu-west-1:1:z:2:x:y"));
    assert!(resource_matches("arn:aws:s3:::b?cket/k*y", "arn:aws:s3:::bucket/key"));
    assert!(resource_matches("arn:aws:sqs", "arn:aws:sqs:us-east-1:1:queue"));
    assert!(!resource_matches("arn:aws:s3:::Bucket/key", "arn:aws:s3:::bucket/key"), "case counts");
    assert!(!resource_matches("arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/keys"));
}

#[test]
fn an_action_on_no_particular_resource_is_matched_by_a_star_only() {
    assert!(resource_matches("*", "*"));
    assert!(!resource_matches("arn:aws:s3:::*", "*"));
    assert!(!resource_matches("arn:aws:*", "*"));
}

#[test]
fn wildcards_match_whole_characters() {
    assert!(resource_matches("arn:aws:s3:::b/?", "arn:aws:s3:::b/é"));
    assert!(resource_matches("arn:aws:s3:::b/*?ü", "arn:aws:s3:::b/äöü"));
    assert!(!resource_matches("arn:aws:s3:::b/??", "arn:aws:s3:::b/é"));
}

#[test]
fn many_stars_take_no_exponential_time() {
    let pattern = format!("arn:aws:s3:::{}b", "a*".repeat(400));
    assert!(!resource_matches(&pattern, &format!("arn:aws:s3:::{}", "a".repeat(4_000))));
}

#[test]
fn variables_stand_for_the_requests_values() {
    assert!(resource_matches("arn:aws:s3:::${aws:username}/key", "arn:aws:s3:::ada/key"));
    assert!(resource_matches("arn:aws:s3:::x/${AWS:UserName}*", "arn:aws:s3:::x/ada/1"));
    assert!(resource_matches("arn:aws:s3:::x/${aws:PrincipalTag/team}", "arn:aws:s3:::x/red"));
    assert!(!resource_matches("arn:aws:s3:::x/${aws:username}", "arn:aws:s3:::x/bob"));
    assert!(resource_matches("arn:aws:s3:::x/${s3:prefix, 'none'}", "arn:aws:s3:::x/none"));
    assert!(resource_matches("arn:aws:s3:::x/${s3:prefix, 'a}b'}c", "arn:aws:s3:::x/a}bc"));
    assert!(resource_matches("arn:aws:s3:::x/${aws:username, 'none'}", "arn:aws:s3:::x/ada"));
}

#[test]
fn special_variables_stand_for_the_characters_themselves() {
    assert!(resource_matches("arn:aws:s3:::x/${*}", "arn:aws:s3:::x/*"));
    assert!(!resource_matches("arn:aws:s3:::x/${*}", "arn:aws:s3:::x/y"));
    assert!(resource_matches("arn:aws:s3:::x/${?}${$}{a}", "arn:aws:s3:::x/?${a}"));
    assert!(resource_matches("arn:aws:s3:::x/$a${", "arn:aws:s3:::x/$a${"), "what is no variable stands for itself");
}

#[test]
fn wildcards_in_a_value_are_no_wildcards() {
    let request = Request::builder(user(OWN, "*"), "s3:GetObject", "arn:aws:s3:::x/bob").build();
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::x/${aws:username}"});
    assert!(!matches(statement, &request));
}

#[test]
fn a_statement_with_a_variable_without_a_value_matches_nothing() {
    let missing = Outcome::MissingVariable("aws:username".into());
    let request = Request::builder(session(OWN), "s3:GetObject", "arn:aws:s3:::x/public").build();
    let resources = json!(["arn:aws:s3:::x/${aws:username}", "arn:aws:s3:::x/public"]);
    for effect in ["Allow", "Deny"] {
        let statement = json!({"Effect": effect, "Action": "*", "Resource": resources});
        assert_eq!(outcome(statement, &request), missing);
        let statement = json!({"Effect": effect, "Action": "*", "Resource": "*",
            "Condition": {"StringNotEquals": {"s3:prefix": "${aws:username}"}}});
        assert_eq!(outcome(statement, &request), missing);
        let statement = json!({"Effect": effect, "Action": "*", "NotResource": "arn:aws:s3:::x/${aws:username}"});
        assert_eq!(outcome(statement, &request), missing);
    }
    let if_exists = json!({"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEqualsIfExists": {"s3:prefix": "${aws:username}"}}});
    assert!(matches(if_exists, &request), "a missing key behind IfExists needs no value");
    let several = get_object().keys("aws:TagKeys", vec!["a".into(), "b".into()]).build();
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::x/${aws:TagKeys}"});
    assert_eq!(outcome(statement, &several), Outcome::MissingVariable("aws:tagkeys".into()));
}

#[test]
fn the_first_version_of_the_language_knows_no_variables() {
    let statement =
        json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::x/${aws:username}"});
    for (version, key, allowed) in [
        (Some("2008-10-17"), "${aws:username}", true),
        (Some("2008-10-17"), "ada", false),
        (None, "${aws:username}", true),
        (Some("2012-10-17"), "ada", true),
        (Some("2012-10-17"), "${aws:username}", false),
    ] {
        let mut document = json!({"Statement": statement});
        if let Some(version) = version {
            document["Version"] = json!(version);
        }
        let policies =
            Policies { resource: Some(attached("bucket", parse(Kind::Bucket, &document))), ..Policies::default() };
        let request = Request::builder(ada(), "s3:GetObject", format!("arn:aws:s3:::x/{key}")).build();
        assert_eq!(decide(&request, &policies).allowed, allowed, "{version:?} {key}");
    }
}

#[test]
fn a_document_tells_which_keys_it_asks_for() {
    let document = one(
        Kind::Managed,
        json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::x/${aws:username}",
            "Condition": {"StringLike": {"s3:prefix": ["${aws:PrincipalTag/Team}/*"]},
                          "Bool": {"aws:SecureTransport": "true"}}}),
    );
    let keys: Vec<_> = document.context_keys().into_iter().map(|key| key.to_string()).collect();
    assert_eq!(keys, ["aws:SecureTransport", "aws:principaltag/team", "aws:username", "s3:prefix"]);
}
