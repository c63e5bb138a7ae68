use base::ErrorKind;
use proptest::prelude::*;

use super::*;

#[test]
fn placeholders_become_their_values_once() {
    let values =
        Values { search_results: "costs $query$", query: "how much?", current_time: "now", ..Values::default() };
    assert_eq!(
        render("$current_time$: $search_results$ / $query$ / $5 and $x$", values),
        "now: costs $query$ / how much? / $5 and $x$"
    );
    assert_eq!(render("a $ b $query$", values), "a $ b how much?");
    assert_eq!(render("$$query$", values), "$how much?");
}

#[test]
fn a_template_without_what_it_needs_is_refused() {
    let error = check("Answer: $query$", "generation", &["search_results"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("`$search_results$`"), "{error:?}");
    assert!(check(&"$search_results$".repeat(300), "generation", &["search_results"]).is_err());
    check(ANSWER, "generation", &["search_results", "output_format_instructions"]).unwrap();
    check(QUERIES, "orchestration", &["conversation_history", "output_format_instructions"]).unwrap();
}

#[test]
fn passages_are_numbered_from_one() {
    assert_eq!(numbered(["a\n", "b"]), "[1] a\n\n[2] b");
}

#[test]
fn the_time_is_told_to_the_minute() {
    assert_eq!(time(Timestamp(1_800_000_000_000)), "2027-01-15 08:00 UTC");
}

proptest! {
    #[test]
    fn text_without_placeholders_is_kept(text in "[a-z $]{0,60}") {
        let free = !["query", "search_results", "current_time"].iter().any(|name| has(&text, name));
        if free {
            prop_assert_eq!(render(&text, Values::default()), text);
        }
    }
}
