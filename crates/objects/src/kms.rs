//! Data keys from KMS.

use identity::Ctx;

use crate::encryption::Envelope;
use crate::error::{Error, Result};
use crate::open::Objects;
use crate::seal::DataKey;
use crate::tags::Pairs;

impl Objects {
    /// A new data key under the KMS key, on behalf of the caller.
    pub(crate) async fn kms_data_key(
        &self,
        _ctx: &Ctx,
        _key: Option<&str>,
        _context: Pairs,
        _bucket_key: bool,
    ) -> Result<(DataKey, Envelope)> {
        Err(Error::not_implemented("SSE-KMS"))
    }

    /// Has KMS open a data key, on behalf of the caller.
    pub(crate) async fn kms_open(&self, _ctx: &Ctx, _envelope: &Envelope) -> Result<DataKey> {
        Err(Error::not_implemented("SSE-KMS"))
    }
}
