//! Buckets for those who know them, or an object, by the ARN alone: explanations and simulations.

use std::sync::Arc;

use identity::policy::{Attached, Document, Kind};
use identity::{Found, ResourceFacts, ResourceLookup};
use store::Store;

use super::policy::is_public;
use super::store::read;

const ARN: &str = "arn:aws:s3:::";

/// The buckets kept in a database.
pub(crate) struct BucketLookup(pub(crate) Store);

impl ResourceLookup for BucketLookup {
    fn find<'a>(&'a self, arn: &'a str) -> Found<'a> {
        Box::pin(async move {
            let Some(rest) = arn.strip_prefix(ARN) else { return Ok(None) };
            let name = rest.split('/').next().unwrap_or(rest);
            let Some(row) = read(&self.0, name).await? else { return Ok(None) };
            let mut facts = ResourceFacts::of(row.bucket.owner.clone());
            if let Some(text) = &row.policy {
                let document = Arc::new(Document::parse(Kind::Bucket, text).map_err(base::Error::internal)?);
                let is_restricted = row.public_access().map_err(base::Error::from)?.restrict_public_buckets;
                facts.closed_to_others = is_restricted && is_public(&document);
                facts.policy = Some(Attached { id: format!("{ARN}{name}").into(), document });
            }
            if rest == name {
                facts.tags = row.tags().map_err(base::Error::from)?;
            }
            Ok(Some(facts))
        })
    }
}
