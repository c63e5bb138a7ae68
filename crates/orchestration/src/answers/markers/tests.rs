use proptest::prelude::*;

use super::*;

/// The text without markers, and what each marker names at which place of it.
fn read(pieces: &[&str], results: usize) -> (String, Vec<(usize, Vec<usize>)>) {
    let (mut text, mut marks) = (String::new(), Vec::new());
    let mut markers = Markers::new(results);
    let mut settled: Vec<Piece> = pieces.iter().flat_map(|piece| markers.push(piece)).collect();
    settled.extend(markers.finish());
    for piece in settled {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Mark(results) => marks.push((text.len(), results)),
        }
    }
    (text, marks)
}

#[test]
fn markers_are_taken_out_with_the_space_before_them() {
    let (text, marks) = read(&["Five days [1]. It is free [2, 3][1] today."], 3);
    assert_eq!(text, "Five days. It is free today.");
    assert_eq!(marks, [(9, vec![0]), (21, vec![1, 2]), (21, vec![0])]);
}

#[test]
fn what_is_no_marker_stays() {
    for text in [
        "Form [B] is due.",
        "Since [2024] it is [4].",
        "a [1",
        "a [",
        "ends with space ",
        "[see the long list of the forms that are due in May]",
    ] {
        assert_eq!(read(&[text], 3), (text.to_owned(), vec![]), "{text}");
    }
}

proptest! {
    #[test]
    fn however_a_text_is_cut_it_reads_alike(text in "([a-c .\n\\[\\],ä]|\\[[0-9]\\]){0,40}", cuts in prop::collection::vec(0usize..40, 0..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|at| text.is_char_boundary(*at)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces, 5), read(&[&text], 5));
    }

    #[test]
    fn a_text_without_brackets_is_not_changed(text in "[a-c .\n,]{0,80}") {
        prop_assert_eq!(read(&[&text], 5).0, text);
    }
}
