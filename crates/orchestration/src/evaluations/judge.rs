//! Asking a judge: how probable it finds each label of a metric, and why.

use std::sync::Arc;

use base::{ErrorKind, Result};
use identity::{Access, Ask, Ctx, Identity};
use models::{
    Chat, ChatRequest, Constraint, Message, Models, Normalize, Priority, RawPrompt, Resolved, Sampling, ScorePrompt,
    ScoreRequest, Serving, Target,
};
use serde_json::Value;

use super::alignment::{in_common, off_thread};
use super::custom::CustomMetric;
use super::judges::Judges;
use super::metrics::{Builtin, Evaluator, Family, Input, Rubric};
use super::outcome::{Score, Tokens};
use super::prompts::{self, JudgePrompt, Material, Wording};
use super::seen::Seen;
use super::support;
use super::upstream::Trouble;
use super::verdict::{LabelValue, Scale, Verdict};

/// The most tokens of an explanation.
const EXPLANATION_TOKENS: u32 = 96;
/// The most tokens of a custom metric's answer where it has no scale, and of a label in JSON.
pub(super) const FREE_TOKENS: u32 = 256;
/// What asks for an explanation once the label is chosen.
const EXPLAIN: &str = "In at most two sentences, name what in the record led to this answer.";
/// A sentence on one line. A point within a word or number does not end it.
const SENTENCE: &str = r"[^\s.!?。！？](?:[^.!?。！？\r\n]|\.[^\s.!?。！？])*[.!?。！？]";
/// How `models` says that a prompt does not fit into a context.
pub(super) const TOO_LONG: &str = "Input is too long for requested model.";

/// Everything of a deterministic job's requests.
pub(super) const SERVING: Serving = Serving { priority: Priority::Low, deterministic: models::Determinism::Here };

/// A judge.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) models: &'a Models,
    /// The role's.
    pub(super) ctx: &'a Ctx,
    /// The model id.
    pub(super) model: &'a str,
    /// What answers for it: all that it is asked here it is asked of this, whatever answers for the id by then.
    pub(super) resolved: &'a Resolved,
    /// Its key, by which passports know it.
    pub(super) key: &'a str,
    /// What is known of it beside that.
    pub(super) known: &'a Judges,
    /// Who explains what it says.
    pub(super) explained: Explained,
    /// How it is asked.
    pub(super) wording: Wording,
    /// What it was shown of the record before.
    pub(super) seen: &'a Seen,
}

/// Who explains a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explained {
    /// The judge writes it.
    ByJudge,
    /// It is made of the evidence.
    ByEvidence,
    /// Nobody: only the verdict is wanted.
    Not,
}

/// What a judge's own words must look like.
pub(super) enum Form {
    Free,
    /// JSON of a schema, a label; of how many tokens that might have stood in the place of each it is told how probable they were.
    Label {
        schema: Value,
        top: Option<u8>,
    },
    Text(Constraint),
}

/// Texts of which passages are judged one by one, for an explanation.
struct Bearing {
    /// What the text is.
    on: &'static str,
    /// What they are compared with.
    text: String,
    passages: Vec<String>,
}

/// A verdict, with what it took.
pub(super) struct Given {
    pub(super) verdict: Verdict,
    pub(super) left_out: usize,
    /// Whether a model of another server gave it.
    by_upstream: bool,
    prompt: JudgePrompt,
}

impl Judge<'_> {
    /// What a built-in metric says of a turn.
    ///
    /// # Errors
    /// Those of the server and of a judge that cannot be asked at all. What is wrong with the record stands in the score.
    pub(super) async fn builtin(&self, metric: Builtin, family: Family, material: &Material) -> Result<Score> {
        let rubric = metric.rubric(family, Evaluator::of(self.model), material.ground_truth.is_some());
        let scale = Scale::ordinal(rubric.labels, rubric.not_applicable);
        let mut score = self.blank(metric.name());
        let passages =
            if rubric.inputs.contains(&Input::OneCitedPassage) { &material.cited } else { &material.passages };
        if metric.is_by_passage() {
            if passages.is_empty() {
                return Ok(Score { error: Some("There is no passage to judge.".to_owned()), ..score });
            }
            let mut given = Vec::new();
            for at in 0..passages.len() {
                let build = |_| Ok(prompts::builtin(material, &rubric, Some(at), 0, self.wording));
                match self.ask(&scale, 0, build, &mut score.tokens).await? {
                    Ok(one) => given.push(one),
                    Err(error) => return Ok(Score { error: Some(error), ..score }),
                }
            }
            let of = if metric == Builtin::ContextRelevance {
                Bearing { on: "prompt", text: material.prompt.clone(), passages: passages.clone() }
            } else {
                let text = material.prediction.clone().unwrap_or_default();
                Bearing { on: "response", text, passages: passages.clone() }
            };
            return off_thread(move || of_passages(score, &scale, &given, &of)).await;
        }
        let Some(most) = shown(&rubric, material) else {
            return Ok(Score { error: Some("There is no passage to judge.".to_owned()), ..score });
        };
        let build = |kept| Ok(prompts::builtin(material, &rubric, None, kept, self.wording));
        let given = match self.ask(&scale, most, build, &mut score.tokens).await? {
            Ok(given) => given,
            Err(error) => return Ok(Score { error: Some(error), ..score }),
        };
        // Of a judge that is not usable for the metric, nor its parts are.
        if metric == Builtin::Faithfulness && family != Family::Model && self.explained == Explained::ByJudge {
            score.spans = self.spans(&rubric, most - given.left_out, material, &mut score.tokens).await?;
        }
        self.explained(score, &scale, given, material).await
    }

    /// What a custom metric says of a turn.
    ///
    /// # Errors
    /// As [`Judge::builtin`].
    pub(super) async fn custom(&self, metric: &CustomMetric, material: &Material) -> Result<Score> {
        let mut score = self.blank(&metric.name);
        let labels: Vec<String> = metric.scale.iter().flat_map(Scale::shown).collect();
        let build = |kept| prompts::custom(material, &metric.instructions, &labels, kept, self.wording);
        // Only where passages are shown can some be left out.
        let most = if prompts::names(&metric.instructions, "context") { material.passages.len() } else { 0 };
        let Some(scale) = &metric.scale else { return self.in_its_words(score, most, build).await };
        match self.ask(scale, most, build, &mut score.tokens).await? {
            Ok(given) => self.explained(score, scale, given, material).await,
            Err(error) => Ok(Score { error: Some(error), ..score }),
        }
    }

    /// The score of a metric without a scale: what the judge says on what `build` makes of so many passages, as [`Judge::ask`]
    /// shows them.
    async fn in_its_words(
        &self,
        mut score: Score,
        most: usize,
        build: impl Fn(usize) -> Result<JudgePrompt> + Send,
    ) -> Result<Score> {
        let mut kept = most;
        loop {
            let prompt = match build(kept) {
                Ok(prompt) => prompt,
                Err(error) => return Ok(Score { error: Some(error.message), ..score }),
            };
            match self.said(&prompt, &[], (FREE_TOKENS, &Form::Free), &mut score.tokens).await {
                Ok(text) => {
                    let (label, left_out) = (Some(text.clone()), most - kept);
                    return Ok(Score { label, explanation: text, left_out, ..score });
                }
                Err(error) if error.message == TOO_LONG && kept > 1 => kept -= 1,
                Err(error) if error.kind == ErrorKind::Invalid => {
                    return Ok(Score { error: Some(self.told(&error)), ..score });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn blank(&self, metric: &str) -> Score {
        let (judge, judged_by) = (Some(self.model.to_owned()), Some(self.key.to_owned()));
        Score { metric: metric.to_owned(), judge, judged_by, ..Score::default() }
    }

    /// The judge's verdict on what `build` makes of so many passages: of all, or of as many as its context holds. The inner
    /// error is the record's own.
    pub(super) async fn ask(
        &self,
        scale: &Scale,
        most: usize,
        build: impl Fn(usize) -> Result<JudgePrompt> + Send,
        tokens: &mut Tokens,
    ) -> Result<Result<Given, String>> {
        let (mut kept, mut trouble) = (most, Trouble::of_label(self.known.patience()));
        loop {
            let prompt = match build(kept) {
                Ok(prompt) => prompt,
                Err(error) => return Ok(Err(error.message)),
            };
            let turn = self.turn(&trouble).await;
            let told = self.verdict(&prompt, scale, trouble.asks_top(), tokens).await;
            drop(turn);
            let error = match told {
                Ok((verdict, by_upstream)) => {
                    if by_upstream && !trouble.asks_top() {
                        self.known.note_silent(self.key);
                    }
                    return Ok(Ok(Given { verdict, left_out: most - kept, by_upstream, prompt }));
                }
                Err(error) => error,
            };
            // Of passages that are judged, one at least is shown.
            if error.message == TOO_LONG && kept > 1 {
                kept -= 1;
                continue;
            }
            match self.wait(&mut trouble, error).await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::Invalid => return Ok(Err(self.told(&error))),
                Err(error) => return Err(error),
            }
        }
    }

    /// What the judge says in its own words.
    async fn said(
        &self,
        prompt: &JudgePrompt,
        more: &[Message],
        (most, form): (u32, &Form),
        tokens: &mut Tokens,
    ) -> Result<String> {
        let mut trouble = Trouble::of_words(self.known.patience());
        loop {
            let turn = self.turn(&trouble).await;
            let said = self.answer(prompt, more, (most, form), tokens).await;
            drop(turn);
            match said {
                Ok(chat) => return Ok(chat.text()),
                Err(error) => self.wait(&mut trouble, error).await?,
            }
        }
    }

    /// The verdict, and whether an upstream gave it; that is asked how probable labels are, or not.
    async fn verdict(
        &self,
        prompt: &JudgePrompt,
        scale: &Scale,
        asks_top: bool,
        tokens: &mut Tokens,
    ) -> Result<(Verdict, bool)> {
        let request = ScoreRequest {
            model: self.model.to_owned(),
            prompt: ScorePrompt::Chat(Box::new(self.request(prompt, &[]))),
            continuations: scale.answers().into_iter().map(RawPrompt::Text).collect(),
            serving: SERVING,
            ..ScoreRequest::default()
        };
        match self.models.score_with(self.ctx, self.resolved.clone(), request).await {
            Ok(scores) => {
                *tokens += self.seen.note(self.model, prompt, &[], scores.usage);
                let logprobs: Vec<f64> =
                    scores.continuations.iter().map(|scored| scored.normalized(Normalize::None)).collect();
                Ok((scale.verdict(&logprobs)?, false))
            }
            // A model of another server scores no labels; its answer is held to be one of them.
            Err(error) if error.kind == ErrorKind::NotImplemented => {
                Ok((self.chosen(prompt, scale, asks_top, tokens).await?, true))
            }
            Err(error) => Err(error),
        }
    }

    /// The score of a verdict, with its explanation.
    async fn explained(&self, score: Score, scale: &Scale, given: Given, material: &Material) -> Result<Score> {
        let mut score = filled(score, scale, &given);
        let label = scale.label(given.verdict.label);
        if self.explained == Explained::Not {
            return Ok(score);
        }
        if self.explained == Explained::ByJudge {
            let dialogue = [Message::assistant(label), Message::user(EXPLAIN)];
            let said = self.said_briefly(&given, &dialogue, &mut score.tokens).await;
            match said {
                Ok(text) => score.explanation = text.trim().to_owned(),
                // The verdict stands; what is longer by an explanation may not fit.
                Err(error) if error.kind == ErrorKind::Invalid => {}
                Err(error) => return Err(error),
            }
        }
        if score.explanation.is_empty() {
            let (label, material) = (label.to_owned(), material.clone());
            score.explanation = off_thread(move || from_evidence(&label, &material)).await?;
        }
        Ok(score)
    }

    /// At most two sentences of the judge's own.
    async fn said_briefly(&self, given: &Given, dialogue: &[Message], tokens: &mut Tokens) -> Result<String> {
        let free = (EXPLANATION_TOKENS, &Form::Free);
        // An upstream is held to no form of text.
        if given.by_upstream {
            return self.said(&given.prompt, dialogue, free, tokens).await;
        }
        let form = Form::Text(Constraint::Regex(at_most_two_sentences()));
        match self.said(&given.prompt, dialogue, (EXPLANATION_TOKENS, &form), tokens).await {
            // What cannot be held to the form is asked without it.
            Err(error) if error.kind == ErrorKind::Invalid && error.message != TOO_LONG => {
                self.said(&given.prompt, dialogue, free, tokens).await
            }
            said => said,
        }
    }

    /// What the judge writes, once.
    pub(super) async fn answer(
        &self,
        prompt: &JudgePrompt,
        more: &[Message],
        (most, form): (u32, &Form),
        tokens: &mut Tokens,
    ) -> Result<Chat> {
        let (response_schema, logprobs, constraint) = match form {
            Form::Free => (None, None, None),
            Form::Label { schema, top } => (Some(schema.clone()), *top, None),
            Form::Text(constraint) => (None, None, Some(constraint.clone())),
        };
        let request = ChatRequest {
            max_tokens: Some(most),
            sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
            response_schema,
            constraint,
            logprobs,
            ..self.request(prompt, more)
        };
        let answer = self.models.chat_with(self.ctx, self.resolved.clone(), request).await?;
        let chat = answer.collect().await?;
        *tokens += self.seen.note(self.model, prompt, more, chat.usage);
        Ok(chat)
    }

    fn request(&self, prompt: &JudgePrompt, more: &[Message]) -> ChatRequest {
        let messages = std::iter::once(Message::user(&prompt.user)).chain(more.iter().cloned()).collect();
        ChatRequest {
            model: self.model.to_owned(),
            system: vec![prompt.system.clone()],
            messages,
            serving: SERVING,
            ..ChatRequest::default()
        }
    }
}

/// What an explanation must look like, so that a judge that does not stop by itself is not read on.
fn at_most_two_sentences() -> String {
    format!("{SENTENCE}(?: ?{SENTENCE})?")
}

/// How many passages a metric that is not judged by passage shows at most; none where it compares with passages alone, and
/// there are none.
fn shown(rubric: &Rubric, material: &Material) -> Option<usize> {
    let most = if rubric.inputs.contains(&Input::CitedPassages) {
        material.cited.len()
    } else if rubric.inputs.contains(&Input::Passages) {
        material.passages.len()
    } else {
        return Some(0);
    };
    (most > 0 || rubric.inputs.contains(&Input::Task)).then_some(most)
}

/// The score that one verdict gives.
fn filled(score: Score, scale: &Scale, given: &Given) -> Score {
    let verdict = &given.verdict;
    let (result, label) = match scale.value(verdict.label) {
        Some(LabelValue::Score(value)) => (Some(*value), scale.label(verdict.label)),
        Some(LabelValue::Word(word)) => (None, word.as_str()),
        Some(LabelValue::NotApplicable) | None => (None, scale.label(verdict.label)),
    };
    Score {
        result,
        label: Some(label.to_owned()),
        expected: verdict.expected,
        margin: Some(verdict.margin),
        probabilities: verdict.probabilities.clone(),
        left_out: given.left_out,
        ..score
    }
}

/// The most passages that an explanation tells one by one, the most words of each that it names, and the most characters of a
/// word.
const MOST_TOLD: usize = 10;
const MOST_WORDS: usize = 8;
const LONGEST_WORD: usize = 40;

/// The verdict on each passage, and which of its words bear on what it is compared with.
fn one_by_one(scale: &Scale, given: &[Given], of: &Bearing) -> String {
    let line = |(at, (one, passage)): (usize, (&Given, &String))| {
        let words = in_common(passage, &of.text, MOST_WORDS);
        let words: Vec<String> = words.into_iter().map(|word| word.chars().take(LONGEST_WORD).collect()).collect();
        let words = if words.is_empty() { format!("no word of the {}", of.on) } else { words.join(", ") };
        format!("\n{}. `{}`: {words}", at + 1, scale.label(one.verdict.label))
    };
    let told: String = given.iter().zip(&of.passages).enumerate().take(MOST_TOLD).map(line).collect();
    let rest = given.len().saturating_sub(MOST_TOLD);
    if rest > 0 { format!("{told}\nand {rest} more") } else { told }
}

/// The mean over passages.
fn of_passages(score: Score, scale: &Scale, given: &[Given], of: &Bearing) -> Score {
    let each: Vec<Score> = given.iter().map(|one| filled(Score::default(), scale, one)).collect();
    let mean = |of: fn(&Score) -> Option<f64>| learn::mean(&each.iter().filter_map(of).collect::<Vec<_>>());
    let count = |at: usize| given.iter().filter(|one| one.verdict.label == at).count();
    let told = (0..scale.len()).rev().map(|at| (at, count(at))).filter(|(_, count)| *count > 0);
    let told: Vec<(usize, usize)> = told.collect();
    let words = told.iter().map(|(at, count)| format!("`{}` of {count}", scale.label(*at)));
    let commonest = told.iter().max_by_key(|(at, count)| (*count, *at)).map(|(at, _)| scale.label(*at).to_owned());
    Score {
        result: mean(|score| score.result),
        label: commonest,
        expected: mean(|score| score.expected),
        margin: each.iter().filter_map(|score| score.margin).reduce(f64::min),
        probabilities: (0..scale.len()).filter_map(|at| mean_of(given, at)).collect(),
        explanation: format!(
            "Of {} passages: {}.{}",
            given.len(),
            words.collect::<Vec<_>>().join(", "),
            one_by_one(scale, given, of)
        ),
        ..score
    }
}

/// How probable a label is on average.
fn mean_of(given: &[Given], label: usize) -> Option<f64> {
    let each = given.iter().filter_map(|one| one.verdict.probabilities.get(label).copied());
    learn::mean(&each.collect::<Vec<_>>())
}

/// An explanation that is made of the answer's evidence.
fn from_evidence(label: &str, material: &Material) -> String {
    let prediction = material.prediction.as_deref().unwrap_or_default();
    let sources: Vec<String> = material.ground_truth.iter().cloned().chain(material.passages.iter().cloned()).collect();
    if sources.is_empty() {
        return format!("The judge chose `{label}`. There is nothing to compare the response with.");
    }
    let unsupported = support::unsupported(prediction, &sources);
    if unsupported.is_empty() {
        return format!("The judge chose `{label}`. Every statement of the response is near one of its sources.");
    }
    let named: Vec<String> = unsupported.iter().take(3).map(|span| format!("`{}`", span.text)).collect();
    let contrary = if unsupported.iter().take(3).any(|span| !span.negation.is_empty()) {
        ", or they say the contrary"
    } else {
        ""
    };
    format!("The judge chose `{label}`. Nothing in the sources supports {}{contrary}.", named.join(", "))
}

/// A name for what answers for a model id: two ids with the same name are the same model.
pub(super) fn name_of(resolved: &Resolved) -> String {
    match &resolved.target {
        Target::Local { name } => name.clone(),
        Target::Imported { model } => model.arn.to_string(),
        Target::Remote { base_url, model, .. } => format!("{base_url} {model}"),
        target => target.serving_name().to_owned(),
    }
}

/// Sees whether a role may invoke a model, and what answers for it.
///
/// # Errors
/// Denied; Invalid, where nothing answers.
pub(super) async fn permit(identity: &Identity, models: &Models, role: &Ctx, model: &str) -> Result<Arc<Resolved>> {
    let resolved = models.resolve(role, model).await?;
    let action = "bedrock:InvokeModel";
    let foundation = format!("arn:aws:bedrock:{}::foundation-model/{}", role.region(), resolved.aws_id);
    let ask = match (&resolved.profile, &resolved.target) {
        (Some(profile), _) => Ask::new(action, profile.arn.clone()).resource_tags(&profile.tags),
        (None, Target::Imported { model }) => Ask::new(action, model.arn.to_string()).resource_tags(&model.tags),
        (None, _) => Ask::new(action, foundation),
    };
    identity.permit(role, &ask, Access::Read).await?;
    Ok(Arc::new(resolved))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
