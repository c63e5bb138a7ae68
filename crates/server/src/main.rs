//! Craton: the AWS AI APIs with real engines, in one program.

mod banner;
mod console;
mod engines;
mod front;
mod lingering;
mod listener;
mod settings;
mod signals;
mod telemetry;
mod tls;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(refusal) = cli::refuse_processor() {
        return refusal;
    }
    cli::run(std::env::args_os(), wiring::up)
}
