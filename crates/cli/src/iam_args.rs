//! The arguments of `craton iam`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// `craton iam`.
#[derive(Debug, Subcommand)]
pub enum Iam {
    /// Show why a request was denied, and the smallest change of policies that allows it
    ///
    /// The request's id stands in the answer's header x-amzn-requestid (of S3: x-amz-request-id). In place of it a token can
    /// be given that another account passed on.
    #[command(
        after_help = "Examples:\n  craton iam explain\n  craton iam explain 7a9d1c2e-0000-4000-8000-000000000001\n  craton iam explain explain-AgAAAAF7 --account 111122223333\n  craton iam explain 7a9d1c2e-0000-4000-8000-000000000001 --output json"
    )]
    Explain {
        /// The request's id, or a token [default: the account's latest request that was denied]
        request: Option<String>,
    },
    /// List everyone who may do something to a resource, and through which statements
    #[command(
        after_help = "Examples:\n  craton iam who-can s3:GetObject arn:aws:s3:::models/config.json\n  craton iam who-can sts:AssumeRole arn:aws:iam::111122223333:role/importer --output json"
    )]
    WhoCan {
        /// The action, such as s3:GetObject
        action: String,
        /// The resource's ARN, or * for actions on no particular one
        resource: String,
    },
    /// Check a policy document as the server would when it is set; nothing is stored
    ///
    /// Says what it would be refused for, in AWS's words, with line and column, and warns of what was hardly meant, such
    /// as a misspelt action. Fails where the document would be refused.
    #[command(
        after_help = "Examples:\n  craton iam check-policy policy.json\n  craton iam check-policy trust.json --type trust\n  aws s3api get-bucket-policy --bucket models --query Policy --output text | craton iam check-policy - --type bucket"
    )]
    CheckPolicy {
        /// The document, or - for standard input
        file: PathBuf,
        /// What it is to be attached to: identity for users, groups and roles, resource for anything not named here
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value = "identity")]
        policy_type: PolicyType,
    },
}

/// Types of policies, by what they are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyType {
    /// A managed policy or a boundary.
    Identity,
    /// The policy of a resource of any service.
    Resource,
    /// A service control policy of an organization.
    Scp,
    /// A role's trust policy.
    Trust,
    /// A KMS key's policy.
    Key,
    /// A bucket's policy.
    Bucket,
    /// A secret's policy.
    Secret,
    /// A policy passed when a role is assumed.
    Session,
}
