use base::ErrorKind;
use futures::TryStreamExt as _;
use objects::{Body, NewBucket, PutObject};

use super::*;
use crate::testing::Deployment;

struct Place {
    objects: Objects,
    deployment: Deployment,
}

impl Place {
    async fn new() -> Self {
        let deployment = Deployment::start().await;
        let objects = deployment.objects.clone();
        let bucket = NewBucket { name: "weights".to_owned(), ..NewBucket::default() };
        objects.create_bucket(&deployment.ctx, bucket).await.unwrap();
        Self { objects, deployment }
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = PutObject::new("weights", key);
        self.objects.put_object(&self.deployment.ctx, put, Body::from_bytes(bytes)).await.unwrap();
    }

    fn folder(&self, prefix: &str) -> BucketFolder {
        BucketFolder::new(self.objects.clone(), self.deployment.ctx.clone(), "weights", prefix)
    }
}

async fn bytes(source: &BucketFolder, name: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
    let pieces: Vec<Bytes> = source.read(name, offset, length).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_folder_has_its_own_files_and_not_those_of_a_longer_name() {
    let place = Place::new().await;
    for key in ["model/config.json", "model/a/b.txt", "model/", "model-2/config.json", "model.txt"] {
        place.put(key, b"x".to_vec()).await;
    }
    for prefix in ["model", "model/"] {
        let names: Vec<String> =
            place.folder(prefix).files().await.unwrap().into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["a/b.txt", "config.json"]);
    }
    assert_eq!(place.folder("").files().await.unwrap().len(), 4);
    assert!(place.folder("mode").files().await.unwrap().is_empty());
}

#[tokio::test]
async fn any_range_is_read_also_across_pages_of_the_listing() {
    let place = Place::new().await;
    let content: Vec<u8> = (0..300_000_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
    place.put("model/weights", content.clone()).await;
    let source = place.folder("model");
    assert_eq!(source.files().await.unwrap()[0].bytes, 300_000);
    for (offset, length) in [(0, 300_000), (65_535, 3), (299_999, 1), (131_072, 65_536), (5, 0)] {
        let read = bytes(&source, "weights", offset, length).await.unwrap();
        assert!(read == content[offset as usize..(offset + length) as usize], "{offset} {length}");
    }
    for number in 0..1_050 {
        place.put(&format!("many/{number:04}"), Vec::new()).await;
    }
    assert_eq!(place.folder("many").files().await.unwrap().len(), 1_050);
}

#[tokio::test]
async fn an_object_that_was_replaced_or_removed_after_it_was_listed_is_not_read() {
    let place = Place::new().await;
    place.put("model/config.json", b"first".to_vec()).await;
    let source = place.folder("model");
    let unlisted = bytes(&source, "config.json", 0, 5).await.unwrap_err();
    assert_eq!(unlisted.kind, ErrorKind::Conflict, "nothing is listed yet");
    source.files().await.unwrap();
    assert_eq!(bytes(&source, "config.json", 0, 5).await.unwrap(), b"first");
    place.put("model/config.json", b"other".to_vec()).await;
    let error = bytes(&source, "config.json", 0, 5).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`s3://weights/model/config.json` was changed"), "{error:?}");
}

#[tokio::test]
async fn what_the_context_may_not_read_is_denied() {
    let place = Place::new().await;
    place.put("model/config.json", b"x".to_vec()).await;
    let stranger = place.deployment.context("222222222222", "us-east-1").await;
    let source = BucketFolder::new(place.objects.clone(), stranger, "weights", "model");
    assert_eq!(source.files().await.unwrap_err().kind, ErrorKind::Denied);
}
