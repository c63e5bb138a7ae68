//! Command lines that set a policy and keep what is there: what is in force is read, the statements are added to it, and the
//! whole is put. Where reading fails nothing is put, and doing it twice is doing it once.

use base::Arn;
use serde_json::Value;

/// A policy that jq reads, with the statements `$new` once.
const ADD: &str = "'.Statement = ([.Statement] | flatten) - $new + $new'";

/// Adds to a bucket's policy, which it may not have yet.
pub(super) fn bucket_policy(bucket: &str, document: &Value) -> String {
    let empty = r#"{"Version": "2012-10-17", "Statement": []}"#;
    format!(
        "present=$(aws s3api get-bucket-policy --bucket {bucket} --query Policy --output text 2>&1) \
         || case $present in *NoSuchBucketPolicy*) present='{empty}';; esac\n\
         policy=$(printf %s \"$present\" | {})\n\
         aws s3api put-bucket-policy --bucket {bucket} --policy \"$policy\"",
        add(&document["Statement"])
    )
}

/// Adds to a key's policy; `place` is the key's region and id as options.
pub(super) fn key_policy(place: &str, statement: &Value) -> String {
    format!(
        "policy=$(aws kms get-key-policy {place} --policy-name default --query Policy --output text | {})\n\
         aws kms put-key-policy {place} --policy-name default --policy \"$policy\"",
        add(&Value::from(vec![statement.clone()]))
    )
}

/// Makes the role where there is none, and adds to its trust policy. `name` is quoted.
pub(super) fn trust_policy(role: &str, name: &str, document: &Value) -> String {
    let path = role.parse::<Arn>().ok().and_then(|arn| Some(arn.resource_id().rsplit_once('/')?.0.to_owned()));
    let path = path.map_or_else(String::new, |path| format!(" --path {}", quote(&format!("/{path}/"))));
    format!(
        "aws iam get-role --role-name {name} > /dev/null 2>&1 \
         || aws iam create-role --role-name {name}{path} --assume-role-policy-document {}\n\
         policy=$(aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument --output json | {})\n\
         aws iam update-assume-role-policy --role-name {name} --policy-document \"$policy\"",
        quote(&document.to_string()),
        add(&document["Statement"])
    )
}

/// Sets the role's policy for imports, which is one beside its others. `name` is quoted.
pub(super) fn role_policy(name: &str, document: &Value) -> String {
    format!(
        "aws iam put-role-policy --role-name {name} --policy-name BedrockModelImport --policy-document {}",
        quote(&document.to_string())
    )
}

fn add(statements: &Value) -> String {
    format!("jq -c --argjson new {} {ADD}", quote(&statements.to_string()))
}

/// One word of a shell.
pub(super) fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
