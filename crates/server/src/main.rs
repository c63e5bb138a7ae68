//! Craton: the AWS AI APIs with real engines, in one program.

// The futures of a connection hold those of every request; optimised builds lay them out in one go.
#![recursion_limit = "256"]

mod backups;
mod banner;
mod console;
mod engines;
mod examination;
mod front;
mod lingering;
mod listener;
mod rotation;
mod settings;
mod signals;
mod tables;
mod telemetry;
mod tls;
mod wiring;

/// Made-up checkpoints.
#[cfg(test)]
#[path = "../../checkpoint/tests/support/samples.rs"]
mod samples;

use std::path::Path;
use std::process::ExitCode;

use cli::{BackupFacts, Local, RestoreArgs, RotateArgs, UpArgs};
use serde_json::Value;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(word) if word == wiring::RENDER_TEMPLATES => return inference::template::serve(),
        Some(word) if word == wiring::READ_FILES => return media::apart::serve(),
        _ => {}
    }
    if let Some(refusal) = cli::refuse_processor() {
        return refusal;
    }
    cli::run(std::env::args_os(), &Program)
}

/// The parts of the program that are not a client.
struct Program;

impl Local for Program {
    fn up(&self, args: UpArgs) -> anyhow::Result<()> {
        wiring::up(args)
    }

    fn rotate_root_key(&self, args: RotateArgs) -> anyhow::Result<String> {
        rotation::rotate(args)
    }

    fn verify_backup(&self, path: &Path) -> anyhow::Result<BackupFacts> {
        backups::verify(path)
    }

    fn restore_backup(&self, args: RestoreArgs) -> anyhow::Result<BackupFacts> {
        backups::restore(args)
    }

    fn examine_checkpoint(&self, folder: &Path, quantization: &str, data: &Path) -> anyhow::Result<Value> {
        examination::examine_checkpoint(folder, quantization, data)
    }
}
