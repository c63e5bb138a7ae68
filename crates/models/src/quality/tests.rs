use std::collections::HashSet;

use base::ErrorKind;
use checkpoint::FileType;

use super::*;

fn reading(logprob: f32, likeliest: u32) -> Reading {
    Reading { token: 0, logprob, likeliest }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 5e-5
}

#[test]
fn shares_have_wilsons_interval() {
    // The last two: R. G. Newcombe, Two-sided confidence intervals for the single proportion, Stat. Med. 17, 1998, table I.
    for (agreed, of, low, high) in [
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
    ] {
        let share = Share::of(agreed, of);
        assert!(near(share.low, low) && near(share.high, high), "{share:?}");
        assert!(share.low <= share.share && share.share <= share.high);
    }
    assert_eq!((Share::of(0, 0).low, Share::of(0, 0).high), (0.0, 1.0));
    assert_eq!(Share::of(2000, 2000).high, 1.0);
}

#[test]
fn the_ratio_of_perplexities_has_the_interval_of_paired_differences() {
    // The mean is 0.02 and the standard error 0.01.
    let ratio = Ratio::of(&[0.01, 0.03]);
    assert!(near(ratio.ratio, 0.02_f64.exp()), "{ratio:?}");
    assert!(
        near(ratio.low, (0.02_f64 - 1.959_964 * 0.01).exp()) && near(ratio.high, (0.02_f64 + 1.959_964 * 0.01).exp())
    );
    let same = Ratio::of(&[0.0; 50]);
    assert_eq!((same.ratio, same.low, same.high), (1.0, 1.0, 1.0));
    assert_eq!((Ratio::of(&[0.1]).low, Ratio::of(&[]).high), (0.0, f64::MAX));
}

#[test]
fn the_perplexity_of_even_odds_is_the_number_of_choices() {
    let even = reading(-(8_f32.ln()), 0);
    assert!((perplexity(&[even, even, even]).unwrap() - 8.0).abs() < 1e-5);
    assert!(perplexity(&[even, reading(f32::NAN, 0)]).is_err());
}

#[test]
fn a_small_context_reads_the_beginning_of_the_text_and_the_tasks_that_fit() {
    assert_eq!(beginning(98), &TEXT[..98]);
    assert_eq!(beginning(0), "");
    let mut small = Trials::new(None);
    assert!(small.cut(100) && !small.cut(100));
    assert_eq!(small.passages()[0].endings, [&TEXT[..98]]);
    assert!(small.len() < fixed_tasks().len() && small.tasks.iter().all(|task| task.longest() <= 98));
    let whole = Trials::new(None);
    assert_eq!((Trials::brief().len(), Trials::text().len()), (121, 1));
    assert_eq!((whole.len(), whole.passages()[0].endings[0].as_str()), (fixed_tasks().len() + 1, TEXT));
}

#[test]
fn the_likeliest_ending_is_the_label_and_of_equals_the_first() {
    let ending = |logprobs: &[f32]| logprobs.iter().map(|logprob| reading(*logprob, 0)).collect::<Vec<_>>();
    assert_eq!(likeliest(&[ending(&[-2.0]), ending(&[-0.5, -0.5]), ending(&[-1.5])]), 1);
    assert_eq!(likeliest(&[ending(&[-1.0]), ending(&[-1.0])]), 0);
}

fn compared(labels: [usize; 4]) -> Comparison {
    let own = (0..4).map(|_| LabelTask { text: "t".to_owned(), labels: vec!["a".to_owned(), "b".to_owned()] });
    let trials = Trials::new(Some(own.collect()));
    let model = |logprob: f32, likeliest: [u32; 2], labels: [usize; 4]| {
        let text = likeliest.map(|likeliest| reading(logprob, likeliest));
        let label = |label: usize| {
            let order = if label == 0 { [-1.0, -2.0] } else { [-2.0, -1.0] };
            order.map(|logprob| vec![reading(logprob, 0)]).to_vec()
        };
        let readings = std::iter::once(vec![text.to_vec()]).chain(labels.map(label)).collect();
        trials.read(readings).unwrap()
    };
    model(-1.0, [3, 4], [0, 1, 0, 1]).compare(&model(-1.1, [3, 5], labels), &trials).unwrap()
}

#[test]
fn two_models_are_compared_token_by_token_and_task_by_task() {
    let comparison = compared([0, 1, 1, 1]);
    assert_eq!((comparison.tokens, comparison.tasks.as_str()), (2, OWN_TASKS));
    assert_eq!((comparison.argmax, comparison.labels), (Share::of(1, 2), Share::of(3, 4)));
    assert!(near(comparison.perplexity.ratio, 0.1_f64.exp()));
    assert!(near(comparison.perplexity_after / comparison.perplexity_before, comparison.perplexity.ratio));
}

#[test]
fn a_bound_holds_only_at_the_pessimistic_end() {
    let all = compared([0, 1, 0, 1]);
    // All four agree, and yet so few do not prove 0.97.
    let bound = Bound { labels: 0.97, argmax: 0.0, perplexity: 2.0 };
    let broken = bound.broken(&all);
    assert_eq!(broken, ["label agreement 100.0 % of 4 (95 % interval 51.0 to 100.0 %), and the bound is 97.0 %"]);
    assert!(Bound { labels: 0.5, ..bound }.broken(&all).is_empty());
    let broken = Bound { labels: 0.0, argmax: 0.6, perplexity: 1.05 }.broken(&all);
    assert!(broken[0].starts_with("arg-max agreement 50.0 % of 2") && broken[1].starts_with("perplexity × 1.1052"));
    assert!(Bound::default_of(FileType::F16).with("labels=0,argmax=0,perplexity=1e9").unwrap().broken(&all).is_empty());
}

#[test]
fn a_bound_is_read_from_text() {
    let default = Bound::default_of(FileType::Q8_0);
    assert_eq!(default.with("").unwrap(), default);
    let bound = default.with("labels=0.5, perplexity=1.5").unwrap();
    assert_eq!((bound.labels, bound.argmax, bound.perplexity), (0.5, default.argmax, 1.5));
    assert_eq!(default.with(&bound.to_string()).unwrap(), bound);
    for bad in ["labels", "labels=x", "labels=1.1", "argmax=-0.1", "perplexity=0.9", "perplexity=NaN", "speed=2"] {
        assert_eq!(default.with(bad).unwrap_err().kind, ErrorKind::Invalid, "{bad}");
    }
}

#[test]
fn fewer_bits_have_wider_bounds() {
    for pair in FileType::ALL.windows(2) {
        let (more, fewer) = (Bound::default_of(pair[0]), Bound::default_of(pair[1]));
        assert!(more.labels >= fewer.labels && more.argmax >= fewer.argmax && more.perplexity <= fewer.perplexity);
        more.check().unwrap();
    }
}

#[test]
fn the_fixed_tasks_are_several_hundred_and_all_different() {
    let tasks = fixed_tasks();
    check_tasks(&tasks).unwrap();
    let texts: HashSet<&str> = tasks.iter().map(|task| task.text.as_str()).collect();
    assert_eq!((texts.len(), tasks.len()), (480, 480));
    assert_eq!(tasks, fixed_tasks());
    assert!(tasks.iter().all(|task| task.longest() < 256));
    // Enough that all agreeing proves the strictest default.
    assert!(Share::of(480, 480).low > Bound::default_of(FileType::F16).labels);
}

#[test]
fn tasks_that_cannot_be_measured_are_named() {
    let task = |text: &str, labels: &[&str]| LabelTask {
        text: text.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let good = task("Is it?", &["yes", "no"]);
    check_tasks(std::slice::from_ref(&good)).unwrap();
    for (bad, says) in [
        (task(" ", &["yes", "no"]), "Task 2 has no text"),
        (task("t", &["yes"]), "Task 2 needs 2 to 64 labels"),
        (task("t", &["yes", "yes "]), "Task 2 needs"),
        (task("t", &["yes", ""]), "Task 2 needs"),
        (task(&"t".repeat(5000), &["a", "b"]), "Task 2 has 5002 bytes"),
    ] {
        let error = check_tasks(&[good.clone(), bad]).unwrap_err();
        assert!(error.message.starts_with(says), "{}", error.message);
    }
    assert!(check_tasks(&[]).is_err());
    assert!(check_tasks(&vec![good.clone(); MOST_TASKS + 1]).is_err());
    assert!(check_tasks(&vec![task(&"t".repeat(3000), &["a", "b"]); 1500]).is_err());
}
