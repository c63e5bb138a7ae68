//! Terms of models: who accepted which, for an account.

mod store;

#[cfg(test)]
mod tests;

use base::{Error, Result, Timestamp};
use identity::Ctx;

use crate::Models;
use crate::catalogue::{Entry, Licence, unknown};

pub(crate) use store::TABLES;

/// Terms that were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The model.
    pub model: String,
    /// The licence's name.
    pub licence: String,
    /// Where the terms stand that were accepted.
    pub url: String,
    /// The ARN of who accepted them.
    pub accepted_by: String,
    /// When.
    pub accepted_at: Timestamp,
}

impl Models {
    /// Accepts the terms of a model of the catalogue for the caller's account. Once accepted, they stay so: the first
    /// acceptance is given back.
    ///
    /// # Errors
    /// NotFound for a name that the catalogue does not have; Invalid, where the licence asks for no acceptance.
    pub async fn accept_terms(&self, ctx: &Ctx, name: &str) -> Result<Acceptance> {
        let entry = self.inner.catalogue.get(name).ok_or_else(|| unknown(name))?;
        if !entry.licence.terms_must_be_accepted {
            return Err(Error::invalid(format!(
                "The licence of `{name}` ({}) asks for no acceptance.",
                entry.licence.name
            )));
        }
        let acceptance = Acceptance {
            model: name.to_owned(),
            licence: entry.licence.name.clone(),
            url: entry.licence.url.clone(),
            accepted_by: ctx.principal().arn(),
            accepted_at: self.inner.clock.now(),
        };
        store::put(&self.inner.store, ctx, &acceptance).await?;
        Ok(self.acceptance(ctx, &entry.name, &entry.licence).await?.unwrap_or(acceptance))
    }

    /// What the caller's account accepted, by model.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn acceptances(&self, ctx: &Ctx) -> Result<Vec<Acceptance>> {
        store::list(&self.inner.store, ctx).await
    }

    /// Makes sure that a model's terms are accepted, where its licence asks for that: now, or before by someone of the
    /// account. An acceptance now is kept.
    ///
    /// # Errors
    /// Invalid, where they are not: the message names where they stand.
    pub async fn require_terms(&self, ctx: &Ctx, name: &str, accepted_now: bool) -> Result<()> {
        let asking = self.inner.catalogue.get(name).filter(|entry| entry.licence.terms_must_be_accepted);
        let Some(entry) = asking else { return Ok(()) };
        if accepted_now {
            return self.accept_terms(ctx, name).await.map(drop);
        }
        match self.acceptance(ctx, name, &entry.licence).await? {
            Some(_) => Ok(()),
            None => Err(not_accepted(entry)),
        }
    }

    /// The catalogue's models whose licences ask for an acceptance that nobody of the account gave.
    pub(crate) async fn unaccepted(&self, ctx: &Ctx) -> Result<Vec<String>> {
        let accepted = self.acceptances(ctx).await?;
        let asking = self.inner.catalogue.entries().iter().filter(|entry| entry.licence.terms_must_be_accepted);
        let open = asking.filter(|entry| !accepted.iter().any(|one| is_of(one, &entry.name, &entry.licence)));
        Ok(open.map(|entry| entry.name.clone()).collect())
    }

    async fn acceptance(&self, ctx: &Ctx, name: &str, licence: &Licence) -> Result<Option<Acceptance>> {
        let accepted = self.acceptances(ctx).await?;
        Ok(accepted.into_iter().find(|one| is_of(one, name, licence)))
    }
}

/// Whether it is an acceptance of these terms: others of the same model are not they.
fn is_of(acceptance: &Acceptance, model: &str, licence: &Licence) -> bool {
    acceptance.model == model && acceptance.licence == licence.name && acceptance.url == licence.url
}

fn not_accepted(entry: &Entry) -> Error {
    let (name, licence, url) = (&entry.name, &entry.licence.name, &entry.licence.url);
    Error::invalid(format!("The terms of `{name}` ({licence}) must be accepted: {url}"))
        .with_hint(format!("Read them, then run `craton models pull {name} --accept-terms`."))
}
