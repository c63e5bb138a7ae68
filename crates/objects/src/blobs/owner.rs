//! Whose blobs a place has: a marker, `craton-deployment`, holds the id of the deployment that used the place first.
//!
//! The collector removes blobs that its database does not name. Two deployments at one place would remove each other's.

use base::{Error, ErrorKind, Result};

use super::{Backend, Blobs, blocking};

/// The marker's name.
pub(super) const MARKER: &str = "craton-deployment";

/// What to do about a place that belongs to another deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherOwner {
    /// Refuse to use it.
    Refuse,
    /// Take it over: that deployment is gone for good.
    Replace,
}

impl Blobs {
    /// Makes the place the deployment's, or sees that it is.
    ///
    /// # Errors
    /// Conflict, where it is another deployment's that is not to be replaced; Unavailable, where it cannot be used.
    pub(crate) async fn claim(&self, deployment: &str, other: OtherOwner) -> Result<()> {
        let owner = match self.owner().await? {
            Some(owner) => owner,
            None => self.set_first_owner(deployment).await?,
        };
        match other {
            _ if owner == deployment => Ok(()),
            OtherOwner::Refuse => Err(self.belongs_to_another()),
            OtherOwner::Replace => self.set_owner(deployment).await,
        }
    }

    /// Sees that the place is still the deployment's. A folder is: this process has it locked.
    ///
    /// # Errors
    /// Conflict, where another has taken it over; Unavailable, where it cannot be read.
    pub(crate) async fn check_owner(&self, deployment: &str) -> Result<()> {
        if self.folder().is_some() || self.owner().await?.as_deref() == Some(deployment) {
            return Ok(());
        }
        Err(self.belongs_to_another())
    }

    async fn owner(&self) -> Result<Option<String>> {
        let marker = match &self.backend {
            Backend::Local(folder) => {
                let folder = folder.clone();
                blocking(move || folder.read_marker(MARKER)).await?
            }
            Backend::Remote(remote) => remote.read_marker(MARKER).await?,
        };
        Ok(marker.map(|text| text.trim().to_owned()))
    }

    /// Writes the marker where there is none; gives the owner, which is another where that one was faster.
    async fn set_first_owner(&self, deployment: &str) -> Result<String> {
        if let Backend::Remote(remote) = &self.backend {
            remote.write_first_marker(MARKER, text(deployment)).await?;
            return Ok(self.owner().await?.unwrap_or_default());
        }
        self.set_owner(deployment).await?;
        Ok(deployment.to_owned())
    }

    async fn set_owner(&self, deployment: &str) -> Result<()> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, text) = (folder.clone(), text(deployment));
                blocking(move || folder.write_marker(MARKER, &text)).await
            }
            Backend::Remote(remote) => remote.write_marker(MARKER, text(deployment)).await,
        }
    }

    fn belongs_to_another(&self) -> Error {
        let place = match &self.backend {
            Backend::Local(folder) => folder.path().display().to_string(),
            Backend::Remote(remote) => remote.name().to_owned(),
        };
        Error::new(ErrorKind::Conflict, format!("`{place}` holds the objects of another deployment."))
            .with_hint(
                "Name another place, or a copy of it: two deployments at one place would remove each other's objects. \
                 Where this one was restored from a backup of the other, and that will never run again, start it once \
                 with --claim-object-store.",
            )
            .with_detail(format!("`{MARKER}` there names another deployment's id"))
    }
}

fn text(deployment: &str) -> String {
    format!("{deployment}\n")
}
