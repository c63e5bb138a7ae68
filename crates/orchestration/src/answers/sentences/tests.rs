use proptest::prelude::*;

use super::*;

fn split(text: &str) -> Vec<&str> {
    sentences(text).into_iter().map(|span| &text[span]).collect()
}

#[test]
fn sentences_end_where_readers_think_that_they_do() {
    assert_eq!(
        split("Refunds take 5 days. Late fees are $3.50 a day! Why?"),
        ["Refunds take 5 days.", "Late fees are $3.50 a day!", "Why?"]
    );
    assert_eq!(
        split("Ask Dr. Ruiz. See e.g. Form B-12, p. 4. Done."),
        ["Ask Dr. Ruiz.", "See e.g. Form B-12, p. 4.", "Done."]
    );
    assert_eq!(split("J. Smith signs. So do I. Nobody else."), ["J. Smith signs.", "So do I.", "Nobody else."]);
    assert_eq!(split("1. Return the key. 2. Sign."), ["1. Return the key.", "2. Sign."]);
    assert_eq!(split("退款需要五天。请保留收据。"), ["退款需要五天。", "请保留收据。"]);
    assert_eq!(split(""), Vec::<&str>::new());
    assert_eq!(split(" \n "), Vec::<&str>::new());
}

#[test]
fn wrapped_lines_are_joined_and_blocks_are_not() {
    assert_eq!(
        split("A deposit is held\nuntil the car is back.\nThen it is freed."),
        ["A deposit is held\nuntil the car is back.", "Then it is freed."]
    );
    let text = "## Fees\nA fee of 10 is due\n\n- late return\n- lost key\n| day | fee |\n| 1 | 10 |\n1) pay\n2) go";
    assert_eq!(
        split(text),
        [
            "## Fees",
            "A fee of 10 is due",
            "- late return",
            "- lost key",
            "| day | fee |",
            "| 1 | 10 |",
            "1) pay",
            "2) go"
        ]
    );
}

proptest! {
    #[test]
    fn sentences_are_in_order_and_have_every_letter(text in "([a-zA-Zäß。字 .!?\n|#-]|Dr\\. |1\\. ){0,60}") {
        let found = sentences(&text);
        let mut at = 0;
        for span in &found {
            prop_assert!(span.start >= at && span.end > span.start && span.end <= text.len());
            prop_assert!(text[at..span.start].trim().is_empty());
            prop_assert_eq!(text[span.clone()].trim(), &text[span.clone()]);
            at = span.end;
        }
        prop_assert!(text[at..].trim().is_empty());
    }
}
