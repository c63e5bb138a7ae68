use proptest::prelude::*;

use super::*;
use crate::Limits;

fn kind() -> impl Strategy<Value = BlockKind> {
    prop_oneof![
        (1_u8..7).prop_map(BlockKind::Heading),
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::Table),
        Just(BlockKind::Code),
        Just(BlockKind::Row),
    ]
}

proptest! {
    #[test]
    fn blocks_of_any_text_are_in_order_and_on_characters(blocks in prop::collection::vec((kind(), any::<String>()), 0..20)) {
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let mut output = Output::new(&budget);
        for (kind, text) in &blocks {
            output.block(*kind, text).unwrap();
        }
        match output.finish(Format::Html) {
            Ok(extracted) => {
                prop_assert!(extracted.is_sound());
                let spans: usize = extracted.blocks.iter().map(|block| block.span.len()).sum();
                let between = extracted.text.len() - spans;
                prop_assert!(between <= 2 * extracted.blocks.len(), "only line breaks stand between blocks");
            }
            Err(error) => prop_assert!(matches!(error, Error::NoText { .. }), "{}", error),
        }
    }
}

#[test]
fn rows_follow_each_other_and_paragraphs_stand_apart() {
    let limits = Limits::default();
    let budget = Budget::new(&limits);
    let mut output = Output::new(&budget);
    for (kind, text) in [
        (BlockKind::Paragraph, "a"),
        (BlockKind::Row, "b"),
        (BlockKind::Row, "c"),
        (BlockKind::Paragraph, " d\r\ne\0 "),
    ] {
        output.block(kind, text).unwrap();
    }
    let extracted = output.finish(Format::Text).unwrap();
    assert_eq!(extracted.text, "a\n\nb\nc\n\nd\ne");
    assert_eq!(extracted.blocks[3].span, 8..11);
}

#[test]
fn a_text_longer_than_the_limit_is_refused() {
    let limits = Limits { text_bytes: 10, ..Limits::default() };
    let budget = Budget::new(&limits);
    let mut output = Output::new(&budget);
    output.block(BlockKind::Row, "12345").unwrap();
    assert_eq!(output.block(BlockKind::Row, "6789"), Err(Error::TooMuchText { limit: 10 }));
}

#[test]
fn no_time_left_is_said() {
    let limits = Limits { time: std::time::Duration::ZERO, ..Limits::default() };
    let budget = Budget::new(&limits);
    assert_eq!(Output::new(&budget).block(BlockKind::Row, "a"), Err(Error::TooSlow { seconds: 0 }));
}

#[test]
fn what_is_not_seen_is_cleaned_away() {
    assert_eq!(clean("a\u{a0}b\u{ad}c\u{feff}\u{7}d\u{b}e"), "a bcd\ne");
}
