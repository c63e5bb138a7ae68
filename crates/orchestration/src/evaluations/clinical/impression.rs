//! Is an impression written as one should be? Five rules after Wilcox, "The Written Radiology Report" (Applied Radiology, 2006).

use super::super::alignment::unnumbered;
use super::super::text::{Part, sentences, words};
use super::Span;
use super::lexicon;
use super::mentions::mentions;

/// Words of a sentence from which on it is hard to read.
const LONG_SENTENCE: usize = 25;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Clear language, without obscure terms.
    ClearLanguage,
    /// Every impression has its number, from 1.
    Numbered,
    /// What is urgent comes first, what is normal last.
    Ordered,
    /// It is shorter than the findings, and not empty.
    Concise,
    /// It is written for its readers: sentences of bearable length, no leftovers of a template or of the findings.
    ForTheReader,
}

/// Whether a rule is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutcome {
    /// Which rule.
    pub rule: Rule,
    /// Is it kept?
    pub kept: bool,
    /// What it objects to, for people; empty where it is kept.
    pub reason: String,
    /// Where.
    pub spans: Vec<Span>,
}

impl Rule {
    /// Every rule, in the order of the guideline.
    pub const ALL: [Self; 5] = [Self::ClearLanguage, Self::Numbered, Self::Ordered, Self::Concise, Self::ForTheReader];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClearLanguage => "clear language",
            Self::Numbered => "numbered",
            Self::Ordered => "ordered by importance",
            Self::Concise => "shorter than the findings",
            Self::ForTheReader => "written for the reader",
        }
    }
}

/// Checks an impression against each rule.
#[must_use]
pub fn check_impression(findings: &str, impression: &str) -> Vec<RuleOutcome> {
    let items = sentences(impression);
    Rule::ALL
        .into_iter()
        .map(|rule| match rule {
            Rule::ClearLanguage => clear(impression),
            Rule::Numbered => numbered(impression, &items),
            Rule::Ordered => ordered(impression),
            Rule::Concise => concise(findings, impression),
            Rule::ForTheReader => for_the_reader(&items),
        })
        .collect()
}

fn outcome(rule: Rule, reason: Option<String>, spans: Vec<Span>) -> RuleOutcome {
    RuleOutcome { rule, kept: reason.is_none(), reason: reason.unwrap_or_default(), spans }
}

fn clear(impression: &str) -> RuleOutcome {
    let obscure = |word: &str| lexicon::OBSCURE.iter().find(|(term, _)| *term == word).copied();
    let found: Vec<(Span, (&str, &str))> =
        words(impression).iter().filter_map(|word| Some((Span::from(word), obscure(&word.text)?))).collect();
    let reasons: Vec<String> = found.iter().map(|(_, (term, plain))| format!("`{term}` ({plain})")).collect();
    let reason = (!reasons.is_empty()).then(|| format!("Obscure terms: {}.", reasons.join(", ")));
    outcome(Rule::ClearLanguage, reason, found.into_iter().map(|(span, _)| span).collect())
}

fn numbered(impression: &str, items: &[Part]) -> RuleOutcome {
    let numbers: Vec<Option<usize>> = items.iter().map(|item| number_of(&item.text)).collect();
    // A sentence without a number goes on with the item before it, on the same line.
    let begins_line = |item: &Part| {
        impression.chars().take(item.start).all(|c| c == '\n' || c.is_whitespace())
            || impression.chars().nth(item.start.saturating_sub(1)) == Some('\n')
    };
    let mut expected = 1;
    let mut wrong = Vec::new();
    for (item, number) in items.iter().zip(&numbers) {
        match number {
            Some(number) if *number == expected => expected += 1,
            None if !begins_line(item) && expected > 1 => {}
            _ => wrong.push(Span::from(item)),
        }
    }
    let reason = match (items.is_empty(), wrong.is_empty()) {
        (true, _) => Some("There is no impression.".to_owned()),
        (_, false) => Some("Not every impression has its number, from 1 in order.".to_owned()),
        _ => None,
    };
    outcome(Rule::Numbered, reason, wrong)
}

fn number_of(item: &str) -> Option<usize> {
    let digits = item.len() - item.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &item[digits..];
    (digits > 0 && (rest.starts_with(['.', ')']) || rest.starts_with(' ')))
        .then(|| item[..digits].parse().ok())
        .flatten()
}

/// What is there comes before what is not, and what is urgent before what is not.
fn ordered(impression: &str) -> RuleOutcome {
    let mentions = mentions(impression);
    let rank = |at: usize| if mentions[at].negated { -1 } else { i16::from(mentions[at].finding.urgency) };
    let late: Vec<usize> =
        (1..mentions.len()).filter(|at| rank(*at) >= 0 && (0..*at).any(|before| rank(before) < rank(*at))).collect();
    let names: Vec<String> = late.iter().map(|at| format!("`{}`", mentions[*at].finding.name)).collect();
    let reason = (!names.is_empty()).then(|| format!("Should stand further ahead: {}.", names.join(", ")));
    outcome(Rule::Ordered, reason, late.into_iter().map(|at| mentions[at].span.clone()).collect())
}

fn concise(findings: &str, impression: &str) -> RuleOutcome {
    let (ours, theirs) = (words(impression).len(), words(findings).len());
    let reason = match ours {
        0 => Some("It has no words.".to_owned()),
        _ if ours >= theirs => Some(format!("It has {ours} words, the findings {theirs}.")),
        _ => None,
    };
    outcome(Rule::Concise, reason, Vec::new())
}

fn for_the_reader(items: &[Part]) -> RuleOutcome {
    let is_long = |item: &&Part| words(unnumbered(&item.text)).len() > LONG_SENTENCE;
    let is_leftover = |item: &&Part| {
        let lower = item.text.to_lowercase();
        lower.contains("findings:") || lower.contains("___") || lower.contains("[insert") || lower.contains("{{")
    };
    let (long, leftover): (Vec<&Part>, Vec<&Part>) =
        (items.iter().filter(is_long).collect(), items.iter().filter(is_leftover).collect());
    let mut reasons = Vec::new();
    if items.is_empty() {
        reasons.push("It says nothing.".to_owned());
    }
    if !long.is_empty() {
        reasons.push(format!("Sentences of more than {LONG_SENTENCE} words: {}.", long.len()));
    }
    if !leftover.is_empty() {
        reasons.push("It has leftovers of a template.".to_owned());
    }
    let reason = (!reasons.is_empty()).then(|| reasons.join(" "));
    outcome(Rule::ForTheReader, reason, long.into_iter().chain(leftover).map(Span::from).collect())
}
