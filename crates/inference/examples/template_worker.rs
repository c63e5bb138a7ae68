//! Renders a chat template apart, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    inference::template::serve()
}
