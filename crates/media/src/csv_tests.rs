use super::*;
use crate::Limits;

fn read(bytes: &[u8]) -> Extracted {
    extract(bytes, None, &Budget::new(&Limits::default())).unwrap()
}

#[test]
fn separators_are_found_and_quotes_respected() {
    for (source, text) in [
        ("name,city\nAna,\"Rome, Italy\"\n", "name | city\nname: Ana; city: Rome, Italy"),
        ("name;price\nAna;1,5\n", "name | price\nname: Ana; price: 1,5"),
        ("name\tcity\r\nAna\tRome\r\n", "name | city\nname: Ana; city: Rome"),
        ("name|city\nAna|\"two\nlines\"", "name | city\nname: Ana; city: two lines"),
        ("just one column\nof text\n", "just one column\nof text"),
    ] {
        assert_eq!(read(source.as_bytes()).text, text);
    }
}

#[test]
fn lines_of_different_lengths_are_read() {
    assert_eq!(read(b"a,b\n1\n1,2,3\n").text, "a | b\na: 1\na: 1; b: 2; 3");
}

#[test]
fn every_row_is_a_block() {
    let extracted = read(b"a,b\n1,2\n3,4\n");
    assert_eq!(extracted.blocks.len(), 3);
    assert!(extracted.is_sound());
}
