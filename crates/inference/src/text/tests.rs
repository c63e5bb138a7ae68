use proptest::prelude::*;

use super::*;

fn assemble(pieces: &[&[u8]], stops: &[&str]) -> (String, Option<String>) {
    let mut assembler = Assembler::new(stops.iter().map(|stop| (*stop).to_owned()));
    let mut text = String::new();
    for piece in pieces {
        if let Some(stop) = assembler.push(piece, &mut text) {
            let stop = stop.to_owned();
            return (text, Some(stop));
        }
    }
    assembler.finish(&mut text);
    (text, None)
}

#[test]
fn a_character_comes_when_its_last_byte_does() {
    let mut assembler = Assembler::new([]);
    let mut text = String::new();
    assembler.push(&"€".as_bytes()[..2], &mut text);
    assert_eq!(text, "");
    assembler.push(&"€".as_bytes()[2..], &mut text);
    assert_eq!(text, "€");
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    assert_eq!(assemble(&[b"a\xff", b"b\xe2\x82"], &[]).0, "a\u{fffd}b\u{fffd}");
}

#[test]
fn a_stop_sequence_across_tokens_never_leaks() {
    let mut assembler = Assembler::new(["END".to_owned()]);
    let mut text = String::new();
    assert_eq!(assembler.push(b"one E", &mut text), None);
    assert_eq!(text, "one ");
    assert_eq!(assembler.push(b"N", &mut text), None);
    assert_eq!(assembler.push(b"D two", &mut text), Some("END"));
    assert_eq!(text, "one ");
}

#[test]
fn a_beginning_that_is_no_stop_sequence_is_released() {
    assert_eq!(assemble(&[b"E", b"N", b"T"], &["END"]), ("ENT".to_owned(), None));
    assert_eq!(assemble(&[b"E", b"N"], &["END"]), ("EN".to_owned(), None));
}

#[test]
fn the_stop_sequence_that_ends_first_cuts() {
    assert_eq!(assemble(&[b"xabc"], &["abc", "b"]), ("xa".to_owned(), Some("b".to_owned())));
    assert_eq!(assemble(&[b"xab"], &["b", "ab", ""]), ("x".to_owned(), Some("ab".to_owned())));
}

/// What streaming must give: the text up to the stop sequence that ends first.
fn whole(bytes: &[u8], stops: &[String]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let cuts = stops.iter().filter(|stop| !stop.is_empty());
    let cuts = cuts.filter_map(|stop| text.find(stop.as_str()).map(|start| (start + stop.len(), start)));
    cuts.min().map_or(text.clone(), |(_, start)| text[..start].to_owned())
}

proptest! {
    #[test]
    fn streaming_and_whole_give_the_same_text(
        bytes in prop_oneof!["[ab€]{0,40}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
        stops in prop::collection::vec("[ab€]{0,4}", 0..3),
        cuts in prop::collection::vec(1..5_usize, 1..50),
    ) {
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, others) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = others;
        }
        let stop_texts: Vec<&str> = stops.iter().map(String::as_str).collect();
        prop_assert_eq!(assemble(&pieces, &stop_texts).0, whole(&bytes, &stops));
    }
}
