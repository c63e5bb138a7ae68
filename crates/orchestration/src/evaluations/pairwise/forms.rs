//! What came of a comparison, as JSON and for a terminal.

use serde_json::{Value, json};

use super::super::passport::Figure;
use super::super::report::tokens_json;
use super::Pairwise;

/// As JSON.
#[must_use]
pub fn pairwise_json(pairwise: &Pairwise) -> Value {
    let told = |figure: Option<Figure>| figure.map(|f| json!({"value": f.value, "low": f.low, "high": f.high}));
    json!({
        "first": pairwise.first,
        "second": pairwise.second,
        "datasets": pairwise.datasets,
        "judge": pairwise.judge,
        "pairs": pairwise.pairs,
        "failed": pairwise.failed,
        "reason": pairwise.reason,
        "firstWins": pairwise.first_wins,
        "secondWins": pairwise.second_wins,
        "ties": pairwise.ties,
        "changedWithOrder": pairwise.changed,
        "shownFirstWon": pairwise.first_shown,
        "shownLastWon": pairwise.last_shown,
        "consistent": told(pairwise.consistent),
        "positionBias": told(pairwise.position),
        "verbosity": told(pairwise.verbosity),
        "winRate": told(pairwise.win_rate),
        "expectedWinRate": told(pairwise.expected),
        "p": pairwise.p,
        "ledByOrder": pairwise.is_led_by_order(),
        "judgement": pairwise.judgement().as_str(),
        "warnings": pairwise.warnings,
        "tokens": tokens_json(&pairwise.tokens),
    })
}

/// For a terminal.
#[must_use]
pub fn pairwise_text(pairwise: &Pairwise) -> String {
    let told = |figure: Option<Figure>| {
        figure.map_or_else(|| "-".to_owned(), |f| format!("{:.2} [{:.2}, {:.2}]", f.value, f.low, f.high))
    };
    let of_several = match pairwise.datasets.as_slice() {
        [] | [_] => String::new(),
        datasets => format!(" of {}", datasets.join(", ")),
    };
    let mut text = format!(
        "{} or {}, by {}, on {} prompts{of_several} in both orders\n",
        pairwise.first, pairwise.second, pairwise.judge, pairwise.pairs
    );
    for warning in &pairwise.warnings {
        text.push_str(&format!("! {warning}\n"));
    }
    if pairwise.failed > 0 {
        let reason = pairwise.reason.as_deref().unwrap_or("it is not known why");
        text.push_str(&format!("! {} have no verdict: {reason}\n", pairwise.failed));
    }
    text.push_str(&format!(
        "  first wins {}, second wins {}, ties {}, changed with the order {}\n",
        pairwise.first_wins, pairwise.second_wins, pairwise.ties, pairwise.changed
    ));
    text.push_str(&format!(
        "  win rate of the first {}, by probabilities {}, p {:.3}  {}\n",
        told(pairwise.win_rate),
        told(pairwise.expected),
        pairwise.p.unwrap_or(1.0),
        pairwise.judgement().as_str()
    ));
    text.push_str(&format!(
        "  judge: consistent {}, leans to what is shown first by {}, to what is longer by {}\n",
        told(pairwise.consistent),
        told(pairwise.position),
        told(pairwise.verbosity)
    ));
    let tokens = &pairwise.tokens;
    text.push_str(&format!(
        "  tokens: judge {} read, {} of them cached, {} written\n",
        tokens.input, tokens.cached, tokens.output
    ));
    if pairwise.is_led_by_order() {
        text.push_str("! The judge's verdicts follow the order more often than the answers: ask another judge.\n");
    }
    text
}
