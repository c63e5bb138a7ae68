//! Amazon resource names.

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, Error, Region};

/// An Amazon resource name: `arn:partition:service:region:account:resource`. Region and account may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `bedrock`, `iam`, `s3` …
    pub service: String,
    /// Empty for services without regions.
    pub region: String,
    /// Empty for resources without an account, such as foundation models and buckets.
    pub account: String,
    /// Everything after the fifth colon.
    pub resource: String,
}

impl Arn {
    /// An ARN of partition `aws`.
    pub fn new(
        service: &str,
        region: Option<&Region>,
        account: Option<&AccountId>,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            partition: "aws".to_owned(),
            service: service.to_owned(),
            region: region.map_or_else(String::new, |r| r.as_str().to_owned()),
            account: account.map_or_else(String::new, |a| a.as_str().to_owned()),
            resource: resource.into(),
        }
    }

    /// The resource's type: what stands before the first `/` or `:` of the resource, if either is there.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        self.resource.find(['/', ':']).map(|end| &self.resource[..end])
    }

    /// The resource without its type: what stands after the first `/` or `:`, or the whole resource.
    #[must_use]
    pub fn resource_id(&self) -> &str {
        self.resource.find(['/', ':']).map_or(&self.resource, |end| &self.resource[end + 1..])
    }
}

impl FromStr for Arn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (scheme, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
        if scheme != "arn" || partition.is_empty() || service.is_empty() || resource.is_empty() {
            return Err(Error::invalid(format!("`{text}` is not an ARN."))
                .with_hint("ARNs look like `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`."));
        }
        Ok(Self { partition, service, region, account, resource })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}
