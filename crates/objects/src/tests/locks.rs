//! Object lock.

use ::store::testing::each_backend;

use super::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A place whose bucket `locked` has object lock.
async fn place(store: &Store) -> Place {
    let p = Place::new(store).await;
    let new = NewBucket { name: "locked".to_owned(), object_lock: true, ..NewBucket::default() };
    p.objects.create_bucket(&p.ctx, new).await.unwrap();
    p
}

fn until(p: &Place, mode: RetentionMode, days: i64) -> Retention {
    Retention { mode, until_ms: p.ctx.now().as_millis() + days * DAY }
}

fn lock(retention: Option<Retention>, legal_hold: Option<bool>) -> ObjectLock {
    ObjectLock { retention, legal_hold }
}

async fn put(p: &Place, lock: ObjectLock) -> Result<ObjectRef> {
    let put = PutObject { lock, ..PutObject::new("locked", "k") };
    let version = p.objects.put_object(&p.ctx, put, Body::from_bytes("1")).await?.version_id;
    Ok(ObjectRef { version, ..ObjectRef::new("locked", "k") })
}

async fn delete(p: &Place, ctx: &Ctx, object: &ObjectRef, bypass: bool) -> Result<Deleted> {
    let delete = DeleteObject { object: object.clone(), if_match: None, bypass };
    p.objects.delete_object(ctx, &delete).await
}

#[tokio::test]
async fn a_retained_version_stays_until_its_time_is_over() {
    each_backend(async |store| {
        let p = place(&store).await;
        let object = put(&p, lock(Some(until(&p, RetentionMode::Compliance, 1)), None)).await.unwrap();
        for bypass in [false, true] {
            assert_eq!(code(delete(&p, &p.ctx, &object, bypass).await), Code::AccessDenied);
        }
        // A delete marker hides it and removes nothing.
        assert!(delete(&p, &p.ctx, &ObjectRef::new("locked", "k"), false).await.unwrap().delete_marker);
        p.clock.advance(DAY + 1);
        assert!(delete(&p, &p.ctx, &object, false).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn governance_is_bypassed_by_whoever_may() {
    each_backend(async |store| {
        let p = place(&store).await;
        let object = put(&p, lock(Some(until(&p, RetentionMode::Governance, 1)), None)).await.unwrap();
        assert_eq!(code(delete(&p, &p.ctx, &object, false).await), Code::AccessDenied);
        let ada = p.user("ada").await;
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{}"}},
            "Action": "s3:DeleteObjectVersion", "Resource": "arn:aws:s3:::locked/*"}}]}}"#,
            ada.principal().arn()
        );
        p.objects.put_bucket_policy(&p.ctx, &BucketRef::new("locked"), &text).await.unwrap();
        let refused = delete(&p, &ada, &object, true).await.unwrap_err();
        assert!(refused.error.message.contains("s3:BypassGovernanceRetention"), "{refused}");
        assert!(delete(&p, &p.ctx, &object, true).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_held_version_stays_until_it_is_let_go() {
    each_backend(async |store| {
        let p = place(&store).await;
        let object = put(&p, ObjectLock::default()).await.unwrap();
        assert_eq!(code(p.objects.legal_hold(&p.ctx, &object).await), Code::NoSuchObjectLockConfiguration);
        p.objects.put_legal_hold(&p.ctx, &object, true).await.unwrap();
        assert!(p.objects.legal_hold(&p.ctx, &object).await.unwrap());
        assert_eq!(code(delete(&p, &p.ctx, &object, true).await), Code::AccessDenied);
        let entries =
            vec![DeleteEntry { key: "k".into(), version: object.version.clone(), if_match: None, bypass: true }];
        let outcomes = p.objects.delete_objects(&p.ctx, &BucketRef::new("locked"), entries).await.unwrap();
        assert_eq!(outcomes[0].result.as_ref().err().map(|error| error.code), Some(Code::AccessDenied));
        p.objects.put_legal_hold(&p.ctx, &object, false).await.unwrap();
        assert!(delete(&p, &p.ctx, &object, false).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_retention_is_set_prolonged_and_with_bypass_shortened() {
    each_backend(async |store| {
        let p = place(&store).await;
        let object = put(&p, ObjectLock::default()).await.unwrap();
        assert_eq!(code(p.objects.retention(&p.ctx, &object).await), Code::NoSuchObjectLockConfiguration);
        let past = until(&p, RetentionMode::Governance, -1);
        let refused = p.objects.put_retention(&p.ctx, &object, Some(past), false).await;
        assert_eq!(code(refused), Code::InvalidArgument);
        for days in [2, 3] {
            let retention = until(&p, RetentionMode::Governance, days);
            p.objects.put_retention(&p.ctx, &object, Some(retention), false).await.unwrap();
            assert_eq!(p.objects.retention(&p.ctx, &object).await.unwrap(), retention);
        }
        let shorter = Some(until(&p, RetentionMode::Governance, 1));
        let refused = p.objects.put_retention(&p.ctx, &object, shorter, false).await;
        assert_eq!(code(refused), Code::AccessDenied);
        p.objects.put_retention(&p.ctx, &object, shorter, true).await.unwrap();
        p.objects.put_retention(&p.ctx, &object, None, true).await.unwrap();
        assert_eq!(code(p.objects.retention(&p.ctx, &object).await), Code::NoSuchObjectLockConfiguration);
    })
    .await;
}

#[tokio::test]
async fn new_versions_have_the_buckets_default_retention_unless_they_say_another() {
    each_backend(async |store| {
        let p = place(&store).await;
        let bucket = BucketRef::new("locked");
        let default = DefaultRetention { mode: RetentionMode::Governance, period: Period::Days(2) };
        let configuration = LockConfiguration { default: Some(default) };
        p.objects.put_lock_configuration(&p.ctx, &bucket, configuration).await.unwrap();
        assert_eq!(p.objects.lock_configuration(&p.ctx, &bucket).await.unwrap(), configuration);
        let object = put(&p, ObjectLock::default()).await.unwrap();
        let got = p.objects.get_object(&p.ctx, &GetObject::new(object)).await.unwrap();
        assert_eq!(got.lock.retention, Some(until(&p, RetentionMode::Governance, 2)));
        let own = until(&p, RetentionMode::Compliance, 1);
        let object = put(&p, lock(Some(own), Some(true))).await.unwrap();
        let head = p.objects.head_object(&p.ctx, &GetObject::new(object)).await.unwrap();
        assert_eq!(head.lock, lock(Some(own), Some(true)));
        // Objects that are uploaded in parts have it from their completion.
        let upload = p.objects.create_multipart_upload(&p.ctx, NewUpload::new("locked", "m")).await.unwrap();
        let upload = UploadRef { bucket: bucket.clone(), key: "m".into(), upload_id: upload.id };
        let to = PartRef { upload: upload.clone(), number: 1 };
        let part = p.objects.upload_part(&p.ctx, &to, PartChecks::default(), Body::from_bytes("1")).await.unwrap();
        let complete = CompleteUpload {
            upload,
            parts: vec![CompletePart { number: 1, etag: part.etag, ..CompletePart::default() }],
            checksums: Checksums::default(),
            checksum_type: None,
            size: None,
            if_match: None,
            if_none_match: None,
        };
        p.objects.complete_multipart_upload(&p.ctx, complete).await.unwrap();
        let found = p.objects.retention(&p.ctx, &ObjectRef::new("locked", "m")).await.unwrap();
        assert_eq!(found, until(&p, RetentionMode::Governance, 2));
    })
    .await;
}

#[tokio::test]
async fn a_bucket_without_object_lock_takes_none_and_one_with_it_keeps_its_versions() {
    each_backend(async |store| {
        let p = place(&store).await;
        let plain = BucketRef::new("notes");
        let asked = lock(Some(until(&p, RetentionMode::Governance, 1)), None);
        let put = PutObject { lock: asked, ..PutObject::new("notes", "k") };
        assert_eq!(code(p.objects.put_object(&p.ctx, put, Body::empty()).await), Code::InvalidRequest);
        p.put("k", "1").await;
        let object = ObjectRef::new("notes", "k");
        assert_eq!(code(p.objects.put_legal_hold(&p.ctx, &object, true).await), Code::InvalidRequest);
        assert_eq!(code(p.objects.retention(&p.ctx, &object).await), Code::InvalidRequest);
        let none = LockConfiguration::default();
        assert_eq!(
            code(p.objects.lock_configuration(&p.ctx, &plain).await),
            Code::ObjectLockConfigurationNotFoundError
        );
        assert_eq!(code(p.objects.put_lock_configuration(&p.ctx, &plain, none).await), Code::InvalidBucketState);
        p.versioning(Versioning::Enabled).await;
        p.objects.put_lock_configuration(&p.ctx, &plain, none).await.unwrap();
        let suspended = p.objects.put_bucket_versioning(&p.ctx, &plain, Versioning::Suspended).await;
        assert_eq!(code(suspended), Code::InvalidBucketState);
        for period in [Period::Days(0), Period::Years(101)] {
            let default = Some(DefaultRetention { mode: RetentionMode::Governance, period });
            let refused = p.objects.put_lock_configuration(&p.ctx, &plain, LockConfiguration { default }).await;
            assert_eq!(code(refused), Code::InvalidRetentionPeriod);
        }
    })
    .await;
}

#[tokio::test]
async fn who_may_not_see_what_protects_an_object_reads_it_without() {
    each_backend(async |store| {
        let p = place(&store).await;
        put(&p, lock(Some(until(&p, RetentionMode::Governance, 1)), Some(true))).await.unwrap();
        let ada = p.user("ada").await;
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{}"}},
            "Action": ["s3:GetObject", "s3:GetObjectLegalHold"], "Resource": "arn:aws:s3:::locked/*"}}]}}"#,
            ada.principal().arn()
        );
        p.objects.put_bucket_policy(&p.ctx, &BucketRef::new("locked"), &text).await.unwrap();
        let got = p.objects.get_object(&ada, &GetObject::new(ObjectRef::new("locked", "k"))).await.unwrap();
        assert_eq!(got.lock, lock(None, Some(true)));
    })
    .await;
}

#[tokio::test]
async fn a_default_that_is_set_while_the_bytes_arrive_holds_from_the_versions_own_time() {
    each_backend(async |store| {
        let p = place(&store).await;
        let (objects, ctx, clock) = (p.objects.clone(), p.ctx.clone(), Arc::clone(&p.clock));
        let arriving = async move {
            let default = Some(DefaultRetention { mode: RetentionMode::Compliance, period: Period::Days(2) });
            let bucket = BucketRef::new("locked");
            objects.put_lock_configuration(&ctx, &bucket, LockConfiguration { default }).await.unwrap();
            clock.advance(DAY);
            Ok(Bytes::from_static(b"1"))
        };
        let stream = futures::stream::once(arriving).boxed();
        let body = Body { stream, length: Some(1), trailers: None };
        let put = p.objects.put_object(&p.ctx, PutObject::new("locked", "k"), body).await.unwrap();
        let retention = p.objects.retention(&p.ctx, &ObjectRef::new("locked", "k")).await.unwrap();
        assert_eq!(retention.mode, RetentionMode::Compliance);
        assert_eq!(retention.until_ms, put.modified.as_millis() + 2 * DAY);
        // Delete markers are not retained.
        let marker = delete(&p, &p.ctx, &ObjectRef::new("locked", "k"), false).await.unwrap();
        let marker = ObjectRef { version: marker.version_id, ..ObjectRef::new("locked", "k") };
        assert!(delete(&p, &p.ctx, &marker, false).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn what_a_bucket_is_now_decides_whether_it_keeps_versions_and_has_a_lock() {
    use crate::buckets::store::{read, set_object_lock, set_versioning};
    each_backend(async |store| {
        let p = place(&store).await;
        let row = async |name: &str| read(&store, name).await.unwrap().unwrap().bucket;
        let unlocked = row("notes").await;
        p.versioning(Versioning::Enabled).await;
        set_object_lock(&store, &unlocked, "{}").await.unwrap();
        assert_eq!(
            code(set_versioning(&store, &unlocked, Versioning::Suspended).await),
            Code::InvalidBucketState,
            "it has a lock by now"
        );
        p.bucket("second").await;
        let second = row("second").await;
        assert_eq!(code(set_object_lock(&store, &second, "{}").await), Code::InvalidBucketState);
        p.objects.delete_bucket(&p.ctx, &BucketRef::new("second")).await.unwrap();
        p.clock.advance(1);
        p.bucket("second").await;
        assert_eq!(code(set_versioning(&store, &second, Versioning::Enabled).await), Code::NoSuchBucket);
        set_versioning(&store, &row("second").await, Versioning::Enabled).await.unwrap();
        assert_eq!(code(set_object_lock(&store, &second, "{}").await), Code::NoSuchBucket);
    })
    .await;
}

#[tokio::test]
async fn a_protected_version_is_not_replaced_by_one_without_a_version() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "1").await;
        let found = crate::versions::store::read(&store, "notes", "k", None).await.unwrap().unwrap();
        let held = lock(None, Some(true));
        assert!(crate::versions::store::set_lock(&store, "notes", &found, &held).await.unwrap());
        for versioning in [Versioning::Unversioned, Versioning::Suspended] {
            if versioning == Versioning::Suspended {
                p.versioning(versioning).await;
            }
            let again = p.objects.put_object(&p.ctx, PutObject::new("notes", "k"), Body::from_bytes("2")).await;
            assert_eq!(code(again), Code::AccessDenied, "{versioning:?}");
            let gone = delete(&p, &p.ctx, &ObjectRef::new("notes", "k"), false).await;
            assert_eq!(code(gone), Code::AccessDenied, "{versioning:?}");
        }
        assert_eq!(p.get("k").await.unwrap(), b"1");
    })
    .await;
}
