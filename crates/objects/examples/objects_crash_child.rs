//! The program that `tests/crash.rs` kills: puts, completes and deletes objects, and writes down what was acknowledged.
//!
//! `objects_crash_child FOLDER WORK`; `WORK` is `puts`, `completions`, `deletions`, `full` (where the disk is) or `memory`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Error, Result, SystemClock, SystemRandom};
use bytes::Bytes;
use futures::StreamExt as _;
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use objects::{
    BlobPlace, Body, BucketRef, Checksums, CompletePart, CompleteUpload, DeleteObject, NewBucket, NewUpload, ObjectRef,
    Objects, PartChecks, PartRef, PutObject, UploadRef, Versioning,
};
use store::Store;

const BUCKET: &str = "notes";

struct Work {
    objects: Objects,
    ctx: Ctx,
    log: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let missing = || Error::invalid("usage: objects_crash_child FOLDER WORK");
    let dir = PathBuf::from(arguments.next().ok_or_else(missing)?);
    let what = arguments.next().ok_or_else(missing)?;
    let work = open(&dir).await?;
    // Something that says which run this is, so that keys of different runs differ.
    let run = SystemRandomText::short();
    match what.as_str() {
        "puts" => work.puts(&run).await,
        "completions" => work.completions(&run).await,
        "deletions" => work.deletions(&run).await,
        "full" => work.fill().await,
        "memory" => work.many_uploads().await,
        _ => Err(missing()),
    }
}

async fn open(dir: &Path) -> Result<Work> {
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    let defaults = Defaults { region: "us-east-1".parse()? };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let root_key = RootKey::load_or_create(dir.join("root.key"))?;
    let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
    let admin = identity.first_start(RootCredentials::default()).await?;
    let key = identity.signing_key(&admin.access_key_id).await?.ok_or_else(|| Error::internal("no key"))?;
    let origin =
        Origin { request_id: base::RequestId::random(&SystemRandom), source_ip: [127, 0, 0, 1].into(), secure: false };
    let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin).await?;
    let objects = Objects::open(store, identity, BlobPlace::Folder(dir.join("objects")), clock, random).await?;
    let new = NewBucket { name: BUCKET.to_owned(), ..NewBucket::default() };
    objects.create_bucket(&ctx, new).await?;
    Ok(Work { objects, ctx, log: dir.join("log") })
}

struct SystemRandomText;

impl SystemRandomText {
    fn short() -> String {
        base::Random::text(&SystemRandom, b"abcdefghijklmnopqrstuvwxyz", 6)
    }
}

/// The bytes that belong to a text: `length` of them.
fn bytes_of(text: &str, length: usize) -> Vec<u8> {
    text.bytes().cycle().take(length).collect()
}

impl Work {
    /// Notes what is about to be done, or what was acknowledged.
    fn note(&self, line: &str) -> Result<()> {
        let file = OpenOptions::new().append(true).create(true).open(&self.log);
        file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())).map_err(Error::internal)
    }

    /// An object whose bytes follow from its text.
    async fn put(&self, key: &str, text: &str, length: usize) -> Result<String> {
        let metadata = vec![("text".to_owned(), text.to_owned())];
        let put = PutObject { metadata, ..PutObject::new(BUCKET, key) };
        let done = self.objects.put_object(&self.ctx, put, Body::from_bytes(bytes_of(text, length))).await?;
        let version = done.version_id.unwrap_or_else(|| "null".to_owned());
        self.note(&format!("put {key} {version} {text}"))?;
        Ok(version)
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Result<()> {
        self.note(&format!("deleting {key} {}", version.unwrap_or("-")))?;
        let object = ObjectRef { version: version.map(str::to_owned), ..ObjectRef::new(BUCKET, key) };
        self.objects.delete_object(&self.ctx, &DeleteObject { object, if_match: None, bypass: false }).await?;
        self.note(&format!("deleted {key} {}", version.unwrap_or("-")))
    }

    async fn versioning(&self) -> Result<()> {
        let bucket = BucketRef::new(BUCKET);
        Ok(self.objects.put_bucket_versioning(&self.ctx, &bucket, Versioning::Enabled).await?)
    }

    async fn puts(&self, run: &str) -> Result<()> {
        self.versioning().await?;
        let collector = self.objects.start();
        for (number, length) in [10, 100_000, 0, 70_000, 1_000_000, 300].into_iter().enumerate() {
            self.put(&format!("{run}/{number}"), &format!("{run}-{number}."), length).await?;
        }
        collector.stop().await;
        Ok(())
    }

    async fn completions(&self, run: &str) -> Result<()> {
        self.versioning().await?;
        let collector = self.objects.start();
        for number in 0..3 {
            let (key, text) = (format!("{run}/{number}"), format!("{run}+{number}."));
            let metadata = vec![("text".to_owned(), text.clone())];
            let new = NewUpload { metadata, ..NewUpload::new(BUCKET, key.as_str()) };
            let begun = self.objects.create_multipart_upload(&self.ctx, new).await?;
            let upload = UploadRef { bucket: BucketRef::new(BUCKET), key: key.clone(), upload_id: begun.id };
            let replaced = self.part(&upload, 1, Bytes::from_static(b"replaced")).await?;
            let one = self.part(&upload, 1, Bytes::from(bytes_of(&text, 90_000))).await?;
            self.part(&upload, 2, Bytes::from_static(b"left out")).await?;
            assert_ne!(replaced.etag, one.etag);
            let complete = CompleteUpload {
                upload,
                parts: vec![one],
                checksums: Checksums::default(),
                checksum_type: None,
                size: None,
                if_match: None,
                if_none_match: None,
            };
            let done = self.objects.complete_multipart_upload(&self.ctx, complete).await?;
            self.note(&format!("put {key} {} {text}", done.version_id.unwrap_or_default()))?;
        }
        collector.stop().await;
        Ok(())
    }

    async fn part(&self, upload: &UploadRef, number: u32, bytes: Bytes) -> Result<CompletePart> {
        let part = PartRef { upload: upload.clone(), number };
        let body = Body::from_bytes(bytes);
        let done = self.objects.upload_part(&self.ctx, &part, PartChecks::default(), body).await?;
        Ok(CompletePart { number, etag: done.etag, checksums: Checksums::default() })
    }

    async fn deletions(&self, run: &str) -> Result<()> {
        self.versioning().await?;
        let collector = self.objects.start();
        for number in 0..3 {
            let key = format!("{run}/{number}");
            let first = self.put(&key, &format!("{run}.{number}.a."), 20_000).await?;
            let second = self.put(&key, &format!("{run}.{number}.b."), 5_000).await?;
            self.delete(&key, Some(&first)).await?;
            self.delete(&key, None).await?;
            self.delete(&key, Some(&second)).await?;
        }
        collector.stop().await;
        Ok(())
    }

    /// Meets a full disk: what does not fit is refused and leaves nothing, what fits goes on.
    async fn fill(&self) -> Result<()> {
        self.put("small", "small", 20_000).await?;
        let body = Body::from_bytes(bytes_of("large", 24 * 1024 * 1024));
        let refused = self.objects.put_object(&self.ctx, PutObject::new(BUCKET, "large"), body).await;
        let Err(refused) = refused else { return Err(Error::internal("it fitted")) };
        self.note(&format!("refused {}: {}", refused.code.as_str(), refused.error))?;
        self.put("after", "after", 20_000).await?;
        Ok(())
    }

    /// Sixteen uploads at once, of sixteen MiB each, and the most memory that the process had.
    async fn many_uploads(&self) -> Result<()> {
        const MIB: u64 = 1024 * 1024;
        let piece = Bytes::from(bytes_of("memory", 64 * 1024));
        let uploads = (0..16).map(|number| {
            let piece = piece.clone();
            async move {
                let key = format!("memory/{number}");
                let begun =
                    self.objects.create_multipart_upload(&self.ctx, NewUpload::new(BUCKET, key.as_str())).await?;
                let upload = UploadRef { bucket: BucketRef::new(BUCKET), key, upload_id: begun.id };
                let stream = futures::stream::repeat(piece).take(16 * 16).map(Ok).boxed();
                let body = Body { stream, length: Some(16 * MIB), trailers: None };
                let part = PartRef { upload, number: 1 };
                self.objects.upload_part(&self.ctx, &part, PartChecks::default(), body).await?;
                Ok::<_, Error>(())
            }
        });
        futures::future::try_join_all(uploads).await?;
        let status = std::fs::read_to_string("/proc/self/status").map_err(Error::internal)?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        self.note(&format!("memory {}", most.trim()))
    }
}
