//! The layers: which crate may use which. ARCHITECTURE.md explains them; this table decides.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Crate, and the crates of ours that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("store", &["base"]),
    ("inference", &["base"]),
    ("checkpoint", &["base", "inference"]),
    ("inference-encoder", &["base", "inference"]),
    ("inference-native", &["base", "inference", "checkpoint"]),
    ("search", &["base"]),
    ("media", &[]),
    ("learn", &[]),
    ("aws-wire", &["base"]),
    ("identity", &["base", "store"]),
    ("jobs", &["base", "store"]),
    ("objects", &["base", "store", "identity"]),
    ("backup", &["base", "store", "jobs", "identity"]),
    ("models", &["base", "store", "inference", "checkpoint", "jobs", "identity", "objects"]),
    ("knowledge", &["base", "store", "search", "media", "jobs", "identity", "objects"]),
    (
        "orchestration",
        &["base", "store", "learn", "search", "media", "jobs", "identity", "objects", "models", "knowledge"],
    ),
    (
        "aws-api",
        &[
            "base",
            "aws-wire",
            "inference",
            "search",
            "jobs",
            "identity",
            "objects",
            "backup",
            "models",
            "knowledge",
            "orchestration",
        ],
    ),
    ("cli", &["base", "learn", "aws-wire"]),
    (
        "server",
        &[
            "base",
            "store",
            "inference",
            "checkpoint",
            "inference-encoder",
            "inference-native",
            "aws-wire",
            "identity",
            "jobs",
            "objects",
            "media",
            "models",
            "knowledge",
            "orchestration",
            "backup",
            "aws-api",
            "cli",
        ],
    ),
    ("xtask", &[]),
];

/// Crates of others that only some of ours may use: the seam they hide behind.
const KEPT_BEHIND: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "search"]),
    ("llama-cpp-sys-2", &["inference-native"]),
    ("hyper", &["server"]),
    ("reqwest", &["identity", "objects", "models", "cli", "server"]),
    ("anyhow", &["cli", "server", "xtask"]),
    (
        "tokio",
        &[
            "store",
            "inference",
            "search",
            "jobs",
            "identity",
            "objects",
            "models",
            "knowledge",
            "orchestration",
            "backup",
            "aws-api",
            "cli",
            "server",
        ],
    ),
];

/// Compares the manifests with the tables.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let edges = packages.iter().flat_map(|package| {
        let from = package["name"].as_str().unwrap_or_default();
        let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        dependencies.iter().map(move |d| (from, d["name"].as_str().unwrap_or_default(), d["kind"] == "dev"))
    });
    let mut violations = check_edges(edges);
    for package in packages {
        violations.extend(check_manifest(package)?);
    }
    Ok(violations)
}

/// Checks (user, used, in tests only) edges between crates.
pub(super) fn check_edges<'a>(edges: impl IntoIterator<Item = (&'a str, &'a str, bool)>) -> Vec<String> {
    let mut violations = Vec::new();
    for (from, to, dev) in edges {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == from) else {
            violations.push(format!("crates/{from}: not in the table of layers (xtask/src/tidy/layers.rs)"));
            continue;
        };
        let ours = MAY_USE.iter().any(|(name, _)| *name == to) || to == "mlops";
        let indirect = || MAY_USE.iter().any(|(name, below)| allowed.contains(name) && below.contains(&to));
        // Tests may also set up what the crates that are used stand on.
        if ours && !allowed.contains(&to) && !(dev && indirect()) {
            violations.push(format!("crates/{from}: may not use `{to}` (layers)"));
        }
        if let Some((_, users)) = KEPT_BEHIND.iter().find(|(name, _)| *name == to)
            && !users.contains(&from)
            && !dev
        {
            violations.push(format!("crates/{from}: may not use `{to}`, which stays behind {}", users.join(", ")));
        }
    }
    violations
}

/// Workspace lints apply everywhere, and there are no features that exist for tests.
fn check_manifest(package: &Value) -> Result<Vec<String>> {
    let path = package["manifest_path"].as_str().context("a package without a manifest")?;
    let text = std::fs::read_to_string(path)?;
    let manifest: toml::Table = text.parse().with_context(|| format!("cannot read `{path}`"))?;
    let mut violations = Vec::new();
    let inherits =
        |table: &str| manifest.get(table).and_then(|t| t.get("workspace")) == Some(&toml::Value::Boolean(true));
    if !inherits("lints") {
        violations.push(format!("{path}: does not inherit the workspace's lints"));
    }
    let features = manifest.get("features").and_then(toml::Value::as_table);
    for feature in features.into_iter().flat_map(toml::Table::keys).filter(|f| f.contains("test") || f.contains("mock"))
    {
        violations.push(format!("{path}: feature `{feature}` exists for tests"));
    }
    Ok(violations)
}
