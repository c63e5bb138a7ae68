//! A container image as one tar file: an OCI image layout (image-spec 1.1) that is a `docker save` archive as well, so that
//! `docker load`, `podman load` and `skopeo copy oci-archive:` take it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::archive::{Entry, tar_of};
use super::libraries::{STATE, USER};
use super::{iso8601, sha256};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The archive of an image with these layers.
pub(super) fn archive(version: &str, time: u64, layers: Vec<Vec<Entry>>) -> Result<Vec<u8>> {
    let layers = layers.into_iter().map(|layer| tar_of(layer, time)).collect::<Result<Vec<_>>>()?;
    let digests: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    let config = text(&config(version, time, &digests))?;
    let described: Vec<Value> = layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
    let manifest = text(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": described,
    }))?;
    let name = format!("craton:{version}");
    let mut index = descriptor(MANIFEST, &manifest);
    index["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/library/{name}"),
        "org.opencontainers.image.ref.name": version,
    });
    index["platform"] = json!({ "architecture": architecture(), "os": "linux" });
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes));
    let docker = json!([{
        "Config": blob(&config),
        "RepoTags": [name],
        "Layers": layers.iter().map(|layer| blob(layer)).collect::<Vec<_>>(),
    }]);
    let mut entries = vec![
        Entry::folder("blobs"),
        Entry::folder("blobs/sha256"),
        Entry::file("oci-layout", text(&json!({ "imageLayoutVersion": "1.0.0" }))?),
        Entry::file("index.json", text(&json!({ "schemaVersion": 2, "manifests": [index] }))?),
        Entry::file("manifest.json", text(&docker)?),
    ];
    for bytes in layers.into_iter().chain([config, manifest]) {
        entries.push(Entry::file(blob(&bytes), bytes));
    }
    tar_of(entries, time)
}

/// What a container of the image runs: the server, for other machines, so with TLS.
fn config(version: &str, time: u64, layers: &[String]) -> Value {
    let folders: serde_json::Map<String, Value> = STATE.iter().map(|path| (format!("/{path}"), json!({}))).collect();
    json!({
        "architecture": architecture(),
        "os": "linux",
        "created": iso8601(time),
        "config": {
            "User": format!("{USER}:{USER}"),
            "Env": [
                "PATH=/usr/local/bin",
                "HOME=/var/lib/craton",
                "CRATON_DATA_DIR=/var/lib/craton",
                "CRATON_MODELS_DIR=/var/lib/craton-models",
                "CRATON_LISTEN=0.0.0.0:4566",
                "CRATON_TLS_SELF_SIGNED=true",
            ],
            "Entrypoint": ["/usr/local/bin/craton"],
            "Cmd": ["up"],
            "WorkingDir": "/var/lib/craton",
            "ExposedPorts": { "4566/tcp": {} },
            "Volumes": folders,
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "craton",
                "org.opencontainers.image.description": "The AWS AI APIs with real engines, in one program",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|digest| format!("sha256:{digest}")).collect::<Vec<_>>(),
        },
        "history": [
            { "created": iso8601(time), "created_by": "cargo xtask release", "comment": "libraries, certificates, user" },
            { "created": iso8601(time), "created_by": "cargo xtask release", "comment": "craton" },
        ],
    })
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() })
}

/// The machine's architecture in OCI's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn text(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("JSON of plain values")
}
