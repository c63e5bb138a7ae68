//! Objects that are encrypted with keys of the client's own.

use ::store::testing::each_backend;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use super::*;

const MIB: usize = 1024 * 1024;

fn key(byte: u8) -> CustomerKey {
    let (key, md5) = ([byte; 32], Md5::digest([byte; 32]));
    CustomerKey::parse(Some("AES256"), Some(&BASE64.encode(key)), Some(&BASE64.encode(md5))).unwrap().unwrap()
}

fn get(name: &str, key: Option<CustomerKey>) -> GetObject {
    GetObject { customer_key: key, ..GetObject::new(ObjectRef::new("notes", name)) }
}

fn put(name: &str, key: CustomerKey) -> PutObject {
    PutObject { customer_key: Some(key), ..PutObject::new("notes", name) }
}

#[tokio::test]
async fn an_object_is_read_only_with_the_key_that_it_was_written_with() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let done = p.objects.put_object(&p.ctx, put("k", key(1)), Body::from_bytes("secret")).await.unwrap();
        assert_eq!(done.sealed, Sealed::Customer);
        let got = p.objects.get_object(&p.ctx, &get("k", Some(key(1)))).await.unwrap();
        assert_eq!(got.object.sealed, Sealed::Customer);
        assert_eq!(bytes(got).await.unwrap(), b"secret");
        for (given, refused) in [(None, Code::InvalidRequest), (Some(key(2)), Code::AccessDenied)] {
            assert_eq!(code(p.objects.get_object(&p.ctx, &get("k", given.clone())).await), refused);
            assert_eq!(code(p.objects.head_object(&p.ctx, &get("k", given.clone())).await), refused);
            let object = ObjectRef::new("notes", "k");
            let ask = PartsAsk::default();
            let attributes = p.objects.get_object_attributes(&p.ctx, &object, ask, given.as_ref()).await;
            assert_eq!(code(attributes), refused);
        }
        assert!(p.objects.head_object(&p.ctx, &get("k", Some(key(1)))).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_key_is_refused_where_the_object_has_none_or_another_encryption_is_asked_for() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("plain", "1").await;
        assert_eq!(code(p.objects.get_object(&p.ctx, &get("plain", Some(key(1)))).await), Code::InvalidRequest);
        let both = PutObject { encryption: Some(Encryption::S3), ..put("k", key(1)) };
        assert_eq!(code(p.objects.put_object(&p.ctx, both, Body::empty()).await), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn every_part_of_an_upload_needs_the_key_that_it_was_begun_with() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let new = NewUpload { customer_key: Some(key(1)), ..NewUpload::new("notes", "k") };
        let upload = p.objects.create_multipart_upload(&p.ctx, new).await.unwrap();
        let whole = pattern(5 * MIB + 10);
        let mut parts = Vec::new();
        for (number, piece) in [(1, &whole[..5 * MIB]), (2, &whole[5 * MIB..])] {
            let upload = UploadRef { bucket: BucketRef::new("notes"), key: "k".into(), upload_id: upload.id.clone() };
            let to = PartRef { upload, number };
            let with = |key| PartChecks { customer_key: key, ..PartChecks::default() };
            for wrong in [None, Some(key(2))] {
                let refused = p.objects.upload_part(&p.ctx, &to, with(wrong), Body::from_bytes("1")).await;
                assert_eq!(code(refused), Code::InvalidRequest);
            }
            let body = Body::from_bytes(piece.to_vec());
            let done = p.objects.upload_part(&p.ctx, &to, with(Some(key(1))), body).await.unwrap();
            parts.push(CompletePart { number, etag: done.etag, ..CompletePart::default() });
        }
        let complete = CompleteUpload {
            upload: UploadRef { bucket: BucketRef::new("notes"), key: "k".into(), upload_id: upload.id },
            parts,
            checksums: Checksums::default(),
            checksum_type: None,
            size: None,
            if_match: None,
            if_none_match: None,
        };
        assert_eq!(p.objects.complete_multipart_upload(&p.ctx, complete).await.unwrap().sealed, Sealed::Customer);
        let got = p.objects.get_object(&p.ctx, &get("k", Some(key(1)))).await.unwrap();
        assert_eq!(bytes(got).await.unwrap(), whole);
        assert_eq!(code(p.objects.get_object(&p.ctx, &get("k", Some(key(2)))).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn a_copy_is_read_with_one_key_and_written_with_another() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.objects.put_object(&p.ctx, put("from", key(1)), Body::from_bytes("secret")).await.unwrap();
        let copy = |source_key| CopyObject {
            source: ObjectRef::new("notes", "from"),
            source_conditions: Conditions::default(),
            source_key,
            to: put("to", key(2)),
            metadata_directive: Directive::Copy,
            tagging_directive: Directive::Copy,
        };
        assert_eq!(code(p.objects.copy_object(&p.ctx, copy(None)).await), Code::InvalidRequest);
        assert_eq!(code(p.objects.copy_object(&p.ctx, copy(Some(key(2)))).await), Code::AccessDenied);
        p.objects.copy_object(&p.ctx, copy(Some(key(1)))).await.unwrap();
        let got = p.objects.get_object(&p.ctx, &get("to", Some(key(2)))).await.unwrap();
        assert_eq!(bytes(got).await.unwrap(), b"secret");
    })
    .await;
}
