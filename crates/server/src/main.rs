//! Craton: the AWS AI APIs with real engines, in one program.

mod banner;
mod console;
mod engines;
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

use std::process::ExitCode;

use cli::{Local, RotateArgs, UpArgs};

fn main() -> ExitCode {
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
}
