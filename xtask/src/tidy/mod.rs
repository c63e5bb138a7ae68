//! Checks what the compiler cannot: layers, licences, sizes, lints and wording. Runs as `cargo xtask tidy` and as an ordinary test.

mod layers;
mod licences;
mod sources;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Checks the tree under `root`.
///
/// # Errors
/// Every violation found, one a line.
pub(crate) fn run(root: &Path) -> Result<()> {
    let files = sources::tracked(root)?;
    let mut violations = layers::check(root)?;
    violations.extend(licences::check(root)?);
    violations.extend(sources::check(root, &files)?);
    violations.extend(pages(root, "ARCHITECTURE.md", 240)?);
    if violations.is_empty() {
        return Ok(());
    }
    bail!("the tree is not tidy:\n  {}", violations.join("\n  "))
}

/// A document that must stay short enough to be read in one go.
fn pages(root: &Path, name: &str, most: usize) -> Result<Option<String>> {
    let text = std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read `{name}`"))?;
    let lines = text.lines().count();
    Ok((lines > most).then(|| format!("{name}: {lines} lines, at most {most} are allowed: move detail to docs/")))
}

#[cfg(test)]
mod tests;
