use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base::ErrorKind;
use bytes::Bytes;
use checkpoint::Sink as _;
use zeroize::Zeroizing;

use super::*;

const KEY: [u8; 32] = [7; 32];
const MIB: usize = 1 << 20;

fn model(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect()
}

fn header(bytes: usize, head: usize) -> Header {
    Header { bytes: bytes as u64, head: head as u64, wrapped_key: b"the wrapped key".to_vec() }
}

/// Writes a model in pieces of so many bytes.
async fn write(path: &Path, model: &[u8], piece: usize) {
    let mut writer = Writer::create(path, header(model.len(), model.len().min(100)), &KEY).await.unwrap();
    for piece in model.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap();
}

fn sealed(path: &Path) -> SealedModel {
    SealedModel::new(path.to_owned(), Zeroizing::new(KEY.to_vec()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn contents(memory: &MemoryFile) -> Vec<u8> {
    std::fs::read(memory.files().main).unwrap()
}

#[tokio::test]
async fn what_was_written_is_read_whatever_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    for bytes in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 77] {
        for piece in [4099, MIB, 5 * MIB] {
            let model = model(bytes);
            write(&path, &model, piece).await;
            assert_eq!(Header::read(&path).unwrap(), header(bytes, bytes.min(100)));
            let memory = sealed(&path).open().unwrap().finish().unwrap();
            assert!(contents(&memory) == model, "{bytes} in {piece}");
            assert_eq!(files(folder.path()), std::slice::from_ref(&path));
        }
    }
}

#[tokio::test]
async fn no_plain_byte_is_in_the_file_and_only_the_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    write(&path, &[0x5a; 2 * MIB], MIB).await;
    let file = std::fs::read(&path).unwrap();
    assert!(!file.windows(8).any(|window| window == [0x5a; 8]));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_beginning_is_there_to_be_inspected_before_the_rest_takes_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    let model = model(5 * MIB);
    write(&path, &model, MIB).await;
    let opening = sealed(&path).open().unwrap();
    let seen = std::fs::read(opening.files().main).unwrap();
    assert_eq!(seen.len(), model.len(), "as long as the model");
    assert!(seen[..MIB] == model[..MIB] && seen[MIB..].iter().all(|byte| *byte == 0));
    use std::os::unix::fs::MetadataExt as _;
    let blocks = std::fs::metadata(opening.files().main).unwrap().blocks();
    // The read above asked for pages of zeros, which are not kept; huge pages may round up.
    assert!(blocks * 512 <= 4 * MIB as u64, "{blocks}");
    assert!(contents(&opening.finish().unwrap()) == model);
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_not_decrypted_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    write(&path, &model(5 * MIB), MIB).await;
    let asked = std::cell::Cell::new(0);
    let goes_on = || {
        asked.set(asked.get() + 1);
        match asked.get() {
            1 => Ok(()),
            _ => Err(base::Error::conflict("It is not wanted.")),
        }
    };
    let error = sealed(&path).open().unwrap().finish_while(goes_on).err().unwrap();
    assert_eq!((error.kind, asked.get()), (ErrorKind::Conflict, 2));
}

#[tokio::test]
async fn a_model_in_memory_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    write(&path, &model(1000), 1000).await;
    let memory = sealed(&path).open().unwrap().finish().unwrap();
    let file = memory.files().main;
    let written = std::fs::File::options().write(true).open(&file).and_then(|mut file| file.write_all(b"x"));
    assert!(written.is_err(), "written");
    let cut = std::fs::File::options().write(true).open(&file).and_then(|file| file.set_len(10));
    assert!(cut.is_err(), "cut");
    let mut first = [0];
    std::fs::File::open(&file).unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first[0], model(1)[0]);
    drop(memory);
    assert!(std::fs::File::open(&file).is_err(), "gone with its last handle");
}

#[tokio::test]
async fn a_changed_file_is_damaged_wherever_it_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    write(&path, &model(3 * MIB + 5), MIB).await;
    let good = std::fs::read(&path).unwrap();
    let start = good.len() - (3 * MIB + 5) - 4 * 16;
    let stored = MIB + 16;
    let kind = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        sealed(&path).open().and_then(Opening::finish).map(drop).map_err(|error| error.kind)
    };
    assert_eq!(kind(&good), Ok(()));
    for at in [0, 9, 13, 20, 25, 30, start, start + stored, start + 2 * stored - 1, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert_eq!(kind(&changed), Err(ErrorKind::Damaged), "{at}");
    }
    assert_eq!(kind(&good[..good.len() - 1]), Err(ErrorKind::Damaged), "cut");
    assert_eq!(kind(&[&good[..], b"x"].concat()), Err(ErrorKind::Damaged), "longer");
    assert_eq!(kind(b""), Err(ErrorKind::Damaged), "empty");
    let mut exchanged = good.clone();
    exchanged[start..start + 2 * stored].rotate_left(stored);
    assert_eq!(kind(&exchanged), Err(ErrorKind::Damaged), "two chunks exchanged");
    // A whole chunk left out, and the header's length made to fit.
    let mut shorter = good.clone();
    shorter.drain(start + stored..start + 2 * stored);
    shorter[12..20].copy_from_slice(&((2 * MIB + 5) as u64).to_le_bytes());
    assert_eq!(kind(&shorter), Err(ErrorKind::Damaged), "a chunk left out");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(sealed(&path).open().map(drop).unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn another_data_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    write(&path, &model(10), 10).await;
    let other = SealedModel::new(path.clone(), Zeroizing::new(vec![8; 32]));
    assert_eq!(other.open().map(drop).unwrap_err().kind, ErrorKind::Damaged);
    let short = SealedModel::new(path, Zeroizing::new(vec![7; 31]));
    assert_eq!(short.open().map(drop).unwrap_err().kind, ErrorKind::Internal);
}

#[tokio::test]
async fn a_model_that_is_not_finished_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    let mut writer = Writer::create(&path, header(2 * MIB, 1), &KEY).await.unwrap();
    writer.write(Bytes::from(model(MIB + 5))).await.unwrap();
    assert_eq!(files(folder.path()).len(), 1);
    assert_eq!(writer.finish().await.unwrap_err().kind, ErrorKind::Internal, "bytes are missing");
    assert!(files(folder.path()).is_empty());
    let mut writer = Writer::create(&path, header(10, 1), &KEY).await.unwrap();
    assert!(writer.write(Bytes::from(model(11))).await.is_err(), "more than the header says");
    drop(writer);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_and_what_is_kept_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["kept.model", "stray.model", "half.partial", "other.txt"] {
        std::fs::write(at(name), b"").unwrap();
    }
    assert_eq!(sweep(folder.path(), &HashSet::from([at("kept.model")])).unwrap(), 2);
    let mut left = files(folder.path());
    left.sort();
    assert_eq!(left, [at("kept.model"), at("other.txt")]);
    assert_eq!(sweep(&at("none"), &HashSet::new()).unwrap(), 0);
}
