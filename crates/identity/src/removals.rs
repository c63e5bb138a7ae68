//! Telling the other parts what can be used no longer, so that they forget at once what they keep of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use base::{AccountId, Result};

use crate::open::Identity;
use crate::organizations;

/// What can be used no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// An account that was closed.
    Account(AccountId),
    /// A KMS key that was disabled or is to be deleted: its ARN.
    Key(String),
}

type Listener = Arc<dyn Fn(Removal) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Those who are told.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Listener>>);

impl Identity {
    /// Has `listener` told of every removal once it is kept. The operation that removed ends when the listener is done. A
    /// process that dies between the two tells nobody: at its start a listener looks for what it missed
    /// ([`Identity::closed_accounts`]).
    pub fn on_removal<F>(&self, listener: impl Fn(Removal) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener: Listener = Arc::new(move |removal| Box::pin(listener(removal)));
        self.0.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// The accounts that were closed.
    ///
    /// # Errors
    /// The store's.
    pub async fn closed_accounts(&self) -> Result<Vec<AccountId>> {
        organizations::closed_accounts(&self.0.store).await
    }

    /// Tells all listeners, one after the other.
    pub(crate) async fn removed(&self, removal: Removal) {
        let listeners = self.0.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            // A task of its own: it ends what it began also where the caller goes away.
            if let Err(error) = tokio::spawn(listener(removal.clone())).await {
                tracing::error!(%error, ?removal, "what is kept of something that was removed may stay");
            }
        }
    }
}
