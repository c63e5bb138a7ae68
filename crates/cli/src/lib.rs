//! Command definitions, client, human and JSON output; no domain code.

mod args;
mod batch_args;
mod catalogue_args;
mod chat_args;
mod client;
mod commands;
mod connection;
mod demo_args;
mod endpoint_args;
mod eval_args;
mod fields;
mod iam_args;
mod import_args;
mod kb_args;
mod model_args;
mod output;
mod processor;
mod quota_args;
mod score_args;
mod settings_file;
mod shell;
mod up;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use serde_json::Value;

pub use args::{Cli, Command};
pub use commands::backup::BackupFacts;
pub use connection::{Credentials, Endpoint, write_credentials, write_endpoint};
pub use processor::refuse_processor;
pub use settings_file::{parse_settings, read_settings};
pub use shell::word as shell_word;
pub use up::{EngineChoice, LogFormat, RestoreArgs, RootKeyArgs, RotateArgs, UpArgs};

/// What the program does on this machine itself, without asking a server.
pub trait Local {
    /// Serves until the process is told to stop.
    ///
    /// # Errors
    /// What kept the server from starting.
    fn up(&self, args: UpArgs) -> Result<()>;

    /// Changes the root key of a stopped server's data, and says what is to be known of that.
    ///
    /// # Errors
    /// What kept the key as it was.
    fn rotate_root_key(&self, args: RotateArgs) -> Result<String>;

    /// Compares a backup with its manifest.
    ///
    /// # Errors
    /// What is wrong with it.
    fn verify_backup(&self, path: &Path) -> Result<BackupFacts>;

    /// Makes a data directory of a backup; the facts name that directory.
    ///
    /// # Errors
    /// What kept it from being made.
    fn restore_backup(&self, args: RestoreArgs) -> Result<BackupFacts>;

    /// Examines the checkpoint in `folder` as a server on the data folder `data` would, to be kept in the quantization of
    /// this name. What it found has the form that the server gives it: `passes`, `report` and `model`, and beside them
    /// `sizes` (`quantization`, `bytes`, `memoryBytes`).
    ///
    /// # Errors
    /// The folder cannot be read.
    fn examine_checkpoint(&self, folder: &Path, quantization: &str, data: &Path) -> Result<Value>;
}

/// Runs the program with `arguments` (the first is the program's name); `local` does what needs no server.
/// Errors go to standard error as `error:` and `hint:` lines.
pub fn run(arguments: impl IntoIterator<Item = OsString>, local: &dyn Local) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(cli, local) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli, local: &dyn Local) -> Result<()> {
    let Cli { mut global, command } = cli;
    let variable = |name: &str| std::env::var(name).ok();
    let secret = |name: &str| variable(name).filter(|value| !value.is_empty());
    match command {
        Command::Up(mut args) => {
            args.data_dir = global.data_dir;
            args.root_secret_access_key = secret("CRATON_ROOT_SECRET_ACCESS_KEY");
            args.root_key.root_key_passphrase = secret(PASSPHRASE);
            local.up(*args)
        }
        Command::RootKey(args::RootKey::Rotate(mut args)) => {
            args.data_dir = global.data_dir;
            args.root_key.root_key_passphrase = secret(PASSPHRASE);
            args.new_passphrase = secret("CRATON_NEW_ROOT_KEY_PASSPHRASE");
            output::line(local.rotate_root_key(*args)?)
        }
        Command::Backup(args::Backup::Verify { path }) => {
            commands::backup::verified(&local.verify_backup(&path)?, global.output)
        }
        Command::Backup(args::Backup::Restore(mut args)) => {
            args.data_dir = global.data_dir;
            commands::backup::restored(&local.restore_backup(args)?, global.output)
        }
        Command::Completions { shell } => commands::completions::run(shell),
        command => {
            global.places = settings_file::Places::read(variable)?;
            match examined_here(&command) {
                Some((args, folder)) => {
                    let found = local.examine_checkpoint(&folder, args.quantization.name(), global.data())?;
                    commands::import::doctor::told(&found, &args.place, global.output, "")
                }
                None => commands::run(command, &global),
            }
        }
    }
}

/// The examination of a folder of this machine, and that folder, where this is what `command` asks for.
fn examined_here(command: &Command) -> Option<(&import_args::Doctor, std::path::PathBuf)> {
    match command {
        Command::Import(import_args::Import::Doctor(args)) => args.folder().map(|folder| (args, folder)),
        _ => None,
    }
}

/// The variable of the root key's passphrase.
const PASSPHRASE: &str = "CRATON_ROOT_KEY_PASSPHRASE";

fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are "errors" that succeed. A closed pipe is no reason to fail.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
