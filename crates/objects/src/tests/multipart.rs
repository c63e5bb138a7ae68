//! Multipart uploads.

use ::store::testing::each_backend;

use super::*;

const MIB: usize = 1024 * 1024;

async fn begin(p: &Place, key: &str) -> UploadRef {
    begin_with(p, NewUpload::new("notes", key)).await
}

async fn begin_with(p: &Place, new: NewUpload) -> UploadRef {
    let (bucket, key) = (new.bucket.clone(), new.key.clone());
    let upload = p.objects.create_multipart_upload(&p.ctx, new).await.unwrap();
    UploadRef { bucket, key, upload_id: upload.id }
}

async fn part(p: &Place, upload: &UploadRef, number: u32, bytes: impl Into<Bytes>) -> CompletePart {
    let done = try_part(p, upload, number, bytes).await.unwrap();
    let mut checksums = Checksums::default();
    if let Some(checksum) = &done.checksum {
        checksums.set(checksum.algorithm, checksum.value.clone());
    }
    CompletePart { number, etag: format!("\"{}\"", done.etag), checksums }
}

async fn try_part(p: &Place, upload: &UploadRef, number: u32, bytes: impl Into<Bytes>) -> Result<UploadedPart> {
    let part = PartRef { upload: upload.clone(), number };
    p.objects.upload_part(&p.ctx, &part, PartChecks::default(), Body::from_bytes(bytes)).await
}

fn complete(upload: &UploadRef, parts: &[CompletePart]) -> CompleteUpload {
    CompleteUpload {
        upload: upload.clone(),
        parts: parts.to_vec(),
        checksums: Checksums::default(),
        checksum_type: None,
        size: None,
        if_match: None,
        if_none_match: None,
    }
}

#[tokio::test]
async fn parts_become_one_object() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "k").await;
        let whole = pattern(10 * MIB + 70_000);
        let third = part(&p, &upload, 30, whole[10 * MIB..].to_vec()).await;
        let first = part(&p, &upload, 1, whole[..5 * MIB].to_vec()).await;
        part(&p, &upload, 2, "replaced").await;
        let second = part(&p, &upload, 2, whole[5 * MIB..10 * MIB].to_vec()).await;
        part(&p, &upload, 31, "left out").await;
        assert_eq!(code(p.get("k").await), Code::NoSuchKey);
        let parts = [first, second, third];
        let done = p.objects.complete_multipart_upload(&p.ctx, complete(&upload, &parts)).await.unwrap();
        assert!(done.etag.ends_with("-3"), "{}", done.etag);
        assert_eq!(done.size, whole.len() as u64);
        assert_eq!(p.get("k").await.unwrap(), whole);
        let get = GetObject {
            range: Some(ByteRange::FromTo(5 * MIB as u64 - 10, 10 * MIB as u64 + 5)),
            ..GetObject::new(ObjectRef::new("notes", "k"))
        };
        let over = p.objects.get_object(&p.ctx, &get).await.unwrap();
        assert_eq!(bytes(over).await.unwrap(), whole[5 * MIB - 10..10 * MIB + 6]);
        let get = GetObject { part: Some(30), ..GetObject::new(ObjectRef::new("notes", "k")) };
        let last = p.objects.get_object(&p.ctx, &get).await.unwrap();
        assert_eq!(last.object.parts, Some(3));
        assert_eq!(bytes(last).await.unwrap(), whole[10 * MIB..]);
        p.objects.collect().await.unwrap();
        assert_eq!(p.files().len(), 3, "replaced and unlisted parts are removed");
        let again = p.objects.complete_multipart_upload(&p.ctx, complete(&upload, &parts[1..])).await;
        assert_eq!(code(again), Code::NoSuchUpload);
        p.delete("k", None).await;
        p.objects.collect().await.unwrap();
        assert!(p.files().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_etag_is_that_of_aws() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "k").await;
        let one = part(&p, &upload, 1, "hello").await;
        let done = p.objects.complete_multipart_upload(&p.ctx, complete(&upload, &[one])).await.unwrap();
        // MD5 of the MD5 of "hello", by Python's hashlib.
        assert_eq!(done.etag, "62109206880d38a4010a98e11243924a-1");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_completed_stays_as_it_is() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "k").await;
        let small = part(&p, &upload, 1, "small").await;
        let last = part(&p, &upload, 2, "last").await;
        let refused = async |parts: &[CompletePart]| {
            code(p.objects.complete_multipart_upload(&p.ctx, complete(&upload, parts)).await)
        };
        assert_eq!(refused(&[]).await, Code::MalformedXML);
        assert_eq!(refused(&[last.clone(), small.clone()]).await, Code::InvalidPartOrder);
        assert_eq!(refused(&[small.clone(), small.clone()]).await, Code::InvalidPartOrder);
        assert_eq!(refused(&[small.clone(), last.clone()]).await, Code::EntityTooSmall);
        let absent = CompletePart { number: 3, ..last.clone() };
        assert_eq!(refused(&[absent]).await, Code::InvalidPart);
        let other = CompletePart { etag: "00000000000000000000000000000000".to_owned(), ..last.clone() };
        assert_eq!(refused(&[other]).await, Code::InvalidPart);
        let size = CompleteUpload { size: Some(5), ..complete(&upload, std::slice::from_ref(&last)) };
        assert_eq!(code(p.objects.complete_multipart_upload(&p.ctx, size).await), Code::InvalidRequest);
        p.put("k", "here").await;
        let only_new =
            CompleteUpload { if_none_match: Some("*".to_owned()), ..complete(&upload, std::slice::from_ref(&last)) };
        assert_eq!(code(p.objects.complete_multipart_upload(&p.ctx, only_new).await), Code::PreconditionFailed);
        assert_eq!(p.get("k").await.unwrap(), b"here");
        p.objects.complete_multipart_upload(&p.ctx, complete(&upload, &[last])).await.unwrap();
        assert_eq!(p.get("k").await.unwrap(), b"last");
    })
    .await;
}

#[tokio::test]
async fn checksums_are_combined_as_their_type_says() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let whole = pattern(5 * MIB + 1000);
        let pieces = [whole[..5 * MIB].to_vec(), whole[5 * MIB..].to_vec()];
        for (algorithm, kind) in [
            (ChecksumAlgorithm::Crc32, ChecksumType::FullObject),
            (ChecksumAlgorithm::Crc32c, ChecksumType::FullObject),
            (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
            (ChecksumAlgorithm::Crc32, ChecksumType::Composite),
            (ChecksumAlgorithm::Sha256, ChecksumType::Composite),
        ] {
            let upload = begin_with(
                &p,
                NewUpload { algorithm: Some(algorithm), checksum_type: Some(kind), ..NewUpload::new("notes", "k") },
            )
            .await;
            let mut parts = Vec::new();
            for (number, piece) in (1..).zip(&pieces) {
                parts.push(part(&p, &upload, number, piece.clone()).await);
            }
            let mut asked = complete(&upload, &parts);
            asked.checksums.set(algorithm, base64(vec![0; length_of(algorithm)]));
            let wrong = p.objects.complete_multipart_upload(&p.ctx, asked.clone()).await;
            assert_eq!(code(wrong), Code::BadDigest);
            asked.checksums = Checksums::default();
            let checksum = p.objects.complete_multipart_upload(&p.ctx, asked).await.unwrap().checksum.unwrap();
            assert_eq!(checksum.kind, kind);
            match kind {
                ChecksumType::FullObject => {
                    let at_once = PutObject { algorithm: Some(algorithm), ..PutObject::new("notes", "l") };
                    let put = p.objects.put_object(&p.ctx, at_once, Body::from_bytes(whole.clone())).await.unwrap();
                    assert_eq!(checksum.value, put.checksum.unwrap().value, "{algorithm}");
                }
                ChecksumType::Composite => assert!(checksum.value.ends_with("-2"), "{}", checksum.value),
            }
        }
    })
    .await;
}

fn base64(bytes: Vec<u8>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn length_of(algorithm: ChecksumAlgorithm) -> usize {
    match algorithm {
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
        ChecksumAlgorithm::Crc64Nvme => 8,
        ChecksumAlgorithm::Sha1 => 20,
        ChecksumAlgorithm::Sha256 => 32,
    }
}

#[tokio::test]
async fn checksum_types_that_do_not_exist_are_refused() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        for (algorithm, kind) in [
            (Some(ChecksumAlgorithm::Sha256), Some(ChecksumType::FullObject)),
            (Some(ChecksumAlgorithm::Crc64Nvme), Some(ChecksumType::Composite)),
            (None, Some(ChecksumType::Composite)),
        ] {
            let new = NewUpload { algorithm, checksum_type: kind, ..NewUpload::new("notes", "k") };
            assert_eq!(code(p.objects.create_multipart_upload(&p.ctx, new).await), Code::InvalidRequest);
        }
        let new = NewUpload { algorithm: Some(ChecksumAlgorithm::Crc32), ..NewUpload::new("notes", "k") };
        let upload = begin_with(&p, new).await;
        let checks = PartChecks { algorithm: Some(ChecksumAlgorithm::Sha1), ..PartChecks::default() };
        let part = PartRef { upload, number: 1 };
        let other = p.objects.upload_part(&p.ctx, &part, checks, Body::from_bytes("x")).await;
        assert_eq!(code(other), Code::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "k").await;
        part(&p, &upload, 1, "hello").await;
        p.objects.abort_multipart_upload(&p.ctx, &upload).await.unwrap();
        assert_eq!(code(p.objects.abort_multipart_upload(&p.ctx, &upload).await), Code::NoSuchUpload);
        assert_eq!(code(try_part(&p, &upload, 1, "late").await), Code::NoSuchUpload);
        p.objects.collect().await.unwrap();
        assert!(p.files().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_part_can_be_copied_out_of_an_object() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let whole = pattern(6 * MIB);
        p.put("from", whole.clone()).await;
        let upload = begin(&p, "to").await;
        let to = PartRef { upload: upload.clone(), number: 1 };
        let range = |first, last| CopyPart {
            source: ObjectRef::new("notes", "from"),
            range: Some(ByteRange::FromTo(first, last)),
            conditions: Conditions::default(),
            source_key: None,
            customer_key: None,
        };
        let beyond = p.objects.upload_part_copy(&p.ctx, &to, &range(0, 6 * MIB as u64)).await;
        assert_eq!(code(beyond), Code::InvalidRange);
        let copied = p.objects.upload_part_copy(&p.ctx, &to, &range(100, 99 + 5 * MIB as u64)).await.unwrap();
        let parts = [
            CompletePart { number: 1, etag: copied.part.etag, checksums: Checksums::default() },
            part(&p, &upload, 2, "end").await,
        ];
        p.objects.complete_multipart_upload(&p.ctx, complete(&upload, &parts)).await.unwrap();
        let expected = [&whole[100..100 + 5 * MIB], b"end"].concat();
        assert_eq!(p.get("to").await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn parts_and_uploads_are_listed_in_pages() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "b/1").await;
        for number in [1, 2, 10] {
            part(&p, &upload, number, number.to_string()).await;
        }
        let ask = ListParts { max: Some(2), after: None };
        let first = p.objects.list_parts(&p.ctx, &upload, ask).await.unwrap();
        assert_eq!((first.parts.len(), first.truncated, first.next_after), (2, true, Some(2)));
        let ask = ListParts { max: Some(2), after: first.next_after };
        let second = p.objects.list_parts(&p.ctx, &upload, ask).await.unwrap();
        assert_eq!((second.parts[0].number, second.truncated), (10, false));

        p.clock.advance(5);
        let later = begin(&p, "b/1").await;
        let a = begin(&p, "a").await;
        begin(&p, "b/2").await;
        let mut list = ListUploads {
            bucket: BucketRef::new("notes"),
            prefix: String::new(),
            delimiter: None,
            key_marker: None,
            upload_marker: None,
            max: Some(1),
        };
        let mut found = Vec::new();
        loop {
            let page = p.objects.list_multipart_uploads(&p.ctx, &list).await.unwrap();
            found.extend(page.uploads.into_iter().map(|upload| upload.id));
            if !page.truncated {
                break;
            }
            (list.key_marker, list.upload_marker) = (page.next_key_marker, page.next_upload_marker);
        }
        assert_eq!(found[..3], [a.upload_id, upload.upload_id, later.upload_id]);
        assert_eq!(found.len(), 4);
        let folded =
            ListUploads { delimiter: Some("/".to_owned()), max: None, key_marker: None, upload_marker: None, ..list };
        let folded = p.objects.list_multipart_uploads(&p.ctx, &folded).await.unwrap();
        assert_eq!((folded.uploads.len(), folded.prefixes.as_slice()), (1, ["b/".to_owned()].as_slice()));
    })
    .await;
}

#[tokio::test]
async fn numbers_are_from_1_to_10000() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = begin(&p, "k").await;
        assert_eq!(code(try_part(&p, &upload, 0, "x").await), Code::InvalidArgument);
        assert_eq!(code(try_part(&p, &upload, 10_001, "x").await), Code::InvalidArgument);
        try_part(&p, &upload, 10_000, "x").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_completion_that_is_asked_for_again_is_answered_again() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let upload = p.objects.create_multipart_upload(&p.ctx, NewUpload::new("notes", "k")).await.unwrap();
        let upload = UploadRef { bucket: BucketRef::new("notes"), key: "k".into(), upload_id: upload.id };
        let to = PartRef { upload: upload.clone(), number: 1 };
        let part = p.objects.upload_part(&p.ctx, &to, PartChecks::default(), Body::from_bytes("1")).await.unwrap();
        let complete = |etag: &str| CompleteUpload {
            upload: upload.clone(),
            parts: vec![CompletePart { number: 1, etag: etag.to_owned(), ..CompletePart::default() }],
            checksums: Checksums::default(),
            checksum_type: None,
            size: None,
            if_match: None,
            if_none_match: Some("*".to_owned()),
        };
        let first = p.objects.complete_multipart_upload(&p.ctx, complete(&part.etag)).await.unwrap();
        let again = p.objects.complete_multipart_upload(&p.ctx, complete(&part.etag)).await.unwrap();
        assert_eq!((first.etag, first.modified), (again.etag, again.modified));
        let other = p.objects.complete_multipart_upload(&p.ctx, complete("0")).await;
        assert_eq!(code(other), Code::NoSuchUpload);
        p.delete("k", None).await;
        let gone = p.objects.complete_multipart_upload(&p.ctx, complete(&part.etag)).await;
        assert_eq!(code(gone), Code::NoSuchUpload);
    })
    .await;
}
