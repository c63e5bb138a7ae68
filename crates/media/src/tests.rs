use super::*;

fn read(name: &str, bytes: &[u8]) -> Result<Extracted> {
    extract(name, None, bytes, &Limits::default())
}

#[test]
fn sizes_are_looked_at_first() {
    assert_eq!(read("a.txt", b""), Err(Error::Empty));
    let limits = Limits { bytes: 3, ..Limits::default() };
    assert_eq!(extract("a.txt", None, b"four", &limits), Err(Error::TooLarge { bytes: 4, limit: 3 }));
    assert_eq!(Limits::default().admit(1 << 30), Err(Error::TooLarge { bytes: 1 << 30, limit: 50 << 20 }));
    assert_eq!(Limits::default().admit(50 << 20), Ok(()));
}

#[test]
fn a_wrong_extension_is_a_warning() {
    let extracted = read("report.pdf", b"Only text.").unwrap();
    assert_eq!(extracted.format, Format::Text);
    assert_eq!(extracted.warnings, ["it is named as PDF but is text"]);
}

#[test]
fn what_is_not_read_is_named() {
    let error = read("photo.txt", b"\x89PNG\r\n\x1a\n0000").unwrap_err();
    assert!(error.to_string().contains("`photo.txt` is a PNG picture"), "{error}");
    let error = read("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more").unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let mut locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read("new.docx", &locked), Err(Error::Encrypted));
    assert!(matches!(read("lost.pdf", &[1, 2, 3, 0, 5]), Err(Error::Corrupt { .. })));
}

#[test]
fn forty_thousand_characters_without_a_space_are_a_text() {
    let long = "x".repeat(40_000);
    for (name, bytes) in [
        ("a.txt", long.clone()),
        ("a.md", long.clone()),
        ("a.html", format!("<html><p>{long}")),
        ("a.csv", long.clone()),
        ("a.json", format!("\"{long}\"")),
    ] {
        let extracted = read(name, bytes.as_bytes()).unwrap();
        assert_eq!(extracted.text, long, "{name}");
        assert_eq!(extracted.blocks.len(), 1, "{name}");
    }
}

#[test]
fn plain_text_stays_but_for_its_line_breaks() {
    let extracted = read("a.txt", b"  One\r\nline.\r\r\nTwo.\n").unwrap();
    assert_eq!(extracted.text, "  One\nline.\n\nTwo.\n");
    let spans: Vec<_> = extracted.blocks.iter().map(|block| &extracted.text[block.span.clone()]).collect();
    assert_eq!(spans, ["One\nline.", "Two."]);
}

#[test]
fn zeros_far_into_a_text_go() {
    let text = [b"x".repeat(5000).as_slice(), b"\0y"].concat();
    assert!(read("a.txt", &text).unwrap().text.ends_with("xy"));
}

#[test]
fn space_alone_is_no_text() {
    assert!(matches!(read("a.txt", b" \n\t "), Err(Error::NoText { .. })));
}
