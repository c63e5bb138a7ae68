//! The project's own build tool: `cargo xtask COMMAND`.

mod bench;
mod codegen;
mod release;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  codegen [--check] [--botocore DIR|WHEEL]  generate the AWS shapes and docs/operations.md, or check that they are fresh
  tidy                                      check layers, file sizes, lints and wording of the whole tree
  release [--binary FILE] [--out DIR]        make the tarball, image, unit, SBOM and checksums of a release in dist/
  bench [NAME [OPTION...] | all]             run a bench, or all, against its peer and print the ratios; without NAME, list them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, rest)) if command == "codegen" => codegen::run(rest),
        Some((command, [])) if command == "tidy" => tidy::run(&root()),
        Some((command, rest)) if command == "release" => release::run(&root(), rest),
        Some((command, rest)) if command == "bench" => bench::run(&root(), rest),
        _ => Err(anyhow::anyhow!("unknown command\n\n{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the tool's own output")]
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// The repository's root folder.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}
