//! Putting objects.

use ::store::params;
use ::store::testing::each_backend;
use futures::stream;
use std::io;

use super::*;
use crate::blobs::INLINE;
use crate::seal::CHUNK;

async fn put(p: &Place, put: PutObject, bytes: &'static str) -> Result<Put> {
    p.objects.put_object(&p.ctx, put, Body::from_bytes(bytes)).await
}

#[tokio::test]
async fn what_is_put_comes_back_whatever_its_size() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 512 * 1024, 1_500_000] {
            let bytes = pattern(size);
            let done = p.put("k", bytes.clone()).await;
            assert_eq!(done.size, size as u64);
            assert_eq!(p.get("k").await.unwrap(), bytes, "{size}");
        }
        assert_eq!(p.put("k", "hello").await.etag, "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(p.put("k", "").await.etag, "d41d8cd98f00b204e9800998ecf8427e");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_stored_in_the_clear() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "a secret that must not be readable".repeat(1000)).await;
        let files = p.files();
        assert_eq!(files.len(), 1);
        let stored = std::fs::read(p.dir.path().join(&files[0])).unwrap();
        assert!(!stored.windows(8).any(|window| window == b"a secret"));
    })
    .await;
}

#[tokio::test]
async fn small_objects_are_kept_in_their_rows() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let secret = pattern(INLINE as usize);
        p.put("k", secret.clone()).await;
        assert!(p.files().is_empty());
        assert_eq!(p.get("k").await.unwrap(), secret);
        let some =
            GetObject { range: Some(ByteRange::FromTo(100, 16_000)), ..GetObject::new(ObjectRef::new("notes", "k")) };
        let got = p.objects.get_object(&p.ctx, &some).await.unwrap();
        assert_eq!(bytes(got).await.unwrap(), secret[100..=16_000]);
        let copy = CopyObject {
            source: ObjectRef::new("notes", "k"),
            source_conditions: Conditions::default(),
            source_key: None,
            to: PutObject::new("notes", "copy"),
            metadata_directive: Directive::Copy,
            tagging_directive: Directive::Copy,
        };
        p.objects.copy_object(&p.ctx, copy).await.unwrap();
        assert_eq!(p.get("copy").await.unwrap(), secret);
        p.put("k", pattern(INLINE as usize + 1)).await;
        assert_eq!(p.files().len(), 1);
        assert_eq!(p.get("k").await.unwrap(), pattern(INLINE as usize + 1));
        p.delete("copy", None).await;
        assert_eq!(code(p.get("copy").await), Code::NoSuchKey);
    })
    .await;
}

#[tokio::test]
async fn small_objects_are_sealed_and_damage_is_found() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "a secret that must not be readable").await;
        let sql = "SELECT inline FROM object_versions";
        let stored = store.read(|tx| async move { tx.fetch_one(sql, params![]).await?.bytes("inline") }).await.unwrap();
        assert!(!stored.windows(8).any(|window| window == b"a secret"));
        let mut damaged = stored;
        damaged[3] ^= 1;
        let damaged = &damaged;
        let update = "UPDATE object_versions SET inline = $1";
        store.write(|tx| async move { tx.execute(update, params![damaged]).await }).await.unwrap();
        assert_eq!(p.get("k").await.unwrap_err().error.kind, base::ErrorKind::Damaged);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_a_name_and_never_a_path() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let keys = ["../../etc/passwd", "/etc/passwd", "a//b", ".", "..", "a/../b", "\u{1}\n\u{7f}", "ü/☃", "%2e%2e/x"];
        for key in keys {
            p.put(key, key.to_owned()).await;
        }
        for key in keys {
            assert_eq!(p.get(key).await.unwrap(), key.as_bytes(), "{key:?}");
        }
        for file in p.files() {
            let name = file.strip_prefix("objects/blobs/").unwrap_or_else(|| panic!("a file at {file}"));
            assert!(name.chars().all(|c| c.is_ascii_hexdigit() || c == '/'), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn checksums_are_verified_and_kept() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        // Of "hello", by other programs: crc32, crc32c and crc64nvme of the AWS CLI, sha1sum, sha256sum.
        let known = [
            (ChecksumAlgorithm::Crc32, "NhCmhg=="),
            (ChecksumAlgorithm::Crc32c, "mnG7TA=="),
            (ChecksumAlgorithm::Sha1, "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
            (ChecksumAlgorithm::Sha256, "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ];
        for (algorithm, value) in known {
            let mut new = PutObject::new("notes", "k");
            new.checksums.set(algorithm, value);
            let checksum = put(&p, new.clone(), "hello").await.unwrap().checksum.unwrap();
            assert_eq!((checksum.algorithm, checksum.value.as_str()), (algorithm, value));
            let refused = put(&p, new, "hullo").await.unwrap_err();
            assert_eq!(refused.code, Code::BadDigest, "{algorithm}");
            // Only computed, where the request names the algorithm alone.
            let asked = PutObject { algorithm: Some(algorithm), ..PutObject::new("notes", "k") };
            assert_eq!(put(&p, asked, "hello").await.unwrap().checksum.unwrap().value, value);
        }
        // The check value of CRC-64/NVME, ae8b14860a799888.
        let nvme = PutObject { algorithm: Some(ChecksumAlgorithm::Crc64Nvme), ..PutObject::new("notes", "l") };
        assert_eq!(put(&p, nvme, "123456789").await.unwrap().checksum.unwrap().value, "rosUhgp5mIg=");
        assert_eq!(p.get("k").await.unwrap(), b"hello", "a refused upload changes nothing");
    })
    .await;
}

#[tokio::test]
async fn given_digests_must_be_of_their_form_and_of_one_algorithm() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let with = |change: fn(&mut PutObject)| {
            let mut new = PutObject::new("notes", "k");
            change(&mut new);
            new
        };
        let md5 = with(|new| new.content_md5 = Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned()));
        put(&p, md5.clone(), "hello").await.unwrap();
        assert_eq!(code(put(&p, md5, "hullo").await), Code::BadDigest);
        let short = with(|new| new.content_md5 = Some("XUFA".to_owned()));
        assert_eq!(code(put(&p, short, "hello").await), Code::InvalidDigest);
        let malformed = with(|new| new.checksums.crc32 = Some("no".to_owned()));
        assert_eq!(code(put(&p, malformed, "hello").await), Code::InvalidRequest);
        let two = with(|new| {
            new.checksums.crc32 = Some("NhCmhg==".to_owned());
            new.checksums.crc32c = Some("mnG7TA==".to_owned());
        });
        assert_eq!(code(put(&p, two, "hello").await), Code::InvalidRequest);
        let others = with(|new| {
            new.algorithm = Some(ChecksumAlgorithm::Sha1);
            new.checksums.crc32 = Some("NhCmhg==".to_owned());
        });
        assert_eq!(code(put(&p, others, "hello").await), Code::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn a_trailing_checksum_is_asked_for_after_the_last_byte() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let trailing = |value: &'static str| Body {
            trailers: Some(Box::new(move || Ok(Checksums { crc32: Some(value.to_owned()), ..Checksums::default() }))),
            ..Body::from_bytes("hello")
        };
        let new = PutObject { algorithm: Some(ChecksumAlgorithm::Crc32), ..PutObject::new("notes", "k") };
        p.objects.put_object(&p.ctx, new.clone(), trailing("NhCmhg==")).await.unwrap();
        assert_eq!(code(p.objects.put_object(&p.ctx, new, trailing("AAAAAA==")).await), Code::BadDigest);
    })
    .await;
}

#[tokio::test]
async fn a_body_of_another_length_or_with_an_error_leaves_nothing() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let body = |length, pieces: Vec<io::Result<Bytes>>| Body {
            stream: stream::iter(pieces).boxed(),
            length: Some(length),
            trailers: None,
        };
        let new = || PutObject::new("notes", "k");
        let piece = || Ok(Bytes::from(vec![1; 100_000]));
        let short = p.objects.put_object(&p.ctx, new(), body(1_000_000, vec![piece()])).await;
        assert_eq!(code(short), Code::IncompleteBody);
        let long = p.objects.put_object(&p.ctx, new(), body(100_001, vec![piece(), piece()])).await;
        assert_eq!(code(long), Code::IncompleteBody);
        let cause = io::Error::other("signature of a chunk");
        let mut pieces: Vec<_> = (0..10).map(|_| piece()).collect();
        pieces.push(Err(cause));
        let broken = p.objects.put_object(&p.ctx, new(), body(2_000_000, pieces)).await.unwrap_err();
        let cause = Arc::try_unwrap(broken.body.unwrap()).unwrap();
        assert_eq!(cause.into_inner().unwrap().to_string(), "signature of a chunk");
        let large = p.objects.put_object(&p.ctx, new(), body(5 * 1024 * 1024 * 1024 + 1, vec![])).await;
        assert_eq!(code(large), Code::EntityTooLarge);
        assert_eq!(code(p.get("k").await), Code::NoSuchKey);
        assert_eq!(p.files(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn writes_can_be_bound_to_what_is_there() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let absent = PutObject { if_none_match: Some("*".to_owned()), ..PutObject::new("notes", "k") };
        let etag = put(&p, absent.clone(), "1").await.unwrap().etag;
        assert_eq!(code(put(&p, absent.clone(), "2").await), Code::PreconditionFailed);
        let same = |etag: &str| PutObject { if_match: Some(format!("\"{etag}\"")), ..PutObject::new("notes", "k") };
        put(&p, same(&etag), "2").await.unwrap();
        assert_eq!(code(put(&p, same(&etag), "3").await), Code::PreconditionFailed);
        assert_eq!(p.get("k").await.unwrap(), b"2");
        p.delete("k", None).await;
        assert_eq!(code(put(&p, same(&etag), "3").await), Code::NoSuchKey);
        put(&p, absent, "4").await.unwrap();
        let listed = PutObject { if_none_match: Some("\"a\"".to_owned()), ..PutObject::new("notes", "k") };
        assert_eq!(code(put(&p, listed, "5").await), Code::NotImplemented);
    })
    .await;
}

#[tokio::test]
async fn of_many_conditional_writes_one_wins() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let new = PutObject { if_none_match: Some("*".to_owned()), ..PutObject::new("notes", "k") };
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let (objects, ctx, new) = (p.objects.clone(), p.ctx.clone(), new.clone());
                tokio::spawn(async move {
                    objects.put_object(&ctx, new, Body::from_bytes(large(&number.to_string()))).await
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        let won: Vec<usize> = (0..8).filter(|number| outcomes[*number].is_ok()).collect();
        let kept = String::from_utf8(p.get("k").await.unwrap()[..1].to_vec()).unwrap();
        assert_eq!(won.iter().map(usize::to_string).collect::<Vec<_>>(), [kept], "{outcomes:?}");
        p.objects.collect().await.unwrap();
        assert_eq!(p.files().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn writes_of_one_key_at_once_all_succeed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let tasks: Vec<_> = (0..8)
            .map(|number: usize| {
                let (objects, ctx) = (p.objects.clone(), p.ctx.clone());
                let put = PutObject::new("notes", "k");
                let body = Body::from_bytes(large(&number.to_string()));
                tokio::spawn(async move { objects.put_object(&ctx, put, body).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        p.objects.collect().await.unwrap();
        assert_eq!(p.files().len(), 1);
        assert_eq!(p.get("k").await.unwrap().len(), INLINE as usize + 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_said_of_an_object_is_kept_within_limits() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let new = PutObject {
            headers: Headers { content_type: Some("text/plain".to_owned()), ..Headers::default() },
            metadata: vec![("a".to_owned(), "ü".to_owned())],
            tags: vec![("t".to_owned(), "v".to_owned())],
            storage_class: Some("STANDARD_IA".to_owned()),
            ..PutObject::new("notes", "k")
        };
        put(&p, new.clone(), "1").await.unwrap();
        let got = p.objects.head_object(&p.ctx, &GetObject::new(ObjectRef::new("notes", "k"))).await.unwrap().object;
        assert_eq!((&got.headers, &got.metadata, got.tag_count), (&new.headers, &new.metadata, 1));
        assert_eq!(got.storage_class, "STANDARD_IA");

        let large = PutObject { metadata: vec![("a".to_owned(), "x".repeat(2048))], ..PutObject::new("notes", "k") };
        assert_eq!(code(put(&p, large, "1").await), Code::MetadataTooLarge);
        let tags = (0..11).map(|i| (i.to_string(), String::new())).collect();
        assert_eq!(code(put(&p, PutObject { tags, ..PutObject::new("notes", "k") }, "1").await), Code::BadRequest);
        let class = |name: &str| PutObject { storage_class: Some(name.to_owned()), ..PutObject::new("notes", "k") };
        assert_eq!(code(put(&p, class("NO"), "1").await), Code::InvalidStorageClass);
        assert_eq!(code(put(&p, class("GLACIER"), "1").await), Code::NotImplemented);
        let acl = PutObject { acl: true, ..PutObject::new("notes", "k") };
        assert_eq!(code(put(&p, acl, "1").await), Code::AccessControlListNotSupported);
        assert_eq!(code(put(&p, PutObject::new("notes", "k".repeat(1025)), "1").await), Code::KeyTooLongError);
        assert_eq!(code(put(&p, PutObject::new("none", "k"), "1").await), Code::NoSuchBucket);
    })
    .await;
}

#[tokio::test]
async fn subscribers_hear_of_what_was_committed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let mut events = p.objects.subscribe();
        p.versioning(Versioning::Enabled).await;
        let done = p.put("k", "hello").await;
        p.delete("k", None).await;
        p.delete("k", done.version_id.as_deref()).await;
        let created = events.recv().await.unwrap();
        assert_eq!((created.name, created.bucket.as_str(), created.key.as_str()), ("ObjectCreated:Put", "notes", "k"));
        assert_eq!((created.size, &created.etag, &created.version_id), (5, &done.etag, &done.version_id));
        assert_eq!(events.recv().await.unwrap().name, "ObjectRemoved:DeleteMarkerCreated");
        assert_eq!(events.recv().await.unwrap().name, "ObjectRemoved:Delete");
        assert!(events.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn an_object_store_can_hold_the_blobs() {
    each_backend(async |store| {
        let place = BlobPlace::from_url("memory:").unwrap();
        let p = Place::with(&store, tempfile::tempdir().unwrap(), place).await;
        for size in [0, 10, CHUNK, 6 * 1024 * 1024 + 17, 11 * 1024 * 1024] {
            let bytes = pattern(size);
            p.put("k", bytes.clone()).await;
            assert_eq!(p.get("k").await.unwrap(), bytes, "{size}");
        }
        assert_eq!(p.objects.blob_folder(), None);
        assert!(BlobPlace::from_url("ftp://x").is_err());
        assert!(BlobPlace::from_url("nothing").is_err());
        assert!(matches!(BlobPlace::from_url("s3://bucket/prefix"), Ok(BlobPlace::Remote(_))));
        assert!(matches!(BlobPlace::from_url("file:///srv/objects"), Ok(BlobPlace::LockedFolder(path)) if path == std::path::Path::new("/srv/objects")));
    })
    .await;
}

#[tokio::test]
async fn a_write_that_ends_after_its_bucket_went_to_another_account_is_lost_with_it() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let other = p.other_account().await;
        let (objects, ctx, heir) = (p.objects.clone(), p.ctx.clone(), other.clone());
        let last = async move {
            objects.delete_bucket(&ctx, &BucketRef::new("notes")).await.unwrap();
            let again = NewBucket { name: "notes".to_owned(), ..NewBucket::default() };
            objects.create_bucket(&heir, again).await.unwrap();
            Ok(Bytes::from_static(b"secret"))
        };
        let body = Body { stream: stream::once(last).boxed(), length: Some(6), trailers: None };
        let written = p.objects.put_object(&p.ctx, PutObject::new("notes", "k"), body).await;
        assert_eq!(code(written), Code::NoSuchBucket);
        let object = GetObject::new(ObjectRef::new("notes", "k"));
        assert_eq!(p.objects.get_object(&other, &object).await.map(drop).err().unwrap().code, Code::NoSuchKey);
        p.objects.collect().await.unwrap();
        assert!(p.files().is_empty());
    })
    .await;
}
