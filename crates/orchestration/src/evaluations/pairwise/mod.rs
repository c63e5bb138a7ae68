//! Which of two jobs answers better: a judge is shown both answers to each prompt, in both orders, and a win counts only
//! where it names the same answer twice (Zheng et al. 2023, arXiv:2306.05685). `parts` says which answers are meant.

mod forms;
mod parts;
mod work;

#[cfg(test)]
mod tests;

use learn::agreement::spearman;
use learn::resampling::{Bootstrap, mcnemar};
use serde::{Deserialize, Serialize};

use super::comparison::{FEWEST_PAIRS, Judgement};
use super::outcome::Tokens;
use super::passport::Figure;

pub use forms::{pairwise_json, pairwise_text};
pub use work::JOB_KIND;
pub(super) use work::PairwiseHandler;

/// What a judge says of a pair of answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duel {
    /// How probable the judge found A, B and a tie: with the first job's answer as A, then with the second job's. None, where
    /// it failed.
    pub told: Option<[[f64; 3]; 2]>,
    /// The characters of the first job's answer and of the second job's.
    pub lengths: [usize; 2],
    /// Why there is no verdict.
    pub error: Option<String>,
    /// The tokens of the judge.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Who wins a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner {
    /// The first job's answer.
    First,
    /// The second job's answer.
    Second,
    /// Neither.
    Tie,
}

/// What came of comparing two jobs pair by pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pairwise {
    /// The first job's name, or that of its system where both are of one job; with the dataset's where one of several was named, and
    /// with the system's where one was.
    pub first: String,
    /// The second job's.
    pub second: String,
    /// The first job's datasets that the prompts are of.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// The judge's model id.
    pub judge: String,
    /// Prompts that both answered.
    pub pairs: usize,
    /// Pairs without a verdict.
    pub failed: usize,
    /// Why the first of them has none.
    pub reason: Option<String>,
    /// Pairs that the first job wins in both orders.
    pub first_wins: usize,
    /// Pairs that the second job wins in both orders.
    pub second_wins: usize,
    /// Pairs that are ties in both orders.
    pub ties: usize,
    /// Pairs whose verdict changed with the order; they count as ties.
    pub changed: usize,
    /// Of these, the ones where the answer that was shown first won both times.
    pub first_shown: usize,
    /// Of these, the ones where the answer that was shown last won both times.
    pub last_shown: usize,
    /// The share of pairs whose verdict did not change with the order.
    pub consistent: Option<Figure>,
    /// How much more probable the judge finds the answer that it is shown first than the other, whichever it is: from −1 to
    /// 1, 0 without a bias.
    pub position: Option<Figure>,
    /// Spearman's ρ of the judge's preference and the difference of the lengths: above 0 it likes long answers.
    pub verbosity: Option<Figure>,
    /// The first job's share of wins, a tie counting half.
    pub win_rate: Option<Figure>,
    /// The same by the probabilities of the labels, the mean of both orders: finer.
    pub expected: Option<Figure>,
    /// How probable so uneven a share of wins is where neither is better: the exact sign test.
    pub p: Option<f64>,
    /// Are both answered by the same model in the same way?
    pub same_system: bool,
    /// What whoever reads it must know.
    pub warnings: Vec<String>,
    /// The tokens of the judge, those of earlier comparisons included whose verdicts were kept.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Who is compared, and what is known of them.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// The first one's name.
    pub first: String,
    /// The second one's name.
    pub second: String,
    /// The first one's datasets.
    pub datasets: Vec<String>,
    /// The judge's model id.
    pub judge: String,
    /// Are both the same model, asked in the same way?
    pub same_system: bool,
    /// What whoever reads it must know.
    pub warnings: Vec<String>,
}

/// The likeliest of A, B and a tie; of equals the tie, then A.
fn likeliest([a, b, tie]: [f64; 3]) -> usize {
    if tie >= a && tie >= b { 2 } else { usize::from(b > a) }
}

/// What both orders of a pair say.
impl Duel {
    /// Who the judge says wins in each order; none where it failed.
    #[must_use]
    pub fn verdicts(&self) -> Option<[Winner; 2]> {
        let [straight, swapped] = self.told?.map(likeliest);
        let winner = |label: usize, a: Winner, b: Winner| [a, b, Winner::Tie][label];
        Some([winner(straight, Winner::First, Winner::Second), winner(swapped, Winner::Second, Winner::First)])
    }

    /// The first answer's part of the win by the probabilities, from 0 to 1.
    fn expected(&self) -> Option<f64> {
        let [straight, swapped] = self.told?;
        Some(f64::midpoint(straight[0] + straight[2] / 2.0, swapped[1] + swapped[2] / 2.0))
    }

    /// How much more probable what is shown first is.
    fn position(&self) -> Option<f64> {
        let [straight, swapped] = self.told?;
        Some(f64::midpoint(straight[0] - straight[1], swapped[0] - swapped[1]))
    }
}

impl Pairwise {
    /// What duels come to.
    #[must_use]
    pub fn new(sides: Sides, duels: &[Duel]) -> Self {
        let judged: Vec<(&Duel, [Winner; 2])> =
            duels.iter().filter_map(|duel| Some((duel, duel.verdicts()?))).collect();
        let count = |is: &dyn Fn([Winner; 2]) -> bool| judged.iter().filter(|(_, told)| is(*told)).count();
        let both = |winner: Winner| count(&|told| told == [winner, winner]);
        let over = |of: &dyn Fn(&Duel, [Winner; 2]) -> Option<f64>| {
            let values: Vec<f64> = judged.iter().filter_map(|(duel, told)| of(duel, *told)).collect();
            Bootstrap::default().mean(&values).map(Figure::from)
        };
        let lengths: Vec<f64> =
            judged.iter().map(|(duel, _)| duel.lengths[0] as f64 - duel.lengths[1] as f64).collect();
        let liked: Vec<f64> = judged.iter().filter_map(|(duel, _)| duel.expected()).collect();
        let drawn = |values: &[f64], at: &[usize]| -> Vec<f64> { at.iter().map(|at| values[*at]).collect() };
        let verbosity = Bootstrap::default()
            .interval(judged.len(), |at: &[usize]| spearman(&drawn(&liked, at), &drawn(&lengths, at)));
        let (first_wins, second_wins, ties) = (both(Winner::First), both(Winner::Second), both(Winner::Tie));
        let mut tokens = Tokens::default();
        duels.iter().for_each(|duel| tokens += duel.tokens);
        let half = |won: bool, lost: bool| {
            if won {
                1.0
            } else if lost {
                0.0
            } else {
                0.5
            }
        };
        Self {
            first: sides.first,
            second: sides.second,
            datasets: sides.datasets,
            judge: sides.judge,
            pairs: duels.len(),
            failed: duels.len() - judged.len(),
            reason: duels.iter().find_map(|duel| duel.error.clone()),
            first_wins,
            second_wins,
            ties,
            changed: judged.len() - first_wins - second_wins - ties,
            first_shown: count(&|told| told == [Winner::First, Winner::Second]),
            last_shown: count(&|told| told == [Winner::Second, Winner::First]),
            consistent: over(&|_, told| Some(f64::from(u8::from(told[0] == told[1])))),
            position: over(&|duel, _| duel.position()),
            verbosity: verbosity.map(Figure::from),
            win_rate: over(&|_, told| Some(half(told == [Winner::First; 2], told == [Winner::Second; 2]))),
            expected: over(&|duel, _| duel.expected()),
            p: (!judged.is_empty()).then(|| mcnemar(first_wins as u64, second_wins as u64)),
            same_system: sides.same_system,
            warnings: sides.warnings,
            tokens,
        }
    }

    /// What follows.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        match self.win_rate {
            _ if self.same_system => Judgement::SameModel,
            None => Judgement::NothingInCommon,
            Some(_) if self.pairs - self.failed < FEWEST_PAIRS => Judgement::NotDistinguishable,
            Some(rate) if rate.low > 0.5 => Judgement::First,
            Some(rate) if rate.high < 0.5 => Judgement::Second,
            Some(_) => Judgement::NotDistinguishable,
        }
    }

    /// Does the judge say something else more often than not once the order is swapped?
    #[must_use]
    pub fn is_led_by_order(&self) -> bool {
        self.consistent.is_some_and(|consistent| consistent.value < 0.5)
    }
}
