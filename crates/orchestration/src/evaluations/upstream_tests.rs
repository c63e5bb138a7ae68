use models::TopLogprob;

use super::*;

/// A token with what might have been in its place, itself included, and how probable each was.
fn token(text: &str, top: &[(&str, f32)]) -> TokenLogprob {
    let one = |(text, probability): &(&str, f32)| TopLogprob {
        token: (*text).to_owned(),
        bytes: text.as_bytes().to_vec(),
        logprob: probability.ln(),
    };
    let own = top.iter().find(|(other, _)| *other == text).map(|(_, probability)| probability.ln());
    TokenLogprob {
        id: None,
        token: text.to_owned(),
        bytes: text.as_bytes().to_vec(),
        logprob: own.or(Some(0.0)),
        top: top.iter().map(one).collect(),
    }
}

fn told(labels: &[&str], label: &str, tokens: &[TokenLogprob]) -> Option<Choice> {
    let text: String = tokens.iter().map(|token| token.token.as_str()).collect();
    let chosen = written(&text, labels).unwrap();
    assert_eq!(labels[chosen], label);
    Choice::told(labels, chosen, &text, tokens)
}

fn near(choice: &Choice, shares: &[f64], open: &[(&[usize], f64)]) {
    let alike = |one: f64, other: f64| (one - other).abs() < 1e-6;
    assert!(choice.shares.iter().zip(shares).all(|(one, other)| alike(*one, *other)), "{choice:?}");
    assert_eq!(choice.open.len(), open.len(), "{choice:?}");
    assert!(
        choice.open.iter().zip(open).all(|((some, part), (to, wanted))| some == to && alike(*part, *wanted)),
        "{choice:?}"
    );
}

const FIVE: [&str; 5] = ["Not at all", "Not generally", "Neutral/Mixed", "Generally yes", "Yes"];

#[test]
fn labels_are_as_probable_as_the_tokens_that_lead_to_them_alone() {
    // What leads to no label counts nowhere, nor what might have stood before it.
    let tokens = [
        token("{\"", &[("{\"", 0.6), ("{ ", 0.4)]),
        token("answer", &[("answer", 1.0)]),
        token("\": \"", &[("\": \"", 1.0)]),
        token("Yes", &[("Yes", 0.6), ("No", 0.2), ("Sure", 0.2)]),
        token("\"}", &[("\"}", 1.0)]),
    ];
    near(&told(&["No", "Yes"], "Yes", &tokens).unwrap(), &[0.25, 0.75], &[]);
}

#[test]
fn what_several_labels_begin_with_is_open_among_them() {
    let head = token("{\"answer\":\"", &[("{\"answer\":\"", 1.0)]);
    let tokens =
        [head.clone(), token("Yes", &[("Yes", 0.5), ("Not", 0.4), ("Ne", 0.1)]), token("\"}", &[("\"}", 1.0)])];
    near(&told(&FIVE, "Yes", &tokens).unwrap(), &[0.0, 0.0, 0.1, 0.0, 0.5], &[(&[0, 1], 0.4)]);
    // The same in two spellings is one question; what says nothing, or too little, is none.
    let spellings = [("Yes", 0.5), ("No", 0.15), ("Not", 0.25), ("N", 0.1)];
    let tokens = [head.clone(), token("Yes", &spellings), token("\"}", &[("\"}", 1.0)])];
    near(&told(&FIVE, "Yes", &tokens).unwrap(), &[0.0, 0.0, 0.0, 0.0, 0.5], &[(&[0, 1], 0.4), (&[0, 1, 2], 0.1)]);
    let tokens = [head.clone(), token("Yes", &[("Yes", 0.995), ("Not", 0.005)]), token("\"}", &[("\"}", 1.0)])];
    near(&told(&FIVE, "Yes", &tokens).unwrap(), &[0.0, 0.0, 0.0, 0.0, 1.0], &[]);
    // On the way itself nothing is open.
    let tokens = [
        head,
        token("Not", &[("Not", 0.8), ("Yes", 0.2)]),
        token(" generally", &[(" generally", 0.75), (" at", 0.25)]),
        token("\"}", &[("\"}", 1.0)]),
    ];
    near(&told(&FIVE, "Not generally", &tokens).unwrap(), &[0.2, 0.6, 0.0, 0.0, 0.2], &[]);
}

#[test]
fn a_label_that_begins_another_is_told_apart_by_its_end() {
    let labels = ["No", "Yes", "Not applicable"];
    let tokens = [
        token("{\"answer\":\"", &[("{\"answer\":\"", 1.0)]),
        token("No", &[("No", 0.9), ("Yes", 0.1)]),
        token("\"}", &[("\"}", 0.5), ("\"", 0.25), ("t", 0.25)]),
    ];
    near(&told(&labels, "No", &tokens).unwrap(), &[0.675, 0.1, 0.225], &[]);
}

#[test]
fn tokens_that_tell_nothing_or_are_others_are_not_read() {
    let labels = ["No", "Yes"];
    let [head, yes, end] = ["{\"answer\":\"", "Yes", "\"}"].map(|text| token(text, &[(text, 1.0)]));
    assert!(told(&labels, "Yes", &[head.clone(), yes.clone(), end.clone()]).is_some());
    let bare = TokenLogprob { top: Vec::new(), ..yes.clone() };
    assert_eq!(told(&labels, "Yes", &[head.clone(), bare, end]), None);
    let text = "{\"answer\":\"Yes\"}";
    for tokens in [
        &[][..],
        std::slice::from_ref(&head),
        &[yes.clone(), head.clone()],
        &[head.clone(), TokenLogprob { logprob: None, ..yes }],
    ] {
        assert_eq!(Choice::told(&labels, 1, text, tokens), None, "{tokens:?}");
    }
    // Written otherwise than it is spelled here.
    let escaped = "{\"answer\":\"\\u0059es\"}";
    assert_eq!(written(escaped, &labels), Some(1));
    assert_eq!(Choice::told(&labels, 1, escaped, &[token(escaped, &[(escaped, 1.0)])]), None);
    assert_eq!(Choice::certain(2, 1).shares, [0.0, 1.0]);
}

#[test]
fn only_a_label_alone_is_read() {
    let labels = ["No", "Yes"];
    assert_eq!(written("\n{ \"answer\" : \"Yes\" }", &labels), Some(1));
    assert_eq!(label_start("\n{ \"answer\" : \"Yes\" }"), Some(15));
    for text in [
        "Yes",
        "{\"answer\":\"yes\"}",
        "{\"answer\":\"Maybe\"}",
        "{\"answer\":1}",
        "{\"verdict\":\"Yes\"}",
        "[\"Yes\"]",
        "",
    ] {
        assert_eq!(written(text, &labels), None, "{text}");
    }
    assert_eq!(unreadable(" \n", false).message, "It answered nothing.");
    assert_eq!(
        unreadable("{", true).message,
        "It answered none of the labels that it was held to: `{`. The answer was cut off."
    );
    let long = unreadable(&"x".repeat(500), false).message;
    assert!(long.ends_with("x…`.") && long.chars().count() < 300, "{long}");
}

#[test]
fn verdicts_of_the_form_before_are_not_gone_on_with() {
    let score = |judged_by: Option<&str>| Score {
        judged_by: judged_by.map(str::to_owned),
        margin: Some(1.0),
        ..Score::default()
    };
    let now = with_form("http://h/v1 m");
    assert!(is_of_this_form(&score(Some(now.as_str())), true) && is_of_this_form(&score(Some("tiny 1")), true));
    for before in [None, Some("http://h/v1 m graded:1")] {
        assert!(!is_of_this_form(&score(before), true), "{before:?}");
        assert!(is_of_this_form(&score(before), false), "of a judge of this server");
        assert!(is_of_this_form(&Score { margin: None, ..score(before) }, true), "no choice among labels");
    }
}

#[test]
fn models_of_other_servers_are_elsewhere() {
    let remote = || Target::Remote { base_url: "http://h/v1".to_owned(), model: "m".to_owned(), api_key: None };
    let local = || Target::Local { name: "tiny".to_owned() };
    let leg = |target| models::Leg { region: "r".to_owned(), weight: 1, target };
    let routed = |legs| Target::Routed { profile: "p".to_owned(), weighted: false, legs };
    assert!(is_elsewhere(&remote()) && is_elsewhere(&Target::Pool { name: "p".to_owned() }));
    assert!(!is_elsewhere(&local()) && !is_elsewhere(&routed(vec![leg(local())])));
    assert!(is_elsewhere(&routed(vec![leg(local()), leg(remote())])));
}
