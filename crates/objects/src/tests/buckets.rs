//! Buckets: made, listed, removed.

use ::store::testing::each_backend;

use super::*;

fn new(name: &str) -> NewBucket {
    NewBucket { name: name.to_owned(), ..NewBucket::default() }
}

#[tokio::test]
async fn a_name_belongs_to_one_account() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let other = p.other_account().await;
        assert_eq!(code(p.objects.create_bucket(&other, new("notes")).await), Code::BucketAlreadyExists);
        // us-east-1 answers success to the owner.
        p.objects.create_bucket(&p.ctx, new("notes")).await.unwrap();
        let in_frankfurt = NewBucket { location: Some("eu-central-1".to_owned()), ..new("frankfurt") };
        p.objects.create_bucket(&p.ctx, in_frankfurt.clone()).await.unwrap();
        assert_eq!(code(p.objects.create_bucket(&p.ctx, in_frankfurt).await), Code::BucketAlreadyOwnedByYou);
        let location = p.objects.bucket_location(&p.ctx, &BucketRef::new("frankfurt")).await.unwrap();
        assert_eq!(location.as_deref(), Some("eu-central-1"));
        assert_eq!(p.objects.bucket_location(&p.ctx, &BucketRef::new("notes")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_location_must_fit_the_region_that_was_called() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let at = |location: &str| NewBucket { location: Some(location.to_owned()), ..new("other") };
        assert_eq!(code(p.objects.create_bucket(&p.ctx, at("us-east-1")).await), Code::InvalidLocationConstraint);
        for none in ["no region!", "nowhere-1"] {
            assert_eq!(code(p.objects.create_bucket(&p.ctx, at(none)).await), Code::InvalidLocationConstraint);
        }
        assert_eq!(p.objects.create_bucket(&p.ctx, at("EU")).await.unwrap().region.as_str(), "eu-west-1");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let acl = NewBucket { acl: true, ..new("other") };
        assert_eq!(code(p.objects.create_bucket(&p.ctx, acl).await), Code::AccessControlListNotSupported);
        let rights = NewBucket { ownership: Some("ObjectWriter".to_owned()), ..new("other") };
        assert_eq!(code(p.objects.create_bucket(&p.ctx, rights).await), Code::NotImplemented);
        assert_eq!(code(p.objects.create_bucket(&p.ctx, new("Other")).await), Code::InvalidBucketName);
        assert_eq!(code(p.objects.head_bucket(&p.ctx, &BucketRef::new("other")).await), Code::NoSuchBucket);
    })
    .await;
}

#[tokio::test]
async fn only_an_empty_bucket_can_be_removed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let notes = BucketRef::new("notes");
        p.versioning(Versioning::Enabled).await;
        p.put("a", "1").await;
        assert_eq!(code(p.objects.delete_bucket(&p.ctx, &notes).await), Code::BucketNotEmpty);
        let marker = p.delete("a", None).await.version_id.unwrap();
        assert_eq!(code(p.objects.delete_bucket(&p.ctx, &notes).await), Code::BucketNotEmpty);
        let list = ListVersions {
            bucket: notes.clone(),
            prefix: String::new(),
            delimiter: None,
            key_marker: None,
            version_marker: None,
            max_keys: None,
        };
        for version in p.objects.list_object_versions(&p.ctx, &list).await.unwrap().versions {
            p.delete("a", Some(&version.version_id)).await;
        }
        assert!(!marker.is_empty());
        let upload = p.objects.create_multipart_upload(&p.ctx, NewUpload::new("notes", "b")).await.unwrap();
        p.objects.delete_bucket(&p.ctx, &notes).await.unwrap();
        assert_eq!(code(p.objects.delete_bucket(&p.ctx, &notes).await), Code::NoSuchBucket);
        p.bucket("notes").await;
        let upload = UploadRef { bucket: notes, key: "b".to_owned(), upload_id: upload.id };
        assert_eq!(code(p.objects.abort_multipart_upload(&p.ctx, &upload).await), Code::NoSuchUpload);
    })
    .await;
}

#[tokio::test]
async fn buckets_are_listed_by_name_in_pages() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        for name in ["b-2", "b-1", "c-1", "b-3"] {
            p.bucket(name).await;
        }
        let other = p.other_account().await;
        p.objects.create_bucket(&other, new("b-0")).await.unwrap();
        let mut asked = ListBuckets { prefix: Some("b-".to_owned()), limit: Some(2), ..ListBuckets::default() };
        let names = |page: &BucketPage| page.buckets.iter().map(|bucket| bucket.name.clone()).collect::<Vec<_>>();
        let first = p.objects.list_buckets(&p.ctx, &asked).await.unwrap();
        assert_eq!(names(&first), ["b-1", "b-2"]);
        asked.token = first.next_token;
        let second = p.objects.list_buckets(&p.ctx, &asked).await.unwrap();
        assert_eq!((names(&second), second.next_token), (vec!["b-3".to_owned()], None));
        let none = ListBuckets { region: Some("eu-west-1".to_owned()), ..ListBuckets::default() };
        assert!(p.objects.list_buckets(&p.ctx, &none).await.unwrap().buckets.is_empty());
        let zero = ListBuckets { limit: Some(0), ..ListBuckets::default() };
        assert_eq!(code(p.objects.list_buckets(&p.ctx, &zero).await), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn another_owner_than_the_expected_one_is_refused() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let expecting = |owner: &str| BucketRef { expected_owner: Some(owner.to_owned()), ..BucketRef::new("notes") };
        p.objects.head_bucket(&p.ctx, &expecting(p.ctx.account().as_str())).await.unwrap();
        assert_eq!(code(p.objects.head_bucket(&p.ctx, &expecting("999999999999")).await), Code::AccessDenied);
        let malformed = p.objects.head_bucket(&p.ctx, &expecting("me")).await;
        assert_eq!(code(malformed), Code::InvalidBucketOwnerAWSAccountID);
    })
    .await;
}
