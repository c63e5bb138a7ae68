//! Who may do what.

use ::store::testing::each_backend;

use super::*;

/// A statement for `principal`, a JSON value.
fn allow(principal: &str, actions: &str, resources: &str, rest: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": {actions}, "Resource": {resources}{rest}}}"#)
}

fn aws(ctx: &Ctx) -> String {
    format!(r#"{{"AWS": "{}"}}"#, ctx.principal().arn())
}

const OBJECTS: &str = r#""arn:aws:s3:::notes/*""#;
const BUCKET: &str = r#""arn:aws:s3:::notes""#;

async fn get(p: &Place, ctx: &Ctx, key: &str) -> Result<Vec<u8>> {
    bytes(p.objects.get_object(ctx, &GetObject::new(ObjectRef::new("notes", key))).await?).await
}

fn list(prefix: &str) -> ListObjects {
    ListObjects {
        bucket: BucketRef::new("notes"),
        prefix: prefix.to_owned(),
        delimiter: None,
        marker: None,
        max_keys: None,
    }
}

#[tokio::test]
async fn a_bucket_policy_gives_a_user_what_it_names_and_nothing_else() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        p.put("k", "1").await;
        let refused = get(&p, &ada, "k").await.unwrap_err();
        assert_eq!(refused.code, Code::AccessDenied);
        assert_eq!(
            refused.error.message,
            format!(
                "User: {} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::notes/k because no \
                 identity-based policy allows the s3:GetObject action",
                ada.principal().arn()
            )
        );
        p.policy(&allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, "")).await.unwrap();
        assert_eq!(get(&p, &ada, "k").await.unwrap(), b"1");
        let put = p.objects.put_object(&ada, PutObject::new("notes", "k"), Body::empty()).await;
        assert_eq!(code(put), Code::AccessDenied);
        let versioned = ObjectRef { version: Some("null".to_owned()), ..ObjectRef::new("notes", "k") };
        let versioned = p.objects.get_object(&ada, &GetObject::new(versioned)).await;
        assert!(versioned.err().unwrap().error.message.contains("s3:GetObjectVersion "));
    })
    .await;
}

#[tokio::test]
async fn who_may_not_list_does_not_learn_that_a_key_is_absent() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        let read = allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, "");
        p.policy(&read).await.unwrap();
        let hidden = get(&p, &ada, "none").await.unwrap_err();
        assert_eq!(hidden.code, Code::AccessDenied);
        assert!(hidden.error.message.contains("s3:ListBucket on resource: arn:aws:s3:::notes because"));
        p.policy(&format!("{read}, {}", allow(&aws(&ada), r#""s3:ListBucket""#, BUCKET, ""))).await.unwrap();
        assert_eq!(code(get(&p, &ada, "none").await), Code::NoSuchKey);
        let elsewhere = p.objects.get_object(&ada, &GetObject::new(ObjectRef::new("nowhere", "k"))).await;
        assert_eq!(code(elsewhere), Code::AccessDenied, "who may nothing does not learn which buckets there are");
        let elsewhere = p.objects.get_object(&p.ctx, &GetObject::new(ObjectRef::new("nowhere", "k"))).await;
        assert_eq!(code(elsewhere), Code::NoSuchBucket);
    })
    .await;
}

#[tokio::test]
async fn a_listing_can_be_bound_to_a_prefix() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        let condition = r#", "Condition": {"StringLike": {"s3:prefix": "home/ada/*"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}"#;
        p.policy(&allow(&aws(&ada), r#""s3:ListBucket""#, BUCKET, condition)).await.unwrap();
        let asked = |prefix: &str, max_keys| ListObjects { max_keys: Some(max_keys), ..list(prefix) };
        p.objects.list_objects(&ada, &asked("home/ada/x", 10)).await.unwrap();
        assert_eq!(code(p.objects.list_objects(&ada, &asked("home/eve/", 10)).await), Code::AccessDenied);
        assert_eq!(code(p.objects.list_objects(&ada, &asked("home/ada/x", 11)).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn tags_and_encryption_are_conditions() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        let tagged = r#", "Condition": {"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}"#;
        let encrypted = r#", "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}"#;
        let tagging = r#", "Condition": {"StringEquals": {"s3:RequestObjectTag/open": "no"}}"#;
        p.policy(
            &[
                allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, tagged),
                allow(&aws(&ada), r#""s3:PutObject""#, OBJECTS, encrypted),
                allow(&aws(&ada), r#""s3:PutObjectTagging""#, OBJECTS, tagging),
            ]
            .join(", "),
        )
        .await
        .unwrap();
        let tags = |value: &str| vec![("open".to_owned(), value.to_owned())];
        let put = PutObject { tags: tags("yes"), ..PutObject::new("notes", "open") };
        p.objects.put_object(&p.ctx, put, Body::empty()).await.unwrap();
        p.put("closed", "").await;
        get(&p, &ada, "open").await.unwrap();
        assert_eq!(code(get(&p, &ada, "closed").await), Code::AccessDenied);

        let plain = PutObject::new("notes", "new");
        assert_eq!(code(p.objects.put_object(&ada, plain.clone(), Body::empty()).await), Code::AccessDenied);
        let sse = PutObject { encryption: Some(Encryption::S3), ..plain };
        p.objects.put_object(&ada, sse.clone(), Body::empty()).await.unwrap();
        let wrong = PutObject { tags: tags("yes"), ..sse.clone() };
        assert_eq!(code(p.objects.put_object(&ada, wrong, Body::empty()).await), Code::AccessDenied);
        let right = PutObject { tags: tags("no"), ..sse };
        p.objects.put_object(&ada, right, Body::empty()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn another_account_needs_the_bucket_policy() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let other = p.other_account().await;
        p.put("weights/config.json", "{}").await;
        let refused = get(&p, &other, "weights/config.json").await.unwrap_err();
        assert!(refused.error.message.ends_with("because no resource-based policy allows the s3:GetObject action"));
        let account = format!(r#"{{"AWS": "arn:aws:iam::{}:root"}}"#, other.account());
        let both = format!("[{BUCKET}, {OBJECTS}]");
        p.policy(&allow(&account, r#"["s3:ListBucket", "s3:GetObject"]"#, &both, "")).await.unwrap();
        assert_eq!(get(&p, &other, "weights/config.json").await.unwrap(), b"{}");
        assert_eq!(p.objects.list_objects(&other, &list("weights/")).await.unwrap().entries.len(), 1);
        assert_eq!(code(p.objects.head_bucket(&other, &BucketRef::new("nowhere")).await), Code::NoSuchBucket);
        let delete =
            DeleteObject { object: ObjectRef::new("notes", "weights/config.json"), if_match: None, bypass: false };
        assert_eq!(code(p.objects.delete_object(&other, &delete).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn everyone_may_read_only_what_is_public_and_not_restricted() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (nobody, other) = (p.anonymous(), p.other_account().await);
        p.put("k", "1").await;
        assert_eq!(code(get(&p, &nobody, "k").await), Code::AccessDenied);
        let open = PublicAccessBlock { block_public_policy: false, ..PublicAccessBlock::ALL };
        let notes = BucketRef::new("notes");
        p.objects.put_public_access_block(&p.ctx, &notes, open).await.unwrap();
        p.policy(&allow(r#""*""#, r#""s3:GetObject""#, OBJECTS, "")).await.unwrap();
        // Restricted: the policy is public, so other accounts and strangers are kept out.
        assert_eq!(code(get(&p, &nobody, "k").await), Code::AccessDenied);
        assert_eq!(code(get(&p, &other, "k").await), Code::AccessDenied);
        let ada = p.user("ada").await;
        assert_eq!(get(&p, &ada, "k").await.unwrap(), b"1");
        p.objects.delete_public_access_block(&p.ctx, &notes).await.unwrap();
        assert_eq!(get(&p, &nobody, "k").await.unwrap(), b"1");
        assert_eq!(get(&p, &other, "k").await.unwrap(), b"1");
        let list = p.objects.list_objects(&nobody, &list("")).await;
        assert_eq!(code(list), Code::AccessDenied);
        let nowhere = p.objects.head_bucket(&nobody, &BucketRef::new("nowhere")).await;
        assert_eq!(code(nowhere), Code::NoSuchBucket);
        assert_eq!(code(p.objects.list_buckets(&nobody, &ListBuckets::default()).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn the_root_user_cannot_be_locked_out_of_the_policy() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let both = format!("[{BUCKET}, {OBJECTS}]");
        let closed = format!(r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": {both}}}"#);
        p.policy(&closed).await.unwrap();
        let notes = BucketRef::new("notes");
        assert_eq!(code(p.objects.delete_bucket_policy(&p.ctx, &notes).await), Code::AccessDenied);
        let root = p.root().await;
        assert_eq!(code(p.objects.head_bucket(&root, &notes).await), Code::AccessDenied);
        p.objects.bucket_policy(&root, &notes).await.unwrap();
        p.objects.delete_bucket_policy(&root, &notes).await.unwrap();
        p.objects.head_bucket(&p.ctx, &notes).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_copy_needs_to_read_its_source_and_to_write_its_target() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        let tags = vec![("t".to_owned(), "v".to_owned())];
        let put = PutObject { tags, ..PutObject::new("notes", "from") };
        p.objects.put_object(&p.ctx, put, Body::from_bytes("1")).await.unwrap();
        let copy = || {
            p.objects.copy_object(
                &ada,
                CopyObject {
                    source: ObjectRef::new("notes", "from"),
                    source_conditions: Conditions::default(),
                    source_key: None,
                    to: PutObject::new("notes", "to"),
                    metadata_directive: Directive::Copy,
                    tagging_directive: Directive::Copy,
                },
            )
        };
        let mut granted: Vec<&str> = Vec::new();
        for missing in ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"] {
            let refused = copy().await.err().unwrap();
            assert!(refused.error.message.contains(&format!("perform: {missing} on")), "{refused}");
            granted.push(missing);
            let actions = format!("[{}]", granted.iter().map(|a| format!("\"{a}\"")).collect::<Vec<_>>().join(", "));
            p.policy(&allow(&aws(&ada), &actions, OBJECTS, "")).await.unwrap();
        }
        copy().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_several_deletions_only_the_allowed_ones_happen() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        p.put("mine/1", "1").await;
        p.put("yours/1", "1").await;
        p.policy(&allow(&aws(&ada), r#""s3:DeleteObject""#, r#""arn:aws:s3:::notes/mine/*""#, "")).await.unwrap();
        let entry = |key: &str| DeleteEntry { key: key.to_owned(), version: None, if_match: None, bypass: false };
        let entries = vec![entry("mine/1"), entry("yours/1")];
        let outcomes = p.objects.delete_objects(&ada, &BucketRef::new("notes"), entries).await.unwrap();
        assert!(outcomes[0].result.is_ok());
        assert_eq!(outcomes[1].result.as_ref().err().unwrap().code, Code::AccessDenied);
        assert_eq!(p.get("yours/1").await.unwrap(), b"1");
    })
    .await;
}

#[tokio::test]
async fn explanations_find_buckets_and_objects_by_their_arns() {
    use identity::ResourceLookup as _;

    each_backend(async |store| {
        let p = Place::new(&store).await;
        let ada = p.user("ada").await;
        p.policy(&allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, "")).await.unwrap();
        let tags = vec![("t".to_owned(), "v".to_owned())];
        p.objects.put_bucket_tagging(&p.ctx, &BucketRef::new("notes"), tags.clone()).await.unwrap();
        let lookup = crate::buckets::lookup::BucketLookup(p.store.clone());
        let bucket = lookup.find("arn:aws:s3:::notes").await.unwrap().unwrap();
        assert_eq!((&bucket.owner, &bucket.tags), (p.ctx.account(), &tags));
        let object = lookup.find("arn:aws:s3:::notes/a/b").await.unwrap().unwrap();
        assert_eq!(object.policy.map(|policy| policy.id.to_string()).as_deref(), Some("arn:aws:s3:::notes"));
        assert!(lookup.find("arn:aws:s3:::nowhere/a").await.unwrap().is_none());
        assert!(lookup.find("arn:aws:kms:us-east-1:111122223333:key/a").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_policy_names_principals_that_exist_and_means_them_for_ever() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let absent = format!(r#"{{"AWS": "arn:aws:iam::{}:user/absent"}}"#, p.ctx.account());
        let refused = p.policy(&allow(&absent, r#""s3:GetObject""#, OBJECTS, "")).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.error.message.as_str()),
            (Code::MalformedPolicy, "Invalid principal in policy")
        );
        assert!(refused.error.hint.unwrap().contains("user/absent"));

        let ada = p.user("ada").await;
        p.put("k", "1").await;
        p.policy(&allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, "")).await.unwrap();
        get(&p, &ada, "k").await.unwrap();
        for key in p
            .identity
            .list_access_keys(&p.ctx, Some("ada"), &base::PageRequest { limit: 9, after: None })
            .await
            .unwrap()
            .items
        {
            p.identity.delete_access_key(&p.ctx, Some("ada"), &key.id).await.unwrap();
        }
        p.identity.delete_user(&p.ctx, "ada").await.unwrap();
        let namesake = p.user("ada").await;
        assert_eq!(code(get(&p, &namesake, "k").await), Code::AccessDenied);
        let shown = p.objects.bucket_policy(&p.ctx, &BucketRef::new("notes")).await.unwrap();
        assert!(shown.contains("AIDA") && !shown.contains("user/ada"), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn what_a_request_says_of_itself_can_be_asked_for() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "1").await;
        let condition = r#", "Condition": {"StringEquals": {"s3:authType": "REST-HEADER"}}"#;
        let ada = p.user("ada").await;
        p.policy(&allow(&aws(&ada), r#""s3:GetObject""#, OBJECTS, condition)).await.unwrap();
        let said = |key: &str, value: &str| ada.with_conditions(vec![(key.to_owned(), value.to_owned())]);
        assert_eq!(get(&p, &said("s3:authType", "REST-HEADER"), "k").await.unwrap(), b"1");
        for other in [ada.clone(), said("s3:authType", "POST"), said("kms:authType", "REST-HEADER")] {
            assert_eq!(code(get(&p, &other, "k").await), Code::AccessDenied);
        }
    })
    .await;
}
