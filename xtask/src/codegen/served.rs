//! `served.toml`: which operations Craton answers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Served {
    /// Version of botocore whose models are used.
    pub(super) botocore: String,
    /// SHA-256 of its wheel.
    pub(super) sha256: String,
    /// Services in the order in which routing tries them.
    #[serde(rename = "service")]
    pub(super) services: Vec<ServedService>,
}

/// One service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServedService {
    /// botocore's name.
    pub(super) id: String,
    /// The library that decodes its requests and encodes its answers: the service then needs no shapes of ours.
    pub(super) decoded_by: Option<String>,
    /// The served operations; none for a service that is only known.
    #[serde(default)]
    pub(super) operations: BTreeMap<String, ServedOperation>,
}

/// What the documentation says of an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServedOperation {
    /// How real the answer is.
    pub(super) badge: Badge,
    /// The client whose test drives it.
    pub(super) proved_by: String,
}

/// How real an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Badge {
    /// Right shape, nothing computed.
    Shape,
    /// Real work.
    Computes,
    /// Real work, measured against a peer.
    Benchmarked,
}

impl Served {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("Reading `{}`.", path.display()))?;
        toml::from_str(&text).with_context(|| format!("Reading `{}`.", path.display()))
    }
}
