//! What is in a backup beside the rows of the database.

use std::any::Any;

use base::Result;
use futures::future::BoxFuture;

use crate::Folder;

/// Files of the data directory that belong in a backup. They are restored to where they lie in the backup.
pub trait Part: Send + Sync {
    /// The part's name, for messages.
    fn name(&self) -> &'static str;

    /// Keeps what is there from being removed for as long as the returned value lives. Called before the rows are read.
    ///
    /// # Errors
    /// What keeps the backup from being made.
    fn hold(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>>>;

    /// Adds the part's files. Called after the rows were read: every file that they name must be among them.
    ///
    /// # Errors
    /// What keeps the backup from being made.
    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, Result<()>>;

    /// Whether the part holds secrets in the clear, and is left out with the root key.
    fn is_secret(&self) -> bool {
        false
    }
}
