use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::Value;

use super::*;

/// Programs of every Linux, one of them with libraries.
const PROGRAM: &str = "/bin/ls";

fn release() -> BTreeMap<String, Vec<u8>> {
    let mut release = Release::new(&crate::root(), Path::new(PROGRAM)).unwrap();
    release.time = 1_769_860_800;
    release.files().unwrap().into_iter().collect()
}

/// The regular files of a tar file, by name, with their mode.
fn unpacked(tar: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mtime().unwrap(), 1_769_860_800);
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry.header().entry_type().is_file() {
            files.insert(name, (entry.header().mode().unwrap(), bytes));
        }
    }
    files
}

fn one<'a>(files: &'a BTreeMap<String, Vec<u8>>, ending: &str) -> &'a [u8] {
    let mut found = files.iter().filter(|(name, _)| name.ends_with(ending));
    let (_, bytes) = found.next().unwrap_or_else(|| panic!("no {ending} among {:?}", files.keys()));
    assert!(found.next().is_none(), "several {ending}");
    bytes
}

#[test]
fn the_same_program_gives_the_same_release_and_its_sums_are_right() {
    let files = release();
    assert!(files == release(), "another release of the same");
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    assert_eq!(sums.lines().count(), files.len() - 1);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, sha256(&files[name]), "{name}");
    }
    assert_eq!(iso8601(1_769_860_800), "2026-01-31T12:00:00Z");
    assert_eq!(iso8601(951_782_400), "2000-02-29T00:00:00Z");
}

#[test]
fn the_tarball_holds_the_program_its_licence_docs_and_service() {
    let files = release();
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(one(&files, ".tar.gz")).read_to_end(&mut tar).unwrap();
    let files = unpacked(&tar);
    let folder = files.keys().next().unwrap().split('/').next().unwrap().to_owned();
    assert!(folder.starts_with("craton-") && files.keys().all(|name| name.starts_with(&format!("{folder}/"))));
    for name in
        ["LICENSE", "README.md", "CHANGELOG.md", "craton.service", "craton.toml", "sbom.cdx.json", "docs/guide.md"]
    {
        assert_eq!(files[&format!("{folder}/{name}")].0, 0o644, "{name}");
    }
    let (mode, program) = &files[&format!("{folder}/craton")];
    assert_eq!((*mode, program), (0o755, &std::fs::read(PROGRAM).unwrap()));
}

#[test]
fn the_image_is_an_oci_layout_and_a_docker_archive() {
    let files = release();
    let image = unpacked(one(&files, "-image.tar"));
    let json = |name: &str| -> Value { serde_json::from_slice(&image[name].1).unwrap() };
    assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
    // Every blob is what its name says.
    for (name, (_, bytes)) in image.iter().filter(|(name, _)| name.starts_with("blobs/")) {
        assert_eq!(*name, format!("blobs/sha256/{}", sha256(bytes)));
    }
    let blob = |descriptor: &Value| -> &Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let bytes = &image[&format!("blobs/sha256/{digest}")].1;
        assert_eq!(descriptor["size"].as_u64(), Some(bytes.len() as u64));
        bytes
    };
    let index = json("index.json");
    let manifest: Value = serde_json::from_slice(blob(&index["manifests"][0])).unwrap();
    let config: Value = serde_json::from_slice(blob(&manifest["config"])).unwrap();
    let layers: Vec<&Vec<u8>> = manifest["layers"].as_array().unwrap().iter().map(blob).collect();
    let ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!(ids));
    assert_eq!(config["history"].as_array().unwrap().len(), layers.len());
    // Docker's own description names the same blobs.
    let docker = json("manifest.json");
    assert!(docker[0]["RepoTags"][0].as_str().unwrap().starts_with("craton:"));
    let config_blob = docker[0]["Config"].as_str().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&image[config_blob].1).unwrap(), config);
    let named: Vec<&Vec<u8>> =
        docker[0]["Layers"].as_array().unwrap().iter().map(|layer| &image[layer.as_str().unwrap()].1).collect();
    assert_eq!(named, layers);
    // Nobody but an ordinary user runs it, and other machines reach it over TLS only.
    assert_eq!(config["config"]["User"], "65532:65532");
    let variables = config["config"]["Env"].to_string();
    assert!(variables.contains("CRATON_TLS_SELF_SIGNED=true"), "{variables}");
    let (system, program) = (unpacked(layers[0]), unpacked(layers[1]));
    assert_eq!(program["usr/local/bin/craton"].0, 0o755);
    assert!(
        system.contains_key("etc/passwd") && system.keys().any(|name| name.contains("libc.so")),
        "{:?}",
        system.keys()
    );
    assert!(system.keys().any(|name| name.contains("ld-linux")), "the loader too");
}

#[test]
fn the_sbom_names_every_crate_once_with_licence_and_digest() {
    let files = release();
    let sbom: Value = serde_json::from_slice(one(&files, "cdx.json")).unwrap();
    assert_eq!((sbom["bomFormat"].as_str(), sbom["specVersion"].as_str()), (Some("CycloneDX"), Some("1.6")));
    assert_eq!(sbom["metadata"]["timestamp"], "2026-01-31T12:00:00Z");
    let components = sbom["components"].as_array().unwrap();
    let mut references = std::collections::BTreeSet::new();
    for component in components {
        let reference = component["bom-ref"].as_str().unwrap();
        assert!(references.insert(reference), "twice: {reference}");
        assert!(component["licenses"][0]["expression"].is_string(), "no licence: {component}");
        let own = component["hashes"].is_null() && reference.starts_with("pkg:cargo/");
        assert!(!own || component["version"] == sbom["metadata"]["component"]["version"], "no digest: {component}");
    }
    for needed in ["pkg:cargo/sqlx@", "pkg:cargo/rustls@", "pkg:cargo/llama-cpp-sys-2@", "pkg:npm/react@"] {
        assert!(references.iter().any(|reference| reference.starts_with(needed)), "{needed}");
    }
    // What only tests use is not in the program.
    for absent in ["pkg:cargo/proptest@", "pkg:cargo/criterion@", "pkg:cargo/insta@", "pkg:npm/vitest@"] {
        assert!(!references.iter().any(|reference| reference.starts_with(absent)), "{absent}");
    }
    for dependency in sbom["dependencies"].as_array().unwrap() {
        for needed in dependency["dependsOn"].as_array().unwrap() {
            assert!(references.contains(needed.as_str().unwrap()), "{needed} is no component");
        }
    }
}

#[test]
fn the_service_is_confined() {
    let unit = std::fs::read_to_string(crate::root().join("packaging/craton.service")).unwrap();
    for line in [
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "UMask=0077",
        "StateDirectoryMode=0700",
        "SystemCallFilter=@system-service",
        "WantedBy=multi-user.target",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    // The grace of running requests ends before the manager's patience.
    assert!(unit.contains("TimeoutStopSec=45"));
    let settings: toml::Table =
        std::fs::read_to_string(crate::root().join("packaging/craton.toml")).unwrap().parse().unwrap();
    assert!(settings["listen"].as_str().unwrap().starts_with("127.0.0.1"));
}
