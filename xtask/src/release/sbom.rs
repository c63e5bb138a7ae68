//! What the program is made of, in CycloneDX 1.6: every crate of the build, and every package of the console.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{iso8601, sha256};

/// The crate of the program.
const PROGRAM: &str = "server";

/// The document.
pub(super) fn document(root: &Path, version: &str, time: u64) -> Result<Vec<u8>> {
    let metadata = metadata(root)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("cannot read `Cargo.lock`")?;
    let (mut components, dependencies) = crates(&metadata, &checksums(&lock)?)?;
    components.extend(packages(root)?);
    let identity = sha256(format!("craton {version} {lock}").as_bytes());
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!(
            "urn:uuid:{}-{}-5{}-8{}-{}",
            &identity[..8], &identity[8..12], &identity[13..16], &identity[17..20], &identity[20..32]
        ),
        "version": 1,
        "metadata": {
            "timestamp": iso8601(time),
            "tools": { "components": [{ "type": "application", "name": "cargo xtask release", "version": version }] },
            "component": {
                "type": "application",
                "bom-ref": "craton",
                "name": "craton",
                "version": version,
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    serde_json::to_vec_pretty(&document).context("JSON of plain values")
}

fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &host()?])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The SHA-256 of each crate's archive, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("`Cargo.lock` lists no packages")?;
    let field = |package: &toml::Value, name: &str| package.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    Ok(packages
        .iter()
        .filter_map(|package| {
            Some(((field(package, "name")?, field(package, "version")?), field(package, "checksum")?))
        })
        .collect())
}

/// The crates that the program is built of, and which of them needs which. Crates for tests alone are not among them.
fn crates(metadata: &Value, checksums: &BTreeMap<(String, String), String>) -> Result<(Vec<Value>, Vec<Value>)> {
    let packages: BTreeMap<&str, &Value> =
        list(metadata, "packages").filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let program = packages.iter().find(|(_, package)| package["name"] == PROGRAM && package["source"].is_null());
    let (program, _) = program.context("the workspace has no program")?;
    let (mut found, mut waiting) = (BTreeSet::new(), vec![*program]);
    let mut edges = BTreeMap::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        let needed: Vec<&str> = nodes
            .get(id)
            .into_iter()
            .flat_map(|node| list(node, "deps"))
            .filter(|dep| list(dep, "dep_kinds").any(|kind| kind["kind"] != "dev"))
            .filter_map(|dep| dep["pkg"].as_str())
            .collect();
        waiting.extend(&needed);
        edges.insert(id, needed);
    }
    let reference = |id: &str| -> String {
        if id == *program {
            return "craton".to_owned();
        }
        packages.get(id).map_or_else(String::new, |package| purl(package))
    };
    let components = found.iter().filter(|id| *id != program).filter_map(|id| packages.get(id));
    let components = components.map(|package| component(package, checksums)).collect();
    let dependencies = edges
        .iter()
        .map(|(id, needed)| {
            let needed: BTreeSet<String> = needed.iter().map(|id| reference(id)).collect();
            json!({ "ref": reference(id), "dependsOn": needed })
        })
        .collect();
    Ok((components, dependencies))
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Value {
    let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": text("name"),
        "version": text("version"),
        "purl": purl(package),
    });
    if let Some(licence) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    if let Some(checksum) = checksums.get(&(text("name"), text("version"))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn purl(package: &Value) -> String {
    let text = |name: &str| package[name].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

/// The packages whose code the console's bundle may hold.
fn packages(root: &Path) -> Result<Vec<Value>> {
    let path = root.join("console/package-lock.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let lock: Value = serde_json::from_str(&text)?;
    let entries = lock["packages"].as_object().context("the console's lock file lists no packages")?;
    let mut found = BTreeMap::new();
    for (place, package) in entries.iter().filter(|(place, package)| !place.is_empty() && package["dev"] != true) {
        let name = place.rsplit("node_modules/").next().unwrap_or(place);
        let version = package["version"].as_str().unwrap_or_default();
        let purl = format!("pkg:npm/{}@{version}", name.replacen('@', "%40", 1));
        let mut component = json!({
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        });
        if let Some(licence) = package["license"].as_str() {
            component["licenses"] = json!([{ "expression": licence }]);
        }
        found.insert(purl, component);
    }
    Ok(found.into_values().collect())
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// The triple that this is built for, as the compiler names it.
pub(super) fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc names no host"),
    }
}
