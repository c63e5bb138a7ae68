//! Random passwords.

use base::{Random, Secret};

use super::Secrets;
use super::error::{Code, Error, Result};
use crate::ctx::Ctx;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What a password is to look like.
#[derive(Debug, Clone)]
pub struct PasswordRules {
    /// How many characters, 1 to 4,096.
    pub length: usize,
    /// Characters that it must not have.
    pub exclude: String,
    /// Whether it has small letters.
    pub lower: bool,
    /// Whether it has capital letters.
    pub upper: bool,
    /// Whether it has digits.
    pub digits: bool,
    /// Whether it has punctuation.
    pub punctuation: bool,
    /// Whether it may have spaces.
    pub space: bool,
    /// Whether it has a character of each kind that it may have.
    pub each_kind: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            length: 32,
            exclude: String::new(),
            lower: true,
            upper: true,
            digits: true,
            punctuation: true,
            space: false,
            each_kind: true,
        }
    }
}

impl Secrets {
    /// A random password.
    ///
    /// # Errors
    /// AccessDenied; InvalidParameter, where there is no password of these rules.
    pub async fn random_password(&self, ctx: &Ctx, rules: &PasswordRules) -> Result<Secret<String>> {
        self.permit_any(ctx, "secretsmanager:GetRandomPassword").await?;
        password(self.0.0.random.as_ref(), rules)
    }
}

fn password(random: &dyn Random, rules: &PasswordRules) -> Result<Secret<String>> {
    let kinds = [(rules.lower, LOWER), (rules.upper, UPPER), (rules.digits, DIGITS), (rules.punctuation, PUNCTUATION)];
    let kept = |kind: &str| -> Vec<u8> { kind.bytes().filter(|b| !rules.exclude.as_bytes().contains(b)).collect() };
    let kinds: Vec<Vec<u8>> = kinds.iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| kept(kind)).collect();
    let kinds: Vec<Vec<u8>> = kinds.into_iter().filter(|kind| !kind.is_empty()).collect();
    // A space may be in the password; it is no kind that must be.
    let space = if rules.space { kept(" ") } else { Vec::new() };
    let all: Vec<u8> = [kinds.concat(), space].concat();
    let invalid = |message: &str| Error::new(Code::InvalidParameter, message);
    if all.is_empty() {
        return Err(invalid("There is no character left that the password may have."));
    }
    if !(1..=4096).contains(&rules.length) {
        return Err(invalid("The password length must be between 1 and 4096."));
    }
    if rules.each_kind && rules.length < kinds.len() {
        return Err(invalid("Password length is too short based on the required types."));
    }
    // Drawn until every kind is in it, so that all such passwords are equally likely. A short password of many kinds
    // takes long to draw; there one character of each kind is put at a random place instead.
    let has_each = |text: &str| kinds.iter().all(|kind| text.bytes().any(|b| kind.contains(&b)));
    for _ in 0..64 {
        let text = Secret::new(random.text(&all, rules.length));
        if !rules.each_kind || has_each(text.reveal()) {
            return Ok(text);
        }
    }
    Ok(with_each(random, &kinds, &all, rules.length))
}

/// A password with a character of each kind at a random place.
fn with_each(random: &dyn Random, kinds: &[Vec<u8>], all: &[u8], length: usize) -> Secret<String> {
    let mut characters: Vec<char> = random.text(all, length - kinds.len()).chars().collect();
    for kind in kinds {
        let at = usize::try_from(random.next_u64() % (characters.len() as u64 + 1)).unwrap_or_default();
        characters.splice(at..at, random.text(kind, 1).chars());
    }
    Secret::new(characters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn passwords_keep_the_rules(
            seed: u64, length in 1usize..40, exclude in "[a-m0-4!-,]{0,12}",
            lower: bool, upper: bool, digits: bool, punctuation: bool, space: bool, each_kind: bool,
        ) {
            let rules = PasswordRules { length, exclude, lower, upper, digits, punctuation, space, each_kind };
            let kinds = [(lower, LOWER), (upper, UPPER), (digits, DIGITS), (punctuation, PUNCTUATION)];
            let wanted: Vec<&str> = kinds.iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| *kind).collect();
            match password(&SeededRandom::new(seed), &rules) {
                Ok(text) => {
                    let text = text.reveal();
                    prop_assert_eq!(text.len(), length);
                    prop_assert!(text.chars().all(|c| (space && c == ' ') || wanted.iter().any(|kind| kind.contains(c))));
                    prop_assert!(!text.chars().any(|c| rules.exclude.contains(c)));
                    let left = |kind: &str| kind.chars().any(|c| !rules.exclude.contains(c));
                    if each_kind {
                        prop_assert!(wanted.iter().filter(|kind| left(kind)).all(|kind| text.chars().any(|c| kind.contains(c))));
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error.code, Code::InvalidParameter);
                    prop_assert!(wanted.is_empty() || length < 4);
                }
            }
        }
    }
}
