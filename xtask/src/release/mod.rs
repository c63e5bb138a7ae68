//! `cargo xtask release`: what is handed to users. A tarball, a container image, the service unit, an SBOM, checksums.
//!
//! The same sources, program and `SOURCE_DATE_EPOCH` (else the time of the last commit) give the same bytes.

mod archive;
mod image;
mod libraries;
mod sbom;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use archive::{Entry, tar_of};

/// Processors from about 2015 on: what the released program needs.
const PROCESSOR: &str = "x86-64-v3";

/// What a release is made of.
pub(crate) struct Release {
    root: PathBuf,
    binary: Vec<u8>,
    binary_path: PathBuf,
    version: String,
    target: String,
    /// Seconds since 1970.
    time: u64,
}

/// Makes a release in `dist/`, or where `--out` says, of the program that `--binary` names or that is built.
///
/// # Errors
/// What could not be built, read or written.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let (mut binary, mut out) = (None, root.join("dist"));
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().map(PathBuf::from);
        match (argument.as_str(), value) {
            ("--binary", Some(path)) => binary = Some(path),
            ("--out", Some(path)) => out = path,
            _ => bail!("usage: cargo xtask release [--binary FILE] [--out DIR]"),
        }
    }
    let binary = match binary {
        Some(path) => path,
        None => build(root)?,
    };
    let release = Release::new(root, &binary)?;
    for (name, bytes) in release.files()? {
        std::fs::create_dir_all(&out)?;
        std::fs::write(out.join(&name), &bytes).with_context(|| format!("cannot write `{name}`"))?;
        report(&format!("{}  {} bytes", out.join(&name).display(), bytes.len()));
    }
    Ok(())
}

/// Builds the program for many machines, and with no folder of this one in it.
fn build(root: &Path) -> Result<PathBuf> {
    let target_dir = root.join("target/dist");
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))?;
    let remap = |from: &str, to: &str| format!("--remap-path-prefix={from}={to}");
    let flags = [
        format!("-Ctarget-cpu={PROCESSOR}"),
        remap(&root.display().to_string(), "craton"),
        remap(&home, "cargo"),
        "-Cstrip=symbols".to_owned(),
    ];
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", "server", "--target-dir"])
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env_remove("RUSTFLAGS")
        .current_dir(root)
        .status()
        .context("cannot run cargo build")?;
    ensure!(status.success(), "the program was not built");
    Ok(target_dir.join("release/craton"))
}

impl Release {
    /// A release of the tree under `root` and of the program in the file `binary`.
    pub(crate) fn new(root: &Path, binary: &Path) -> Result<Self> {
        let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
        let version = manifest["workspace"]["package"]["version"].as_str().context("the workspace has no version")?;
        let bytes = std::fs::read(binary).with_context(|| format!("cannot read `{}`", binary.display()))?;
        Ok(Self {
            root: root.to_owned(),
            binary: bytes,
            binary_path: binary.to_owned(),
            version: version.to_owned(),
            target: sbom::host()?,
            time: time(root)?,
        })
    }

    /// Every file of the release, by name; the checksums last.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let sbom = sbom::document(&self.root, &self.version, self.time)?;
        let name = format!("craton-{}-{}", self.version, self.target);
        let mut files = vec![
            (format!("{name}.tar.gz"), archive::gzip(&tar_of(self.tree(&name, &sbom)?, self.time)?, self.time)?),
            (format!("craton-{}-image.tar", self.version), self.image()?),
            ("craton.service".to_owned(), std::fs::read(self.root.join("packaging/craton.service"))?),
            (format!("craton-{}.cdx.json", self.version), sbom),
        ];
        let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
        files.push(("SHA256SUMS".to_owned(), sums.into_bytes()));
        Ok(files)
    }

    /// What is in the tarball, under one folder.
    fn tree(&self, name: &str, sbom: &[u8]) -> Result<Vec<Entry>> {
        let mut entries = vec![
            Entry::folder(name),
            Entry::program(format!("{name}/craton"), self.binary.clone()),
            Entry::file(format!("{name}/sbom.cdx.json"), sbom.to_vec()),
        ];
        for (from, to) in [
            ("LICENSE", "LICENSE"),
            ("README.md", "README.md"),
            ("CHANGELOG.md", "CHANGELOG.md"),
            ("packaging/craton.service", "craton.service"),
            ("packaging/craton.toml", "craton.toml"),
        ] {
            let bytes = std::fs::read(self.root.join(from)).with_context(|| format!("cannot read `{from}`"))?;
            entries.push(Entry::file(format!("{name}/{to}"), bytes));
        }
        entries.push(Entry::folder(format!("{name}/docs")));
        for page in std::fs::read_dir(self.root.join("docs"))? {
            let page = page?;
            let file = page.file_name().to_string_lossy().into_owned();
            if file.ends_with(".md") {
                entries.push(Entry::file(format!("{name}/docs/{file}"), std::fs::read(page.path())?));
            }
        }
        Ok(entries)
    }

    fn image(&self) -> Result<Vec<u8>> {
        let system = libraries::system(&self.binary_path)?;
        let program = vec![Entry::program("usr/local/bin/craton", self.binary.clone())];
        image::archive(&self.version, self.time, vec![system, program])
    }
}

/// The time that everything in the release bears.
fn time(root: &Path) -> Result<u64> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time.parse().with_context(|| format!("SOURCE_DATE_EPOCH is `{time}` and no number of seconds"));
    }
    let output = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root).output()?;
    ensure!(output.status.success(), "git does not tell the time of the last commit\nset SOURCE_DATE_EPOCH");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The SHA-256 of `bytes`, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `time` in ISO 8601, in UTC. The days' arithmetic is Howard Hinnant's `civil_from_days`.
fn iso8601(time: u64) -> String {
    let (days, seconds) = (time / 86_400 + 719_468, time % 86_400);
    let era = days / 146_097;
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[expect(clippy::print_stdout, reason = "the tool's own output")]
fn report(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests;
