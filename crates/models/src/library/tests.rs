use base::ErrorKind;

use super::*;
use crate::testing::add_model;

async fn library() -> (Library, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Library::open(dir.path()).await.unwrap(), dir)
}

#[tokio::test]
async fn a_committed_model_is_found_and_its_files_read() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    assert_eq!(library.manifest("one").await.unwrap().unwrap(), manifest);
    assert_eq!(library.manifests().await.unwrap().len(), 1);
    let files = library.files("one", &manifest).await.unwrap();
    assert_eq!(fs::read(&files.main).unwrap(), b"weights");
    assert!(files.main.starts_with(&files.dir));
}

#[tokio::test]
async fn the_library_can_be_moved() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    library.files("one", &manifest).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    let moved = other.path().join("moved");
    fs::rename(dir.path(), &moved).unwrap();
    assert_eq!(fs::read(moved.join("models/one/model.gguf")).unwrap(), b"weights");
}

#[tokio::test]
async fn removing_a_model_keeps_the_blobs_that_others_use() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"shared");
    add_model(&library, dir.path(), "two", b"shared");
    add_model(&library, dir.path(), "three", b"alone");
    library.files("one", &manifest).await.unwrap();
    assert!(library.remove("one").await.unwrap());
    assert!(library.remove("three").await.unwrap());
    assert!(!library.remove("one").await.unwrap());
    assert!(!dir.path().join("models/one").exists());
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 1);
    let two = library.manifest("two").await.unwrap().unwrap();
    library.files("two", &two).await.unwrap();
}

#[tokio::test]
async fn a_truncated_blob_is_told_with_file_and_hint() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    let blob = library.blob(&manifest.files[0].sha256);
    fs::write(&blob, b"wei").unwrap();
    let error = library.files("one", &manifest).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged);
    assert!(error.message.contains("it has 3 of 7 bytes") && error.message.contains("sha256-"));
    assert!(error.hint.unwrap().contains("craton models pull one"));
    assert!(library.manifest("one").await.unwrap().unwrap().broken.is_some());
}

#[tokio::test]
async fn verifying_removes_a_blob_whose_bytes_changed() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    let sha256 = &manifest.files[0].sha256;
    let token = CancellationToken::new();
    assert_eq!(library.has_blob(sha256, Some(&token)).unwrap(), Some(7));
    fs::write(library.blob(sha256), b"WEIGHTS").unwrap();
    assert_eq!(library.has_blob(sha256, None).unwrap(), Some(7));
    assert_eq!(library.has_blob(sha256, Some(&token)).unwrap(), None);
    assert!(!library.blob(sha256).exists());
}

#[tokio::test]
async fn names_that_leave_the_library_name_nothing() {
    let (library, dir) = library().await;
    fs::write(dir.path().join("outside.json"), "{}").unwrap();
    for name in ["", ".", "..", "../outside", "a/b", "UPPER", ".hidden", "a\0b", &"x".repeat(200)] {
        assert!(!is_name(name), "{name:?}");
        assert_eq!(library.manifest(name).await.unwrap(), None);
        assert!(!library.remove(name).await.unwrap());
    }
    assert!(dir.path().join("outside.json").exists());
}

#[tokio::test]
async fn a_damaged_manifest_is_named() {
    let (library, dir) = library().await;
    fs::write(dir.path().join("manifests/one.json"), "{").unwrap();
    let error = library.manifest("one").await.unwrap_err();
    assert!(error.message.contains("manifests/one.json") && error.hint.is_some());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_with_the_setting() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = Library::open(&dir.path().join("file")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.hint.unwrap().contains("models_dir"));
}

#[tokio::test]
async fn a_disk_without_room_is_refused_with_the_numbers() {
    let (library, _dir) = library().await;
    library.check_space(1).unwrap();
    let error = library.check_space(u64::MAX / 2).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("MiB free"));
}

#[tokio::test]
async fn a_lock_is_held_by_one_and_given_up_when_cancelled() {
    let (library, _dir) = library().await;
    let token = CancellationToken::new();
    let held = library.lock("key", &token).unwrap();
    token.cancel();
    assert_eq!(library.lock("key", &token).unwrap_err(), stopped());
    drop(held);
    assert!(library.lock("key", &token).is_ok());
}

#[tokio::test]
async fn names_that_lead_out_of_a_models_folder_are_not_linked() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    for name in ["../../x.gguf", "/tmp/x.gguf", "a/../../../x", "./x", ""] {
        let mut evil = manifest.clone();
        evil.files[0].name = name.to_owned();
        assert_eq!(library.link(&evil).unwrap_err().kind, ErrorKind::Invalid, "{name}");
        let mut evil = manifest.clone();
        evil.main = name.to_owned();
        assert_eq!(library.link(&evil).unwrap_err().kind, ErrorKind::Invalid, "{name}");
    }
    assert!(!dir.path().join("x.gguf").exists() && !dir.path().join("models/x.gguf").exists());
}

#[tokio::test]
async fn links_of_an_earlier_version_are_removed() {
    let (library, dir) = library().await;
    let manifest = add_model(&library, dir.path(), "one", b"weights");
    let mut old = manifest.clone();
    old.files.push(ManifestFile { name: "sub/old.json".to_owned(), ..manifest.files[0].clone() });
    library.link(&old).unwrap();
    assert!(dir.path().join("models/one/sub/old.json").exists());
    library.link(&manifest).unwrap();
    assert!(!dir.path().join("models/one/sub/old.json").exists());
    assert!(dir.path().join("models/one/model.gguf").exists());
}

mod sweeping {
    use std::time::{Duration, SystemTime};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn write(path: &Path, age: Duration) {
        fs::write(path, b"left").unwrap();
        let times = fs::FileTimes::new().set_modified(SystemTime::now() - age);
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }

    #[tokio::test]
    async fn what_was_left_long_ago_is_removed_and_nothing_else() {
        let (library, dir) = library().await;
        let manifest = add_model(&library, dir.path(), "one", b"weights");
        let blob = library.blob(&manifest.files[0].sha256);
        let long_ago = fs::FileTimes::new().set_modified(SystemTime::now() - 30 * DAY);
        File::options().write(true).open(&blob).unwrap().set_times(long_ago).unwrap();
        let [old_blob, new_blob] = ["a", "b"].map(|c| library.blob(&c.repeat(64)));
        let [old_part, new_part] = ["old.part", "new.part"].map(|name| library.partial(name));
        for (path, age) in [(&old_blob, 8 * DAY), (&new_blob, DAY), (&old_part, 8 * DAY), (&new_part, DAY)] {
            write(path, age);
        }
        library.sweep(SystemTime::now()).unwrap();
        assert!(blob.exists() && new_blob.exists() && new_part.exists());
        assert!(!old_blob.exists() && !old_part.exists());
        // A folder of links without a model, seen much later.
        fs::create_dir(dir.path().join("models/gone")).unwrap();
        library.files("one", &manifest).await.unwrap();
        library.sweep(SystemTime::now() + 8 * DAY).unwrap();
        assert!(blob.exists() && dir.path().join("models/one/model.gguf").exists());
        assert!(!new_part.exists() && !dir.path().join("models/gone").exists());
    }

    #[tokio::test]
    async fn nothing_is_removed_while_a_pull_goes_on() {
        let (library, dir) = library().await;
        let part = library.partial("old.part");
        write(&part, 8 * DAY);
        let manifest = add_model(&library, dir.path(), "one", b"weights");
        // Another process that shares the folder.
        let other = Library::open(dir.path()).await.unwrap();
        let token = CancellationToken::new();
        let (pull, second) = (other.share(&token).unwrap(), other.share(&token).unwrap());
        library.sweep(SystemTime::now()).unwrap();
        library.remove("one").await.unwrap();
        assert!(part.exists() && library.blob(&manifest.files[0].sha256).exists());
        drop((pull, second));
        library.sweep(SystemTime::now()).unwrap();
        library.remove_unused(&manifest.files).unwrap();
        assert!(!part.exists() && !library.blob(&manifest.files[0].sha256).exists());
    }
}
