//! Tokens that open the explanation of a request to the administrators of one other account.

use base::{AccountId, Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::open::Identity;

/// What every token begins with.
const PREFIX: &str = "explain-";

/// An entry of the audit record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) account: AccountId,
    pub(super) id: String,
}

/// Whether a text is meant as a token, as against a request's id.
pub(super) fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Identity {
    /// A token that only `opener` can open.
    pub(super) fn explanation_token(&self, opener: &AccountId, entry: &Reference) -> Result<String> {
        let text = format!("{}:{}", entry.account, entry.id);
        let sealed = self.0.keyring.seal(&purpose(opener), text.as_bytes())?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// What `token` is about.
    ///
    /// # Errors
    /// NotFound, where it is no token for `opener`.
    pub(super) fn open_explanation_token(&self, opener: &AccountId, token: &str) -> Result<Reference> {
        let refused = || {
            Error::not_found("The token does not open anything for this account.")
                .with_hint("A token opens for administrators of the account that it was made for, unchanged.")
        };
        let sealed =
            token.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(refused)?;
        let opened = self.0.keyring.open(&purpose(opener), &sealed).map_err(|_| refused())?;
        let text = std::str::from_utf8(&opened).map_err(|_| refused())?;
        let (account, id) = text.split_once(':').ok_or_else(refused)?;
        Ok(Reference { account: account.parse().map_err(|_| refused())?, id: id.to_owned() })
    }
}

fn purpose(opener: &AccountId) -> String {
    format!("explain:{opener}")
}
