//! What `craton root-key rotate` does.

use anyhow::{Context as _, Result};
use cli::RotateArgs;
use store::DataDir;

use crate::settings::{NewKey, RootKeySource, Rotation};
use crate::{tables, wiring};

/// Changes the root key of a data directory that no server uses; what to tell of it.
///
/// # Errors
/// What kept the key as it was.
pub(crate) fn rotate(args: RotateArgs) -> Result<String> {
    let rotation = Rotation::resolve(args)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(run(&rotation))?;
    Ok(done(&rotation))
}

async fn run(rotation: &Rotation) -> Result<()> {
    let data = DataDir::lock_existing(&rotation.data_dir)?;
    let old = rotation.root_key.load()?;
    let new = rotation.new.load()?;
    let store = wiring::open_store(rotation.database_url.as_ref(), &data).await?;
    let rotated = match tables::check(&store).await {
        Ok(()) => identity::rotate_root_key(&store, old, new).await,
        refused => refused,
    };
    store.close().await;
    Ok(rotated?)
}

fn done(rotation: &Rotation) -> String {
    let now = match &rotation.new {
        NewKey::Random(path) => format!("in `{}`", path.display()),
        NewKey::Given(RootKeySource::File(path) | RootKeySource::PassphraseFile(path)) => {
            format!("made of the passphrase in `{}`", path.display())
        }
        NewKey::Given(RootKeySource::Passphrase(_)) => "made of the new passphrase".to_owned(),
        NewKey::Given(RootKeySource::Command(command)) => format!("what `{command}` prints"),
    };
    format!(
        "The root key is {now} from now on; start the server with it.\n\
         Backups made before need the old key: keep it as long as them."
    )
}
