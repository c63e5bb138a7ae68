use super::*;

fn text(bytes: &[u8], declared: Option<&str>) -> (String, Option<String>) {
    let decoded = decode(bytes, declared);
    (decoded.text.into_owned(), decoded.warning)
}

fn wide_bytes(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to).collect()
}

#[test]
fn utf_8_is_itself_whatever_was_declared() {
    assert_eq!(text("grün".as_bytes(), Some("latin1")), ("grün".to_owned(), None));
}

#[test]
fn byte_order_marks_decide_and_go() {
    assert_eq!(text(b"\xef\xbb\xbfgr\xc3\xbcn", None), ("grün".to_owned(), None));
    let mut marked = b"\xff\xfe".to_vec();
    marked.extend(wide_bytes("grün", u16::to_le_bytes));
    assert_eq!(text(&marked, None).0, "grün");
}

#[test]
fn utf_16_without_a_mark_is_seen() {
    for to in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(text(&wide_bytes("A plain sentence.", to), None).0, "A plain sentence.");
    }
}

#[test]
fn other_encodings_are_read_as_declared_or_as_they_look() {
    let (read, warning) = text(b"gr\xfcn", Some("iso-8859-1"));
    assert_eq!(read, "grün");
    assert!(warning.unwrap().contains("declares"));
    let guessed = text(
        "Возврат автомобиля"
            .chars()
            .map(|c| if c == ' ' { b' ' } else { (c as u32 - 0x350) as u8 })
            .collect::<Vec<_>>()
            .as_slice(),
        None,
    );
    assert_eq!(guessed.0, "Возврат автомобиля", "{:?}", guessed.1);
}

#[test]
fn text_is_told_from_data() {
    assert!(looks_like_text(b"a line\nand another\twith a tab"));
    assert!(looks_like_text(b"gr\xfcn"));
    assert!(looks_like_text(&wide_bytes("wide", u16::to_le_bytes)));
    assert!(!looks_like_text(b"zeros\0in it"));
    assert!(!looks_like_text(&(0..=255).collect::<Vec<u8>>()));
}
