//! Reads files apart, for tests and benches.

use std::process::ExitCode;

fn main() -> ExitCode {
    media::apart::serve()
}
