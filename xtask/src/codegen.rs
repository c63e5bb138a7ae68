//! `cargo xtask codegen`: AWS shapes from botocore's service models, for the operations in `served.toml`.
//!
//! Only facts are taken: names, members, types, constraints, locations, error codes and statuses. No prose.

mod docs;
mod emit;
mod model;
mod names;
mod pattern;
mod served;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::model::Model;
use self::served::Served;
use self::source::Source;

const WIRE: &str = "crates/aws-wire";

/// Runs `codegen [--check] [--botocore DIR|WHEEL]`. With `--check` nothing is written: stale files are an error.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let root = repository_root()?;
    let served = Served::read(&root.join(WIRE).join("served.toml"))?;
    let source = Source::open(options.botocore.as_deref(), &served)?;
    let files = generate(&served, source)?;
    if options.check { check(&root, &files) } else { write(&root, &files) }
}

struct Options {
    check: bool,
    botocore: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { check: false, botocore: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--check" => options.check = true,
                "--botocore" => {
                    options.botocore = Some(args.next().context("`--botocore` needs a folder or a wheel.")?.into());
                }
                other => bail!("`{other}` is not an option of codegen. Options: --check, --botocore DIR|WHEEL."),
            }
        }
        Ok(options)
    }
}

fn repository_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).context("xtask lies in the repository.")
}

/// Every generated file: path in the repository and content.
fn generate(served: &Served, mut source: Source) -> Result<BTreeMap<String, String>> {
    let mut models = Vec::new();
    for service in &served.services {
        let model = Model::parse(&service.id, &source.model(&service.id)?);
        models.push(model.with_context(|| format!("The model of `{}`.", service.id))?);
    }
    let mut files = BTreeMap::new();
    for (service, model) in served.services.iter().zip(&models) {
        let text = emit::service(service, model).with_context(|| format!("The service `{}`.", service.id))?;
        let path = format!("{WIRE}/src/generated/{}.rs", names::module(&service.id));
        files.insert(path, rustfmt(&text)?);
    }
    files.insert(format!("{WIRE}/src/generated/mod.rs"), rustfmt(&emit::index(served))?);
    files.insert("docs/operations.md".to_owned(), docs::operations(served, &models));
    Ok(files)
}

fn rustfmt(text: &str) -> Result<String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(repository_root()?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("`rustfmt` did not start; `rustup component add rustfmt` installs it.")?;
    let mut stdin = child.stdin.take().context("The pipe to rustfmt.")?;
    let input = text.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    feeder.join().map_err(|_| anyhow::anyhow!("The thread that feeds rustfmt panicked."))??;
    if !output.status.success() {
        bail!("rustfmt refused the generated code.");
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn check(root: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let mut stale: Vec<String> = Vec::new();
    for (path, content) in files {
        if std::fs::read_to_string(root.join(path)).ok().as_deref() != Some(content) {
            stale.push(path.clone());
        }
    }
    stale.extend(leftovers(root, files)?);
    if stale.is_empty() {
        return Ok(());
    }
    bail!(
        "These generated files differ from served.toml and the models: {}. Run `cargo xtask codegen`.",
        stale.join(", ")
    )
}

fn write(root: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    for (path, content) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(content) {
            std::fs::write(&path, content).with_context(|| format!("Writing `{}`.", path.display()))?;
        }
    }
    for path in leftovers(root, files)? {
        std::fs::remove_file(root.join(path))?;
    }
    Ok(())
}

/// Files in the generated folder that this run did not make.
fn leftovers(root: &Path, files: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let folder = format!("{WIRE}/src/generated");
    let mut left = Vec::new();
    let Ok(entries) = std::fs::read_dir(root.join(&folder)) else { return Ok(left) };
    for entry in entries {
        let path = format!("{folder}/{}", entry?.file_name().to_string_lossy());
        if !files.contains_key(&path) {
            left.push(path);
        }
    }
    left.sort();
    Ok(left)
}
