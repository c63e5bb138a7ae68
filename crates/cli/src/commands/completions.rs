//! `craton completions`.

use anyhow::Result;
use clap::CommandFactory as _;

use crate::Cli;
use crate::output;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "craton", &mut script);
    output::piece(&String::from_utf8_lossy(&script))
}
