//! Key management: keys, who may use them, and what is encrypted under them.
//!
//! Every function takes a [`Ctx`](crate::Ctx) and checks the permission itself: the key policy, grants and the caller's
//! own policies decide, with the encryption context and the other condition keys of KMS. Key material is made here,
//! leaves this module never, and is kept sealed under the deployment's root key.
//!
//! ```no_run
//! # async fn example(identity: &identity::Identity, ctx: &identity::Ctx) -> Result<(), identity::kms::Error> {
//! use identity::kms::{DataKeySpec, EncryptionContext, KeyRef};
//!
//! let kms = identity.kms();
//! let ctx = ctx.via("s3");
//! let context = EncryptionContext::from_pairs([("aws:s3:arn", "arn:aws:s3:::notes")]);
//! let key = kms.generate_data_key(&ctx, &KeyRef::aws_managed("s3"), &context, DataKeySpec::Aes256).await?;
//! // … encrypt with `key.plaintext`, keep `key.ciphertext` beside the object …
//! let again = kms.decrypt(&ctx, &key.ciphertext, &context, None).await?;
//! assert_eq!(again.plaintext, key.plaintext);
//! # Ok(())
//! # }
//! ```

mod access;
mod aliases;
mod ciphertext;
mod context;
mod cryptography;
mod data_keys;
mod error;
mod grants;
mod key;
mod key_ref;
mod keys;
mod managed;
mod material;
mod policies;
mod rotation;
pub(crate) mod store;
mod tags;

pub use aliases::Alias;
pub use context::EncryptionContext;
pub use cryptography::{Decrypted, Encrypted, ReEncrypted};
pub use data_keys::{DataKey, DataKeySpec};
pub use error::{Code, Error, Result};
pub use grants::{GrantInfo, GrantRef, MadeGrant, NewGrant};
pub use key::{Key, KeyState, Manager, Rotation, RotationType};
pub use key_ref::KeyRef;
pub use keys::NewKey;
pub use rotation::PastRotation;

use crate::cache::Cache;
use crate::open::Identity;
use crate::policy;

/// The keys of a deployment. Cheap to clone; made by [`Identity::kms`].
#[derive(Clone)]
pub struct Kms(pub(crate) Identity);

/// What is kept in memory of keys, for seconds; a change made through this process is seen at once.
pub(crate) struct Caches {
    pub(crate) keys: Cache<key::Loaded>,
    /// Key ids by alias.
    pub(crate) aliases: Cache<String>,
    /// The grants of a key for one caller.
    pub(crate) grants: Cache<Vec<policy::Grant>>,
}

/// What a request for cryptography says besides key, data and context.
#[derive(Debug, Clone, Default)]
pub struct UseOptions {
    /// Grant tokens. Grants work at once here, so a token adds nothing; one that is not ours is refused.
    pub grant_tokens: Vec<String>,
    /// Check everything, then answer [`Code::DryRun`] and do nothing.
    pub dry_run: bool,
}

impl Identity {
    /// The keys.
    #[must_use]
    pub fn kms(&self) -> Kms {
        Kms(self.clone())
    }
}

impl Caches {
    pub(crate) fn new() -> Self {
        Self { keys: Cache::new(), aliases: Cache::new(), grants: Cache::new() }
    }

    /// Forgets everything, after a committed write.
    pub(crate) fn clear(&self) {
        self.keys.clear();
        self.aliases.clear();
        self.grants.clear();
    }
}
