//! What is known of a score beside its label: what a classifier learns from.

use learn::overlap;
use learn::rouge::{self, Stemming, Variant};

use super::outcome::Score;
use super::report::ReportRow;
use super::support::Teller;

/// Which features [`of`] gives. A classifier reads those that it was fitted to alone: whoever changes what one of them means counts
/// on. 0 is what came before negations and numbers counted among what is unsupported.
pub(super) const VERSION: u32 = 1;

/// The features of a score of a turn, always as many for one metric: the judge's probabilities, expected score and margin; the
/// lengths of answer and prompt; the share of the answer that no passage supports; how near it is to its references.
pub(super) fn of(row: &ReportRow, score: &Score) -> Vec<f64> {
    let output = row.outcome.output.as_ref();
    let answer = output.and_then(|output| output.text.as_deref()).unwrap_or_default();
    let length = |text: &str| (text.chars().count() as f64).ln_1p();
    let characters = answer.chars().count().max(1) as f64;
    // Those that the words of the passages tell, which do not overlap.
    let unsupported = row.outcome.unsupported.iter().filter(|span| span.by.contains(&Teller::Alignment));
    let (count, unsupported) =
        unsupported.fold((0_u32, 0), |(count, sum), span| (count + 1, sum + span.end - span.start));
    let nearest =
        |near: &dyn Fn(&str) -> f64| row.shown.references.iter().map(|reference| near(reference)).fold(0.0, f64::max);
    let recall = |variant| nearest(&|reference: &str| rouge::only(variant, answer, reference, Stemming::Porter).recall);
    let mut features = score.probabilities.clone();
    features.extend([
        score.expected.or(score.result).unwrap_or_default(),
        score.margin.unwrap_or_default(),
        length(answer),
        length(&row.shown.prompt),
        unsupported as f64 / characters,
        f64::from(count),
        nearest(&|reference: &str| overlap::token_f1(answer, reference)),
        recall(Variant::Words),
        recall(Variant::Subsequence),
    ]);
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluations::dataset::Output;
    use crate::evaluations::outcome::TurnOutcome;
    use crate::evaluations::record::Shown;

    #[test]
    fn a_score_has_its_judges_figures_and_those_of_its_texts() {
        let row = ReportRow {
            dataset: 0,
            system: 0,
            record: 1,
            turn: 1,
            shown: Shown { prompt: "p".to_owned(), references: vec!["other".to_owned(), "a small hernia".to_owned()] },
            outcome: TurnOutcome {
                output: Some(Output { text: Some("A hernia.".to_owned()), ..Output::default() }),
                ..TurnOutcome::default()
            },
        };
        let score =
            Score { expected: Some(0.75), margin: Some(0.5), probabilities: vec![0.25, 0.75], ..Score::default() };
        let features = of(&row, &score);
        assert_eq!(features[..4], [0.25, 0.75, 0.75, 0.5]);
        assert!((features[4] - 10.0_f64.ln()).abs() < 1e-12 && features[6] == 0.0, "{features:?}");
        assert!((features[8] - 2.0 / 3.0).abs() < 1e-12, "the articles do not count: {features:?}");
        assert!((features[9] - 2.0 / 3.0).abs() < 1e-12, "two of three words: {features:?}");
        assert_eq!(of(&ReportRow { outcome: TurnOutcome::default(), ..row }, &score).len(), features.len());
    }
}
