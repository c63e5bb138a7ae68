//! How explanations and simulations, which know a resource by its ARN alone, find buckets and objects.

use std::sync::Arc;

use identity::policy::{Attached, Document, Kind};
use identity::{Found, ResourceFacts, ResourceLookup};
use store::Store;

use crate::buckets::store::read;
use crate::versions;

/// Finds buckets, and objects with their tags.
pub(crate) struct Lookup(pub(crate) Store);

impl ResourceLookup for Lookup {
    fn find<'a>(&'a self, arn: &'a str) -> Found<'a> {
        Box::pin(self.facts(arn))
    }
}

impl Lookup {
    async fn facts(&self, arn: &str) -> base::Result<Option<ResourceFacts>> {
        let Some(name) = arn.strip_prefix("arn:aws:s3:::") else { return Ok(None) };
        let (bucket, key) = match name.split_once('/') {
            Some((bucket, key)) => (bucket, Some(key)),
            None => (name, None),
        };
        let Some(row) = read(&self.0, bucket).await? else { return Ok(None) };
        let mut facts = ResourceFacts::of(row.bucket.owner.clone());
        if let Some(text) = &row.policy {
            let document = Arc::new(Document::parse(Kind::Bucket, text).map_err(base::Error::internal)?);
            facts.policy = Some(Attached { id: row.bucket.arn().into(), document });
        }
        facts.tags = match key {
            None => row.tags()?,
            // Keys that cannot be, such as patterns, are of no object; it is the bucket's policy that counts.
            Some(key) if crate::keys::check(key).is_err() => Vec::new(),
            Some(key) => {
                let found = versions::store::read(&self.0, bucket, key, None).await?;
                found.map(|row| row.content.tags).unwrap_or_default()
            }
        };
        Ok(Some(facts))
    }
}
