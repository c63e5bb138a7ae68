//! Asking a judge of each sentence and claim of an answer whether its passages support it: the parts of faithfulness.

use base::Result;

use super::judge::Judge;
use super::metrics::Rubric;
use super::outcome::Tokens;
use super::prompts::{self, Material, PART_LABELS};
use super::support::{Judged, parts, states};
use super::text::Part;
use super::verdict::Scale;

/// The most sentences of an answer that a judge is asked of, the first ones that state something.
pub(super) const MOST_SENTENCES: usize = 12;
/// The most questions about an answer, those about claims included.
pub(super) const MOST_PARTS: usize = 24;

/// A sentence, with its claims where it has several.
type Sentence = (Part, Vec<Part>);

/// The questions about an answer, one after the other, at most [`MOST_PARTS`]: its sentences, each with its claims after it where
/// it is denied.
struct Questions<'a> {
    sentences: &'a [Sentence],
    /// The claims of the sentence that was asked of last.
    of_last: &'a [Part],
    /// Those of them that are still to be asked of.
    claims: &'a [Part],
    asked: usize,
}

impl<'a> Questions<'a> {
    fn of(sentences: &'a [Sentence]) -> Self {
        Self { sentences, of_last: &[], claims: &[], asked: 0 }
    }

    /// What is asked of next, and whether it is a claim.
    fn following(&mut self) -> Option<(&'a Part, bool)> {
        if self.asked == MOST_PARTS {
            return None;
        }
        let part = if let Some((claim, rest)) = self.claims.split_first() {
            self.claims = rest;
            (claim, true)
        } else {
            let ((sentence, claims), rest) = self.sentences.split_first()?;
            self.sentences = rest;
            self.of_last = claims;
            (sentence, false)
        };
        self.asked += 1;
        Some(part)
    }

    /// Notes that what was asked of last is denied. Where it is a sentence, its claims are next: all of them, or none.
    fn deny(&mut self) {
        let claims = std::mem::take(&mut self.of_last);
        if !claims.is_empty() && self.asked + claims.len() <= MOST_PARTS {
            self.claims = claims;
        }
    }
}

impl Judge<'_> {
    /// What the judge says of each sentence of an answer that states something, and of each claim of those that it denies. Of an
    /// answer with one such sentence nothing: the metric itself is asked of that. Prompts begin as the metric's own, with its
    /// `kept` passages.
    ///
    /// # Errors
    /// Those of the server and of a judge that cannot be asked at all. What cannot be asked of a part is left out.
    pub(super) async fn spans(
        &self,
        rubric: &Rubric,
        kept: usize,
        material: &Material,
        tokens: &mut Tokens,
    ) -> Result<Vec<Judged>> {
        let parts = parts(material.prediction.as_deref().unwrap_or_default()).into_iter();
        let sentences: Vec<Sentence> = parts.filter(|(sentence, _)| states(sentence)).take(MOST_SENTENCES).collect();
        let mut judged: Vec<Judged> = Vec::new();
        if sentences.len() < 2 {
            return Ok(judged);
        }
        let mut questions = Questions::of(&sentences);
        while let Some((part, is_claim)) = questions.following() {
            let Some(one) = self.span((rubric, kept), material, (part, is_claim), tokens).await? else { continue };
            if one.is_denied() {
                questions.deny();
            }
            judged.push(one);
        }
        Ok(named(judged))
    }

    async fn span(
        &self,
        (rubric, kept): (&Rubric, usize),
        material: &Material,
        (part, is_claim): (&Part, bool),
        tokens: &mut Tokens,
    ) -> Result<Option<Judged>> {
        let scale = Scale::ordinal(&PART_LABELS, None);
        let build = |kept| Ok(prompts::part(material, rubric, &part.text, kept, self.wording));
        let told = self.ask(&scale, kept, build, tokens).await?.ok();
        let supported = told.and_then(|given| given.verdict.expected);
        Ok(supported.map(|supported| Judged { start: part.start, end: part.end, is_claim, supported }))
    }
}

/// Where a judge denies some claims of a sentence and not all, these are what it denies: the sentence itself is left out.
fn named(judged: Vec<Judged>) -> Vec<Judged> {
    let is_split = |whole: &Judged| {
        let claims =
            || judged.iter().filter(|claim| claim.is_claim && whole.start <= claim.start && claim.end <= whole.end);
        claims().any(|claim| claim.is_denied()) && claims().any(|claim| !claim.is_denied())
    };
    judged.iter().filter(|one| one.is_claim || !is_split(one)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of an answer whose parts are all denied.
    fn asked_of(answer: &str) -> Vec<(usize, bool)> {
        let sentences: Vec<Sentence> = parts(answer).into_iter().filter(|(one, _)| states(one)).collect();
        let mut questions = Questions::of(&sentences[..sentences.len().min(MOST_SENTENCES)]);
        let mut asked = Vec::new();
        while let Some((part, is_claim)) = questions.following() {
            asked.push((part.start, is_claim));
            questions.deny();
        }
        asked
    }

    #[test]
    fn claims_of_what_is_denied_follow_it() {
        let asked = asked_of("A hernia and a cyst. One nodule.");
        assert_eq!(asked, [(0, false), (0, true), (13, true), (21, false)]);
    }

    #[test]
    fn no_more_is_asked_than_the_most() {
        // Three questions a sentence: eight sentences.
        let asked = asked_of(&"A hernia and a cyst. ".repeat(MOST_SENTENCES));
        assert_eq!(asked.len(), MOST_PARTS);
        // Seven a sentence: three sentences with their claims, then three without, as the claims would be too many.
        let asked = asked_of(&"Hernia, cyst, nodule, mass, edema, effusion. ".repeat(MOST_SENTENCES));
        assert_eq!((asked.len(), asked.iter().filter(|(_, is_claim)| *is_claim).count()), (MOST_PARTS, 18));
    }

    #[test]
    fn headings_and_rules_are_not_asked_of() {
        let answer = "Findings:\n---\nA hernia.\n**Impression of the chest:**\nThe findings are:\nA nodule.\n1. ***\n";
        let sentences = parts(answer);
        let stating: Vec<&str> =
            sentences.iter().map(|(one, _)| one).filter(|one| states(one)).map(|one| one.text.as_str()).collect();
        assert_eq!(stating, ["A hernia.", "The findings are:", "A nodule."]);
        assert!(asked_of("Findings:").is_empty());
    }

    #[test]
    fn claims_stand_for_a_sentence_that_is_denied_in_part() {
        let one = |start, end, is_claim, supported| Judged { start, end, is_claim, supported };
        let sentences = [one(0, 9, false, 0.9), one(10, 30, false, 0.1), one(31, 50, false, 0.2)];
        let split = [one(10, 19, true, 0.8), one(20, 30, true, 0.3)];
        let denied = [one(31, 40, true, 0.1), one(41, 50, true, 0.5)];
        let kept = named([&sentences[..], &split[..], &denied[..]].concat());
        assert_eq!(kept, [&sentences[..1], &sentences[2..], &split[..], &denied[..]].concat());
    }
}
