//! `file:` sources: files of the machine that the server runs on, copied into the library.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Error, Result};
use sha2::{Digest as _, Sha256};

use super::choice::choose;
use super::meter::Meter;
use super::puller::Fetched;
use crate::library::{Library, ManifestFile, Trust, blocking, copy_hashed, hex, io_error};

/// Copies a `.gguf` file, or a folder (or file) of safetensors with its companions.
pub(crate) async fn fetch(library: &Arc<Library>, path: &Path, meter: &Meter) -> Result<Fetched> {
    let (library, path, meter) = (library.clone(), path.to_owned(), meter.clone());
    blocking(move || {
        let (files, main) = find(&path)?;
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
            uploader: String::new(),
            publisher: String::new(),
            licence: None,
        })
    })
    .await
}

/// The files to copy, each with its name in the model's folder, and the name of the one that is loaded.
fn find(path: &Path) -> Result<(Vec<(String, PathBuf)>, String)> {
    let facts = fs::metadata(path).map_err(|e| {
        Error::invalid(format!("Cannot read `{}`: {e}.", path.display()))
            .with_hint("Give the full path of a file or folder on the server's machine that the server may read.")
    })?;
    let (folder, asked) = match (facts.is_dir(), path.parent(), path.file_name().and_then(|name| name.to_str())) {
        (true, ..) => (path, None),
        (false, Some(folder), Some(name)) => (folder, Some(name)),
        _ => return Err(Error::invalid(format!("`{}` names no file.", path.display()))),
    };
    let paths = listing(folder)?;
    let chosen = choose(&format!("`{}`", folder.display()), &paths, asked)?;
    let main = chosen.first().map(|file| file.name.clone()).unwrap_or_default();
    Ok((chosen.into_iter().map(|file| (file.name, folder.join(file.path))).collect(), main))
}

/// The paths of the files in a folder and in the folders right below it.
fn listing(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| io_error("read", folder, &e))? {
        let path = entry.map_err(|e| io_error("read", folder, &e))?.path();
        // What lies below and cannot be read is not part of a model.
        let below = fs::read_dir(&path).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let files = std::iter::once(path.clone()).chain(below).filter(|path| path.is_file());
        let names = files.filter_map(|file| Some(file.strip_prefix(folder).ok()?.to_str()?.to_owned()));
        paths.extend(names);
    }
    paths.sort_unstable();
    Ok(paths)
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
