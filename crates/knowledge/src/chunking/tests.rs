use proptest::prelude::*;

use super::*;

/// Words and marks as tokens.
fn tokens(text: &str) -> Tokens {
    let (mut spans, mut start) = (Vec::new(), None);
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        if character.is_whitespace() {
            spans.extend(start.take().map(|start: usize| start..at));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    Tokens::new(text, &spans)
}

/// Each line is a region, and a line of dashes begins a page.
fn regions(text: &str) -> Vec<Region> {
    let (mut found, mut at, mut page) = (Vec::new(), 0, 1);
    for line in text.split_inclusive('\n') {
        page += u32::from(line.starts_with("---"));
        if !line.trim().is_empty() {
            found.push(Region { span: at..at + line.trim_end().len(), page: Some(page) });
        }
        at += line.len();
    }
    found
}

fn vectors(groups: &[(Range<usize>, usize)], text: &str) -> Vec<Vec<f32>> {
    let vector = |span: &Range<usize>| {
        let count = |wanted: char| text[span.clone()].chars().filter(|found| *found == wanted).count() as f32;
        vec![1.0, count('a'), count('b'), count('c')]
    };
    groups.iter().map(|(span, _)| vector(span)).collect()
}

fn chunk(text: &str, chunking: Option<&Chunking>) -> Vec<Cut> {
    match plan(text, &regions(text), &tokens(text), chunking) {
        Plan::Cuts(cuts) => cuts,
        Plan::Groups(grouping) => grouping.cuts(&vectors(&grouping.groups(), text)),
    }
}

fn texts(text: &str, chunking: &Chunking) -> Vec<String> {
    chunk(text, Some(chunking)).into_iter().map(|cut| text[cut.span].trim().to_owned()).collect()
}

#[test]
fn chunks_end_with_sentences_and_repeat_the_last_ones() {
    let text = "One two three. Four five. Six seven eight nine. Ten.";
    let fixed = |max_tokens, overlap_percentage| Chunking::Fixed { max_tokens, overlap_percentage };
    assert_eq!(texts(text, &fixed(6, 1)), ["One two three. Four five.", "Six seven eight nine. Ten."]);
    assert_eq!(
        texts(text, &fixed(6, 34)),
        ["One two three. Four five.", "Four five. Six seven eight nine.", "Ten."],
        "an overlap is whole sentences, as many as it has room for"
    );
}

#[test]
fn a_sentence_that_is_too_long_is_cut_between_words() {
    let fixed = Chunking::Fixed { max_tokens: 4, overlap_percentage: 1 };
    assert_eq!(texts("One two three four five six seven.", &fixed), ["One two three four", "five six seven."]);
}

#[test]
fn a_word_of_40_000_characters_is_cut_into_chunks_of_a_size() {
    let text = "é".repeat(40_000);
    let cuts = chunk(&text, None);
    let longest = cuts.iter().map(|cut| cut.span.len()).max().unwrap();
    assert!(cuts.len() > 3 && longest <= 300 * 66, "{} chunks, the longest has {longest} bytes", cuts.len());
}

#[test]
fn no_chunk_crosses_pages_unless_the_document_is_one() {
    let text = "First page.\n---\nSecond page.\nIts end.";
    let pages: Vec<_> = chunk(text, None).into_iter().map(|cut| (cut.page, text[cut.span].to_owned())).collect();
    let second = "---\nSecond page.\nIts end.".to_owned();
    assert_eq!(pages, [(Some(1), "First page.\n".to_owned()), (Some(2), second)]);
    let whole = chunk(text, Some(&Chunking::None));
    assert_eq!((whole.len(), whole[0].page, whole[0].span.clone()), (1, None, 0..text.len()));
}

#[test]
fn children_make_their_parent() {
    let chunking = Chunking::Hierarchical { parent_tokens: 6, child_tokens: 3, overlap_tokens: 1 };
    let cuts = chunk("One two three. Four. Five six. Seven eight nine. Ten.", Some(&chunking));
    let parents: Vec<_> = cuts.iter().map(|cut| cut.parent.clone().unwrap()).collect();
    assert!(parents.iter().zip(0..).all(|(parent, number)| parent.contains(&number)), "{parents:?}");
    assert!(parents.last().unwrap().start > 0, "{parents:?}");
}

#[test]
fn a_chunk_ends_where_the_text_turns_to_something_else() {
    let chunking = Chunking::Semantic { max_tokens: 100, buffer_size: 0, breakpoint_percentile: 80 };
    let text = "Aa aaa. Aaa aa. Aaaa a. Bb bbb. Bbb bb. Bbb bb.";
    assert_eq!(texts(text, &chunking), ["Aa aaa. Aaa aa. Aaaa a.", "Bb bbb. Bbb bb. Bbb bb."]);
}

#[test]
fn a_blank_text_has_no_chunks() {
    assert!(chunk(" \n\t ", None).is_empty());
    assert!(chunk("", Some(&Chunking::None)).is_empty());
}

#[test]
fn levels_that_make_no_hierarchy_are_refused() {
    let levels = |parent_tokens, child_tokens, overlap_tokens| {
        Chunking::Hierarchical { parent_tokens, child_tokens, overlap_tokens }.check()
    };
    assert!(levels(300, 100, 20).is_ok());
    assert!(levels(100, 100, 20).unwrap_err().message.contains("`100`"));
    assert!(levels(300, 100, 100).unwrap_err().message.contains("`overlapTokens`"));
}

fn any_chunking() -> impl Strategy<Value = Option<Chunking>> {
    let fixed = (1usize..30, 1usize..99)
        .prop_map(|(max_tokens, overlap_percentage)| Some(Chunking::Fixed { max_tokens, overlap_percentage }));
    let hierarchical = (1usize..15, 1usize..30).prop_flat_map(|(child_tokens, more)| {
        (0..child_tokens).prop_map(move |overlap_tokens| {
            Some(Chunking::Hierarchical { parent_tokens: child_tokens + more, child_tokens, overlap_tokens })
        })
    });
    let semantic = (1usize..30, 0usize..2, 50u32..100).prop_map(|(max_tokens, buffer_size, breakpoint_percentile)| {
        Some(Chunking::Semantic { max_tokens, buffer_size, breakpoint_percentile })
    });
    prop_oneof![Just(None), Just(Some(Chunking::None)), fixed, hierarchical, semantic]
}

fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        9 => "[abcé]{1,12}[.!?]?[ ]{1,2}",
        3 => Just("\n".to_owned()),
        1 => Just("\n---\n".to_owned()),
        1 => "[x語🎈]{0,90}",
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(word, 0..120).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn chunks_cover_the_text_in_order_within_their_size(text in any_text(), chunking in any_chunking()) {
        let cuts = chunk(&text, chunking.as_ref());
        prop_assert_eq!(cuts.is_empty(), text.trim().is_empty());
        let tokens = tokens(&text);
        let max = match chunking {
            None => DEFAULT_TOKENS,
            Some(Chunking::None) => usize::MAX,
            Some(Chunking::Fixed { max_tokens, .. } | Chunking::Semantic { max_tokens, .. }) => max_tokens,
            Some(Chunking::Hierarchical { child_tokens, .. }) => child_tokens,
        };
        let mut covered = 0;
        for (number, cut) in cuts.iter().enumerate() {
            prop_assert!(cut.span.start <= covered && cut.span.end > covered || cut.parent.is_some(), "{:?}", cuts);
            covered = covered.max(cut.span.end);
            prop_assert!(!text[cut.span.clone()].trim().is_empty(), "the chunk {} is blank", number);
            prop_assert_eq!(cut.tokens, tokens.within(&cut.span));
            prop_assert!(cut.tokens <= max, "{} tokens", cut.tokens);
            if let Some(siblings) = &cut.parent {
                prop_assert!(siblings.contains(&number) && siblings.end <= cuts.len());
                let whole = cuts[siblings.start].span.start..cuts[siblings.end - 1].span.end;
                let Some(Chunking::Hierarchical { parent_tokens, .. }) = chunking else { unreachable!() };
                prop_assert!(tokens.within(&whole) <= parent_tokens);
            }
        }
        prop_assert_eq!(covered, if cuts.is_empty() { 0 } else { text.len() });
        prop_assert_eq!(cuts.first().map_or(0, |cut| cut.span.start), 0);
    }

    #[test]
    fn whole_sentences_are_never_cut_where_they_fit(text in "([abc]{1,5} ){1,6}", times in 1usize..20) {
        let sentence = format!("{}!", text.trim_end());
        let long = format!("{sentence} ").repeat(times);
        let fixed = Chunking::Fixed { max_tokens: 8, overlap_percentage: 30 };
        for cut in chunk(&long, Some(&fixed)) {
            prop_assert!(long[cut.span.clone()].trim_end().ends_with('!'));
        }
    }
}
