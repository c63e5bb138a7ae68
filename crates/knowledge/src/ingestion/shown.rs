//! What a listing shows of objects and their sidecars, so that those that are not there need not be asked for one by one.

use std::collections::HashMap;

use base::Result;
use identity::Ctx;
use objects::{BucketRef, ListObjectsV2};

use super::prepare::{Worker, is_own};
use crate::documents::sidecar::ENDING;

/// What a page of a listing shows.
#[derive(Debug)]
pub(super) struct Shown {
    /// The last key that it shows; none, where it shows all that follow.
    until: Option<String>,
    /// The ETags of what it shows, by the keys.
    etags: HashMap<String, String>,
}

impl Shown {
    /// Keys with their ETags, in the order of the keys. A page that has none shows nothing, whether or not more follow.
    fn of(entries: Vec<(String, String)>, truncated: bool) -> Self {
        let until = entries.last().map(|(key, _)| key.clone()).filter(|_| truncated);
        Self { until, etags: entries.into_iter().collect() }
    }

    /// Whether an object is shown as it is by this ETag, and without a sidecar. What is not shown itself may have come since, with
    /// one.
    pub(super) fn lacks(&self, object: &str, etag: &str) -> bool {
        let Self { until, etags } = self;
        let sidecar = format!("{object}{ENDING}");
        let stands = etags.get(object).is_some_and(|shown| shown == etag);
        // Whatever page has the object begins before its sidecar, and below the same prefix.
        stands && until.as_ref().is_none_or(|until| sidecar <= *until) && !etags.contains_key(&sidecar)
    }
}

impl Worker<'_> {
    /// What there is now after an object below a prefix, as far as a page goes that has room for as many objects and a sidecar of
    /// each; none, where the role may not list that. That object is not shown itself.
    pub(super) async fn shown(
        &self,
        role: &Ctx,
        (bucket, owner): (&str, Option<&str>),
        (prefix, after): (&str, &str),
        objects: usize,
    ) -> Result<Option<Shown>> {
        let ask = ListObjectsV2 {
            bucket: BucketRef { name: bucket.to_owned(), expected_owner: owner.map(str::to_owned) },
            prefix: prefix.to_owned(),
            delimiter: None,
            start_after: Some(after.to_owned()),
            token: None,
            max_keys: i64::try_from(objects.saturating_mul(2)).ok(),
        };
        let page = match self.knowledge.inner.objects.list_objects_v2(role, &ask).await {
            Ok(page) => page,
            // What each object's reading says of that is its own.
            Err(error) if is_own(&error.error) => return Ok(None),
            Err(error) => return Err(error.error),
        };
        let entries = page.entries.into_iter().map(|object| (object.key, object.etag));
        Ok(Some(Shown::of(entries.collect(), page.truncated)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The objects b, c and d, of which b and d have a sidecar, and z where nothing follows.
    fn shown(last: &str, truncated: bool) -> Shown {
        let keys = ["b.txt", "b.txt.metadata.json", "c.txt", "d.txt", "d.txt.metadata.json", "z.txt"];
        let entries = keys.into_iter().filter(|key| *key <= last).map(|key| (key.to_owned(), format!("etag of {key}")));
        Shown::of(entries.collect(), truncated)
    }

    fn lacking(shown: &Shown) -> Vec<&'static str> {
        let objects = ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "z.txt"];
        objects.into_iter().filter(|key| shown.lacks(key, &format!("etag of {key}"))).collect()
    }

    #[test]
    fn a_sidecar_is_missing_where_the_listing_went_past_it() {
        assert_eq!(lacking(&shown("z.txt", false)), ["c.txt", "z.txt"]);
        assert_eq!(lacking(&shown("z.txt", true)), ["c.txt"], "it may come on the next page");
        assert_eq!(lacking(&shown("d.txt", true)), ["c.txt"]);
        assert!(lacking(&shown("c.txt", true)).is_empty());
        assert_eq!(lacking(&shown("c.txt", false)), ["c.txt"]);
    }

    #[test]
    fn nothing_is_told_of_what_was_not_there_or_was_another() {
        let whole = shown("z.txt", false);
        assert!(!whole.lacks("e.txt", "etag of e.txt"), "it came since, perhaps with a sidecar");
        assert!(!whole.lacks("c.txt", "etag of another"), "so did what took its place");
        assert!(!whole.lacks("a.txt", "etag of a.txt"), "the listing began after it");
    }

    #[test]
    fn a_page_without_entries_shows_nothing() {
        for truncated in [true, false] {
            assert!(lacking(&Shown::of(Vec::new(), truncated)).is_empty());
        }
    }
}
