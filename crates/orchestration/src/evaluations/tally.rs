//! What went wrong in a job, as its messages tell it.

use super::job::cut;
use super::outcome::TurnOutcome;

/// Counts prompts and scores, and those that failed with the first reason.
#[derive(Debug, Default)]
pub(super) struct Tally {
    turns: usize,
    unanswered: usize,
    unanswered_as: Option<String>,
    /// Of prompts that were answered.
    scores: usize,
    failed: usize,
    failed_as: Option<String>,
}

impl Tally {
    /// Counts a turn.
    pub(super) fn add(&mut self, turn: &TurnOutcome) {
        self.turns += 1;
        if turn.output.is_none() {
            self.unanswered += 1;
            self.unanswered_as = self.unanswered_as.take().or_else(|| turn.error.clone());
            return;
        }
        for score in &turn.scores {
            self.scores += 1;
            if let Some(error) = &score.error {
                self.failed += 1;
                let reason = || format!("{}: {error}", score.metric);
                self.failed_as = self.failed_as.take().or_else(|| Some(reason()));
            }
        }
    }

    /// Was no prompt answered, or no answer scored?
    pub(super) fn is_nothing(&self) -> bool {
        self.unanswered == self.turns || (self.scores > 0 && self.failed == self.scores)
    }

    /// What failed, in words; nothing where nothing did.
    pub(super) fn messages(self) -> Vec<String> {
        let (turns, scores) = (self.turns, self.scores);
        let answers = self.unanswered_as.map(|reason| {
            let count = self.unanswered;
            format!("{count} of {turns} prompts were not answered: {reason}")
        });
        let failed = self.failed_as.map(|reason| {
            let count = self.failed;
            format!("{count} of {scores} scores failed: {reason}")
        });
        answers.into_iter().chain(failed).map(cut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluations::outcome::Score;

    fn turn(errors: &[Option<&str>]) -> TurnOutcome {
        let score = |error: &Option<&str>| Score {
            metric: "m".to_owned(),
            error: error.map(str::to_owned),
            ..Score::default()
        };
        TurnOutcome {
            output: Some(Default::default()),
            scores: errors.iter().map(score).collect(),
            ..TurnOutcome::default()
        }
    }

    fn tally(turns: &[TurnOutcome]) -> Tally {
        let mut tally = Tally::default();
        turns.iter().for_each(|turn| tally.add(turn));
        tally
    }

    #[test]
    fn scores_that_failed_are_told_with_the_first_reason() {
        let some = tally(&[turn(&[None, Some("too long")]), turn(&[Some("other"), None])]);
        assert!(!some.is_nothing());
        assert_eq!(some.messages(), ["2 of 4 scores failed: m: too long"]);
        let all = tally(&[turn(&[Some("too long")])]);
        assert!(all.is_nothing());
        assert!(tally(&[turn(&[None])]).messages().is_empty());
    }

    #[test]
    fn prompts_without_an_answer_are_told_once() {
        let lost = TurnOutcome { output: None, error: Some("away".to_owned()), ..turn(&[Some("none")]) };
        let some = tally(&[lost.clone(), turn(&[None])]);
        assert!(!some.is_nothing());
        assert_eq!(some.messages(), ["1 of 2 prompts were not answered: away"]);
        assert!(tally(&[lost]).is_nothing());
    }
}
