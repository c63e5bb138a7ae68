//! Encryption at rest: how an object's data key is kept. Every object has a data key of its own; with SSE-S3 it is
//! sealed under the deployment's storage key, which is sealed under the root key; with SSE-KMS it is sealed by KMS.

use base::Random;
use identity::{Ctx, Identity};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use store::Store;

use crate::buckets::Bucket;
use crate::buckets::store::BucketRow;
use crate::customer_keys::{CustomerKey, check_given};
use crate::error::{Error, Result};
use crate::open::Objects;
use crate::seal::DataKey;
use crate::tags::Pairs;

/// The storage key's id; others may follow.
const STORAGE_KEY: &str = "1";

/// How an object is to be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encryption {
    /// SSE-S3: `AES256`.
    S3,
    /// SSE-KMS: `aws:kms`.
    Kms {
        /// The key's id, ARN or alias; `None` for the account's `aws/s3`.
        key: Option<String>,
        /// Whether the encryption context names the bucket instead of the object; `None` for the bucket's default.
        bucket_key: Option<bool>,
        /// More encryption context.
        context: Option<Pairs>,
    },
}

/// How a bucket's objects are encrypted whose upload does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// How.
    pub encryption: Encryption,
}

/// How an object is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// SSE-S3.
    S3,
    /// SSE-C: with a key of the client's own.
    Customer,
    /// SSE-KMS.
    Kms {
        /// The key's ARN.
        key_arn: String,
        /// Whether the encryption context names the bucket.
        bucket_key: bool,
    },
}

impl Sealed {
    /// The columns that say so: the KMS key, whether the context names the bucket, whether the key is the client's own.
    pub(crate) fn columns(&self) -> (Option<&str>, bool, bool) {
        match self {
            Self::S3 => (None, false, false),
            Self::Customer => (None, false, true),
            Self::Kms { key_arn, bucket_key } => (Some(key_arn), *bucket_key, false),
        }
    }
}

/// An object's data key as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) data_key: Vec<u8>,
    pub(crate) sealed: Sealed,
    /// The encryption context that KMS got.
    pub(crate) context: Option<Pairs>,
}

/// The key under which the data keys of SSE-S3 are sealed.
pub(crate) struct StorageKey(LessSafeKey);

impl StorageKey {
    pub(crate) fn from_key(key: LessSafeKey) -> Self {
        Self(key)
    }

    /// Reads the deployment's storage key, making it where there is none.
    ///
    /// # Errors
    /// Internal, where it was sealed under another root key; the store's.
    pub(crate) async fn open(store: &Store, identity: &Identity, random: &dyn Random) -> base::Result<Self> {
        let purpose = format!("objects-storage-key:{STORAGE_KEY}");
        let new = DataKey::random(random);
        let sealed = identity.keyring().seal(&purpose, new.as_bytes())?;
        // The first one stays, whoever made it.
        let kept = crate::blobs::store::settle_storage_key(store, STORAGE_KEY, &sealed).await?;
        let key = identity.keyring().open(&purpose, &kept)?;
        let unbound =
            UnboundKey::new(&AES_256_GCM, &key).map_err(|_| base::Error::internal("a storage key's length"))?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    /// Seals the data key of the object `arn`: a random nonce of 12 bytes, the ciphertext and a tag.
    pub(crate) fn seal(&self, random: &dyn Random, arn: &str, key: &DataKey) -> base::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut ciphertext = key.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(arn.as_bytes()), &mut ciphertext)
            .map_err(|_| base::Error::internal("a data key is too long to seal"))?;
        Ok([&nonce[..], &ciphertext].concat())
    }

    pub(crate) fn open_data_key(&self, arn: &str, sealed: &[u8]) -> base::Result<DataKey> {
        let refused = || crate::seal::damaged().with_detail(format!("the data key of `{arn}` does not open"));
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut bytes = zeroize::Zeroizing::new(ciphertext.to_vec());
        let opened = self.0.open_in_place(nonce, Aad::from(arn.as_bytes()), &mut bytes).map_err(|_| refused())?;
        DataKey::from_slice(opened)
    }
}

impl Objects {
    /// A new data key for the object `key`, sealed under the client's own key, as the request asks otherwise or else as
    /// the bucket's default says.
    pub(crate) async fn new_data_key(
        &self,
        ctx: &Ctx,
        row: &BucketRow,
        key: &str,
        asked: Option<&Encryption>,
        customer: Option<&CustomerKey>,
    ) -> Result<(DataKey, Envelope)> {
        let default = row.default_encryption()?.encryption;
        let encryption = asked.unwrap_or(&default);
        let arn = object_arn(&row.bucket, key);
        if let Some(customer) = customer {
            if asked.is_some() {
                return Err(Error::invalid_argument(
                    "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                ));
            }
            return Ok(customer.new_data_key(self.random(), &arn)?);
        }
        match encryption {
            Encryption::S3 => {
                let data_key = DataKey::random(self.random());
                let sealed = self.storage_key().seal(self.random(), &arn, &data_key)?;
                Ok((data_key, Envelope { data_key: sealed, sealed: Sealed::S3, context: None }))
            }
            Encryption::Kms { key: kms_key, bucket_key, context } => {
                let by_default = matches!(default, Encryption::Kms { bucket_key: Some(true), .. });
                let bucket_key = bucket_key.unwrap_or(by_default);
                let about = if bucket_key { row.bucket.arn() } else { arn };
                let context = encryption_context(about, context.as_ref());
                self.kms_data_key(ctx, kms_key.as_deref(), context, bucket_key).await
            }
        }
    }

    /// The data key of the object `key`, for a request that brings the key `customer` of its own.
    ///
    /// # Errors
    /// InvalidRequest, where a key of the client's own is missing or is not needed; AccessDenied, where it is another one,
    /// or KMS refuses its key.
    pub(crate) async fn data_key(
        &self,
        ctx: &Ctx,
        bucket: &Bucket,
        key: &str,
        envelope: &Envelope,
        customer: Option<&CustomerKey>,
    ) -> Result<DataKey> {
        self.check_customer_key(bucket, key, envelope, customer)?;
        match &envelope.sealed {
            Sealed::Customer => customer
                .ok_or_else(|| base::Error::internal("a key that was checked").into())
                .and_then(|customer| customer.open(&object_arn(bucket, key), &envelope.data_key)),
            Sealed::S3 => Ok(self.storage_key().open_data_key(&object_arn(bucket, key), &envelope.data_key)?),
            Sealed::Kms { .. } => self.kms_open(ctx, envelope).await,
        }
    }

    /// Whether the object `key` is read with the key of the client's own that it was written with, if with any.
    ///
    /// # Errors
    /// InvalidRequest, AccessDenied.
    pub(crate) fn check_customer_key(
        &self,
        bucket: &Bucket,
        key: &str,
        envelope: &Envelope,
        customer: Option<&CustomerKey>,
    ) -> Result<()> {
        check_given(&envelope.sealed, customer)?;
        match customer {
            Some(customer) => customer.open(&object_arn(bucket, key), &envelope.data_key).map(|_| ()),
            None => Ok(()),
        }
    }
}

fn object_arn(bucket: &Bucket, key: &str) -> String {
    format!("{}/{key}", bucket.arn())
}

/// S3's own pair, and those of the request.
fn encryption_context(about: String, given: Option<&Pairs>) -> Pairs {
    let mut pairs: Pairs = given.cloned().unwrap_or_default();
    pairs.retain(|(name, _)| name != "aws:s3:arn");
    pairs.push(("aws:s3:arn".to_owned(), about));
    pairs
}
