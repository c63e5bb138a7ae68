//! API keys: bearer keys of users for the Bedrock and the OpenAI surface.

use std::sync::Arc;

use base::{Error, Page, PageRequest, Region, Result, Secret, Timestamp};

use crate::authentication::{EXPIRED_TOKEN, invalid_token};
use crate::credentials::activity::{LastNoted, Used};
use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::ctx::{Credential, Ctx, Facts, Origin};
use crate::iam::quota_exceeded;
use crate::open::Identity;
use crate::principal::Principal;

/// The most API keys of a user.
pub(crate) const KEYS_PER_USER: i64 = 100;
/// The longest that an API key may last, in seconds: 100 years, so that the sum with the time cannot overflow.
const LONGEST: i64 = 36_600 * 24 * 3600;

/// Where an API key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The Bedrock API.
    Bedrock,
    /// The OpenAI API.
    OpenAi,
    /// Both.
    Both,
}

/// An API key without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// `ACCA…`
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// Where it may be used.
    pub surface: Surface,
    /// The user whose key it is.
    pub user_name: String,
    /// When the key was made.
    pub created: Timestamp,
    /// When the key ends; `None` stands for never.
    pub expires: Option<Timestamp>,
    /// When the key was last used, up to two minutes behind.
    pub last_used: Option<Timestamp>,
}

/// An API key just made: the only time that its text is shown.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The key's facts.
    pub key: ApiKey,
    /// What a client sends after `Authorization: Bearer`.
    pub secret: Secret<String>,
}

/// What is cached of an API key.
pub(crate) struct BearerKey {
    pub(crate) id: String,
    pub(crate) surface: Surface,
    pub(crate) principal: Arc<Principal>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) last_noted: LastNoted,
}

impl Surface {
    /// Whether a key of this surface may be used on `wanted`; on [`Surface::Both`] only a key of both.
    #[must_use]
    pub fn covers(self, wanted: Self) -> bool {
        self == Self::Both || self == wanted
    }

    /// `bedrock`, `openai` or `both`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::OpenAi => "openai",
            Self::Both => "both",
        }
    }
}

impl std::str::FromStr for Surface {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "bedrock" => Ok(Self::Bedrock),
            "openai" => Ok(Self::OpenAi),
            "both" => Ok(Self::Both),
            _ => Err(Error::invalid(format!("`{text}` is not a surface."))
                .with_hint("Surfaces are `bedrock`, `openai` and `both`.")),
        }
    }
}

impl Identity {
    /// Makes an API key for the calling user that lasts `lifetime` seconds, or until it is deleted.
    ///
    /// # Errors
    /// Invalid, where the name is not 1 to 128 characters or the lifetime is not positive. Denied, where the caller is no
    /// user. Conflict, where the user has 100 keys.
    pub async fn create_api_key(
        &self,
        ctx: &Ctx,
        name: &str,
        surface: Surface,
        lifetime: Option<i64>,
    ) -> Result<NewApiKey> {
        if !(1..=128).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(Error::invalid("The name of the API key is empty, too long or has control characters.")
                .with_hint("Names have 1 to 128 characters."));
        }
        if lifetime.is_some_and(|seconds| !(1..=LONGEST).contains(&seconds)) {
            return Err(Error::invalid("The lifetime of the API key must be positive and at most 36,600 days."));
        }
        let Some(user_name) = ctx.principal().user_name() else {
            return Err(Error::denied("API keys belong to users; the caller is none.")
                .with_hint("Use the credentials of a user such as `admin`."));
        };
        let random = self.0.random.as_ref();
        let secret = Secret::new(match surface {
            Surface::Bedrock => formats::bedrock_api_key(random, ctx.account().as_str()),
            Surface::OpenAi | Surface::Both => formats::openai_api_key(random),
        });
        let created = self.0.clock.now();
        let key = ApiKey {
            id: formats::api_key_id(random),
            name: name.to_owned(),
            surface,
            user_name: user_name.to_owned(),
            created,
            expires: lifetime.map(|seconds| created.plus_seconds(seconds)),
            last_used: None,
        };
        let hash = formats::hash(secret.reveal());
        tables::insert_api_key(&self.0.store, ctx.account(), &ctx.principal().user_id(), &key, &hash).await?;
        Ok(NewApiKey { key, secret })
    }

    /// The account's API keys, by id.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_api_keys(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<ApiKey>> {
        let keys = tables::list_api_keys(&self.0.store, ctx.account(), page).await?;
        Ok(Page::cut(page, keys, |key| key.id.clone()))
    }

    /// Removes an API key of the account.
    ///
    /// # Errors
    /// NotFound.
    pub async fn delete_api_key(&self, ctx: &Ctx, id: &str) -> Result<()> {
        if !tables::delete_api_key(&self.0.store, ctx.account(), id).await? {
            return Err(Error::not_found(format!("The API key `{id}` cannot be found.")));
        }
        self.forget_credentials();
        Ok(())
    }

    /// The context of a request on `surface` with the API key `key`. `region` is that of the address, if it names one.
    ///
    /// # Errors
    /// Unauthenticated, with the message [`EXPIRED_TOKEN`] where the key was right once, and
    /// [`crate::INVALID_TOKEN`] where it is unknown or of another surface. Otherwise the store's errors.
    pub async fn bearer(&self, key: &str, surface: Surface, region: Option<Region>, origin: Origin) -> Result<Ctx> {
        let now = self.0.clock.now();
        let bearer = self.bearer_key(&formats::hash(key), now).await?.ok_or_else(invalid_token)?;
        if !bearer.surface.covers(surface) {
            return Err(invalid_token());
        }
        if bearer.expires.is_some_and(|expires| expires <= now) {
            return Err(Error::unauthenticated(EXPIRED_TOKEN));
        }
        self.0.activity.note(&bearer.last_noted, now, || Used::ApiKey(bearer.id.clone()));
        Ok(Ctx::new(Facts {
            region: region.unwrap_or_else(|| self.0.defaults.region.clone()),
            principal: Arc::clone(&bearer.principal),
            credential: Credential::ApiKey { id: bearer.id.clone(), surface: bearer.surface },
            request_id: origin.request_id,
            now,
            source_ip: Some(origin.source_ip),
            secure: origin.secure,
            source: None,
        }))
    }

    async fn bearer_key(&self, hash: &str, now: Timestamp) -> Result<Option<Arc<BearerKey>>> {
        if let Some(key) = self.0.bearer_keys.get(hash, now) {
            return Ok(Some(key));
        }
        let generation = self.0.bearer_keys.generation();
        let Some(key) = tables::read_bearer_key(&self.0.store, hash).await?.map(Arc::new) else { return Ok(None) };
        self.0.bearer_keys.insert(generation, hash, Arc::clone(&key), now);
        Ok(Some(key))
    }
}

pub(crate) fn too_many() -> Error {
    quota_exceeded("ApiKeysPerUser", KEYS_PER_USER)
}
