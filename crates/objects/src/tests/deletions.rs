//! Deleting objects.

use ::store::testing::each_backend;

use super::*;

fn entry(key: &str) -> DeleteEntry {
    DeleteEntry { key: key.to_owned(), version: None, if_match: None, bypass: false }
}

#[tokio::test]
async fn deleting_what_is_absent_succeeds() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        assert_eq!(p.delete("none", None).await, Deleted::default());
        p.put("k", "1").await;
        assert_eq!(p.delete("k", None).await, Deleted::default());
        assert_eq!(code(p.get("k").await), Code::NoSuchKey);
    })
    .await;
}

#[tokio::test]
async fn a_deletion_can_be_bound_to_an_etag() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let etag = p.put("k", "1").await.etag;
        let delete = |if_match: &str| DeleteObject {
            object: ObjectRef::new("notes", "k"),
            if_match: Some(if_match.to_owned()),
            bypass: false,
        };
        assert_eq!(code(p.objects.delete_object(&p.ctx, &delete("\"x\"")).await), Code::PreconditionFailed);
        p.objects.delete_object(&p.ctx, &delete(&etag)).await.unwrap();
        assert_eq!(code(p.objects.delete_object(&p.ctx, &delete(&etag)).await), Code::NoSuchKey);
    })
    .await;
}

#[tokio::test]
async fn of_several_deletions_each_has_its_own_outcome() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        for key in ["a", "b", "c"] {
            p.put(key, "1").await;
        }
        let entries = vec![entry("a"), entry("none"), entry(&"x".repeat(2000)), entry("c")];
        let outcomes = p.objects.delete_objects(&p.ctx, &BucketRef::new("notes"), entries).await.unwrap();
        let failed: Vec<_> = outcomes.iter().map(|o| o.result.as_ref().err().map(|error| error.code)).collect();
        assert_eq!(failed, [None, None, Some(Code::KeyTooLongError), None]);
        assert_eq!(code(p.get("a").await), Code::NoSuchKey);
        assert_eq!(p.get("b").await.unwrap(), b"1");
        let none = p.objects.delete_objects(&p.ctx, &BucketRef::new("notes"), Vec::new()).await;
        assert_eq!(code(none), Code::MalformedXML);
        let many = (0..1001).map(|i| entry(&i.to_string())).collect();
        let many = p.objects.delete_objects(&p.ctx, &BucketRef::new("notes"), many).await;
        assert_eq!(code(many), Code::MalformedXML);
    })
    .await;
}
