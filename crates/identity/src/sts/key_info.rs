//! `GetAccessKeyInfo`.

use base::{Error, Result};

use super::store;
use crate::open::Identity;

impl Identity {
    /// The account of an access key, of any account, temporary or not.
    ///
    /// # Errors
    /// Invalid, where there is no such key.
    pub async fn account_of_access_key(&self, id: &str) -> Result<String> {
        let account = store::account_of_key(&self.0.store, id).await?;
        account.ok_or_else(|| Error::invalid(format!("The access key id `{id}` does not exist.")))
    }
}
