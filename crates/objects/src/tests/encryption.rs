//! Encryption with keys of KMS.

use ::store::testing::each_backend;
use identity::kms::{KeyRef, NewKey};

use super::*;

/// A key of the caller's account with that policy, or the default one.
async fn key(p: &Place, ctx: &Ctx, policy: Option<String>) -> String {
    let new = NewKey { description: String::new(), policy, bypass_lockout_check: true, tags: Vec::new() };
    p.identity.kms().create_key(ctx, new).await.unwrap().arn().to_string()
}

fn with_key(name: &str, key: Option<&str>, bucket_key: bool) -> PutObject {
    let encryption = Encryption::Kms { key: key.map(str::to_owned), bucket_key: Some(bucket_key), context: None };
    PutObject { encryption: Some(encryption), ..PutObject::new("notes", name) }
}

async fn put(p: &Place, ctx: &Ctx, put: PutObject) -> Result<Put> {
    p.objects.put_object(ctx, put, Body::from_bytes("secret")).await
}

async fn get(p: &Place, ctx: &Ctx, key: &str) -> Result<Vec<u8>> {
    bytes(p.objects.get_object(ctx, &GetObject::new(ObjectRef::new("notes", key))).await?).await
}

fn allow(ctx: &Ctx, actions: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": {actions}, "Resource": "{resource}"{condition}}}"#,
        ctx.principal().arn()
    )
}

fn key_policy(statements: &[String]) -> Option<String> {
    Some(format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", ")))
}

#[tokio::test]
async fn objects_can_be_sealed_under_a_key_of_kms() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let arn = key(&p, &p.ctx, None).await;
        let done = put(&p, &p.ctx, with_key("k", Some(&arn), false)).await.unwrap();
        assert_eq!(done.sealed, Sealed::Kms { key_arn: arn.clone(), bucket_key: false });
        assert_eq!(p.get("k").await.unwrap(), b"secret");

        let managed = put(&p, &p.ctx, with_key("m", None, true)).await.unwrap();
        assert!(matches!(managed.sealed, Sealed::Kms { bucket_key: true, .. }));
        assert_eq!(p.get("m").await.unwrap(), b"secret");

        let default = DefaultEncryption {
            encryption: Encryption::Kms { key: Some(arn.clone()), bucket_key: Some(true), context: None },
        };
        p.objects.put_bucket_encryption(&p.ctx, &BucketRef::new("notes"), default).await.unwrap();
        assert_eq!(p.put("d", "1").await.sealed, Sealed::Kms { key_arn: arn.clone(), bucket_key: true });
        assert_eq!(p.get("d").await.unwrap(), b"1");

        p.identity.kms().disable_key(&p.ctx, &KeyRef::parse(&arn).unwrap()).await.unwrap();
        assert_eq!(code(p.get("k").await), Code::KmsDisabled);
        assert_eq!(code(put(&p, &p.ctx, with_key("k", Some(&arn), false)).await), Code::KmsDisabled);
        let none = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
        let refused = put(&p, &p.ctx, with_key("k", Some(none), false)).await.unwrap_err();
        assert!(matches!(refused.code, Code::KmsNotFound | Code::AccessDenied), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_use_the_key_may_not_read_the_object() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        let about = |arn: &str| {
            format!(
                r#", "Condition": {{"StringEquals": {{"kms:EncryptionContext:aws:s3:arn": "{arn}", "kms:ViaService": "s3.us-east-1.amazonaws.com"}}}}"#
            )
        };
        let own = allow(&p.ctx, r#""kms:*""#, "*", "");
        let decrypt = allow(&ada, r#""kms:Decrypt""#, "*", &about("arn:aws:s3:::notes/open"));
        let arn = key(&p, &p.ctx, key_policy(&[own, decrypt])).await;
        p.policy(&allow(&ada, r#""s3:GetObject""#, "arn:aws:s3:::notes/*", "")).await.unwrap();
        for (name, bucket_key) in [("open", false), ("closed", false), ("wide", true)] {
            put(&p, &p.ctx, with_key(name, Some(&arn), bucket_key)).await.unwrap();
        }
        assert_eq!(get(&p, &ada, "open").await.unwrap(), b"secret");
        for name in ["closed", "wide"] {
            let refused = get(&p, &ada, name).await.unwrap_err();
            assert_eq!(refused.code, Code::AccessDenied);
            assert!(refused.error.message.contains("kms:Decrypt on resource"), "{refused}");
        }
        let wide = allow(&ada, r#""kms:Decrypt""#, "*", &about("arn:aws:s3:::notes"));
        let policy = key_policy(&[allow(&p.ctx, r#""kms:*""#, "*", ""), wide]).unwrap();
        p.identity.kms().put_policy(&p.ctx, &KeyRef::parse(&arn).unwrap(), &policy, true).await.unwrap();
        assert_eq!(get(&p, &ada, "wide").await.unwrap(), b"secret", "a bucket key's context is the bucket");
        assert_eq!(code(get(&p, &ada, "open").await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn another_account_reads_with_the_consent_of_bucket_and_key() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let other = p.other_account().await;
        let own = allow(&p.ctx, r#""kms:*""#, "*", "");
        let arn = key(&p, &p.ctx, key_policy(std::slice::from_ref(&own))).await;
        put(&p, &p.ctx, with_key("k", Some(&arn), false)).await.unwrap();
        p.policy(&allow(&other, r#""s3:GetObject""#, "arn:aws:s3:::notes/*", "")).await.unwrap();
        let refused = get(&p, &other, "k").await.unwrap_err();
        assert_eq!(refused.code, Code::AccessDenied);
        assert!(refused.error.message.contains("kms:Decrypt"), "{refused}");
        let policy = key_policy(&[own, allow(&other, r#""kms:Decrypt""#, "*", "")]).unwrap();
        p.identity.kms().put_policy(&p.ctx, &KeyRef::parse(&arn).unwrap(), &policy, true).await.unwrap();
        assert_eq!(get(&p, &other, "k").await.unwrap(), b"secret");
    })
    .await;
}

#[tokio::test]
async fn parts_and_copies_use_the_key_of_their_object() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let arn = key(&p, &p.ctx, None).await;
        let encryption = Some(Encryption::Kms { key: Some(arn.clone()), bucket_key: Some(false), context: None });
        let new = NewUpload { encryption, ..NewUpload::new("notes", "k") };
        let upload = p.objects.create_multipart_upload(&p.ctx, new).await.unwrap();
        assert_eq!(upload.sealed, Sealed::Kms { key_arn: arn.clone(), bucket_key: false });
        let upload = UploadRef { bucket: BucketRef::new("notes"), key: "k".to_owned(), upload_id: upload.id };
        let part = PartRef { upload: upload.clone(), number: 1 };
        let checks = PartChecks::default();
        let done = p.objects.upload_part(&p.ctx, &part, checks, Body::from_bytes("secret")).await.unwrap();
        let complete = CompleteUpload {
            upload,
            parts: vec![CompletePart { number: 1, etag: done.etag, checksums: Checksums::default() }],
            checksums: Checksums::default(),
            checksum_type: None,
            size: None,
            if_match: None,
            if_none_match: None,
        };
        let done = p.objects.complete_multipart_upload(&p.ctx, complete).await.unwrap();
        assert_eq!(done.sealed, Sealed::Kms { key_arn: arn.clone(), bucket_key: false });
        assert_eq!(p.get("k").await.unwrap(), b"secret");
        let copy = CopyObject {
            source: ObjectRef::new("notes", "k"),
            source_conditions: Conditions::default(),
            source_key: None,
            to: PutObject { encryption: Some(Encryption::S3), ..PutObject::new("notes", "k") },
            metadata_directive: Directive::Copy,
            tagging_directive: Directive::Copy,
        };
        assert_eq!(p.objects.copy_object(&p.ctx, copy).await.unwrap().put.sealed, Sealed::S3);
        p.identity.kms().disable_key(&p.ctx, &KeyRef::parse(&arn).unwrap()).await.unwrap();
        assert_eq!(p.get("k").await.unwrap(), b"secret");
    })
    .await;
}
