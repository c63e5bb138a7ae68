use proptest::prelude::*;

use super::*;
use crate::Limits;

fn read(text: &str) -> Extracted {
    extract(text.as_bytes(), None, &Budget::new(&Limits::default())).unwrap()
}

fn blocks(extracted: &Extracted) -> Vec<(BlockKind, &str)> {
    extracted.blocks.iter().map(|block| (block.kind, &extracted.text[block.span.clone()])).collect()
}

#[test]
fn the_text_stays_and_its_structure_is_read() {
    let source = "---\ntitle: \"Leave\"\n---\n\n# Heading #\n\nA paragraph\nof two lines.\n\n- one\n  - inner\n- two\n\n1. first\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```sh\nrun\n```\n";
    let extracted = read(source);
    assert_eq!(extracted.text, source);
    assert_eq!(extracted.title.as_deref(), Some("Leave"));
    assert_eq!(
        blocks(&extracted),
        [
            (BlockKind::Code, "---\ntitle: \"Leave\"\n---"),
            (BlockKind::Heading(1), "# Heading #"),
            (BlockKind::Paragraph, "A paragraph\nof two lines."),
            (BlockKind::ListItem, "- one"),
            (BlockKind::ListItem, "- inner"),
            (BlockKind::ListItem, "- two"),
            (BlockKind::ListItem, "1. first"),
            (BlockKind::Table, "| a | b |\n| --- | --- |\n| 1 | 2 |"),
            (BlockKind::Code, "```sh\nrun\n```"),
        ]
    );
}

#[test]
fn the_first_heading_is_the_title_where_no_metadata_names_one() {
    assert_eq!(read("Text.\n\n# The *title* #\n\n# Another\n").title.as_deref(), Some("The *title*"));
}

proptest! {
    #[test]
    fn any_markdown_has_sound_blocks(pieces in prop::collection::vec(prop_oneof![
        Just("# a\n"), Just("- b\n"), Just("  - c\n"), Just("> d\n"), Just("\n"), Just("| e | f |\n| - | - |\n"),
        Just("```\n"), Just("    g\n"), Just("[^1]: h\n"), Just("1) i\n"), Just("---\n"), Just("<div>\n"), Just("ä *j*\n"),
    ], 1..40)) {
        let source = pieces.concat();
        if let Ok(extracted) = extract(source.as_bytes(), None, &Budget::new(&Limits::default())) {
            prop_assert!(extracted.is_sound(), "{:?}", extracted.blocks);
            prop_assert_eq!(extracted.text, source);
        }
    }
}
