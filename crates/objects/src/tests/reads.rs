//! Reading objects.

use ::store::testing::each_backend;

use super::*;
use crate::seal::CHUNK;

async fn read(p: &Place, get: &GetObject) -> Result<Vec<u8>> {
    bytes(p.objects.get_object(&p.ctx, get).await?).await
}

fn get(key: &str) -> GetObject {
    GetObject::new(ObjectRef::new("notes", key))
}

#[tokio::test]
async fn ranges_give_the_bytes_that_they_name() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let whole = pattern(9 * CHUNK + 100);
        p.put("k", whole.clone()).await;
        let size = whole.len() as u64;
        for (range, expected) in [
            (ByteRange::FromTo(0, 0), &whole[..1]),
            (ByteRange::FromTo(5, CHUNK as u64), &whole[5..=CHUNK]),
            (ByteRange::From(size - 3), &whole[whole.len() - 3..]),
            (ByteRange::Last(CHUNK as u64 + 7), &whole[whole.len() - CHUNK - 7..]),
            (ByteRange::FromTo(1, size + 100), &whole[1..]),
        ] {
            let asked = GetObject { range: Some(range), ..get("k") };
            let got = p.objects.get_object(&p.ctx, &asked).await.unwrap();
            assert_eq!(got.range.unwrap().size, size);
            assert_eq!(bytes(got).await.unwrap(), expected, "{range:?}");
            let head = p.objects.head_object(&p.ctx, &asked).await.unwrap();
            assert_eq!(head.length as usize, expected.len());
        }
        let beyond = GetObject { range: Some(ByteRange::From(size)), ..get("k") };
        let refused = p.objects.get_object(&p.ctx, &beyond).await.err().unwrap();
        assert_eq!((refused.code, refused.facts.unwrap().size), (Code::InvalidRange, Some(size)));
    })
    .await;
}

#[tokio::test]
async fn conditions_decide_whether_an_object_is_read() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let etag = p.put("k", "1").await.etag;
        let with = |conditions| GetObject { conditions, ..get("k") };
        let matching = Conditions { if_match: Some(etag.clone()), ..Conditions::default() };
        assert_eq!(read(&p, &with(matching)).await.unwrap(), b"1");
        let known = Conditions { if_none_match: Some(etag.clone()), ..Conditions::default() };
        let refused = p.objects.head_object(&p.ctx, &with(known)).await.err().unwrap();
        assert_eq!((refused.code, refused.facts.unwrap().etag), (Code::NotModified, Some(etag)));
        let other = Conditions { if_match: Some("x".to_owned()), ..Conditions::default() };
        assert_eq!(code(read(&p, &with(other)).await), Code::PreconditionFailed);
    })
    .await;
}

#[tokio::test]
async fn an_object_that_was_put_at_once_is_its_first_part() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", "hello").await;
        let part = |number| GetObject { part: Some(number), ..get("k") };
        assert_eq!(read(&p, &part(1)).await.unwrap(), b"hello");
        assert_eq!(code(read(&p, &part(2)).await), Code::InvalidPartNumber);
        assert_eq!(code(read(&p, &part(0)).await), Code::InvalidArgument);
        let both = GetObject { range: Some(ByteRange::From(0)), ..part(1) };
        assert_eq!(code(read(&p, &both).await), Code::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn a_read_goes_on_with_the_version_that_it_began_with() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let old = pattern(40 * CHUNK);
        p.put("k", old.clone()).await;
        let got = p.objects.get_object(&p.ctx, &get("k")).await.unwrap();
        p.put("k", large("new")).await;
        p.objects.collect().await.unwrap();
        assert_eq!(bytes(got).await.unwrap(), old);
        // Now that nobody reads it any more.
        p.objects.collect().await.unwrap();
        assert_eq!(p.files().len(), 1);
        assert_eq!(p.get("k").await.unwrap(), large("new"));
    })
    .await;
}

#[tokio::test]
async fn damage_is_found_when_it_is_read() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        p.put("k", pattern(3 * CHUNK)).await;
        let file = p.dir.path().join(&p.files()[0]);
        let mut stored = std::fs::read(&file).unwrap();
        stored[2 * CHUNK] ^= 1;
        std::fs::write(&file, &stored).unwrap();
        let error = p.get("k").await.unwrap_err();
        assert_eq!(error.error.kind, base::ErrorKind::Damaged);
        let intact = GetObject { range: Some(ByteRange::FromTo(0, 9)), ..get("k") };
        assert_eq!(read(&p, &intact).await.unwrap(), pattern(10));
        std::fs::write(&file, &stored[..100]).unwrap();
        assert_eq!(read(&p, &intact).await.unwrap_err().error.kind, base::ErrorKind::Damaged);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(p.get("k").await.unwrap_err().error.kind, base::ErrorKind::Damaged);
    })
    .await;
}

#[tokio::test]
async fn tags_can_be_replaced_read_and_removed() {
    each_backend(async |store| {
        let p = Place::new(&store).await;
        let object = ObjectRef::new("notes", "k");
        let tags = parse_tagging_header("a=1&b=x%20y").unwrap();
        assert_eq!(code(p.objects.put_object_tagging(&p.ctx, &object, tags.clone()).await), Code::NoSuchKey);
        p.put("k", "1").await;
        p.objects.put_object_tagging(&p.ctx, &object, tags.clone()).await.unwrap();
        assert_eq!(p.objects.object_tagging(&p.ctx, &object).await.unwrap().tags, tags);
        p.objects.delete_object_tagging(&p.ctx, &object).await.unwrap();
        assert!(p.objects.object_tagging(&p.ctx, &object).await.unwrap().tags.is_empty());
        assert_eq!(code(parse_tagging_header("a=1&a=2")), Code::InvalidArgument);
        assert_eq!(code(parse_tagging_header("aws:a=1")), Code::InvalidTag);
    })
    .await;
}
