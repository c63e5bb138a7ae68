//! The policies that a cross-account import needs: which side sets which, as AWS's walk-through has them.

mod commands;

use base::{AccountId, Arn, Error, Result};
use identity::Ctx;
use identity::kms::KeyRef;
use serde_json::{Value, json};

use self::commands::quote;
use super::job::role_name;
use super::location::Location;
use crate::Models;

/// What an import is to be allowed.
#[derive(Debug, Clone)]
pub struct ImportSides {
    /// The role that imports.
    pub role_arn: String,
    /// Where the checkpoint lies.
    pub source_uri: String,
    /// Whose bucket that is.
    pub source_account: AccountId,
    /// The key that the checkpoint is encrypted under, as an ARN.
    pub source_key: Option<String>,
    /// The key that the model is to be encrypted under, as an ARN.
    pub kms_key: Option<String>,
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The account of the checkpoint.
    Source,
    /// The account that imports.
    Host,
}

/// One policy that has to be set.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportPolicy {
    /// The account that sets it.
    pub account: AccountId,
    /// Which side that is.
    pub side: Side,
    /// The step of the walk-through, from 1 to 5.
    pub step: u8,
    /// `bucket-policy`, `trust-policy`, `role-policy` or `key-policy-statement`.
    pub kind: &'static str,
    /// What it does.
    pub title: String,
    /// What it is set on.
    pub resource: String,
    /// The document; for a key, the statement that its policy needs.
    pub document: Value,
    /// The command lines that set it, with the AWS CLI and jq. What a bucket, a key or a role allows already stays.
    pub command: String,
}

impl Models {
    /// The policies of each side. Reads nothing.
    ///
    /// # Errors
    /// Invalid, where an ARN or URI is malformed.
    pub fn import_policies(&self, ctx: &Ctx, sides: &ImportSides) -> Result<Vec<ImportPolicy>> {
        let location = Location::parse(&sides.source_uri)?;
        let name = quote(&role_name(ctx, &sides.role_arn)?);
        let host = ctx.account().clone();
        let policy = |side, step, kind, title: String, resource: String, document, command: String| ImportPolicy {
            account: if side == Side::Source { sides.source_account.clone() } else { host.clone() },
            side,
            step,
            kind,
            title,
            resource,
            document,
            command,
        };
        let (bucket, role) = (&location.bucket, &sides.role_arn);
        let (reading, trust) = (bucket_policy(&location, &host, role), trust_policy(ctx));
        let mut policies = vec![
            policy(
                Side::Source,
                1,
                "bucket-policy",
                format!("Let the role read the bucket {bucket}"),
                format!("arn:aws:s3:::{bucket}"),
                reading.clone(),
                commands::bucket_policy(bucket, &reading),
            ),
            policy(
                Side::Host,
                2,
                "trust-policy",
                "Let Amazon Bedrock assume the role for import jobs of this account".to_owned(),
                role.clone(),
                trust.clone(),
                commands::trust_policy(role, &name, &trust),
            ),
        ];
        let mut statements = vec![read_statement(&location, &sides.source_account)];
        if let Some(key) = &sides.source_key {
            let place = key_place(key)?;
            let statement = key_statement("Allow use of the key by the destination account", role, READ_KEY);
            statements.push(json!({"Effect": "Allow", "Action": READ_KEY, "Resource": key}));
            policies.push(policy(
                Side::Source,
                3,
                "key-policy-statement",
                "Let the role decrypt the checkpoint".to_owned(),
                key.clone(),
                statement.clone(),
                commands::key_policy(&place, &statement),
            ));
        }
        if let Some(key) = &sides.kms_key {
            let place = key_place(key)?;
            let statement = key_statement("Allow use of the key", role, USE_KEY);
            statements.push(json!({"Effect": "Allow", "Action": USE_KEY, "Resource": key}));
            policies.push(policy(
                Side::Host,
                4,
                "key-policy-statement",
                "Let the role encrypt and decrypt the imported model".to_owned(),
                key.clone(),
                statement.clone(),
                commands::key_policy(&place, &statement),
            ));
        }
        let step = if statements.len() > 1 { 5 } else { 2 };
        let rights = json!({"Version": "2012-10-17", "Statement": statements});
        policies.push(policy(
            Side::Host,
            step,
            "role-policy",
            "Let the role read the checkpoint and use the keys".to_owned(),
            role.clone(),
            rights.clone(),
            commands::role_policy(&name, &rights),
        ));
        policies.sort_by_key(|policy| policy.step);
        Ok(policies)
    }
}

const READ: &[&str] = &["s3:ListBucket", "s3:GetObject"];
const READ_KEY: &[&str] = &["kms:Decrypt", "kms:DescribeKey"];
const USE_KEY: &[&str] = &["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];

fn bucket_policy(location: &Location, host: &AccountId, role: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Id": "AllowCrossAccountS3Access",
        "Statement": [{
            "Sid": "cross-account-list-get",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{host}:root")},
            "Action": READ,
            "Resource": resources(location),
            "Condition": {"ArnLike": {"aws:PrincipalArn": role}},
        }],
    })
}

fn read_statement(location: &Location, source: &AccountId) -> Value {
    json!({
        "Sid": "1",
        "Effect": "Allow",
        "Action": READ,
        "Resource": resources(location),
        "Condition": {"StringEquals": {"aws:ResourceAccount": source.as_str()}},
    })
}

fn trust_policy(ctx: &Ctx) -> Value {
    let (account, region) = (ctx.account(), ctx.region());
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "1",
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account.as_str()},
                "ArnEquals": {"aws:SourceArn": format!("arn:aws:bedrock:{region}:{account}:model-import-job/*")},
            },
        }],
    })
}

fn key_statement(sid: &str, role: &str, actions: &[&str]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": role}, "Action": actions, "Resource": "*"})
}

/// The bucket, and what lies in the folder.
fn resources(location: &Location) -> [String; 2] {
    let bucket = format!("arn:aws:s3:::{}", location.bucket);
    [bucket.clone(), format!("{bucket}/{}*", literal(&location.prefix))]
}

/// Text as a policy's resource has it where it stands for itself alone.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => out.extend(['$', '{', c, '}']),
            _ => out.push(c),
        }
    }
    out
}

/// Where a key that is given by its ARN is found, as the AWS CLI takes it.
fn key_place(key: &str) -> Result<String> {
    KeyRef::parse(key).map_err(Error::from)?;
    let arn: Option<Arn> = key.parse().ok().filter(|arn: &Arn| arn.resource_type() == Some("key"));
    let place = arn.map(|arn| format!("--region {} --key-id {}", quote(&arn.region), quote(arn.resource_id())));
    place.ok_or_else(|| {
        Error::invalid(format!("`{key}` is not the ARN of a key."))
            .with_hint("It looks like `arn:aws:kms:us-east-1:111122223333:key/ID`.")
    })
}

#[cfg(test)]
#[path = "policies_tests.rs"]
mod tests;
