//! Copies of an index at one instant, made while it is used.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Inner;
use super::files::{Files as _, OnDisk};
use crate::{Error, Result};

impl Inner {
    /// Copies the files that make up the index now. Base files never change, and logs only grow: what is open can be
    /// copied later, up to the length that it has now.
    pub(super) fn snapshot(&self, folder: &Path) -> Result<()> {
        empty(folder)?;
        let target = OnDisk::new(folder);
        let (manifest, sources) = {
            let writer = self.writer()?;
            let manifest = writer.manifest.clone();
            let mut sources = Vec::new();
            for name in manifest.base.iter().chain(&manifest.logs) {
                let path = self.path(name);
                let file = File::open(&path).map_err(|error| Error::io(&path, &error))?;
                let is_newest = manifest.logs.last() == Some(name);
                sources.push((name.clone(), file, if is_newest { writer.log.length() } else { u64::MAX }));
            }
            (manifest, sources)
        };
        for (name, file, length) in sources {
            let path = target.path(&name);
            copy(file, length, &path).map_err(|error| Error::io(&path, &error))?;
        }
        manifest.write(&target).map_err(|failure| failure.error)
    }
}

fn empty(folder: &Path) -> Result<()> {
    let io = |error: io::Error| Error::io(folder, &error);
    std::fs::create_dir_all(folder).map_err(io)?;
    if std::fs::read_dir(folder).map_err(io)?.next().is_some() {
        let reason = format!("the folder `{}` holds something", folder.display());
        return Err(Error::invalid(reason, "name a folder that is absent or empty"));
    }
    Ok(())
}

fn copy(from: File, length: u64, to: &Path) -> io::Result<()> {
    let mut target = File::create_new(to)?;
    io::copy(&mut from.take(length), &mut target)?;
    target.sync_all()
}
