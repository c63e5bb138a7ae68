//! Command definitions, client, human and JSON output; no domain code.

mod args;
mod client;
mod commands;
mod connection;
mod fields;
mod output;
mod processor;
mod settings_file;
mod shell;
mod up;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

pub use args::{Cli, Command};
pub use connection::{Credentials, Endpoint, write_credentials, write_endpoint};
pub use processor::refuse_processor;
pub use settings_file::{parse_settings, read_settings};
pub use shell::word as shell_word;
pub use up::{EngineChoice, LogFormat, UpArgs};

/// Runs the program with `arguments` (the first is the program's name); `serve` is what `craton up` does.
/// Errors go to standard error as `error:` and `hint:` lines.
pub fn run<S>(arguments: impl IntoIterator<Item = OsString>, serve: S) -> ExitCode
where
    S: FnOnce(UpArgs) -> Result<()>,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(cli, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli, serve: impl FnOnce(UpArgs) -> Result<()>) -> Result<()> {
    let Cli { mut global, command } = cli;
    let variable = |name: &str| std::env::var(name).ok();
    match command {
        Command::Up(mut args) => {
            args.data_dir = global.data_dir;
            args.root_secret_access_key = variable("CRATON_ROOT_SECRET_ACCESS_KEY").filter(|value| !value.is_empty());
            serve(*args)
        }
        Command::Completions { shell } => commands::completions::run(shell),
        command => {
            global.places = settings_file::Places::read(variable)?;
            commands::run(command, &global)
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are "errors" that succeed. A closed pipe is no reason to fail.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod tests;
