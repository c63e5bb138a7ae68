use proptest::prelude::*;
use search::analysis::Language;

use super::*;

const PASSAGES: [&str; 2] = [
    "Refunds are made within 14 days. The card that paid is credited.",
    "Late returns cost 20 euros a day. Keys cost 90 euros.",
];

/// What is told of an answer that comes in these pieces, and the text with citations at the end.
fn drafted(pieces: &[&str], gives_unsupported: bool) -> (Vec<AnswerEvent>, String, Vec<Citation>) {
    let mut draft =
        Draft::new(PASSAGES.iter().map(|text| Source::read(text, Language::English)).collect(), gives_unsupported);
    let mut events: Vec<AnswerEvent> = pieces.iter().flat_map(|piece| draft.push(piece)).collect();
    events.extend(draft.finish());
    let (text, citations) = draft.into_parts();
    (events, text, citations)
}

fn told(events: &[AnswerEvent]) -> (String, Vec<Citation>) {
    let (mut text, mut citations) = (String::new(), Vec::new());
    for event in events {
        match event {
            AnswerEvent::Text(more) => text.push_str(more),
            AnswerEvent::Citation(citation) => {
                assert!(citation.span.end <= text.len(), "a citation comes after its text");
                citations.push(citation.clone());
            }
            AnswerEvent::Finished(_) => panic!("a draft does not finish"),
        }
    }
    (text, citations)
}

#[test]
fn each_sentence_cites_what_says_it() {
    let (events, text, citations) =
        drafted(&[" Refunds are made within 14 days [1]. Late returns", " cost 20 euros a day.", " [2]\n"], false);
    assert_eq!(text, "Refunds are made within 14 days. Late returns cost 20 euros a day.");
    assert_eq!(told(&events), (text.clone(), citations.clone()));
    let cited: Vec<(&str, &str)> = citations
        .iter()
        .map(|citation| {
            (
                &text[citation.span.clone()],
                &PASSAGES[citation.references[0].passage][citation.references[0].span.clone()],
            )
        })
        .collect();
    assert_eq!(
        cited,
        [
            ("Refunds are made within 14 days.", "Refunds are made within 14 days."),
            ("Late returns cost 20 euros a day.", "Late returns cost 20 euros a day."),
        ]
    );
}

#[test]
fn a_model_that_cites_nothing_is_cited_and_one_that_cites_wrongly_is_not() {
    assert_eq!(drafted(&["Refunds are made within 14 days."], false).2.len(), 1);
    let (_, text, citations) = drafted(&["Refunds are made within 30 days [1]. Pets are welcome [2]."], false);
    assert_eq!((text.as_str(), citations.len()), ("Refunds are made within 30 days. Pets are welcome.", 0));
}

#[test]
fn text_is_given_from_the_first_supported_sentence_on() {
    let (events, text, _) = drafted(&["Let me see. ", "Keys cost 90 euros. ", "Anything else?"], false);
    assert_eq!(told(&events).0, text);
    let mut draft = Draft::new(PASSAGES.iter().map(|text| Source::read(text, Language::English)).collect(), false);
    assert_eq!(draft.push("Let me see. I think "), []);
    assert_eq!(draft.finish(), []);
    assert!(!draft.is_supported());
    let mut draft = Draft::new(Vec::new(), true);
    assert_eq!(draft.push("Let me see"), [AnswerEvent::Text("Let me see".to_owned())]);
}

proptest! {
    #[test]
    fn spans_are_exact_however_the_text_comes(
        parts in prop::collection::vec(
            prop_oneof![
                Just("Refunds are made within 14 days"), Just("Keys cost 90 euros"), Just("Ünknown wörds 字"), Just(". "), Just(" [1]"),
                Just(" [2, 1]"), Just("\n"), Just(" "), Just("[9]"), Just("."),
            ],
            0..14,
        ),
        gives_unsupported: bool,
    ) {
        let (events, text, citations) = drafted(&parts, gives_unsupported);
        let (told_text, told_citations) = told(&events);
        prop_assert_eq!(&told_citations, &citations);
        prop_assert_eq!(text.trim(), &text);
        if gives_unsupported || !citations.is_empty() {
            prop_assert_eq!(told_text.trim_end(), &text);
        } else {
            prop_assert_eq!(told_text, "");
        }
        let mut at = 0;
        for citation in citations {
            prop_assert!(citation.span.start >= at);
            at = citation.span.end;
            prop_assert!(text.get(citation.span).is_some_and(|part| !part.is_empty()));
            for reference in citation.references {
                prop_assert!(PASSAGES[reference.passage].get(reference.span).is_some_and(|part| !part.is_empty()));
            }
        }
    }
}
