//! Synchronising a data source with its bucket: what is new, what changed, what is gone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::iter::Peekable;
use std::vec::IntoIter;

use base::{Error, ErrorKind, Result};
use futures::StreamExt as _;
use futures::future::try_join3;
use futures::stream;
use identity::Ctx;
use jobs::{JobContext, Progress};
use objects::{BucketRef, ListObjectsV2};

use super::IngestionJob;
use super::prepare::{Prepared, Worker, content_failed, failed};
use super::room::{Room, parts};
use super::shown::Shown;
use super::store;
use super::write::Ready;
use crate::data_sources::Origin;
use crate::documents::sidecar::{ENDING, Sidecar};
use crate::documents::store::{Place, all, find_all};
use crate::documents::{DocumentStatus, Entry, Location};

/// How many objects are read at once.
const READ_TOGETHER: usize = 8;

/// An object, as it was listed.
struct Listed {
    etag: String,
    size: u64,
}

/// What a bucket has.
struct Listing {
    objects: BTreeMap<String, Listed>,
    sidecars: HashMap<String, String>,
}

/// A document that is to be looked at.
struct Task {
    key: String,
    object: Listed,
    /// The sidecar's ETag, where there is one.
    sidecar: Option<String>,
    entry: Entry,
}

/// How a synchronisation ended.
pub(super) enum Over {
    /// All was dealt with.
    Done,
    /// It was told to stop.
    Stopped,
}

/// The synchronisation of a data source.
pub(super) struct Synchronisation<'a> {
    pub(super) worker: Worker<'a>,
    pub(super) job: &'a IngestionJob,
    pub(super) work: &'a JobContext,
}

impl Synchronisation<'_> {
    /// Does what is left to do: documents that the job dealt with before it was broken off are left as they are.
    pub(super) async fn run(&self) -> Result<Over> {
        match self.work_through().await {
            // Work that is told to stop ends where it is.
            Err(_) if self.stopped().await? => Ok(Over::Stopped),
            over => over,
        }
    }

    async fn work_through(&self) -> Result<Over> {
        let (knowledge, Worker { realm, base, source, .. }) = (self.worker.knowledge, &self.worker);
        let store = &knowledge.inner.store;
        self.say(0, None, "listing the source").await;
        let listing = self.list(&self.worker.role().await?).await?;
        let place = Place { realm, base: &base.id, source: &source.id };
        let known: HashMap<String, Entry> = all(store, place)
            .await?
            .into_iter()
            .filter(|entry| matches!(entry.location, Location::S3 { .. }))
            .map(|entry| (entry.location.name().to_owned(), entry))
            .collect();
        let scanned = (listing.objects.len() as u64, listing.sidecars.len() as u64);
        if !store::begin(store, realm, self.job, scanned, knowledge.inner.clock.now()).await? {
            return Ok(Over::Stopped);
        }
        let total = scanned.0;
        let (tasks, gone) = self.compare(listing, known);
        let done = total.saturating_sub(tasks.len() as u64);
        for window in gone.chunks(self.window()) {
            if self.stopped().await? {
                return Ok(Over::Stopped);
            }
            let role = self.worker.role().await?;
            let removals = window.iter().cloned().map(Prepared::Removal).collect();
            self.worker.write(&role, Some(&self.job.id), removals).await?;
        }
        self.index(tasks, (done, total)).await
    }

    /// Indexes documents: some are written while the next are embedded and those after them are read, so that nobody waits for
    /// the disk, or for another, but at the beginning and the end. They are written one part after the other.
    async fn index(&self, tasks: Vec<Task>, (mut done, total): (u64, u64)) -> Result<Over> {
        let mut tasks = tasks.into_iter().peekable();
        let (mut read, mut ready, mut unread) = (VecDeque::new(), None, None);
        read.extend(self.next(&mut tasks).await?);
        while !read.is_empty() || ready.is_some() {
            if self.stopped().await? {
                return Ok(Over::Stopped);
            }
            let (part, is_next_due) = (read.pop_front(), read.is_empty() && unread.is_none());
            done += ready.as_ref().map_or(0, |(_, ready): &(Ctx, Ready)| ready.entries().len() as u64);
            // A failed write ends all of it; whatever else fails ends no write.
            let write = self.write(ready.take(), (done, total));
            let embed = async { Ok(self.embed(part).await) };
            let next = async { Ok(if is_next_due { self.next(&mut tasks).await } else { Ok(Vec::new()) }) };
            let ((), embedded, next) = try_join3(write, embed, next).await?;
            match next {
                Ok(more) => read.extend(more),
                Err(error) => unread = Some(error),
            }
            ready = embedded?;
        }
        // What was read before is written.
        unread.map_or(Ok(Over::Done), Err)
    }

    async fn say(&self, done: u64, total: Option<u64>, message: &str) {
        let (unit, message) = ("documents".to_owned(), message.to_owned());
        self.work.progress(Progress { done, total, unit, message }).await;
    }

    /// Whether somebody stopped the job.
    ///
    /// # Errors
    /// Unavailable, where the server stops, or another worker has the job.
    async fn stopped(&self) -> Result<bool> {
        if !self.work.cancelled().is_cancelled() {
            return Ok(false);
        }
        let job = self.worker.knowledge.inner.jobs.get(&self.work.owner().account, self.work.id()).await?;
        match job.cancel_requested {
            true => Ok(true),
            false => Err(Error::unavailable("The server is stopping.")),
        }
    }

    /// All objects of the source, and the sidecars of those.
    async fn list(&self, role: &Ctx) -> Result<Listing> {
        let Origin::S3 { prefixes, owner, .. } = &self.worker.source.origin else {
            return Err(Error::invalid("There is nothing to synchronise."));
        };
        let bucket = BucketRef { name: self.bucket().to_owned(), expected_owner: owner.clone() };
        let everything = [String::new()];
        let prefixes = if prefixes.is_empty() { &everything[..] } else { prefixes.as_slice() };
        let mut listing = Listing { objects: BTreeMap::new(), sidecars: HashMap::new() };
        for prefix in prefixes {
            let mut token = None;
            loop {
                let ask = ListObjectsV2 {
                    bucket: bucket.clone(),
                    prefix: prefix.clone(),
                    delimiter: None,
                    start_after: None,
                    token,
                    max_keys: None,
                };
                let objects = &self.worker.knowledge.inner.objects;
                let page = objects.list_objects_v2(role, &ask).await.map_err(|error| error.error)?;
                for object in page.entries {
                    // A key that ends with a slash is a folder's own.
                    if let Some(of) = object.key.strip_suffix(ENDING) {
                        listing.sidecars.insert(of.to_owned(), object.etag);
                    } else if !object.key.ends_with('/') {
                        listing.objects.insert(object.key, Listed { etag: object.etag, size: object.size });
                    }
                }
                token = page.next_token;
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(listing)
    }

    /// The most documents that are dealt with together.
    fn window(&self) -> usize {
        self.worker.knowledge.inner.config.window.max(1)
    }

    fn bucket(&self) -> &str {
        self.worker.source.origin.bucket().unwrap_or_default()
    }

    /// The documents that are not as their objects are now, and those that are gone.
    fn compare(&self, mut listing: Listing, mut known: HashMap<String, Entry>) -> (Vec<Task>, Vec<Entry>) {
        let (now, mut tasks) = (self.worker.knowledge.inner.clock.now(), Vec::new());
        for (key, object) in listing.objects {
            let uri = format!("s3://{}/{key}", self.bucket());
            let entry = known.remove(&uri).unwrap_or_else(|| Entry::new(Location::S3 { uri }, now));
            let sidecar = listing.sidecars.remove(&key);
            let same = entry.etag.as_ref() == Some(&object.etag) && entry.sidecar_etag == sidecar;
            let dealt_with = entry.job.as_ref() == Some(&self.job.id);
            let as_it_was = same && entry.status == DocumentStatus::Indexed;
            if !dealt_with && !as_it_was {
                tasks.push(Task { key, object, sidecar, entry });
            }
        }
        let mut gone: Vec<Entry> = known.into_values().collect();
        gone.sort_by(|a, b| a.location.name().cmp(b.location.name()));
        (tasks, gone)
    }

    /// The next documents as they are now, those that are dealt with together, and the role that read them, in parts that are
    /// written one after the other. Once there is enough of them no other is begun; those that are being read then, at most
    /// [`READ_TOGETHER`], come with them.
    async fn next(&self, tasks: &mut Peekable<IntoIter<Task>>) -> Result<Vec<(Ctx, Vec<Prepared>)>> {
        let Some(first) = tasks.peek().map(|task| task.key.clone()) else { return Ok(Vec::new()) };
        let (role, room) = (self.worker.role().await?, Room::new(self.window()));
        let shown = self.shown(&role, &first).await?;
        let admitted = std::iter::from_fn(|| tasks.next_if(|task| room.take(task.object.size)));
        let read = |task| {
            let (role, room, shown) = (&role, &room, shown.as_ref());
            async move {
                let prepared = self.prepare(role, shown, task).await?;
                room.read(prepared.text_bytes());
                Ok(prepared)
            }
        };
        let prepared: Vec<Result<Prepared>> = stream::iter(admitted).map(read).buffered(READ_TOGETHER).collect().await;
        let parts = parts(prepared.into_iter().collect::<Result<_>>()?, self.worker.model.dimension);
        Ok(parts.into_iter().map(|part| (role.clone(), part)).collect())
    }

    /// What there is after an object, as much as is dealt with together: objects, and which sidecars they have.
    async fn shown(&self, role: &Ctx, first: &str) -> Result<Option<Shown>> {
        let Origin::S3 { prefixes, owner, .. } = &self.worker.source.origin else { return Ok(None) };
        let prefix = prefixes.iter().find(|prefix| first.starts_with(prefix.as_str())).map_or("", String::as_str);
        self.worker.shown(role, (self.bucket(), owner.as_deref()), (prefix, first), self.window()).await
    }

    /// Embeds the texts of documents.
    async fn embed(&self, part: Option<(Ctx, Vec<Prepared>)>) -> Result<Option<(Ctx, Ready)>> {
        let Some((role, prepared)) = part else { return Ok(None) };
        let ready = self.worker.ready(&role, prepared).await?;
        Ok(Some((role, ready)))
    }

    /// Writes documents, and what was handed in meanwhile. Of those whose texts were indexed or removed as they were handed in since
    /// their rows were read, nothing is written: that is newer. Of the others, what was said then of who may read them holds,
    /// whether or not they could be indexed. Then so many of all are done.
    async fn write(&self, ready: Option<(Ctx, Ready)>, (done, total): (u64, u64)) -> Result<()> {
        let Some((role, ready)) = ready else { return Ok(()) };
        let Worker { knowledge, realm, base, source, .. } = &self.worker;
        let place = Place { realm, base: &base.id, source: &source.id };
        let names: Vec<&str> = ready.entries().iter().map(|entry| entry.location.name()).collect();
        let kept = find_all(&knowledge.inner.store, place, &names).await?;
        self.worker.write_ready(Some(&self.job.id), ready.beside(kept)).await?;
        self.worker.deal_between(&role).await?;
        self.say(done, Some(total), "indexing documents").await;
        Ok(())
    }

    /// What is to become of a document. `shown` is what there was in the bucket before it is read.
    async fn prepare(&self, role: &Ctx, shown: Option<&Shown>, task: Task) -> Result<Prepared> {
        let Origin::S3 { owner, .. } = &self.worker.source.origin else {
            return Err(Error::internal("the source is no bucket"));
        };
        let Task { key, object: listed, sidecar: listed_sidecar, mut entry } = task;
        let limits = &self.worker.knowledge.inner.config.limits;
        let (place, owner) = ((self.bucket(), key.as_str()), owner.as_deref());
        // The object before its sidecar: a new text never gets the permissions of the one before it.
        let object = match limits.admit(listed.size) {
            Ok(()) => self.worker.object(role, place, owner, limits.bytes).await,
            // What is too large is not read at all.
            Err(error) => Err(Error::invalid(format!("The document cannot be read: {error}."))),
        };
        match &object {
            Err(error) if error.kind == ErrorKind::NotFound && entry.indexed.is_some() => {
                return Ok(Prepared::Removal(entry));
            }
            _ => {}
        }
        // A text that stood there without a sidecar each time that was looked at has none. One that came since, or came back, may
        // have one that came with it; and where one was seen before, it may only have been gone for a moment.
        let stood_alone = |etag: &str| listed_sidecar.is_none() && shown.is_some_and(|shown| shown.lacks(&key, etag));
        let own = if object.as_ref().is_ok_and(|object| stood_alone(&object.etag)) {
            Ok((Sidecar::default(), None))
        } else {
            self.worker.own_sidecar(role, place, (owner, listed_sidecar.is_none())).await
        };
        let (sidecar, sidecar_etag) = match own {
            Ok((sidecar, etag)) => (sidecar.handed(entry.handed_acl.as_ref()), etag),
            Err(error) if !super::prepare::is_own(&error) => return Err(error),
            // What was said of the document before holds still.
            Err(error) if entry.indexed.is_some() => {
                entry.fail(DocumentStatus::MetadataUpdateFailed, &error);
                return Ok(Prepared::Failed(entry));
            }
            Err(error) => return failed(entry, error),
        };
        match object {
            Ok(object) => {
                (entry.etag, entry.sidecar_etag) = (Some(object.etag), sidecar_etag);
                self.worker.prepare(role, entry, object.file, sidecar).await
            }
            Err(error) => content_failed(entry, sidecar, error),
        }
    }
}
