//! Versions and delete markers.

use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn every_version_of_a_bucket_that_keeps_them_can_be_read() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "0").await;
        p.versioning(Versioning::Enabled).await;
        let first = p.put("k", "1").await.version_id.unwrap();
        let second = p.put("k", "2").await.version_id.unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert_eq!(p.get("k").await.unwrap(), b"2");
        assert_eq!(p.get_version("k", Some(&first)).await.unwrap(), b"1");
        assert_eq!(p.get_version("k", Some("null")).await.unwrap(), b"0");
        assert_eq!(code(p.get_version("k", Some(&"A".repeat(32))).await), Code::NoSuchVersion);
        assert_eq!(code(p.get_version("k", Some("other")).await), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_delete_marker_hides_and_its_removal_shows_again() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.versioning(Versioning::Enabled).await;
        let version = p.put("k", "1").await.version_id.unwrap();
        let marker = p.delete("k", None).await;
        assert!(marker.delete_marker);
        let hidden = p.get("k").await.unwrap_err();
        let facts = hidden.facts.unwrap();
        assert_eq!((hidden.code, facts.delete_marker, &facts.version_id), (Code::NoSuchKey, true, &marker.version_id));
        let marker = marker.version_id.unwrap();
        assert_eq!(code(p.get_version("k", Some(&marker)).await), Code::MethodNotAllowed);
        assert_eq!(p.get_version("k", Some(&version)).await.unwrap(), b"1");
        let removed = p.delete("k", Some(&marker)).await;
        assert_eq!(removed, Deleted { version_id: Some(marker), delete_marker: true });
        assert_eq!(p.get("k").await.unwrap(), b"1");
        let removed = p.delete("k", Some(&version)).await;
        assert_eq!(removed, Deleted { version_id: Some(version), delete_marker: false });
        assert_eq!(code(p.get("k").await), Code::NoSuchKey);
        p.objects.collect().await.unwrap();
        assert!(p.files().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_suspended_bucket_has_one_null_version() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.versioning(Versioning::Enabled).await;
        let kept = p.put("k", large("kept")).await.version_id.unwrap();
        p.versioning(Versioning::Suspended).await;
        assert_eq!(p.put("k", large("1")).await.version_id.as_deref(), Some("null"));
        assert_eq!(p.put("k", large("2")).await.version_id.as_deref(), Some("null"));
        assert_eq!(p.get_version("k", Some("null")).await.unwrap(), large("2"));
        p.objects.collect().await.unwrap();
        assert_eq!(p.files().len(), 2);
        let marker = p.delete("k", None).await;
        assert_eq!((marker.version_id.as_deref(), marker.delete_marker), (Some("null"), true));
        assert_eq!(code(p.get("k").await), Code::NoSuchKey);
        assert_eq!(p.get_version("k", Some(&kept)).await.unwrap(), large("kept"));
        p.versioning(Versioning::Enabled).await;
        let latest = p.put("k", large("3")).await.version_id.unwrap();
        // A null version that is not the latest goes too when another is put.
        p.versioning(Versioning::Suspended).await;
        p.put("k", large("4")).await;
        assert_eq!(p.get("k").await.unwrap(), large("4"));
        assert_eq!(p.get_version("k", Some(&latest)).await.unwrap(), large("3"));
        let list = all_versions(&p).await;
        let seen: Vec<_> = list.iter().map(|v| (v.version_id.as_str(), v.latest, v.delete_marker)).collect();
        assert_eq!(seen, [("null", true, false), (latest.as_str(), false, false), (kept.as_str(), false, false)]);
    })
    .await;
}

#[tokio::test]
async fn versions_of_one_moment_keep_their_order() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.versioning(Versioning::Enabled).await;
        let mut put = Vec::new();
        for i in 0..5 {
            put.push(p.put("k", i.to_string()).await.version_id.unwrap());
        }
        // The clock may even go back.
        p.clock.advance(-60_000);
        put.push(p.put("k", "5").await.version_id.unwrap());
        put.reverse();
        let listed: Vec<_> = all_versions(&p).await.into_iter().map(|version| version.version_id).collect();
        assert_eq!(listed, put);
        assert_eq!(p.get("k").await.unwrap(), b"5");
    })
    .await;
}

async fn all_versions(p: &Place) -> Vec<ListedVersion> {
    let list = ListVersions {
        bucket: BucketRef::new("notes"),
        prefix: String::new(),
        delimiter: None,
        key_marker: None,
        version_marker: None,
        max_keys: None,
    };
    p.objects.list_object_versions(&p.ctx, &list).await.unwrap().versions
}
