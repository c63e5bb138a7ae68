//! The evaluation of one record: its answers, then what each metric says of them. What is kept is not done again.

use std::collections::BTreeMap;

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use models::{ChatRequest, Message, Sampling};
use serde::{Deserialize, Serialize};

use super::alignment::{align, off_thread};
use super::dataset::{Output, Record, Turn};
use super::job::is_fault;
use super::judge::{Explained, Judge, SERVING};
use super::outcome::{RecordOutcome, Repeated, Score, Spent, Tokens, TurnOutcome};
use super::patience::Patience;
use super::plan::{Metric, Parameters, System};
use super::prompts::{Material, Wording};
use super::run::{MAX_ATTEMPTS, Run};
use super::seen::Seen;
use super::similarity::{self, Similarity};
use super::store::{self, Place};
use super::support;

/// What was asked, and what should be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Shown {
    /// The prompt.
    pub prompt: String,
    /// The reference answers.
    pub references: Vec<String>,
}

/// What a system answered, or why it did not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Answer {
    shown: Shown,
    output: Option<Output>,
    error: Option<String>,
    /// The generator's.
    tokens: Tokens,
    /// Those of the model that read conditions out of the prompt. Answers that were kept before these were told apart have them
    /// among the generator's.
    #[serde(default)]
    filter: Tokens,
}

impl Run<'_> {
    /// Evaluates a record as far as that is not done.
    pub(super) async fn record(
        &self,
        role: &Ctx,
        (dataset, system, number): (usize, usize, usize),
        record: &Record,
    ) -> Result<()> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let id = self.job.id.as_str();
        let kept = store::parts(store, keyring, &self.ctx, id, (dataset, system), (number, 1)).await?;
        let kept: BTreeMap<Place, store::Part> = kept.into_iter().map(|part| (part.place, part)).collect();
        let (mut history, seen) = (Vec::new(), Seen::default());
        for (turn_number, turn) in record.turns.iter().enumerate() {
            let place = |metric| Place { dataset, system, record: number, turn: turn_number, metric };
            let answer: Answer = match kept.get(&place(None)) {
                Some(part) => part.read()?,
                None => {
                    let answer = self.answer(role, &self.job.asked.systems[system], &history, turn).await?;
                    store::keep(store, keyring, &self.ctx, (id, place(None)), &answer).await?;
                    self.count("asking the systems").await;
                    answer
                }
            };
            let metrics = &self.plan.metrics[dataset];
            let material = match answer.output.clone() {
                Some(output) => {
                    let (turn, history) = (turn.clone(), history.clone());
                    Some(off_thread(move || material(&turn, &output, &history)).await?)
                }
                None => None,
            };
            for at in self.plan.order(dataset) {
                let metric = &metrics[at];
                if kept.contains_key(&place(Some(at))) {
                    continue;
                }
                let score = match &material {
                    Some(material) => match self.score((role, &seen), metric, turn, material).await {
                        Err(error) if is_fault(&error) && self.is_its_own(&error) => {
                            failed(metric, error.public_text())
                        }
                        score => score?,
                    },
                    None => failed(metric, UNANSWERED.to_owned()),
                };
                store::keep(store, keyring, &self.ctx, (id, place(Some(at))), &score).await?;
                self.count(&metric.judged()).await;
            }
            let said = answer.output.and_then(|output| output.text).unwrap_or_default();
            history.push((turn.prompt.clone(), said));
        }
        Ok(())
    }

    /// What is kept of records, all of which were evaluated.
    pub(super) async fn outcomes(
        &self,
        (dataset, system): (usize, usize),
        first: usize,
        records: &[Record],
    ) -> Result<Vec<RecordOutcome>> {
        let (store, keyring) = (&self.inner.store, self.inner.identity.keyring());
        let range = (first, records.len());
        let parts = store::parts(store, keyring, &self.ctx, &self.job.id, (dataset, system), range).await?;
        let mut outcomes: Vec<RecordOutcome> = records
            .iter()
            .map(|record| RecordOutcome { line: record.line, turns: vec![TurnOutcome::default(); record.turns.len()] })
            .collect();
        let filled = move || -> Result<Vec<RecordOutcome>> {
            for part in parts {
                let outcome = outcomes.get_mut(part.place.record - first);
                let Some(turn) = outcome.and_then(|outcome| outcome.turns.get_mut(part.place.turn)) else { continue };
                fill(turn, &part)?;
            }
            Ok(outcomes)
        };
        off_thread(filled).await?
    }

    /// May what failed be kept as the record's own failure? Not where nothing can be told of the record, as whoever was
    /// asked was busy or away; of other faults once the job was tried often enough.
    fn is_its_own(&self, error: &Error) -> bool {
        is_its_own(error.kind, self.work.attempt())
    }

    /// Asks a system, again where that fails for a while. An error that is the record's own is an answer.
    async fn answer(&self, role: &Ctx, system: &System, history: &[(String, String)], turn: &Turn) -> Result<Answer> {
        let mut patience = Patience::new(self.inner.first_pause);
        let answered = loop {
            let answered = self.output(role, system, history, turn).await;
            match answered.as_ref().err().and_then(|error| patience.after(error)) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => break answered,
            }
        };
        let shown = Shown { prompt: turn.prompt.clone(), references: turn.references.clone() };
        match answered {
            Ok((output, Spent { generator, filter })) => {
                Ok(Answer { shown, output: Some(output), error: None, tokens: generator, filter })
            }
            Err(error) if self.is_its_own(&error) => {
                Ok(Answer { shown, error: Some(error.public_text()), ..Answer::default() })
            }
            Err(error) => Err(error),
        }
    }

    async fn output(
        &self,
        role: &Ctx,
        system: &System,
        history: &[(String, String)],
        turn: &Turn,
    ) -> Result<(Output, Spent)> {
        match system {
            System::ModelAnswers { .. } | System::RetrieveAnswers { .. } | System::RagAnswers { .. } => {
                Ok((turn.output.clone().unwrap_or_default(), Spent::default()))
            }
            System::Model { model, parameters } => self.generate(role, model, parameters, history, &turn.prompt).await,
            System::Retrieve { configuration } => self.rag()?.retrieve(role, configuration, &turn.prompt).await,
            System::RetrieveAndGenerate { configuration } => {
                let rag = self.rag()?;
                rag.retrieve_and_generate(role, configuration, history, &turn.prompt).await
            }
        }
    }

    fn rag(&self) -> Result<&dyn super::service::Rag> {
        let none = || Error::not_implemented("Evaluation of knowledge bases is not implemented.");
        self.inner.rag.get().map(AsRef::as_ref).ok_or_else(none)
    }

    async fn generate(
        &self,
        role: &Ctx,
        model: &str,
        parameters: &Parameters,
        history: &[(String, String)],
        prompt: &str,
    ) -> Result<(Output, Spent)> {
        let mut messages = Vec::new();
        for (asked, answered) in history {
            messages.extend([Message::user(asked), Message::assistant(answered)]);
        }
        messages.push(Message::user(prompt));
        let sampling = Sampling {
            temperature: Some(parameters.temperature.unwrap_or(0.0)),
            top_p: parameters.top_p,
            top_k: parameters.top_k,
            min_p: parameters.min_p,
            seed: Some(parameters.seed.unwrap_or(0)),
            frequency_penalty: parameters.frequency_penalty,
            presence_penalty: parameters.presence_penalty,
            ..Sampling::default()
        };
        let request = ChatRequest {
            model: model.to_owned(),
            messages,
            sampling,
            max_tokens: Some(parameters.max_tokens.unwrap_or(DEFAULT_TOKENS)),
            stop: parameters.stop.clone(),
            serving: SERVING,
            ..ChatRequest::default()
        };
        let chat = self.inner.models.chat(role, request).await?.collect().await?;
        let spent = Spent { generator: chat.usage.into(), ..Spent::default() };
        Ok((Output { text: Some(chat.text()), model: Some(model.to_owned()), ..Output::default() }, spent))
    }

    async fn score(
        &self,
        (role, seen): (&Ctx, &Seen),
        metric: &Metric,
        turn: &Turn,
        material: &Material,
    ) -> Result<Score> {
        let judge = |model: &'_ Option<String>| -> Result<String> {
            model.clone().ok_or_else(|| Error::internal("a plan without a judge"))
        };
        match metric {
            Metric::Builtin(_) => self.judged((role, seen), &judge(&self.job.asked.judge)?, metric, material).await,
            Metric::Custom(_) => {
                self.judged((role, seen), &judge(&self.job.asked.custom_judge)?, metric, material).await
            }
            Metric::Similarity => {
                let model = self.job.asked.embedder.as_deref().unwrap_or(similarity::DEFAULT_MODEL);
                let first_pause = self.inner.first_pause;
                let similarity = Similarity { models: &self.inner.models, ctx: role, model, first_pause };
                similarity.score(material.prediction.as_deref().unwrap_or_default(), &turn.references).await
            }
            Metric::Computed(computed) => {
                let (computed, turn) = (*computed, turn.clone());
                let prediction = material.prediction.clone().unwrap_or_default();
                let (result, objections) = off_thread(move || {
                    let result = computed.score(&turn.prompt, &prediction, &turn.references);
                    (result, computed.objections(&turn.prompt, &prediction))
                })
                .await?;
                let reasons: Vec<&str> = objections.iter().map(|objection| objection.reason.as_str()).collect();
                let explanation = reasons.join("\n");
                Ok(Score { metric: computed.name().to_owned(), result, explanation, objections, ..Score::default() })
            }
        }
    }
}

impl Run<'_> {
    /// A judge's verdict, and what varies in it where the job asks for it more than once. The judge explains it, unless its
    /// passport says that it is not usable for the metric.
    async fn judged(
        &self,
        (role, seen): (&Ctx, &Seen),
        model: &str,
        metric: &Metric,
        material: &Material,
    ) -> Result<Score> {
        let models = &self.inner.models;
        // All of a score is asked of one model, so that it is known which gave it: the id may be another one's soon.
        let resolved = match models.resolve(role, model).await {
            Err(error) if error.kind == ErrorKind::Invalid => {
                return Ok(Score { judge: Some(model.to_owned()), ..failed(metric, error.public_text()) });
            }
            resolved => resolved?,
        };
        let key = self.judges.key(models, role, &resolved).await?;
        let rubric = metric.rubric_key(self.plan.family, self.plan.evaluator);
        let unusable = self.unusable.iter().any(|(judge, known)| *judge == key && *known == rubric);
        let explained = if unusable { Explained::ByEvidence } else { Explained::ByJudge };
        let (key, known, wording) = (key.as_str(), &self.judges, Wording::default());
        let judge = Judge { models, ctx: role, model, resolved: &resolved, key, known, explained, wording, seen };
        let mut score = self.verdict(&judge, metric, material).await?;
        // What is no choice among labels cannot be compared.
        if self.job.asked.askings > 1 && score.margin.is_some() {
            let mut others = Vec::new();
            for wording in Wording::ALL.into_iter().take(self.job.asked.askings).skip(1) {
                let judge = Judge { explained: Explained::Not, wording, ..judge };
                others.push(self.verdict(&judge, metric, material).await?);
            }
            let told = others.iter().map(|other| Some(other).filter(|other| other.error.is_none()));
            let repeated = Repeated::of(&std::iter::once(Some(&score)).chain(told).collect::<Vec<_>>());
            score.repeated = repeated;
            others.iter().for_each(|other| score.tokens += other.tokens);
        }
        Ok(score)
    }

    async fn verdict(&self, judge: &Judge<'_>, metric: &Metric, material: &Material) -> Result<Score> {
        match metric {
            Metric::Builtin(builtin) => judge.builtin(*builtin, self.plan.family, material).await,
            Metric::Custom(custom) => judge.custom(custom, material).await,
            Metric::Computed(_) | Metric::Similarity => Err(Error::internal("a metric without a judge")),
        }
    }
}

/// The most tokens of an answer where nothing is said.
const DEFAULT_TOKENS: u32 = 512;

/// What a kept answer was asked for.
pub(super) fn shown(part: &store::Part) -> Result<Shown> {
    Ok(part.read::<Answer>()?.shown)
}

/// Puts what is kept into a turn's outcome: its answer first, then its scores.
pub(super) fn fill(turn: &mut TurnOutcome, part: &store::Part) -> Result<()> {
    if part.place.metric.is_some() {
        let score: Score = part.read()?;
        if let Some((text, passages)) = turn.output.as_ref().filter(|_| !score.spans.is_empty()).and_then(compared) {
            turn.unsupported = support::told(text, &passages, &score.spans);
        }
        turn.scores.push(score);
        return Ok(());
    }
    let answer: Answer = part.read()?;
    if let Some((text, passages)) = answer.output.as_ref().and_then(compared) {
        turn.unsupported = support::unsupported(text, &passages);
    }
    (turn.output, turn.error) = (answer.output, answer.error);
    (turn.tokens, turn.filter) = (answer.tokens, answer.filter);
    Ok(())
}

/// An answer and the passages that it is compared with, where there are both.
fn compared(output: &Output) -> Option<(&str, Vec<String>)> {
    Some((output.text.as_deref()?, texts(output))).filter(|(_, passages)| !passages.is_empty())
}

fn texts(output: &Output) -> Vec<String> {
    output.passages.iter().map(|passage| passage.text.clone()).collect()
}

/// What stands in the scores of a turn that has no answer.
const UNANSWERED: &str = "There is no answer to judge.";

fn failed(metric: &Metric, error: String) -> Score {
    Score { metric: metric.name().to_owned(), error: Some(error), ..Score::default() }
}

fn is_its_own(kind: ErrorKind, attempt: u32) -> bool {
    match kind {
        ErrorKind::Throttled | ErrorKind::Unavailable => false,
        ErrorKind::Timeout | ErrorKind::Internal => attempt >= MAX_ATTEMPTS,
        // Neither a file that is damaged nor a model that is gone is the record's fault: the job ends and says so.
        ErrorKind::Damaged | ErrorKind::NotFound => false,
        _ => true,
    }
}

fn material(turn: &Turn, output: &Output, history: &[(String, String)]) -> Material {
    let passages = texts(output);
    let mut cited: Vec<String> = Vec::new();
    for passage in output.citations.iter().flat_map(|citation| &citation.passages) {
        if !cited.contains(&passage.text) {
            cited.push(passage.text.clone());
        }
    }
    // By rank, as `passages` are: so both begin alike, and what does not fit is what was found last.
    cited.sort_by_key(|text| passages.iter().position(|passage| passage == text).unwrap_or(usize::MAX));
    let near = |passages: &[String]| match &output.text {
        Some(text) if !passages.is_empty() => align(text, passages),
        _ => Vec::new(),
    };
    let (evidence, cited_evidence) = (near(&passages), near(&cited));
    Material {
        history: history.to_vec(),
        prompt: turn.prompt.clone(),
        ground_truth: (!turn.references.is_empty()).then(|| turn.references.join("\n")),
        passages,
        cited,
        prediction: output.text.clone(),
        evidence,
        cited_evidence,
        reference_contexts: turn.reference_contexts.clone(),
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
