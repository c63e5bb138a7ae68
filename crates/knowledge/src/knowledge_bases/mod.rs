//! Knowledge bases: made, looked at, listed, changed, tagged, deleted.

pub(crate) mod removal;
pub(crate) mod store;

use base::{Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use identity::Ctx;
use serde_json::Value;

use crate::open::Knowledge;
use crate::ports::EmbeddingModel;
use crate::realm::{Realm, Tags, hash};
use crate::role::SERVICE;

const ID_LENGTH: usize = 10;
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The most tags of a resource: AWS's.
const MAX_TAGS: usize = 50;

/// A knowledge base that is asked for.
#[derive(Debug, Clone)]
pub struct NewKnowledgeBase {
    /// Its name, unique in the account and region.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The role that reads the sources and asks the embedding model.
    pub role_arn: String,
    /// The embedding model's ARN.
    pub embedding_model: String,
    /// The length of vectors that is wanted, where the request says.
    pub dimensions: Option<usize>,
    /// The knowledge base's configuration as the request has it, to be given back.
    pub configuration: Value,
    /// The storage's configuration as the request has it, to be given back: what is stored is stored here.
    pub storage: Option<Value>,
    /// Its tags.
    pub tags: Tags,
    /// A request with the token of an earlier one is that one, sent again.
    pub request_token: Option<String>,
}

/// What an update makes of a knowledge base.
#[derive(Debug, Clone)]
pub struct KnowledgeBaseUpdate {
    /// Its name from now on.
    pub name: String,
    /// Its description from now on.
    pub description: Option<String>,
    /// Its role from now on.
    pub role_arn: String,
    /// The configuration, which must be the one that it has.
    pub configuration: Value,
    /// The storage's configuration, which must be the one that it has where it is given.
    pub storage: Option<Value>,
}

/// Where a knowledge base stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnowledgeBaseStatus {
    /// It can be used.
    Active,
    /// It is being removed.
    Deleting,
}

impl KnowledgeBaseStatus {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }

    pub(crate) fn from_row(text: &str) -> Result<Self> {
        let found = [Self::Active, Self::Deleting].into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("knowledge base status `{text}`")))
    }
}

/// A knowledge base.
#[derive(Debug, Clone, PartialEq)]
pub struct KnowledgeBase {
    /// Ten capital letters and digits.
    pub id: String,
    /// `arn:aws:bedrock:REGION:ACCOUNT:knowledge-base/ID`
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The role that it works as.
    pub role_arn: String,
    /// Where it stands.
    pub status: KnowledgeBaseStatus,
    /// The embedding model's ARN.
    pub embedding_model: String,
    /// What answered for that model when the knowledge base was made: the vectors in its index are this one's.
    pub(crate) served_by: String,
    pub(crate) fingerprint: String,
    pub(crate) dimension: usize,
    /// The configuration as it was asked for.
    pub configuration: Value,
    /// The storage's configuration as it was asked for.
    pub storage: Option<Value>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
}

impl Knowledge {
    /// Makes a knowledge base.
    ///
    /// # Errors
    /// Invalid, where the role cannot be assumed or the embedding model is none, or not one that the role may ask; Denied,
    /// where the caller may not pass the role; Conflict, where another one has the name or the request's token.
    pub async fn create_knowledge_base(&self, ctx: &Ctx, new: NewKnowledgeBase) -> Result<KnowledgeBase> {
        check_tags(&new.tags)?;
        self.inner.identity.pass_role(ctx, &new.role_arn, SERVICE).await?;
        let (realm, hash) = (Realm::of(ctx), fingerprint(&new));
        if let Some(earlier) = self.earlier(&realm, &new, &hash).await? {
            return Ok(earlier);
        }
        let id = self.inner.random.text(ID_LETTERS, ID_LENGTH);
        let model = self.usable_model(&realm, &id, &new).await?;
        let now = self.inner.clock.now();
        let made = KnowledgeBase {
            arn: realm.arn(&id),
            id,
            name: new.name.clone(),
            description: new.description.clone(),
            role_arn: new.role_arn.clone(),
            status: KnowledgeBaseStatus::Active,
            embedding_model: new.embedding_model.clone(),
            served_by: model.served_by,
            fingerprint: model.fingerprint,
            dimension: model.dimension,
            configuration: new.configuration.clone(),
            storage: new.storage.clone(),
            tags: new.tags.clone(),
            created: now,
            modified: now,
        };
        let token = new.request_token.as_deref();
        match store::insert(&self.inner.store, &realm, &made, (token, &hash)).await {
            Ok(()) => Ok(made),
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                // The same request may have come twice at once.
                self.earlier(&realm, &new, &hash).await?.ok_or_else(|| name_taken(&new.name))
            }
            Err(error) => Err(error),
        }
    }

    /// The knowledge base that a request with the same token made.
    async fn earlier(&self, realm: &Realm, new: &NewKnowledgeBase, hash: &str) -> Result<Option<KnowledgeBase>> {
        let Some(token) = &new.request_token else { return Ok(None) };
        match store::by_token(&self.inner.store, realm, token).await? {
            Some((_, asked)) if asked != hash => Err(token_taken(token)),
            earlier => Ok(earlier.map(|(made, _)| made)),
        }
    }

    /// The embedding model, if the role may ask it and it is as it is asked for.
    async fn usable_model(&self, realm: &Realm, id: &str, new: &NewKnowledgeBase) -> Result<EmbeddingModel> {
        let role = self.assume(realm, &new.role_arn, id).await.map_err(|error| match error.kind {
            ErrorKind::Denied => {
                let text = format!("The knowledge base cannot assume the role `{}`.", new.role_arn);
                Error::invalid(text).with_hint("Let its trust policy allow `bedrock.amazonaws.com` to assume it.")
            }
            _ => error,
        })?;
        let model = self.inner.embedder.model(&role, &new.embedding_model).await.map_err(|error| match error.kind {
            ErrorKind::NotFound | ErrorKind::Denied => Error { kind: ErrorKind::Invalid, ..error },
            _ => error,
        })?;
        match new.dimensions {
            Some(wanted) if wanted != model.dimension => {
                let has = model.dimension;
                let text = format!("`{}` gives vectors of {has} dimensions, not {wanted}.", new.embedding_model);
                Err(Error::invalid(text).with_hint(format!("Leave `dimensions` out, or give {has}.")))
            }
            _ => Ok(model),
        }
    }

    /// A knowledge base, by id or ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn knowledge_base(&self, ctx: &Ctx, identifier: &str) -> Result<KnowledgeBase> {
        self.base_of(&Realm::of(ctx), identifier).await
    }

    pub(crate) async fn base_of(&self, realm: &Realm, identifier: &str) -> Result<KnowledgeBase> {
        let missing = || missing(identifier);
        let id = realm.id_of(identifier).ok_or_else(missing)?;
        store::find(&self.inner.store, realm, id).await?.ok_or_else(missing)
    }

    /// A knowledge base that is not being removed.
    pub(crate) async fn active(&self, realm: &Realm, identifier: &str) -> Result<KnowledgeBase> {
        let found = self.base_of(realm, identifier).await?;
        match found.status {
            KnowledgeBaseStatus::Active => Ok(found),
            KnowledgeBaseStatus::Deleting => Err(missing(identifier)),
        }
    }

    /// The account's knowledge bases, by id.
    ///
    /// # Errors
    /// The store's.
    pub async fn knowledge_bases(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<KnowledgeBase>> {
        let found = store::list(&self.inner.store, &Realm::of(ctx), page).await?;
        Ok(Page::cut(page, found, |base| base.id.clone()))
    }

    /// Changes a knowledge base.
    ///
    /// # Errors
    /// NotFound; Invalid, where it would get another embedding model or storage; Denied, where the caller may not pass the
    /// role; Conflict, where another one has the name.
    pub async fn update_knowledge_base(
        &self,
        ctx: &Ctx,
        identifier: &str,
        update: KnowledgeBaseUpdate,
    ) -> Result<KnowledgeBase> {
        let realm = Realm::of(ctx);
        let mut base = self.active(&realm, identifier).await?;
        let storage_differs = update.storage.is_some() && update.storage != base.storage;
        if update.configuration != base.configuration || storage_differs {
            let what = if storage_differs { "storageConfiguration" } else { "knowledgeBaseConfiguration" };
            return Err(Error::invalid(format!("The `{what}` of a knowledge base cannot be changed."))
                .with_hint("Give the one that it has; make another knowledge base for another embedding model."));
        }
        self.inner.identity.pass_role(ctx, &update.role_arn, SERVICE).await?;
        (base.name, base.description, base.role_arn) = (update.name, update.description, update.role_arn);
        base.modified = self.inner.clock.now();
        match store::update(&self.inner.store, &realm, &base).await {
            Ok(true) => Ok(base),
            Ok(false) => Err(missing(identifier)),
            Err(error) if error.kind == ErrorKind::AlreadyExists => Err(name_taken(&base.name)),
            Err(error) => Err(error),
        }
    }

    /// The tags of a knowledge base, by ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn tags(&self, ctx: &Ctx, arn: &str) -> Result<Tags> {
        Ok(self.knowledge_base(ctx, arn).await?.tags)
    }

    /// Sets tags of a knowledge base; others stay.
    ///
    /// # Errors
    /// NotFound; Invalid.
    pub async fn tag(&self, ctx: &Ctx, arn: &str, tags: Tags) -> Result<()> {
        let tags = &tags;
        self.change_tags(ctx, arn, |mut kept: Tags| {
            kept.retain(|(key, _)| tags.iter().all(|(new, _)| new != key));
            kept.extend(tags.iter().cloned());
            check_tags(&kept).map(|()| kept)
        })
        .await
    }

    /// Removes tags of a knowledge base.
    ///
    /// # Errors
    /// NotFound.
    pub async fn untag(&self, ctx: &Ctx, arn: &str, keys: &[String]) -> Result<()> {
        self.change_tags(ctx, arn, |mut kept: Tags| {
            kept.retain(|(key, _)| !keys.contains(key));
            Ok(kept)
        })
        .await
    }

    async fn change_tags(&self, ctx: &Ctx, arn: &str, change: impl Fn(Tags) -> Result<Tags> + Sync) -> Result<()> {
        let realm = Realm::of(ctx);
        let base = self.active(&realm, arn).await?;
        match store::change_tags(&self.inner.store, &realm, &base.id, change).await? {
            true => Ok(()),
            false => Err(missing(arn)),
        }
    }
}

pub(crate) fn missing(identifier: &str) -> Error {
    Error::not_found(format!("The knowledge base `{identifier}` could not be found."))
}

fn name_taken(name: &str) -> Error {
    Error::conflict(format!("There is a knowledge base named `{name}` already.")).with_hint("Choose another name.")
}

pub(crate) fn token_taken(token: &str) -> Error {
    Error::conflict(format!("The client token `{token}` was used for another request."))
        .with_hint("Give each request a token of its own.")
}

fn check_tags(tags: &Tags) -> Result<()> {
    let mut keys: Vec<&String> = tags.iter().map(|(key, _)| key).collect();
    keys.sort();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid(format!("The tag `{}` is there twice.", pair[0])));
    }
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid(format!("There are {} tags, more than {MAX_TAGS}.", tags.len())));
    }
    Ok(())
}

/// What a request asks for, as one value.
fn fingerprint(new: &NewKnowledgeBase) -> String {
    let NewKnowledgeBase { name, description, role_arn, configuration, storage, tags, .. } = new;
    hash(format!("{name:?}{description:?}{role_arn:?}{configuration}{storage:?}{tags:?}"))
}
