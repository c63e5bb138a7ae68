//! Where botocore's models come from: a folder, a wheel, or the wheel that pip downloads into a cache.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::served::Served;

/// An opened set of models.
pub(super) enum Source {
    /// An unpacked `botocore/data`.
    Folder(PathBuf),
    /// A wheel; the map goes from service to its newest model's name in the archive.
    Wheel(Box<ZipArchive<File>>, BTreeMap<String, String>),
}

impl Source {
    /// Opens `given`, or the pinned wheel, downloading it once.
    pub(super) fn open(given: Option<&Path>, served: &Served) -> Result<Self> {
        let path = match given {
            Some(path) => path.to_path_buf(),
            None => cached_wheel(served)?,
        };
        if path.is_dir() {
            let data = ["botocore/data", "data", "."].map(|folder| path.join(folder));
            let found = data.into_iter().find(|folder| folder.join("sts").is_dir());
            return found.map(Self::Folder).with_context(|| format!("`{}` has no botocore models.", path.display()));
        }
        Self::wheel(&path, &served.sha256)
    }

    fn wheel(path: &Path, sha256: &str) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("Reading `{}`.", path.display()))?;
        let found = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        ensure!(found == sha256, "`{}` has SHA-256 {found}, but served.toml pins {sha256}.", path.display());
        let archive = ZipArchive::new(File::open(path)?)?;
        let mut newest = BTreeMap::new();
        for name in archive.file_names() {
            let name = name?;
            let parts: Vec<&str> = name.split('/').collect();
            if let ["botocore", "data", service, _, "service-2.json" | "service-2.json.gz"] = parts[..] {
                let slot: &mut String = newest.entry(service.to_owned()).or_default();
                if *name > **slot {
                    *slot = name.clone().into_owned();
                }
            }
        }
        Ok(Self::Wheel(Box::new(archive), newest))
    }

    /// The newest model of a service.
    pub(super) fn model(&mut self, service: &str) -> Result<Value> {
        let missing = || format!("botocore has no model of `{service}`.");
        let (name, bytes) = match self {
            Self::Folder(data) => {
                let mut versions: Vec<PathBuf> =
                    std::fs::read_dir(data.join(service)).with_context(missing)?.flatten().map(|e| e.path()).collect();
                versions.sort();
                let folder = versions.pop().with_context(missing)?;
                let names = ["service-2.json", "service-2.json.gz"].map(|name| folder.join(name));
                let path = names.into_iter().find(|path| path.exists()).with_context(missing)?;
                (path.display().to_string(), std::fs::read(&path)?)
            }
            Self::Wheel(archive, newest) => {
                let name = newest.get(service).with_context(missing)?.clone();
                let mut bytes = Vec::new();
                archive.by_name(&name)?.read_to_end(&mut bytes)?;
                (name, bytes)
            }
        };
        let json = if name.ends_with(".gz") {
            let mut text = Vec::new();
            GzDecoder::new(bytes.as_slice()).read_to_end(&mut text)?;
            text
        } else {
            bytes
        };
        serde_json::from_slice(&json).with_context(|| format!("Reading `{name}`."))
    }
}

fn cached_wheel(served: &Served) -> Result<PathBuf> {
    let folder = cache_folder()?.join("craton/botocore");
    let wheel = folder.join(format!("botocore-{}-py3-none-any.whl", served.botocore));
    if wheel.exists() {
        return Ok(wheel);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("Creating `{}`.", folder.display()))?;
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
        .arg(&folder)
        .arg(format!("botocore=={}", served.botocore))
        .status();
    if !status.is_ok_and(|status| status.success()) || !wheel.exists() {
        bail!(
            "botocore {} is neither cached in `{}` nor could pip download it. Put the wheel there, or name it with \
             `--botocore PATH`.",
            served.botocore,
            folder.display()
        );
    }
    Ok(wheel)
}

fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        return Ok(folder.into());
    }
    let home = std::env::var_os("HOME").context("Neither XDG_CACHE_HOME nor HOME is set.")?;
    Ok(Path::new(&home).join(".cache"))
}
