//! Signing certificates of users: kept and listed. No request is signed with one here, as hardly one is in AWS.

mod pem;
pub(crate) mod store;

use base::{Error, Page, PageRequest, Result, Timestamp};

use crate::credentials::access_keys::Status;
use crate::ctx::Ctx;
use crate::open::Identity;

/// The most certificates of a user, as in AWS.
pub(crate) const PER_USER: i64 = 2;
/// What the ids of certificates are made of, and how long they are.
const ID: (&[u8], usize) = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32);

/// A certificate of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCertificate {
    /// 32 letters and digits.
    pub id: String,
    /// The user's name.
    pub user_name: String,
    /// The certificate, as it was given (PEM).
    pub body: String,
    /// Whether it may be used.
    pub status: Status,
    /// When it was given.
    pub created: Timestamp,
}

impl Identity {
    /// Keeps a certificate for the user of this name, or for the caller where no name is given.
    ///
    /// # Errors
    /// NotFound, where there is no such user. Invalid (`MalformedCertificate`), where it is none. AlreadyExists, where the
    /// user has it. Conflict (`LimitExceeded`), where the user has two.
    pub async fn upload_signing_certificate(
        &self,
        ctx: &Ctx,
        user_name: Option<&str>,
        body: &str,
    ) -> Result<SigningCertificate> {
        let owner = self.user_or_caller(ctx, user_name).await?;
        pem::check_certificate(body)?;
        let certificate = SigningCertificate {
            id: self.0.random.text(ID.0, ID.1),
            user_name: owner.name,
            body: body.to_owned(),
            status: Status::Active,
            created: self.0.clock.now(),
        };
        store::insert(&self.0.store, &owner.id, &certificate).await?;
        Ok(certificate)
    }

    /// Makes a certificate active or inactive.
    ///
    /// # Errors
    /// NotFound, where there is no such user, or no such certificate of the user.
    pub async fn update_signing_certificate(
        &self,
        ctx: &Ctx,
        user_name: Option<&str>,
        id: &str,
        status: Status,
    ) -> Result<()> {
        let owner = self.user_or_caller(ctx, user_name).await?;
        found(store::set_status(&self.0.store, &owner.id, id, status).await?, id)
    }

    /// The user's certificates, by id.
    ///
    /// # Errors
    /// NotFound, where there is no such user.
    pub async fn list_signing_certificates(
        &self,
        ctx: &Ctx,
        user_name: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<SigningCertificate>> {
        let owner = self.user_or_caller(ctx, user_name).await?;
        let mut certificates = store::of_user(&self.0.store, &owner.id).await?;
        certificates.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let after = page.after.as_deref().unwrap_or_default();
        certificates.retain(|certificate| certificate.id.as_str() > after);
        Ok(Page::cut(page, certificates, |certificate| certificate.id.clone()))
    }

    /// Removes a certificate.
    ///
    /// # Errors
    /// NotFound, where there is no such user, or no such certificate of the user.
    pub async fn delete_signing_certificate(&self, ctx: &Ctx, user_name: Option<&str>, id: &str) -> Result<()> {
        let owner = self.user_or_caller(ctx, user_name).await?;
        found(store::delete(&self.0.store, &owner.id, id).await?, id)
    }

    async fn user_or_caller(&self, ctx: &Ctx, user_name: Option<&str>) -> Result<crate::users::User> {
        self.get_user(ctx, user_name).await
    }
}

fn found(found: bool, id: &str) -> Result<()> {
    if found { Ok(()) } else { Err(Error::not_found(format!("The Certificate with id {id} cannot be found."))) }
}
