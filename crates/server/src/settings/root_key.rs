//! Where the root key is, and where it goes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use base::Secret;
use cli::{RestoreArgs, RootKeyArgs, RotateArgs};
use identity::{NewRootKey, RootKey};

use super::{File, data_dir};

/// How long a command that prints the root key may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// The root key's file in the data folder.
const DEFAULT_FILE: &str = "root.key";

/// Where the root key comes from.
#[derive(Debug, Clone)]
pub(crate) enum RootKeySource {
    File(PathBuf),
    Passphrase(Secret<String>),
    PassphraseFile(PathBuf),
    Command(String),
}

/// What `craton root-key rotate` needs to know.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: Option<Secret<String>>,
    pub(crate) root_key: RootKeySource,
    pub(crate) new: NewKey,
}

/// Where `craton backup restore` puts a backup.
#[derive(Debug)]
pub(crate) struct RestorePlace {
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: Option<Secret<String>>,
}

impl RestorePlace {
    /// Resolves `args` (which hold the environment already), the settings file and the defaults.
    ///
    /// # Errors
    /// A settings file that cannot be read.
    pub(crate) fn resolve(args: RestoreArgs) -> Result<Self> {
        let file = File::read(args.config.as_deref())?;
        let data_dir = data_dir(args.data_dir, &file);
        Ok(Self { data_dir, database_url: args.database_url.or(file.database_url).map(Secret::new) })
    }
}

/// The root key from now on.
#[derive(Debug)]
pub(crate) enum NewKey {
    /// A random one in this file.
    Random(PathBuf),
    Given(RootKeySource),
}

impl RootKeySource {
    pub(super) fn resolve(args: RootKeyArgs, file: &File, data_dir: &Path) -> Result<Self> {
        let RootKeyArgs { root_key_file, root_key_passphrase_file, root_key_command, root_key_passphrase } = args;
        let passphrase = root_key_passphrase.map(Secret::new).map(Self::Passphrase);
        let given = only_one(root_key_file, root_key_passphrase_file, root_key_command, passphrase, "root_key_file")?;
        let kept = || {
            let (path, passphrase) = (file.root_key_file.clone(), file.root_key_passphrase_file.clone());
            only_one(path, passphrase, file.root_key_command.clone(), None, "root_key_file")
        };
        Ok(match given {
            Some(source) => source,
            None => kept()?.unwrap_or_else(|| Self::File(data_dir.join(DEFAULT_FILE))),
        })
    }

    /// Reads the key, or runs the command that gives it. Blocks.
    pub(crate) fn load(&self) -> base::Result<RootKey> {
        match self {
            Self::File(path) => RootKey::load_or_create(path),
            Self::Passphrase(passphrase) => RootKey::from_passphrase(passphrase.clone()),
            Self::PassphraseFile(path) => RootKey::from_passphrase_file(path),
            Self::Command(command) => RootKey::from_command(command, COMMAND_LIMIT),
        }
    }
}

impl Rotation {
    /// Resolves `args` (which hold the environment already), the settings file and the defaults.
    ///
    /// # Errors
    /// A setting that cannot be read, or contradicts another, named with a hint.
    pub(crate) fn resolve(args: RotateArgs) -> Result<Self> {
        let file = File::read(args.config.as_deref())?;
        let data_dir = data_dir(args.data_dir, &file);
        let root_key = RootKeySource::resolve(args.root_key, &file, &data_dir)?;
        let passphrase = args.new_passphrase.map(Secret::new).map(RootKeySource::Passphrase);
        let (path, passphrase_file) = (args.new_key_file, args.new_passphrase_file);
        let new = match only_one(path, passphrase_file, args.new_key_command, passphrase, "new_key_file")? {
            Some(RootKeySource::File(path)) => NewKey::Random(path),
            Some(source) => NewKey::Given(source),
            None => match &root_key {
                RootKeySource::File(path) => NewKey::Random(path.clone()),
                _ => bail!(
                    "it is not said where the new root key comes from\n\
                     hint: add --new-key-file, --new-passphrase-file or --new-key-command"
                ),
            },
        };
        let database_url = args.database_url.or(file.database_url).map(Secret::new);
        Ok(Self { data_dir, database_url, root_key, new })
    }
}

impl NewKey {
    /// The key, ready to be rotated to. Blocks.
    pub(crate) fn load(&self) -> base::Result<NewRootKey> {
        match self {
            Self::Random(path) => Ok(NewRootKey::File(path.clone())),
            Self::Given(source) => source.load().map(NewRootKey::Given),
        }
    }
}

fn only_one(
    file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    command: Option<String>,
    passphrase: Option<RootKeySource>,
    name: &str,
) -> Result<Option<RootKeySource>> {
    let file = file.map(RootKeySource::File);
    let passphrase_file = passphrase_file.map(RootKeySource::PassphraseFile);
    let command = command.map(RootKeySource::Command);
    let mut given = [file, passphrase_file, command, passphrase].into_iter().flatten();
    let source = given.next();
    if given.next().is_some() {
        bail!("a root key comes from one place, and several are named\nhint: `{name}` is one of them; keep one");
    }
    Ok(source)
}
