//! Pages of listings.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// Which part of a listing is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items to return, at least 1.
    pub limit: u32,
    /// The key of the last item of the page before; the page starts after it.
    pub after: Option<String>,
}

impl PageRequest {
    /// The page of at most `limit` items after the one that `token` names.
    ///
    /// # Errors
    /// Invalid, where `token` was not made by [`Page::next_token`].
    pub fn from_token(limit: u32, token: Option<&str>) -> Result<Self, Error> {
        let after = token.map(decode).transpose()?;
        Ok(Self { limit: limit.max(1), after })
    }
}

fn decode(token: &str) -> Result<String, Error> {
    let invalid = || {
        Error::invalid("The pagination token is invalid.").with_hint("Pass the token of the page before, unchanged.")
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    text.strip_prefix("p1:").map(str::to_owned).ok_or_else(invalid)
}

/// One page of a listing, in the listing's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The key of the last item, where more follow.
    pub next_after: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `request.limit` from up to `limit + 1` items read after `request.after`; `key` gives an item's key.
    pub fn cut(request: &PageRequest, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Self {
        let limit = request.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_after = if more { items.last().map(key) } else { None };
        Self { items, next_after }
    }

    /// The opaque token of the next page, if there is one.
    #[must_use]
    pub fn next_token(&self) -> Option<String> {
        self.next_after.as_ref().map(|key| URL_SAFE_NO_PAD.encode(format!("p1:{key}")))
    }

    /// The same page with each item converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_after: self.next_after }
    }
}
