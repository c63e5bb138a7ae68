//! Copying objects.

use ::store::testing::each_backend;

use super::*;

fn copy(from: &str, to: &str) -> CopyObject {
    CopyObject {
        source: ObjectRef::new("notes", from),
        source_conditions: Conditions::default(),
        source_key: None,
        to: PutObject::new("notes", to),
        metadata_directive: Directive::Copy,
        tagging_directive: Directive::Copy,
    }
}

async fn info(p: &Place, key: &str) -> ObjectInfo {
    p.objects.head_object(&p.ctx, &GetObject::new(ObjectRef::new("notes", key))).await.unwrap().object
}

#[tokio::test]
async fn a_copy_has_bytes_metadata_and_tags_of_its_source() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let bytes = pattern(300_000);
        let source = PutObject {
            headers: Headers { content_type: Some("text/plain".to_owned()), ..Headers::default() },
            metadata: vec![("a".to_owned(), "1".to_owned())],
            tags: vec![("t".to_owned(), "v".to_owned())],
            algorithm: Some(ChecksumAlgorithm::Crc32c),
            ..PutObject::new("notes", "from")
        };
        let put = p.objects.put_object(&p.ctx, source.clone(), Body::from_bytes(bytes.clone())).await.unwrap();
        let copied = p.objects.copy_object(&p.ctx, copy("from", "to")).await.unwrap();
        assert_eq!((&copied.put.etag, &copied.put.checksum), (&put.etag, &put.checksum));
        p.delete("from", None).await;
        p.objects.collect().await.unwrap();
        assert_eq!(p.get("to").await.unwrap(), bytes);
        let got = info(&p, "to").await;
        assert_eq!((&got.headers, &got.metadata, got.tag_count), (&source.headers, &source.metadata, 1));

        let replaced = CopyObject {
            metadata_directive: Directive::Replace,
            tagging_directive: Directive::Replace,
            ..copy("to", "to")
        };
        p.objects.copy_object(&p.ctx, replaced).await.unwrap();
        let got = info(&p, "to").await;
        assert_eq!((got.headers, got.metadata.len(), got.tag_count), (Headers::default(), 0, 0));
    })
    .await;
}

#[tokio::test]
async fn copies_are_refused_where_nothing_changes_or_a_condition_fails() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let etag = p.put("k", "1").await.etag;
        assert_eq!(code(p.objects.copy_object(&p.ctx, copy("k", "k")).await), Code::InvalidRequest);
        assert_eq!(code(p.objects.copy_object(&p.ctx, copy("none", "k")).await), Code::NoSuchKey);
        let mut unless = copy("k", "l");
        unless.source_conditions.if_none_match = Some(etag);
        assert_eq!(code(p.objects.copy_object(&p.ctx, unless).await), Code::PreconditionFailed);
        let mut once = copy("k", "l");
        once.to.if_none_match = Some("*".to_owned());
        p.objects.copy_object(&p.ctx, once.clone()).await.unwrap();
        assert_eq!(code(p.objects.copy_object(&p.ctx, once).await), Code::PreconditionFailed);
        let mut class = copy("k", "k");
        class.to.storage_class = Some("STANDARD_IA".to_owned());
        p.objects.copy_object(&p.ctx, class).await.unwrap();
        assert_eq!(info(&p, "k").await.storage_class, "STANDARD_IA");
    })
    .await;
}

#[tokio::test]
async fn an_old_version_can_be_copied_back() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.versioning(Versioning::Enabled).await;
        let old = p.put("k", "old").await.version_id.unwrap();
        p.put("k", "new").await;
        let mut back = copy("k", "k");
        back.source.version = Some(old.clone());
        let copied = p.objects.copy_object(&p.ctx, back).await.unwrap();
        assert_eq!(copied.source_version, Some(old));
        assert_eq!(p.get("k").await.unwrap(), b"old");
    })
    .await;
}

#[tokio::test]
async fn a_copy_onto_itself_is_one_where_the_default_encryption_may_change_it() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "1").await;
        assert_eq!(code(p.objects.copy_object(&p.ctx, copy("k", "k")).await), Code::InvalidRequest);
        let default = DefaultEncryption { encryption: Encryption::S3 };
        p.objects.put_bucket_encryption(&p.ctx, &BucketRef::new("notes"), default).await.unwrap();
        p.objects.copy_object(&p.ctx, copy("k", "k")).await.unwrap();
        p.objects.delete_bucket_encryption(&p.ctx, &BucketRef::new("notes")).await.unwrap();
        let kms = Some(Encryption::Kms { key: None, bucket_key: None, context: None });
        let put = PutObject { encryption: kms, ..PutObject::new("notes", "k") };
        p.objects.put_object(&p.ctx, put, Body::from_bytes("2")).await.unwrap();
        assert_eq!(p.objects.copy_object(&p.ctx, copy("k", "k")).await.unwrap().put.sealed, Sealed::S3);
    })
    .await;
}
