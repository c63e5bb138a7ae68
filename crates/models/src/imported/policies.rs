//! The policies that a cross-account import needs: which side sets which, as AWS's walk-through has them.

use base::{AccountId, Arn, Error, Result};
use identity::Ctx;
use identity::kms::KeyRef;
use serde_json::{Value, json};

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
    /// The command that sets it, where one does.
    pub command: String,
}

impl Models {
    /// The policies of each side. Reads nothing.
    ///
    /// # Errors
    /// Invalid, where an ARN or URI is malformed.
    pub fn import_policies(&self, ctx: &Ctx, sides: &ImportSides) -> Result<Vec<ImportPolicy>> {
        let location = Location::parse(&sides.source_uri)?;
        let name = role_name(ctx, &sides.role_arn)?;
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
        let mut policies = vec![
            policy(
                Side::Source,
                1,
                "bucket-policy",
                format!("Let the role read the bucket {bucket}"),
                format!("arn:aws:s3:::{bucket}"),
                bucket_policy(&location, &host, role),
                format!("aws s3api put-bucket-policy --bucket {bucket} --policy file://bucket-policy.json"),
            ),
            policy(
                Side::Host,
                2,
                "trust-policy",
                "Let Amazon Bedrock assume the role for import jobs of this account".to_owned(),
                role.clone(),
                trust_policy(ctx),
                format!(
                    "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust-policy.json"
                ),
            ),
        ];
        let mut statements = vec![read_statement(&location, &sides.source_account)];
        if let Some(key) = &sides.source_key {
            let id = key_id(key)?;
            statements.push(json!({"Effect": "Allow", "Action": READ_KEY, "Resource": key}));
            policies.push(policy(
                Side::Source,
                3,
                "key-policy-statement",
                "Let the role decrypt the checkpoint".to_owned(),
                key.clone(),
                key_statement("Allow use of the key by the destination account", role, READ_KEY),
                put_key_policy(&id),
            ));
        }
        if let Some(key) = &sides.kms_key {
            let id = key_id(key)?;
            statements.push(json!({"Effect": "Allow", "Action": USE_KEY, "Resource": key}));
            policies.push(policy(
                Side::Host,
                4,
                "key-policy-statement",
                "Let the role encrypt and decrypt the imported model".to_owned(),
                key.clone(),
                key_statement("Allow use of the key", role, USE_KEY),
                put_key_policy(&id),
            ));
        }
        let step = if statements.len() > 1 { 5 } else { 2 };
        policies.push(policy(
            Side::Host,
            step,
            "role-policy",
            "Let the role read the checkpoint and use the keys".to_owned(),
            role.clone(),
            json!({"Version": "2012-10-17", "Statement": statements}),
            format!(
                "aws iam put-role-policy --role-name {name} --policy-name BedrockModelImport \
                 --policy-document file://role-policy.json"
            ),
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
    [bucket.clone(), format!("{bucket}/{}*", location.prefix)]
}

fn put_key_policy(id: &str) -> String {
    format!("aws kms put-key-policy --key-id {id} --policy-name default --policy file://key-policy.json")
}

/// The id of a key that is given by its ARN.
fn key_id(key: &str) -> Result<String> {
    KeyRef::parse(key).map_err(Error::from)?;
    let arn: Option<Arn> = key.parse().ok().filter(|arn: &Arn| arn.resource_type() == Some("key"));
    arn.map(|arn| arn.resource_id().to_owned()).ok_or_else(|| {
        Error::invalid(format!("`{key}` is not the ARN of a key."))
            .with_hint("It looks like `arn:aws:kms:us-east-1:111122223333:key/ID`.")
    })
}
