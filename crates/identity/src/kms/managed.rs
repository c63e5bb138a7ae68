//! The keys that accounts have for services: made on first use, looked after by the service.

use base::Result;
use serde_json::{Value, json};

use super::key::{Key, Manager, Rotation};
use super::store::PolicyText;
use super::{Kms, store};
use crate::ctx::Ctx;

/// A service that has a key in an account.
struct Service {
    name: &'static str,
    /// How the service calls itself in the key's policy.
    title: &'static str,
    description: &'static str,
}

const SERVICES: [Service; 2] = [
    Service {
        name: "s3",
        title: "S3",
        description: "Default key that protects my S3 objects when no other key is defined",
    },
    Service {
        name: "secretsmanager",
        title: "AWS Secrets Manager",
        description: "Default key that protects my Secrets Manager data when no other key is defined",
    },
];

/// How often their material changes, in days (KMS Developer Guide, "Rotating AWS managed keys").
const PERIOD: u32 = 365;

/// What the aliases of these keys start with; nobody else's may.
pub(super) const RESERVED: &str = "alias/aws/";

impl Kms {
    /// Makes the caller's account the key behind the reserved `alias`; `None` for an alias of no service. The id of the
    /// key that is there then.
    pub(super) async fn make_managed(&self, ctx: &Ctx, alias: &str) -> Result<Option<String>> {
        let Some(name) = alias.strip_prefix(RESERVED) else { return Ok(None) };
        let Some(service) = SERVICES.iter().find(|service| service.name == name) else { return Ok(None) };
        if *ctx.account() == base::AccountId::nobody() {
            return Ok(None);
        }
        let now = self.0.0.clock.now();
        let key = Key {
            id: self.0.0.random.uuid(),
            account: ctx.account().clone(),
            region: ctx.region().clone(),
            description: service.description.to_owned(),
            manager: Manager::Aws,
            enabled: true,
            created: now,
            deletion: None,
            pending_window: None,
            rotation: Some(Rotation { period_days: PERIOD, next: now.plus_seconds(i64::from(PERIOD) * 24 * 3600) }),
            tags: Vec::new(),
        };
        let backing = self.new_backing(&key, None)?;
        let policy = PolicyText { text: policy(service, ctx).to_string(), principals: None };
        let id = store::insert_managed(&self.0.0.store, &key, &backing, &policy, alias).await?;
        self.0.0.kms.clear();
        Ok(Some(id))
    }
}

/// The policy of such a key (KMS Developer Guide, "AWS managed keys"; Secrets Manager User Guide, "Secret encryption and
/// decryption"; S3 User Guide).
fn policy(service: &Service, ctx: &Ctx) -> Value {
    let (account, region) = (ctx.account(), ctx.region());
    let Service { name, title, .. } = service;
    json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{name}-2"),
        "Statement": [
            {
                "Sid": format!(
                    "Allow access through {title} for all principals in the account that are authorized to use {title}"
                ),
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                    "kms:DescribeKey",
                ],
                "Resource": "*",
                "Condition": {"StringEquals": {
                    "kms:CallerAccount": account.as_str(),
                    "kms:ViaService": format!("{name}.{region}.amazonaws.com"),
                }},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    })
}
