//! Listings of secrets: what is asked for, in which order, and page by page.

use base::{Page, PageRequest};

use super::error::{Code, Error, Result};
use super::secret::Secret;
use super::{Secrets, store};
use crate::ctx::Ctx;

/// Which secrets are listed.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Whether deleted secrets that can be restored are listed too.
    pub with_deleted: bool,
    /// The order.
    pub sort_by: SortBy,
    /// Whether the order is reversed.
    pub descending: bool,
    /// The part that is asked for.
    pub page: PageRequest,
}

/// What a listing is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The time when it was made.
    Created,
    /// The day on which its value was last read.
    Accessed,
    /// The time when it was last changed.
    Changed,
    /// Its name.
    Name,
}

/// One of `values` must fit what `key` tells; a value that starts with `!` fits where the rest does not.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What is looked at.
    pub key: FilterKey,
    /// At least one.
    pub values: Vec<String>,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKey {
    /// The description: words in it, in any case.
    Description,
    /// The name: its beginning.
    Name,
    /// The names of tags: their beginning.
    TagKey,
    /// The values of tags: their beginning.
    TagValue,
    /// The region that a replica was made from: none here.
    PrimaryRegion,
    /// The service that manages the secret: none here.
    OwningService,
    /// Name, description and tags: words in them, in any case.
    All,
}

/// The most filters of one listing.
const MOST_FILTERS: usize = 10;

impl Secrets {
    /// The secrets of the caller's account and region that are asked for.
    ///
    /// # Errors
    /// AccessDenied, InvalidParameter.
    pub async fn list(&self, ctx: &Ctx, request: &ListRequest) -> Result<Page<Secret>> {
        self.permit_any(ctx, "secretsmanager:ListSecrets").await?;
        if request.filters.len() > MOST_FILTERS || request.filters.iter().any(|filter| filter.values.is_empty()) {
            return Err(Error::new(
                Code::InvalidParameter,
                format!("There are at most {MOST_FILTERS} filters, each with a value."),
            ));
        }
        let mut secrets = store::list(&self.0.0.store, ctx.account(), ctx.region()).await?;
        secrets.retain(|secret| request.with_deleted || secret.deleted.is_none());
        secrets.retain(|secret| request.filters.iter().all(|filter| filter.fits(secret)));
        Ok(cut(secrets, request))
    }
}

/// Sorts and gives the page that is asked for.
fn cut(mut secrets: Vec<Secret>, request: &ListRequest) -> Page<Secret> {
    let key = |secret: &Secret| format!("{} {}", sort_key(secret, request.sort_by), secret.arn);
    secrets.sort_by_cached_key(key);
    if request.descending {
        secrets.reverse();
    }
    let follows = |secret: &Secret| match &request.page.after {
        Some(after) if request.descending => key(secret) < *after,
        Some(after) => key(secret) > *after,
        None => true,
    };
    let page: Vec<_> = secrets.into_iter().filter(follows).take(request.page.limit as usize + 1).collect();
    Page::cut(&request.page, page, key)
}

/// Text that sorts as what is sorted by.
fn sort_key(secret: &Secret, by: SortBy) -> String {
    let time = |time: Option<base::Timestamp>| format!("{:020}", time.map_or(0, |time| time.as_millis().max(0)));
    match by {
        SortBy::Created => time(Some(secret.created)),
        SortBy::Accessed => time(secret.accessed),
        SortBy::Changed => time(Some(secret.changed)),
        SortBy::Name => secret.name.clone(),
    }
}

impl Filter {
    fn fits(&self, secret: &Secret) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) if !value.is_empty() => !self.key.matches(secret, value),
            _ => self.key.matches(secret, value),
        })
    }
}

impl FilterKey {
    fn matches(self, secret: &Secret, value: &str) -> bool {
        let description = secret.description.as_deref().unwrap_or_default();
        let mut tags = secret.tags.iter();
        match self {
            Self::Name => secret.name.starts_with(value),
            Self::Description => has_words(description, value),
            Self::TagKey => tags.any(|(name, _)| name.starts_with(value)),
            Self::TagValue => tags.any(|(_, content)| content.starts_with(value)),
            Self::PrimaryRegion | Self::OwningService => false,
            Self::All => {
                has_words(&secret.name, value)
                    || has_words(description, value)
                    || tags.any(|(name, content)| has_words(name, value) || has_words(content, value))
            }
        }
    }
}

/// Whether each word of `asked` begins a word of `text`, in any case.
fn has_words(text: &str, asked: &str) -> bool {
    let (text, asked) = (words(text), words(asked));
    !asked.is_empty() && asked.iter().all(|asked| text.iter().any(|word| word.starts_with(asked.as_str())))
}

/// What separates the words of a name, beside spaces.
const SEPARATORS: [char; 7] = ['/', '-', '_', '+', '=', '.', '@'];

/// The words of a text in small letters, as AWS finds them: what stands between separators, and in it each character with
/// the small letters that follow it (`MyDatabase` has two, `COMPANYthings` is `COMPAN` and `Ythings`). What has two kinds
/// of separators is one word.
fn words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().flat_map(|part| {
        let mut separators = SEPARATORS.into_iter().filter(|separator| part.contains(*separator));
        match (separators.next(), separators.next()) {
            (Some(_), Some(_)) => vec![part.to_owned()],
            (Some(separator), None) => part.split(separator).flat_map(capitalized).collect(),
            _ => capitalized(part),
        }
    });
    words.filter(|word| !word.is_empty()).map(|word| word.to_lowercase()).collect()
}

/// The parts of a text: a character with the small letters behind it is one, what is left between those is another.
fn capitalized(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    let mut inside = false;
    while let Some(c) = rest.next() {
        let begins = !c.is_lowercase() && rest.peek().is_some_and(|next| next.is_lowercase());
        if begins || (inside && !c.is_lowercase()) {
            parts.push(String::new());
        }
        inside = begins || (inside && c.is_lowercase());
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base::Timestamp;

    use super::*;

    fn secret(name: &str, description: &str, tag: (&str, &str), created: i64) -> Secret {
        Secret {
            arn: format!("arn:{name}"),
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: name.to_owned(),
            description: Some(description.to_owned()),
            kms_key: None,
            tags: vec![(tag.0.to_owned(), tag.1.to_owned())],
            tagged: true,
            created: Timestamp(created),
            changed: Timestamp(-created),
            accessed: None,
            deleted: None,
            purge: None,
            stages: BTreeMap::new(),
        }
    }

    fn fits(key: FilterKey, value: &str) -> bool {
        let secret = secret("prod/MyDatabase", "The password of Postgres", ("Team", "search"), 0);
        Filter { key, values: vec![value.to_owned()] }.fits(&secret)
    }

    #[test]
    fn names_and_tags_are_found_by_their_beginning() {
        assert!(fits(FilterKey::Name, "prod/") && !fits(FilterKey::Name, "My") && !fits(FilterKey::Name, "PROD"));
        assert!(fits(FilterKey::TagKey, "Te") && !fits(FilterKey::TagKey, "te"));
        assert!(fits(FilterKey::TagValue, "sea") && !fits(FilterKey::TagValue, "arch"));
    }

    #[test]
    fn descriptions_and_everything_are_found_by_words() {
        assert!(fits(FilterKey::Description, "postgres") && fits(FilterKey::Description, "pass POST"));
        assert!(!fits(FilterKey::Description, "word") && !fits(FilterKey::Description, "password mysql"));
        for value in ["database", "my", "prod", "team", "SEARCH", "password"] {
            assert!(fits(FilterKey::All, value), "{value}");
        }
        assert!(!fits(FilterKey::All, "base") && !fits(FilterKey::All, "/"));
    }

    #[test]
    fn words_are_split_at_separators_of_one_kind_and_before_capitals() {
        assert_eq!(words("prod/AppBeta/4da99e"), ["prod", "app", "beta", "4da", "9", "9e"]);
        assert_eq!(words("prod-AppBeta/x"), ["prod-appbeta/x"]);
        assert_eq!(words("COMPANYthings"), ["compan", "ythings"]);
        assert_eq!(words("SecretFTag"), ["secret", "f", "tag"]);
        assert_eq!(words("The d t"), ["the", "d", "t"]);
        assert!(words("+").is_empty() && words(" ").is_empty());
    }

    #[test]
    fn an_exclamation_mark_turns_a_value_round() {
        assert!(fits(FilterKey::Name, "!dev") && !fits(FilterKey::Name, "!prod"));
        assert!(!fits(FilterKey::Name, "!"));
    }

    #[test]
    fn pages_follow_each_other_in_every_order() {
        let secrets: Vec<Secret> =
            (0..7).map(|i| secret(&format!("s{}", i % 4 * 10 + i), "", ("", ""), i / 2)).collect();
        for sort_by in [SortBy::Created, SortBy::Name, SortBy::Accessed, SortBy::Changed] {
            for descending in [false, true] {
                let mut request = ListRequest {
                    filters: Vec::new(),
                    with_deleted: false,
                    sort_by,
                    descending,
                    page: PageRequest { limit: 100, after: None },
                };
                let whole: Vec<String> = cut(secrets.clone(), &request).items.into_iter().map(|s| s.name).collect();
                let mut paged = Vec::new();
                request.page.limit = 2;
                loop {
                    let page = cut(secrets.clone(), &request);
                    paged.extend(page.items.into_iter().map(|secret| secret.name));
                    request.page.after = page.next_after;
                    if request.page.after.is_none() {
                        break;
                    }
                }
                assert_eq!(paged, whole, "{sort_by:?} {descending}");
            }
        }
    }
}
