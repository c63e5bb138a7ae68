//! `file:` sources: files of the machine that the server runs on, copied into the library.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Error, Result};
use sha2::{Digest as _, Sha256};

use super::meter::Meter;
use super::puller::Fetched;
use crate::library::{Library, ManifestFile, Trust, blocking, copy_hashed, hex, io_error};

/// The files that belong to weights in safetensors, where they lie beside them.
pub(crate) const COMPANIONS: [&str; 8] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
];
/// Those of them without which the weights cannot be read.
pub(crate) const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];

/// Copies a `.gguf` file, or a folder (or file) of safetensors with its companions.
pub(crate) async fn fetch(library: &Arc<Library>, path: &Path, meter: &Meter) -> Result<Fetched> {
    let (library, path, meter) = (library.clone(), path.to_owned(), meter.clone());
    blocking(move || {
        let (files, main) = choose(&path)?;
        let sizes = files.iter().map(|(_, file)| size(file)).collect::<Result<Vec<u64>>>()?;
        let total = sizes.iter().sum();
        library.check_space(total)?;
        meter.begin("copying", Some(total));
        let copied = files.iter().zip(sizes).map(|((name, file), size)| copy(&library, name, file, size, &meter));
        Ok(Fetched {
            files: copied.collect::<Result<_>>()?,
            main,
            trust: Trust::Local,
            source: format!("file:{}", path.display()),
            provider: "local file".to_owned(),
        })
    })
    .await
}

fn choose(path: &Path) -> Result<(Vec<(String, PathBuf)>, String)> {
    let facts = fs::metadata(path).map_err(|e| {
        Error::invalid(format!("Cannot read `{}`: {e}.", path.display()))
            .with_hint("Give the full path of a file or folder on the server's machine that the server may read.")
    })?;
    let weights = if facts.is_dir() { path.join("model.safetensors") } else { path.to_owned() };
    let main = weights.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if main.ends_with(".gguf") {
        return Ok((vec![(main.clone(), weights)], main));
    }
    if !main.ends_with(".safetensors") || !weights.is_file() {
        return Err(Error::invalid(format!("`{}` is no model.", path.display())).with_hint(
            "Name a `.gguf` file, or a folder with `model.safetensors`, `config.json` and `tokenizer.json`.",
        ));
    }
    let folder = weights.parent().unwrap_or(Path::new("/"));
    if let Some(missing) = NEEDED.iter().find(|name| !folder.join(name).is_file()) {
        return Err(Error::invalid(format!("`{missing}` is missing beside `{}`.", weights.display())));
    }
    let beside =
        COMPANIONS.iter().map(|name| ((*name).to_owned(), folder.join(name))).filter(|(_, file)| file.is_file());
    Ok((std::iter::once((main.clone(), weights.clone())).chain(beside).collect(), main))
}

fn size(path: &Path) -> Result<u64> {
    let facts = fs::metadata(path).map_err(|e| io_error("read", path, &e))?;
    if !facts.is_file() {
        return Err(Error::invalid(format!("`{}` is not a file.", path.display())));
    }
    Ok(facts.len())
}

fn copy(library: &Library, name: &str, from: &Path, bytes: u64, meter: &Meter) -> Result<ManifestFile> {
    // Named by what is copied, so that a copy after a crash replaces what the one before left; locked, so that no other
    // copy writes to it.
    let key = format!("copy-{}", hex(&Sha256::digest(from.as_os_str().as_encoded_bytes())));
    let _alone = library.lock(&key, &meter.cancelled)?;
    let partial = library.partial(&key);
    let copied = (|| {
        let mut source = File::open(from).map_err(|e| io_error("read", from, &e))?;
        let mut target = File::create(&partial).map_err(|e| io_error("write", &partial, &e))?;
        let mut digest = Sha256::new();
        let total = copy_hashed(&mut source, &mut target, &mut digest, bytes, |more| meter.advance(more))?;
        if total != bytes {
            return Err(Error::conflict(format!("`{}` changed while it was copied.", from.display())));
        }
        let sha256 = hex(&digest.finalize());
        library.adopt(&partial, &sha256)?;
        Ok(ManifestFile { name: name.to_owned(), sha256, bytes })
    })();
    copied.inspect_err(|_| {
        // What is left of the copy is worth nothing; the copy's own error is the one to report.
        let _ = fs::remove_file(&partial);
    })
}
