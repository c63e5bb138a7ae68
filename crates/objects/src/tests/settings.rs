//! Settings of buckets.

use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn settings_are_kept_and_removed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (o, ctx, notes) = (&p.objects, &p.ctx, &BucketRef::new("notes"));

        assert_eq!(o.bucket_versioning(ctx, notes).await.unwrap(), Versioning::Unversioned);
        o.put_bucket_versioning(ctx, notes, Versioning::Suspended).await.unwrap();
        assert_eq!(o.bucket_versioning(ctx, notes).await.unwrap(), Versioning::Suspended);
        assert_eq!(code(o.put_bucket_versioning(ctx, notes, Versioning::Unversioned).await), Code::MalformedXML);

        assert_eq!(code(o.bucket_tagging(ctx, notes).await), Code::NoSuchTagSet);
        let tags = vec![("team".to_owned(), "ml".to_owned())];
        o.put_bucket_tagging(ctx, notes, tags.clone()).await.unwrap();
        assert_eq!(o.bucket_tagging(ctx, notes).await.unwrap(), tags);
        o.delete_bucket_tagging(ctx, notes).await.unwrap();
        assert_eq!(code(o.bucket_tagging(ctx, notes).await), Code::NoSuchTagSet);
        let twice = vec![("a".to_owned(), String::new()), ("a".to_owned(), String::new())];
        assert_eq!(code(o.put_bucket_tagging(ctx, notes, twice).await), Code::InvalidTag);

        assert_eq!(code(o.bucket_cors(ctx, notes).await), Code::NoSuchCORSConfiguration);
        let rule = CorsRule {
            allowed_methods: vec!["GET".to_owned()],
            allowed_origins: vec!["https://example.com".to_owned()],
            ..CorsRule::default()
        };
        o.put_bucket_cors(ctx, notes, vec![rule.clone()]).await.unwrap();
        assert_eq!(o.bucket_cors(ctx, notes).await.unwrap(), [rule]);
        let ask = CorsAsk { origin: "https://example.com".to_owned(), method: "GET".to_owned(), ..CorsAsk::default() };
        assert!(o.cors_for("notes", &ask).await.unwrap().is_some());
        o.delete_bucket_cors(ctx, notes).await.unwrap();
        assert!(o.cors_for("notes", &ask).await.unwrap().is_none());

        assert_eq!(o.ownership_controls(ctx, notes).await.unwrap(), "BucketOwnerEnforced");
        assert_eq!(code(o.put_ownership_controls(ctx, notes, "ObjectWriter").await), Code::NotImplemented);
        o.delete_ownership_controls(ctx, notes).await.unwrap();
        assert_eq!(code(o.ownership_controls(ctx, notes).await), Code::OwnershipControlsNotFoundError);
        o.put_ownership_controls(ctx, notes, "BucketOwnerEnforced").await.unwrap();

        assert_eq!(code(o.put_bucket_acl(ctx, notes).await), Code::AccessControlListNotSupported);
        assert_eq!(o.bucket_acl(ctx, notes).await.unwrap().account, *ctx.account());
    })
    .await;
}

#[tokio::test]
async fn new_buckets_block_public_access() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (o, ctx, notes) = (&p.objects, &p.ctx, &BucketRef::new("notes"));
        assert_eq!(o.public_access_block(ctx, notes).await.unwrap(), PublicAccessBlock::ALL);
        let public =
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::notes/*"}"#;
        let refused = p.policy(public).await.unwrap_err();
        assert_eq!(refused.code, Code::AccessDenied);
        assert!(
            refused.error.message.contains("because public policies are prevented by the BlockPublicPolicy setting")
        );
        o.delete_public_access_block(ctx, notes).await.unwrap();
        let absent = o.public_access_block(ctx, notes).await;
        assert_eq!(code(absent), Code::NoSuchPublicAccessBlockConfiguration);
        p.policy(public).await.unwrap();
        assert!(o.bucket_policy_status(ctx, notes).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_written() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (o, ctx, notes) = (&p.objects, &p.ctx, &BucketRef::new("notes"));
        assert_eq!(code(o.bucket_policy(ctx, notes).await), Code::NoSuchBucketPolicy);
        assert_eq!(code(o.bucket_policy_status(ctx, notes).await), Code::NoSuchBucketPolicy);
        let text = format!(
            "{{\n  \"Version\": \"2012-10-17\", \"Statement\": {{\"Effect\": \"Allow\", \"Principal\": {{\"AWS\": \
             \"{}\"}}, \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::notes/*\"}} }}",
            ctx.account()
        );
        o.put_bucket_policy(ctx, notes, &text).await.unwrap();
        assert_eq!(o.bucket_policy(ctx, notes).await.unwrap(), text);
        assert!(!o.bucket_policy_status(ctx, notes).await.unwrap());
        o.delete_bucket_policy(ctx, notes).await.unwrap();
        assert_eq!(code(o.bucket_policy(ctx, notes).await), Code::NoSuchBucketPolicy);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_bucket_policy_is_refused() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (o, ctx, notes) = (&p.objects, &p.ctx, &BucketRef::new("notes"));
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let large = format!(r#"{{"Version": "2012-10-17", "Id": "{}", "Statement": []}}"#, "a".repeat(1_000_000));
        for text in
            ["", "{", "{}", "[]", &deep, &large, r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}"#]
        {
            let refused = o.put_bucket_policy(ctx, notes, text).await;
            assert_eq!(code(refused), Code::MalformedPolicy, "{}", text.get(..40).unwrap_or(text));
        }
        let elsewhere =
            r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}"#;
        assert_eq!(p.policy(elsewhere).await.unwrap_err().error.message, "Policy has invalid resource");
    })
    .await;
}

#[tokio::test]
async fn objects_are_encrypted_with_sse_s3_unless_something_else_is_set() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (o, ctx, notes) = (&p.objects, &p.ctx, &BucketRef::new("notes"));
        assert_eq!(o.bucket_encryption(ctx, notes).await.unwrap().encryption, Encryption::S3);
        assert_eq!(p.put("a", "1").await.sealed, Sealed::S3);
        let kms = Encryption::Kms { key: Some("alias/k".to_owned()), bucket_key: Some(true), context: None };
        o.put_bucket_encryption(ctx, notes, DefaultEncryption { encryption: kms.clone() }).await.unwrap();
        assert_eq!(o.bucket_encryption(ctx, notes).await.unwrap().encryption, kms);
        o.delete_bucket_encryption(ctx, notes).await.unwrap();
        assert_eq!(o.bucket_encryption(ctx, notes).await.unwrap().encryption, Encryption::S3);
    })
    .await;
}
