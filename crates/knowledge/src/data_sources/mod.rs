//! Data sources: where the documents of a knowledge base come from, and how they are cut.

pub(crate) mod store;

use base::{Arn, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use serde::{Deserialize, Serialize};

use crate::chunking::Chunking;
use crate::knowledge_bases::{KnowledgeBase, KnowledgeBaseStatus, token_taken};
use crate::open::{Knowledge, detached};
use crate::realm::{Realm, hash};

const ID_LENGTH: usize = 10;
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Where documents come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The objects of a bucket.
    S3 {
        /// `arn:aws:s3:::BUCKET`
        bucket_arn: String,
        /// How their keys begin; all where there is none.
        prefixes: Vec<String>,
        /// The account that is taken for the bucket's owner; any other is refused.
        owner: Option<String>,
    },
    /// They are handed in.
    Custom,
}

impl Origin {
    /// The bucket's name.
    pub(crate) fn bucket(&self) -> Option<&str> {
        match self {
            Self::S3 { bucket_arn, .. } => bucket_arn.rsplit(':').next(),
            Self::Custom => None,
        }
    }
}

/// What becomes of indexed documents when their data source goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They go, too.
    Delete,
    /// They stay and are found.
    Retain,
}

impl DeletionPolicy {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Retain => "RETAIN",
        }
    }

    fn from_row(text: &str) -> Result<Self> {
        let found = [Self::Delete, Self::Retain].into_iter().find(|policy| policy.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("deletion policy `{text}`")))
    }
}

/// Where a data source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSourceStatus {
    /// It can be used.
    Available,
    /// It is being removed.
    Deleting,
}

impl DataSourceStatus {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Deleting => "DELETING",
        }
    }

    fn from_row(text: &str) -> Result<Self> {
        let found = [Self::Available, Self::Deleting].into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("data source status `{text}`")))
    }
}

/// A data source that is asked for, or what an update makes of one.
#[derive(Debug, Clone)]
pub struct NewDataSource {
    /// Its name, unique in the knowledge base.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Where its documents come from.
    pub origin: Origin,
    /// How they are cut.
    pub chunking: Option<Chunking>,
    /// What becomes of them when it goes.
    pub deletion: DeletionPolicy,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
}

/// A data source.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSource {
    /// Ten capital letters and digits.
    pub id: String,
    /// The knowledge base's id.
    pub knowledge_base: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Where it stands.
    pub status: DataSourceStatus,
    /// Where its documents come from.
    pub origin: Origin,
    /// How they are cut.
    pub chunking: Option<Chunking>,
    /// What becomes of them when it goes.
    pub deletion: DeletionPolicy,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
}

impl Knowledge {
    /// Makes a data source. What the role may not read is found when it is synchronised.
    ///
    /// # Errors
    /// NotFound, where there is no such knowledge base; Invalid; Conflict, where another one has the name or the token.
    pub async fn create_data_source(&self, ctx: &Ctx, base: &str, new: NewDataSource) -> Result<DataSource> {
        check(&new)?;
        let (realm, hash) = (Realm::of(ctx), fingerprint(&new));
        let base = self.active(&realm, base).await?;
        if let Some(earlier) = self.earlier_source(&realm, &base.id, &new, &hash).await? {
            return Ok(earlier);
        }
        let now = self.inner.clock.now();
        let made = DataSource {
            id: self.inner.random.text(ID_LETTERS, ID_LENGTH),
            knowledge_base: base.id.clone(),
            name: new.name.clone(),
            description: new.description.clone(),
            status: DataSourceStatus::Available,
            origin: new.origin.clone(),
            chunking: new.chunking.clone(),
            deletion: new.deletion,
            created: now,
            modified: now,
        };
        match store::insert(&self.inner.store, &realm, &made, (new.request_token.as_deref(), &hash)).await {
            Ok(()) => Ok(made),
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                // The same request may have come twice at once.
                let earlier = self.earlier_source(&realm, &base.id, &new, &hash).await?;
                earlier.ok_or_else(|| name_taken(&new.name))
            }
            Err(error) => Err(error),
        }
    }

    async fn earlier_source(
        &self,
        realm: &Realm,
        base: &str,
        new: &NewDataSource,
        hash: &str,
    ) -> Result<Option<DataSource>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        match store::by_token(&self.inner.store, realm, base, token).await? {
            Some((_, asked)) if asked != hash => Err(token_taken(token)),
            earlier => Ok(earlier.map(|(made, _)| made)),
        }
    }

    /// A data source, also while it is being removed.
    ///
    /// # Errors
    /// NotFound.
    pub async fn data_source(&self, ctx: &Ctx, base: &str, id: &str) -> Result<DataSource> {
        let realm = Realm::of(ctx);
        let base = self.base_of(&realm, base).await?;
        let found = store::find(&self.inner.store, &realm, &base.id, id).await?;
        found.map(|source| going_with(&base, source)).ok_or_else(|| missing(id))
    }

    /// A data source that is not being removed, and its knowledge base.
    pub(crate) async fn source_of(&self, realm: &Realm, base: &str, id: &str) -> Result<(KnowledgeBase, DataSource)> {
        let base = self.active(realm, base).await?;
        let found = store::find(&self.inner.store, realm, &base.id, id).await?;
        match found.filter(|source| source.status == DataSourceStatus::Available) {
            Some(source) => Ok((base, source)),
            None => Err(missing(id)),
        }
    }

    /// The data sources of a knowledge base, by id, those included that are being removed.
    ///
    /// # Errors
    /// NotFound.
    pub async fn data_sources(&self, ctx: &Ctx, base: &str, page: &PageRequest) -> Result<Page<DataSource>> {
        let realm = Realm::of(ctx);
        let base = self.base_of(&realm, base).await?;
        let found = store::list(&self.inner.store, &realm, &base.id, page).await?;
        Ok(Page::cut(page, found, |source| source.id.clone()).map(|source| going_with(&base, source)))
    }

    /// Changes a data source.
    ///
    /// # Errors
    /// NotFound; Invalid, where its kind or its chunking would change; Conflict, where another one has the name.
    pub async fn update_data_source(
        &self,
        ctx: &Ctx,
        base: &str,
        id: &str,
        update: NewDataSource,
    ) -> Result<DataSource> {
        check(&update)?;
        let realm = Realm::of(ctx);
        let (_, mut source) = self.source_of(&realm, base, id).await?;
        if update.chunking != source.chunking {
            return Err(Error::invalid("The `chunkingConfiguration` of a data source cannot be changed.")
                .with_hint("Give the one that it has, or make another data source."));
        }
        if update.origin.bucket().is_some() != source.origin.bucket().is_some() {
            return Err(
                Error::invalid("The `type` of a data source cannot be changed.").with_hint("Make another data source.")
            );
        }
        let NewDataSource { name, description, origin, deletion, .. } = update;
        (source.name, source.description, source.origin, source.deletion) = (name, description, origin, deletion);
        source.modified = self.inner.clock.now();
        match store::update(&self.inner.store, &realm, &source).await {
            Ok(true) => Ok(source),
            Ok(false) => Err(missing(id)),
            Err(error) if error.kind == ErrorKind::AlreadyExists => Err(name_taken(&source.name)),
            Err(error) => Err(error),
        }
    }

    /// Removes a data source, and its documents unless these are to be retained. A job that works on it is stopped.
    ///
    /// # Errors
    /// NotFound; Unavailable, where its documents cannot be removed now: the next start of the server tries again.
    pub async fn delete_data_source(&self, ctx: &Ctx, base: &str, id: &str) -> Result<DataSource> {
        let realm = Realm::of(ctx);
        let base = self.active(&realm, base).await?;
        // The removal of one that is marked already was broken off.
        let found = store::find(&self.inner.store, &realm, &base.id, id).await?.ok_or_else(|| missing(id))?;
        let source = DataSource { status: DataSourceStatus::Deleting, ..found };
        let (knowledge, removed) = (self.clone(), source.clone());
        detached(async move {
            store::begin_removal(&knowledge.inner.store, &realm, &base.id, &removed.id).await?;
            knowledge.remove_source(&realm, &base, &removed).await
        })
        .await?;
        Ok(source)
    }

    /// Whether a data source is there and stays.
    pub(crate) async fn stays(&self, realm: &Realm, base: &str, id: &str) -> Result<bool> {
        let found = store::find(&self.inner.store, realm, base, id).await?;
        Ok(found.is_some_and(|source| source.status == DataSourceStatus::Available))
    }

    /// Ends the removal of a data source that is marked for it.
    pub(crate) async fn remove_source(&self, realm: &Realm, base: &KnowledgeBase, source: &DataSource) -> Result<()> {
        self.end_jobs(realm, &base.id, &source.id).await?;
        // Nothing of it is found from now on, whoever works on it still.
        self.empty(realm, base, source).await?;
        let _alone = self.inner.locks.source(&base.id, &source.id).await;
        self.empty(realm, base, source).await?;
        let _writing = self.inner.locks.writing().await;
        store::remove(&self.inner.store, realm, &base.id, &source.id).await?;
        self.inner.indexes.open(realm, base).await?.changed();
        Ok(())
    }

    /// Takes what is indexed of a data source out of the index, unless it is to be retained.
    async fn empty(&self, realm: &Realm, base: &KnowledgeBase, source: &DataSource) -> Result<()> {
        if source.deletion == DeletionPolicy::Retain {
            return Ok(());
        }
        let _writing = self.inner.locks.writing().await;
        let index = self.inner.indexes.open(realm, base).await?;
        let prefix = format!("{}/", source.id);
        index.apply(vec![search::Change::DeletePrefix { prefix }]).await.map(drop)
    }
}

/// The data source, which goes with its knowledge base.
fn going_with(base: &KnowledgeBase, source: DataSource) -> DataSource {
    match base.status {
        KnowledgeBaseStatus::Deleting => DataSource { status: DataSourceStatus::Deleting, ..source },
        KnowledgeBaseStatus::Active => source,
    }
}

pub(crate) fn missing(id: &str) -> Error {
    Error::not_found(format!("The data source `{id}` could not be found."))
}

fn name_taken(name: &str) -> Error {
    Error::conflict(format!("There is a data source named `{name}` already.")).with_hint("Choose another name.")
}

fn check(new: &NewDataSource) -> Result<()> {
    if let Some(chunking) = &new.chunking {
        chunking.check()?;
    }
    let Origin::S3 { bucket_arn, .. } = &new.origin else { return Ok(()) };
    match bucket_arn.parse::<Arn>() {
        Ok(arn) if arn.service == "s3" && !arn.resource.is_empty() && !arn.resource.contains('/') => Ok(()),
        _ => Err(Error::invalid(format!("`{bucket_arn}` is not the ARN of a bucket."))
            .with_hint("A bucket's ARN is `arn:aws:s3:::BUCKET`.")),
    }
}

/// What a request asks for, as one value.
fn fingerprint(new: &NewDataSource) -> String {
    let NewDataSource { name, description, origin, chunking, deletion, .. } = new;
    hash(format!("{name:?}{description:?}{origin:?}{chunking:?}{deletion:?}"))
}
