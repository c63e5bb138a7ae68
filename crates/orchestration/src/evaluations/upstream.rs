//! Judges behind other servers. These score no labels: they are held to write one by a JSON schema, and tell how probable the tokens
//! were that they might have written instead. What fails at one question while the server answers others is that question's own.

use base::{Error, ErrorKind, Result};
use models::{ChatRequest, Message, Stop, Target, TokenLogprob};
use serde_json::{Value, json};
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::judge::{FREE_TOKENS, Form, Judge, SERVING};
use super::outcome::{Score, Tokens};
use super::patience::Patience;
use super::prompts::JudgePrompt;
use super::verdict::{Scale, Verdict};

/// The alternatives of a token that are asked for: as many as servers tell.
const MOST_TOP: u8 = 20;
/// What several labels begin with alike is asked about again where it is at least so probable; otherwise it counts for none of them.
const LEAST_OPEN: f64 = 0.01;
/// Failures of one question after which it is seen whether the server answers another one.
const FAILURES: u32 = 2;
/// The most characters of an answer that is quoted.
const MOST_QUOTED: usize = 200;
/// The member that the label is written into.
const KEY: &str = "answer";

/// The form of these judges' verdicts: raise it where they come to mean something else, so that those of another form are not taken for
/// those of this one. 1: the label alone, and it was not noted what gave it; 2: labels as probable as the tokens that write them.
const FORM: u32 = 2;
/// What stands before the form in a key.
const MARK: &str = " graded:";

/// What one question went through.
pub(super) struct Trouble<'a> {
    patience: Patience,
    failures: u32,
    /// Did the judge answer another question since this one failed last?
    answers_others: bool,
    /// Is it still asked how probable labels are?
    asks_top: bool,
    /// While it is asked alone.
    alone: Option<RwLockWriteGuard<'a, ()>>,
}

impl Trouble<'_> {
    /// With a question for a label that did not fail yet.
    pub(super) fn of_label(patience: Patience) -> Self {
        Self { patience, failures: 0, answers_others: false, asks_top: true, alone: None }
    }

    /// With a question for words that did not fail yet.
    pub(super) fn of_words(patience: Patience) -> Self {
        Self { asks_top: false, ..Self::of_label(patience) }
    }

    /// Is it still asked how probable labels are?
    pub(super) fn asks_top(&self) -> bool {
        self.asks_top
    }
}

/// Is a model of another server asked, or may one be?
pub(super) fn is_elsewhere(target: &Target) -> bool {
    match target {
        Target::Remote { .. } | Target::Pool { .. } => true,
        Target::Routed { legs, .. } => legs.iter().any(|leg| is_elsewhere(&leg.target)),
        Target::Local { .. } | Target::Imported { .. } | Target::Endpoint(_) => false,
    }
}

/// The key of such a judge, with the form of its verdicts.
pub(super) fn with_form(key: &str) -> String {
    format!("{key}{MARK}{FORM}")
}

/// Would a verdict that is kept be of the same form today, of a judge that is such a one or not?
pub(super) fn is_of_this_form(score: &Score, is_elsewhere: bool) -> bool {
    let form = |key: &str| key.rsplit_once(MARK).is_none_or(|(_, form)| form.parse::<u32>().ok() == Some(FORM));
    // What is no choice among labels has no form.
    !is_elsewhere || score.margin.is_none() || score.judged_by.as_deref().is_some_and(form)
}

impl<'a> Judge<'a> {
    /// Waits while another question is asked alone. A judge of this server is waited for by nobody.
    pub(super) async fn turn(&self, trouble: &Trouble<'_>) -> Option<RwLockReadGuard<'a, ()>> {
        match trouble.alone.is_none() && is_elsewhere(&self.resolved.target) {
            true => Some(self.known.asking().read().await),
            false => None,
        }
    }

    /// Waits before a question that failed so is asked again. One that may be what the server fails at is asked alone, so that no
    /// other one's failure is taken for its own.
    ///
    /// # Errors
    /// The failure, where asking again is of no use, or was tried for long; as Invalid, where it is the question's own.
    pub(super) async fn wait(&self, trouble: &mut Trouble<'a>, error: Error) -> Result<()> {
        let may_be_its_own =
            is_elsewhere(&self.resolved.target) && matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout);
        if may_be_its_own && trouble.answers_others {
            // Some servers fail at telling probabilities.
            if trouble.asks_top && !self.known.is_silent(self.key) {
                trouble.asks_top = false;
                return Ok(());
            }
            return Err(Error { kind: ErrorKind::Invalid, ..error });
        }
        (trouble.alone, trouble.answers_others) = (None, false);
        let Some(pause) = trouble.patience.after(&error) else { return Err(error) };
        tokio::time::sleep(pause).await;
        trouble.failures += u32::from(may_be_its_own);
        if may_be_its_own && trouble.failures >= FAILURES {
            let alone = self.known.asking().write().await;
            trouble.answers_others = self.answers_others().await;
            trouble.alone = trouble.answers_others.then_some(alone);
        }
        Ok(())
    }

    /// Does the judge answer a question that has nothing to do with a record?
    async fn answers_others(&self) -> bool {
        let request = ChatRequest {
            model: self.model.to_owned(),
            messages: vec![Message::user("Say yes.")],
            max_tokens: Some(8),
            serving: SERVING,
            ..ChatRequest::default()
        };
        match self.models.chat_with(self.ctx, self.resolved.clone(), request).await {
            Ok(answer) => answer.collect().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Why there is no verdict, for the record: of a judge behind another server with the judge's id, as the server's words do not
    /// tell it.
    pub(super) fn told(&self, error: &Error) -> String {
        match is_elsewhere(&self.resolved.target) {
            true => format!("The judge `{}` gave no verdict: {}", self.model, error.public_text()),
            false => error.public_text(),
        }
    }

    /// The verdict of a judge behind another server. Where several labels begin with what it might have written, it is asked again
    /// among these alone; where it then writes none of them, they count for nothing.
    ///
    /// # Errors
    /// Invalid, where it wrote none of the labels; those of the server.
    pub(super) async fn chosen(
        &self,
        prompt: &JudgePrompt,
        scale: &Scale,
        asks_top: bool,
        tokens: &mut Tokens,
    ) -> Result<Verdict> {
        let labels = scale.shown();
        let mut shares = vec![0.0; labels.len()];
        let mut open: Vec<(Vec<usize>, f64)> = vec![((0..labels.len()).collect(), 1.0)];
        // Each time among fewer labels than before.
        while let Some((among, share)) = open.pop() {
            let listed: Vec<&str> = among.iter().map(|at| labels[*at].as_str()).collect();
            let choice = match self.choice(prompt, &listed, asks_top, tokens).await {
                // What was read before stands: some label has a share of its own by then.
                Err(error) if error.kind == ErrorKind::Invalid && among.len() < labels.len() => continue,
                choice => choice?,
            };
            for (at, part) in among.iter().zip(&choice.shares) {
                shares[*at] += share * part;
            }
            for (some, part) in choice.open {
                if share * part >= LEAST_OPEN {
                    open.push((some.into_iter().map(|at| among[at]).collect(), share * part));
                }
            }
        }
        scale.verdict(&shares.into_iter().map(f64::ln).collect::<Vec<_>>())
    }

    /// One of these labels, as JSON that can be nothing else, and how probable each of them was.
    async fn choice(
        &self,
        prompt: &JudgePrompt,
        labels: &[&str],
        asks_top: bool,
        tokens: &mut Tokens,
    ) -> Result<Choice> {
        let properties = json!({KEY: {"type": "string", "enum": labels}});
        let schema =
            json!({"type": "object", "properties": properties, "required": [KEY], "additionalProperties": false});
        let form = |top| Form::Label { schema: schema.clone(), top };
        let top = (asks_top && !self.known.is_silent(self.key)).then_some(MOST_TOP);
        let chat = match self.answer(prompt, &[], (FREE_TOKENS, &form(top)), tokens).await {
            // A server that cannot tell probabilities may refuse to be asked for them.
            Err(error) if top.is_some() && matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotImplemented) => {
                let chat = self.answer(prompt, &[], (FREE_TOKENS, &form(None)), tokens).await?;
                self.known.note_silent(self.key);
                chat
            }
            chat => chat?,
        };
        let text = chat.text();
        let chosen = written(&text, labels).ok_or_else(|| unreadable(&text, chat.reason == Stop::MaxTokens))?;
        let told = Choice::told(labels, chosen, &text, &chat.logprobs);
        Ok(told.unwrap_or_else(|| Choice::certain(labels.len(), chosen)))
    }
}

/// The place of the label that an answer is.
fn written(text: &str, labels: &[&str]) -> Option<usize> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let answer = answer.get(KEY)?.as_str()?;
    labels.iter().position(|label| *label == answer)
}

fn unreadable(text: &str, is_cut: bool) -> Error {
    let text = text.trim();
    let cut = if is_cut { " The answer was cut off." } else { "" };
    if text.is_empty() {
        return Error::invalid(format!("It answered nothing.{cut}"));
    }
    let more = if text.chars().count() > MOST_QUOTED { "…" } else { "" };
    let quoted: String = text.chars().take(MOST_QUOTED).collect();
    Error::invalid(format!("It answered none of the labels that it was held to: `{quoted}{more}`.{cut}"))
}

/// How probable labels are, as far as one answer tells.
#[derive(Debug, PartialEq)]
struct Choice {
    /// Of each label, what leads to it alone.
    shares: Vec<f64>,
    /// What leads to several of them alike: their places. With `shares` it sums to 1.
    open: Vec<(Vec<usize>, f64)>,
}

impl Choice {
    /// That of an answer of which nothing more is told.
    fn certain(labels: usize, chosen: usize) -> Self {
        let shares = (0..labels).map(|at| if at == chosen { 1.0 } else { 0.0 });
        Self { shares: shares.collect(), open: Vec::new() }
    }

    /// What the tokens of an answer tell, and those that might have been in their places. Of each place only the tokens count that
    /// lead to some label: the server is held to write one. None, where the tokens are not those of the text, or nothing is told of
    /// those that tell the labels apart.
    fn told(labels: &[&str], chosen: usize, text: &str, tokens: &[TokenLogprob]) -> Option<Self> {
        let start = label_start(text)?;
        let answers: Vec<Vec<u8>> = labels.iter().map(|label| answer(&text[..start], label)).collect();
        let text = text.as_bytes();
        if !text.starts_with(&answers[chosen]) {
            return None;
        }
        let mut told = Self { shares: vec![0.0; labels.len()], open: Vec::new() };
        let (mut done, mut share, mut live) = (0, 1.0, (0..labels.len()).collect::<Vec<usize>>());
        for token in tokens {
            if live.len() == 1 {
                break;
            }
            if !text.get(done..)?.starts_with(&token.bytes) {
                return None;
            }
            let next = done + token.bytes.len();
            if next > start && next > done {
                if token.top.is_empty() {
                    return None;
                }
                let leads = |bytes: &[u8]| -> Vec<usize> {
                    let left = |at: usize| answers[at].get(done..).unwrap_or_default();
                    live.iter().copied().filter(|at| is_on_the_way(left(*at), bytes)).collect()
                };
                let others = token.top.iter().filter(|top| !top.bytes.is_empty() && top.bytes != token.bytes);
                let others = others.map(|top| (leads(&top.bytes), f64::from(top.logprob).exp()));
                let others: Vec<(Vec<usize>, f64)> = others.filter(|(to, _)| !to.is_empty()).collect();
                let own = f64::from(token.logprob?).exp();
                let all = own + others.iter().map(|(_, probability)| probability).sum::<f64>();
                if !all.is_normal() {
                    return None;
                }
                for (to, probability) in others {
                    let part = share * probability / all;
                    match to.as_slice() {
                        [one] => told.shares[*one] += part,
                        _ => told.open.push((to, part)),
                    }
                }
                live = leads(&token.bytes);
                share *= own / all;
            }
            done = next;
        }
        // The tokens ended before they told the labels apart.
        if live.len() > 1 {
            return None;
        }
        told.shares[chosen] += share;
        told.settled()
    }

    /// What is open among the same labels in one, without what is too little to ask about or says nothing, as it leads to all. None,
    /// where nothing is left.
    fn settled(mut self) -> Option<Self> {
        let mut open: Vec<(Vec<usize>, f64)> = Vec::new();
        for (some, part) in self.open {
            match open.iter_mut().find(|(known, _)| *known == some) {
                Some((_, sum)) => *sum += part,
                None => open.push((some, part)),
            }
        }
        open.retain(|(some, part)| *part >= LEAST_OPEN && some.len() < self.shares.len());
        let all = self.shares.iter().sum::<f64>() + open.iter().map(|(_, part)| part).sum::<f64>();
        if !all.is_normal() {
            return None;
        }
        self.shares.iter_mut().for_each(|share| *share /= all);
        open.iter_mut().for_each(|(_, part)| *part /= all);
        Some(Self { open, ..self })
    }
}

/// Where the label begins in the JSON of an answer, behind its opening quote.
fn label_start(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once(&format!("\"{KEY}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Some(text.len() - rest.len())
}

/// The answer that begins so and has this label, with its closing quote: so none begins another.
fn answer(head: &str, label: &str) -> Vec<u8> {
    let quoted = Value::from(label).to_string();
    format!("{head}{}", quoted.strip_prefix('"').unwrap_or(&quoted)).into_bytes()
}

/// Is a token the next step to what is left of an answer, or beyond its end?
fn is_on_the_way(left: &[u8], token: &[u8]) -> bool {
    left.starts_with(token) || token.starts_with(left)
}

#[cfg(test)]
#[path = "upstream_tests.rs"]
mod tests;
