//! Listings, compared with a plain model.

use std::collections::BTreeMap;

use ::store::testing::each_backend;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::listing::successor;

fn list(prefix: &str, delimiter: Option<&str>, max_keys: i64) -> ListObjects {
    ListObjects {
        bucket: BucketRef::new("notes"),
        prefix: prefix.to_owned(),
        delimiter: delimiter.map(str::to_owned),
        marker: None,
        max_keys: Some(max_keys),
    }
}

/// All pages of a listing: entries and common prefixes in one order.
async fn pages(p: &Place, mut list: ListObjects) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = p.objects.list_objects(&p.ctx, &list).await.unwrap();
        let count = page.entries.len() + page.prefixes.len();
        assert!(count as i64 <= list.max_keys.unwrap());
        assert!(!page.truncated || count as i64 == list.max_keys.unwrap());
        let mut together: Vec<String> = page.entries.into_iter().map(|entry| entry.key).collect();
        together.extend(page.prefixes);
        together.sort();
        all.extend(together);
        if !page.truncated {
            return all;
        }
        list.marker = page.next_marker;
    }
}

/// What a listing must give.
fn expected(keys: &[String], prefix: &str, delimiter: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut sorted = keys.to_vec();
    sorted.sort();
    for key in sorted {
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let item = match delimiter.and_then(|delimiter| Some((rest.find(delimiter)?, delimiter))) {
            Some((at, delimiter)) => key[..prefix.len() + at + delimiter.len()].to_owned(),
            None => key,
        };
        if all.last() != Some(&item) {
            all.push(item);
        }
    }
    all
}

#[tokio::test]
async fn every_listing_is_that_of_the_model() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let key =
            prop::collection::vec(prop::sample::select(vec!["a", "b", "/", "//", "é", "\u{10ffff}", "\u{1}"]), 1..5);
        let keys = prop::collection::btree_set(key.prop_map(|parts| parts.concat()), 0..30);
        let prefix = prop::sample::select(vec!["", "a", "a/", "/", "é", "b/a", "\u{10ffff}"]);
        let delimiter = prop::sample::select(vec![None, Some("/"), Some("//"), Some("a")]);
        let mut runner = TestRunner::deterministic();
        for round in 0..24 {
            let keys: Vec<String> = keys.new_tree(&mut runner).unwrap().current().into_iter().collect();
            let bucket = format!("round-{round}");
            p.bucket(&bucket).await;
            for key in &keys {
                let put = PutObject::new(bucket.as_str(), key.as_str());
                p.objects.put_object(&p.ctx, put, Body::from_bytes("1")).await.unwrap();
            }
            for size in [1, 2, 3, 1000] {
                let prefix = prefix.new_tree(&mut runner).unwrap().current();
                let delimiter = delimiter.new_tree(&mut runner).unwrap().current();
                let asked = ListObjects { bucket: BucketRef::new(bucket.as_str()), ..list(prefix, delimiter, size) };
                let found = pages(&p, asked).await;
                assert_eq!(found, expected(&keys, prefix, delimiter), "{keys:?} {prefix:?} {delimiter:?} {size}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn long_common_prefixes_are_stepped_over() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let mut keys = Vec::new();
        for folder in ["a", "b", "c"] {
            for i in 0..60 {
                keys.push(format!("{folder}/{i:03}"));
            }
        }
        keys.push("d".to_owned());
        for key in &keys {
            p.put(key, "1").await;
        }
        assert_eq!(pages(&p, list("", Some("/"), 1000)).await, ["a/", "b/", "c/", "d"]);
        assert_eq!(pages(&p, list("", Some("/"), 1)).await, ["a/", "b/", "c/", "d"]);
        assert_eq!(pages(&p, list("b/", Some("/"), 7)).await, keys[60..120]);
    })
    .await;
}

#[tokio::test]
async fn the_second_version_goes_on_by_token_or_after_a_key() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        for key in ["a/1", "a/2", "b", "c"] {
            p.put(key, "1").await;
        }
        let ask = |token: Option<String>, start_after: Option<&str>| ListObjectsV2 {
            bucket: BucketRef::new("notes"),
            prefix: String::new(),
            delimiter: Some("/".to_owned()),
            start_after: start_after.map(str::to_owned),
            token,
            max_keys: Some(1),
        };
        let first = p.objects.list_objects_v2(&p.ctx, &ask(None, None)).await.unwrap();
        assert_eq!((first.prefixes.as_slice(), first.truncated), (["a/".to_owned()].as_slice(), true));
        let second = p.objects.list_objects_v2(&p.ctx, &ask(first.next_token, Some("z"))).await.unwrap();
        assert_eq!(second.entries[0].key, "b");
        let after = p.objects.list_objects_v2(&p.ctx, &ask(None, Some("b"))).await.unwrap();
        assert_eq!((after.entries[0].key.as_str(), after.truncated), ("c", false));
        // A key inside a common prefix leaves the rest of it.
        let inside = p.objects.list_objects_v2(&p.ctx, &ask(None, Some("a/1"))).await.unwrap();
        assert_eq!(inside.prefixes, ["a/"]);
        let refused = p.objects.list_objects_v2(&p.ctx, &ask(Some("no".to_owned()), None)).await;
        assert_eq!(code(refused), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn no_keys_and_too_many_keys_can_be_asked_for() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", "1").await;
        let none = p.objects.list_objects(&p.ctx, &list("", None, 0)).await.unwrap();
        assert_eq!((none.entries.len(), none.truncated), (0, false));
        let many = p.objects.list_objects(&p.ctx, &list("", None, 5000)).await.unwrap();
        assert_eq!((many.entries.len(), many.max_keys), (1, 1000));
        assert_eq!(code(p.objects.list_objects(&p.ctx, &list("", None, -1)).await), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_in_pages_the_latest_of_each_key_first() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.versioning(Versioning::Enabled).await;
        // By key: the versions, the latest first.
        let mut model: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (key, count) in [("a", 3), ("b/1", 2), ("b/2", 1), ("c", 4)] {
            for i in 0..count {
                let version = if i == 2 {
                    p.delete(key, None).await.version_id
                } else {
                    p.put(key, i.to_string()).await.version_id
                };
                model.entry(key).or_default().insert(0, version.unwrap());
            }
        }
        let flat: Vec<(String, String)> = model
            .iter()
            .flat_map(|(key, versions)| versions.iter().map(|version| ((*key).to_owned(), version.clone())))
            .collect();
        for size in [1, 2, 3, 1000] {
            assert_eq!(version_pages(&p, None, size).await, (flat.clone(), Vec::new()), "{size}");
            let (versions, prefixes) = version_pages(&p, Some("/"), size).await;
            let outside: Vec<_> = flat.iter().filter(|(key, _)| !key.contains('/')).cloned().collect();
            assert_eq!((versions, prefixes), (outside, vec!["b/".to_owned()]), "{size}");
        }
    })
    .await;
}

async fn version_pages(p: &Place, delimiter: Option<&str>, size: i64) -> (Vec<(String, String)>, Vec<String>) {
    let mut list = ListVersions {
        bucket: BucketRef::new("notes"),
        prefix: String::new(),
        delimiter: delimiter.map(str::to_owned),
        key_marker: None,
        version_marker: None,
        max_keys: Some(size),
    };
    let (mut versions, mut prefixes) = (Vec::new(), Vec::new());
    loop {
        let page = p.objects.list_object_versions(&p.ctx, &list).await.unwrap();
        for version in page.versions {
            let first = versions.last().is_none_or(|(key, _)| *key != version.object.key);
            assert_eq!(version.latest, first, "{version:?}");
            versions.push((version.object.key, version.version_id));
        }
        prefixes.extend(page.prefixes);
        if !page.truncated {
            return (versions, prefixes);
        }
        list.key_marker = page.next_key_marker;
        list.version_marker = page.next_version_marker;
    }
}

#[test]
fn the_successor_is_greater_than_all_with_the_prefix() {
    for prefix in ["a", "a/", "é", "\u{d7ff}", "a\u{10ffff}"] {
        let next = successor(prefix).unwrap();
        assert!(next.as_str() > prefix && next > format!("{prefix}\u{10ffff}\u{10ffff}"), "{prefix:?}");
    }
    assert_eq!(successor(""), None);
    assert_eq!(successor("\u{10ffff}"), None);
    assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
}
