//! Where tests write that are killed, or that write so often that they would wait for a disk most of the time.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;
use std::{fs, io};

/// Files in memory.
const MEMORY: &str = "/dev/shm";
/// As many free bytes it has where it is used: of a container it is often 64 MB, and whoever fills those is killed.
const ROOM: u64 = 1 << 30;
/// How the names of folders there begin, before the process that made them.
const PREFIX: &str = "craton-test-";
/// Before, a folder may be that of a process which is not seen from here.
const OLD: Duration = Duration::from_secs(60 * 60);

static SWEPT: Once = Once::new();

/// An empty folder, in memory where there is plenty.
pub(crate) fn scratch() -> io::Result<tempfile::TempDir> {
    in_memory().map_or_else(tempfile::tempdir, Ok)
}

fn in_memory() -> Option<tempfile::TempDir> {
    let facts = rustix::fs::statvfs(MEMORY).ok()?;
    if facts.f_bavail.saturating_mul(facts.f_frsize) < ROOM {
        return None;
    }
    SWEPT.call_once(sweep);
    let prefix = format!("{PREFIX}{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(MEMORY).ok()
}

/// Removes what processes left that were killed: nobody else gives that memory back.
fn sweep() {
    for folder in fs::read_dir(MEMORY).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')).map(|(id, _)| id);
        let is_left = process.is_some_and(|id| !Path::new("/proc").join(id).exists());
        let modified = folder.metadata().and_then(|facts| facts.modified());
        if is_left && modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD)) {
            drop(fs::remove_dir_all(folder.path()));
        }
    }
}
