//! The collector.

use ::store::testing::each_backend;
use futures::stream;

use super::*;

#[tokio::test]
async fn what_is_replaced_or_deleted_is_removed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", large("1")).await;
        p.put("a", large("2")).await;
        p.put("b", large("3")).await;
        p.delete("b", None).await;
        assert_eq!(p.files().len(), 3);
        assert_eq!(p.objects.collect().await.unwrap().garbage, 2);
        assert_eq!(p.files().len(), 1);
        assert_eq!(p.get("a").await.unwrap(), large("2"));
        assert_eq!(p.objects.collect().await.unwrap(), Collected::default());
    })
    .await;
}

#[tokio::test]
async fn what_nobody_knows_is_removed_and_what_is_not_ours_stays() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", large("1")).await;
        let root = p.dir.path().join("objects");
        std::fs::create_dir_all(root.join("blobs/00")).unwrap();
        std::fs::write(root.join("blobs/00/00112233445566778899aabbccddeeff"), "x").unwrap();
        std::fs::write(root.join("blobs/00/README"), "x").unwrap();
        std::fs::write(root.join("tmp/00112233445566778899aabbccddee00"), "x").unwrap();
        let collected = p.objects.collect().await.unwrap();
        assert_eq!((collected.orphans, collected.files), (1, 1));
        let files = p.files();
        assert_eq!(files.len(), 2);
        assert!(files.contains(&"objects/blobs/00/README".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_goes_on_is_left_alone() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
        let pieces =
            stream::unfold(
                receiver,
                |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) },
            );
        let body = Body { stream: pieces.boxed(), length: None, trailers: None };
        let (objects, ctx) = (p.objects.clone(), p.ctx.clone());
        let upload = tokio::spawn(async move { objects.put_object(&ctx, PutObject::new("notes", "k"), body).await });
        let whole = pattern(3 * 1024 * 1024);
        let (first, rest) = whole.split_at(2 * 1024 * 1024);
        for piece in first.chunks(64 * 1024) {
            sender.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
        }
        // The file is there by the time the second batch was taken.
        assert_eq!(p.files().len(), 1);
        assert_eq!(p.objects.collect().await.unwrap(), Collected::default());
        for piece in rest.chunks(64 * 1024) {
            sender.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
        }
        drop(sender);
        upload.await.unwrap().unwrap();
        p.objects.collect().await.unwrap();
        assert_eq!(p.get("k").await.unwrap(), whole);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_removed_while_someone_holds_the_collection() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", large("1")).await;
        let hold = p.objects.hold_collection().await;
        let second = p.objects.hold_collection().await;
        p.delete("a", None).await;
        assert_eq!(p.objects.collect().await.unwrap(), Collected::default());
        drop(hold);
        assert_eq!(p.objects.collect().await.unwrap(), Collected::default());
        assert_eq!(p.files().len(), 1);
        drop(second);
        assert_eq!(p.objects.collect().await.unwrap().garbage, 1);
        assert!(p.files().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_upload_in_which_nothing_happens_for_a_week_is_removed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let day = 24 * 60 * 60 * 1_000;
        let upload = p.objects.create_multipart_upload(&p.ctx, NewUpload::new("notes", "k")).await.unwrap();
        let upload = UploadRef { bucket: BucketRef::new("notes"), key: "k".to_owned(), upload_id: upload.id };
        p.clock.advance(6 * day);
        let part = PartRef { upload: upload.clone(), number: 1 };
        p.objects.upload_part(&p.ctx, &part, PartChecks::default(), Body::from_bytes("1")).await.unwrap();
        p.clock.advance(6 * day);
        assert_eq!(p.objects.collect().await.unwrap().uploads, 0);
        p.clock.advance(2 * day);
        assert_eq!(p.objects.collect().await.unwrap().uploads, 1);
        assert_eq!(code(p.objects.abort_multipart_upload(&p.ctx, &upload).await), Code::NoSuchUpload);
        assert!(p.files().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_background_collector_removes_what_is_deleted() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", "1").await;
        let collector = p.objects.start();
        p.delete("a", None).await;
        while !p.files().is_empty() {
            tokio::task::yield_now().await;
        }
        collector.stop().await;
    })
    .await;
}

#[tokio::test]
async fn two_processes_use_one_storage_key() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("a", "1").await;
        let clock: Arc<dyn Clock> = p.clock.clone();
        let random = Arc::new(SeededRandom::new(2));
        let place = BlobPlace::Folder(p.dir.path().join("objects"));
        let again = Objects::open(p.store.clone(), p.identity.clone(), place, clock, random).await.unwrap();
        let got = again.get_object(&p.ctx, &GetObject::new(ObjectRef::new("notes", "a"))).await.unwrap();
        assert_eq!(bytes(got).await.unwrap(), b"1");
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_named_belongs_to_one_process() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let place = BlobPlace::from_url(&format!("file://{}", dir.path().display())).unwrap();
        let p = Place::with(&store, tempfile::tempdir().unwrap(), place.clone()).await;
        let again = async || {
            let (clock, random) = (p.clock.clone(), Arc::new(SeededRandom::new(2)));
            Objects::open(p.store.clone(), p.identity.clone(), place.clone(), clock, random).await
        };
        assert_eq!(again().await.err().unwrap().kind, base::ErrorKind::Conflict);
    })
    .await;
}

#[tokio::test]
async fn a_place_of_another_deployment_is_refused_until_it_is_taken_over() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let place = BlobPlace::from_url(&format!("file://{}", dir.path().display())).unwrap();
        let open = async |p: &Place, other| {
            let (clock, random) = (p.clock.clone(), Arc::new(SeededRandom::new(2)));
            Objects::open_at(p.store.clone(), p.identity.clone(), (place.clone(), other), clock, random).await
        };
        let p = Place::new(&store).await;
        drop(open(&p, OtherOwner::Refuse).await.unwrap());
        let marker = || std::fs::read_to_string(dir.path().join("craton-deployment")).unwrap();
        let first = marker();
        drop(open(&p, OtherOwner::Refuse).await.unwrap());
        // As a restored database is.
        forget_deployment(&p.store).await.unwrap();
        let refused = open(&p, OtherOwner::Refuse).await.err().unwrap();
        assert_eq!(refused.kind, base::ErrorKind::Conflict);
        assert!(refused.hint.unwrap().contains("--claim-object-store"));
        assert_eq!(marker(), first);
        drop(open(&p, OtherOwner::Replace).await.unwrap());
        assert_ne!(marker(), first);
        drop(open(&p, OtherOwner::Refuse).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_deployment_whose_object_store_was_taken_over_removes_nothing_there_any_more() {
    each_backend(async |store| {
        let place = BlobPlace::from_url("memory:").unwrap();
        let p = Place::with(&store, tempfile::tempdir().unwrap(), place.clone()).await;
        p.put("a", large("1")).await;
        forget_deployment(&p.store).await.unwrap();
        let open = async |other| {
            let (clock, random) = (p.clock.clone(), Arc::new(SeededRandom::new(2)));
            Objects::open_at(p.store.clone(), p.identity.clone(), (place.clone(), other), clock, random).await
        };
        assert_eq!(open(OtherOwner::Refuse).await.err().unwrap().kind, base::ErrorKind::Conflict);
        let heir = open(OtherOwner::Replace).await.unwrap();
        p.delete("a", None).await;
        p.clock.advance(24 * 60 * 60 * 1_000);
        assert_eq!(p.objects.collect().await.err().unwrap().kind, base::ErrorKind::Conflict);
        assert_eq!(heir.collect().await.unwrap().garbage, 1);
    })
    .await;
}
