//! What the program needs of a system, for an image without one: its shared libraries, certificates, a user.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::archive::Entry;

/// The user that the program runs as in an image.
pub(super) const USER: u64 = 65_532;
/// Folders that the image's user may write.
pub(super) const STATE: [&str; 2] = ["var/lib/craton", "var/lib/craton-models"];

const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// The files of a system on which the program in `binary` runs.
pub(super) fn system(binary: &Path) -> Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::file(
            "etc/passwd",
            format!("craton:x:{USER}:{USER}:craton:/var/lib/craton:/sbin/nologin\n").into_bytes(),
        ),
        Entry::file("etc/group", format!("craton:x:{USER}:\n").into_bytes()),
        Entry::file("etc/nsswitch.conf", b"hosts: files dns\n".to_vec()),
        Entry::folder("tmp").owned(0, 0o1777),
    ];
    entries.extend(STATE.map(|folder| Entry::folder(folder).owned(USER, 0o700)));
    if let Ok(certificates) = std::fs::read(Path::new("/").join(CERTIFICATES)) {
        entries.push(Entry::file(CERTIFICATES, certificates));
    }
    let mut notices = BTreeSet::new();
    for library in needed(binary)? {
        let contents = std::fs::read(&library).with_context(|| format!("cannot read `{}`", library.display()))?;
        let name = library.strip_prefix("/").unwrap_or(&library).display().to_string();
        notices.extend(notice(&library));
        entries.push(Entry::program(name, contents));
    }
    for path in notices {
        let name = path.strip_prefix("/").unwrap_or(&path).display().to_string();
        entries.push(Entry::file(name, std::fs::read(&path)?));
    }
    Ok(entries)
}

/// The shared libraries that the loader finds for `binary`, itself among them.
fn needed(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(binary).output().context("cannot run ldd")?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        // A static program needs none.
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for line in text.lines() {
        let place = line.split_once("=>").map_or(line, |(_, place)| place);
        let place = place.split(" (").next().unwrap_or_default().trim();
        if place.starts_with('/') {
            found.push(PathBuf::from(place));
        } else if line.contains("not found") {
            bail!("`{}` needs {}", binary.display(), line.trim());
        }
    }
    Ok(found)
}

/// The licence notice of the Debian package that a library is of.
fn notice(library: &Path) -> Option<PathBuf> {
    let name = library.file_name()?.to_string_lossy().into_owned();
    let output = Command::new("dpkg-query").args(["--search", &format!("*/{name}")]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let package = text.lines().next()?.split(':').next()?.to_owned();
    let path = PathBuf::from(format!("/usr/share/doc/{package}/copyright"));
    path.exists().then_some(path)
}
