//! The signals that end the server.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The first SIGTERM or SIGINT cancels `stop`, the second `now`.
///
/// # Errors
/// The system refuses to watch signals.
pub(crate) fn watch(stop: CancellationToken, now: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for (token, text) in [(stop, "stopping; running requests finish first"), (now, "stopping at once")] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("{text}");
            token.cancel();
        }
    });
    Ok(())
}
