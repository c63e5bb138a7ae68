//! One question, from its session to its last citation.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{Error, ErrorKind, Result};
use futures::channel::mpsc;
use futures::sink::SinkExt as _;
use futures::stream::{self, StreamExt as _};
use identity::Ctx;
use knowledge::Passage;
use models::{ChatEvent, ChatRequest, ChatStream, Message, ServedBy, Usage};
use search::analysis::Language;

use super::answer::{Answer, AnswerEvent, AnswerStream, Citation, Reference, Voice};
use super::ask::{Ask, Generation, Orchestration, Source, Unsupported};
use super::budget::{Portion, portions};
use super::draft::Draft;
use super::prompt::{self, NO_ANSWER, Values};
use super::retrieve::Gathered;
use super::sessions::{Origin, Session, Turn};
use super::support::Source as Read;
use super::{Answers, extract, retrieve, transform};

/// The most tokens of an answer that names no limit, as in Bedrock.
const MOST_ANSWER: u32 = 2048;
/// The parameters from which on a model is believed that declines to answer. Smaller ones, told how to decline, do so where
/// the first passage says what was asked.
const DECLINES_WELL: u64 = 1_000_000_000;
/// Steps that wait for the reader of a stream.
const WAITING_STEPS: usize = 16;

/// What a question came to before anything is written.
struct Ready {
    question: String,
    session: Session,
    passages: Vec<Passage>,
    /// The embedding model that found the passages.
    embedding_model: Option<String>,
    unsupported: Unsupported,
    origins: BTreeSet<Origin>,
    /// The tokens that models took to make searches of the question.
    usage: Usage,
    /// Of them, those of the model that read conditions out of it.
    conditions: Usage,
}

/// An answer that a model has begun.
struct Begun {
    chat: ChatStream,
    /// How many of the passages the model was not given, the last ones.
    left_out: usize,
    /// How many of the earlier turns it was told, the latest.
    told: usize,
}

impl Answers {
    /// Answers a question. Whatever can be wrong with the request is told before the stream begins.
    ///
    /// # Errors
    /// Invalid, for a question, a template or a session that can never be answered; those of
    /// [`knowledge::Knowledge::retrieve`], [`Answers::rerank`] and [`models::Models::chat`].
    pub async fn answer(&self, ctx: &Ctx, ask: Ask) -> Result<AnswerStream> {
        check(&ask)?;
        let session = self.session(ctx, ask.session.as_deref(), ask.session_key.as_deref(), &ask.source).await?;
        let turns = self.visible_turns(ctx, &session, reader(&ask.source)).await?;
        let Gathered { passages, embedding_model, usage, conditions } = self.gathered(ctx, &ask, &turns).await?;
        let origins = origins(&ask.source, &passages);
        let unsupported = ask.unsupported;
        let question = ask.text;
        let mut ready = Ready { question, session, passages, embedding_model, unsupported, origins, usage, conditions };
        let begun = match &ask.generation {
            Some(generation) if !ready.passages.is_empty() => Some(self.begun(ctx, generation, &ready, &turns).await?),
            _ => None,
        };
        // What a model was told it may say again: whoever may not read that may not read this either. A model that writes
        // queries is told all.
        let told = if ask.orchestration.is_some() { turns.len() } else { begun.as_ref().map_or(0, |begun| begun.told) };
        ready.origins.extend(turns.into_iter().rev().take(told).flat_map(|turn| turn.origins));
        let served_by = begun.as_ref().map(|begun| begun.chat.served_by().clone());
        let (session, passages) = (ready.session.id.clone(), ready.passages.clone());
        let (answers, ctx) = (self.clone(), ctx.clone());
        let (steps, told) = mpsc::channel(WAITING_STEPS);
        let writing = async move {
            let mut out = Out(steps);
            if let Err(error) = answers.write(&ctx, ready, begun, &mut out).await {
                out.send(Err(error)).await;
            }
        };
        // The writing is part of the stream: whoever drops the stream ends it.
        let writing = stream::once(writing).filter_map(|()| std::future::ready(None));
        let events = stream::select(told, writing).boxed();
        Ok(AnswerStream { session, served_by, passages, events })
    }

    /// What may answer the question.
    async fn gathered(&self, ctx: &Ctx, ask: &Ask, turns: &[Turn]) -> Result<Gathered> {
        let search = match &ask.source {
            Source::Document(document) => {
                let passages = self.passages_of(ctx, document, &ask.text).await?;
                let (usage, conditions) = (Usage::default(), Usage::default());
                return Ok(Gathered { passages, embedding_model: None, usage, conditions });
            }
            Source::KnowledgeBase(search) => search,
        };
        let queries = match (&ask.orchestration, &ask.generation) {
            (Some(orchestration), Some(generation)) => {
                self.queries(ctx, generation, orchestration, (&ask.text, turns)).await?
            }
            _ => (retrieve::in_context(&ask.text, turns), Usage::default()),
        };
        self.found(ctx, search, queries).await
    }

    /// Has the model begin its answer.
    async fn begun(&self, ctx: &Ctx, generation: &Generation, ready: &Ready, turns: &[Turn]) -> Result<Begun> {
        let time = prompt::time(self.inner.clock.now());
        let request = |portion: Portion| asked(generation, ready, turns, portion, &time);
        let longest = ready.passages.first().map_or(0, |passage| passage.text.len());
        let portion = self.fitting(ctx, portions(turns.len(), ready.passages.len()), longest, request).await?;
        let chat = self.inner.models.chat(ctx, request(portion)).await?;
        Ok(Begun { chat, left_out: ready.passages.len() - portion.passages, told: portion.turns })
    }

    async fn write(&self, ctx: &Ctx, ready: Ready, begun: Option<Begun>, out: &mut Out) -> Result<()> {
        let texts: Arc<[String]> = ready.passages.iter().map(|passage| passage.text.clone()).collect();
        let languages: Vec<Language> = ready.passages.iter().map(|passage| passage.language).collect();
        let read = Arc::clone(&texts);
        let read = move || read.iter().zip(languages).map(|(text, language)| Read::read(text, language)).collect();
        let sources = tokio::task::spawn_blocking(read);
        let sources: Vec<Read> = sources.await.map_err(Error::internal)?;
        let mut answer = Answer {
            session: ready.session.id.clone(),
            text: String::new(),
            citations: Vec::new(),
            passages: ready.passages.clone(),
            left_out: 0,
            voice: Voice::Nobody,
            served_by: None,
            usage: ready.usage,
            conditions: ready.conditions,
        };
        match begun {
            None => self.speak_for_passages(ctx, &ready, (texts, sources), &mut answer, Voice::Passages).await?,
            Some(Begun { chat, left_out, .. }) => {
                answer.left_out = left_out;
                answer.served_by = Some(chat.served_by().clone());
                let keeps = ready.unsupported == Unsupported::Keep;
                let mut draft = Draft::new(sources, keeps);
                answer.usage += drafted(chat, &mut draft, out).await?;
                let declined = draft.text().contains(NO_ANSWER);
                if draft.is_supported() || (keeps && !draft.text().is_empty()) {
                    (answer.text, answer.citations) = draft.into_parts();
                    answer.voice = Voice::Model;
                    return self.finish(ctx, ready, answer, out).await;
                }
                let believed = declined && self.declines_well(ctx, answer.served_by.as_ref()).await?;
                if ready.unsupported == Unsupported::Extract && !believed {
                    let read = (texts, draft.into_sources());
                    self.speak_for_passages(ctx, &ready, read, &mut answer, Voice::PassagesInstead).await?;
                }
            }
        }
        if answer.voice == Voice::Nobody {
            NO_ANSWER.clone_into(&mut answer.text);
        }
        out.send(Ok(AnswerEvent::Text(answer.text.clone()))).await;
        for citation in answer.citations.clone() {
            out.send(Ok(AnswerEvent::Citation(citation))).await;
        }
        self.finish(ctx, ready, answer, out).await
    }

    /// Whether a model is believed that says that nothing answers: one that is no small one of this machine.
    async fn declines_well(&self, ctx: &Ctx, model: Option<&ServedBy>) -> Result<bool> {
        let Some(model) = model.filter(|model| model.upstream.is_none()) else { return Ok(true) };
        match self.inner.models.get(ctx, &model.name).await {
            // The size of some is not known.
            Ok(card) => Ok(card.parameters == 0 || card.parameters >= DECLINES_WELL),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Has the best sentences of the passages answer, where some do.
    async fn speak_for_passages(
        &self,
        ctx: &Ctx,
        ready: &Ready,
        (texts, sources): (Arc<[String]>, Vec<Read>),
        answer: &mut Answer,
        voice: Voice,
    ) -> Result<()> {
        let (question, read) = (ready.question.clone(), Arc::clone(&texts));
        let found = tokio::task::spawn_blocking(move || {
            let texts: Vec<&str> = read.iter().map(String::as_str).collect();
            extract::likeliest(extract::candidates(&question, &sources, &texts))
        });
        let candidates = found.await.map_err(Error::internal)?;
        let nearness = match &ready.embedding_model {
            Some(model) if !candidates.is_empty() => {
                let sentences = candidates.iter().map(|one| texts[one.passage][one.span.clone()].to_owned());
                Some(self.nearness(ctx, model, &ready.question, sentences.collect()).await?)
            }
            _ => None,
        };
        for (passage, span) in extract::choose(&candidates, nearness.as_deref()) {
            if !answer.text.is_empty() {
                answer.text.push('\n');
            }
            let start = answer.text.len();
            answer.text.push_str(&texts[passage][span.clone()]);
            let references = vec![Reference { passage, span }];
            answer.citations.push(Citation { span: start..answer.text.len(), references });
            answer.voice = voice;
        }
        Ok(())
    }

    async fn finish(&self, ctx: &Ctx, ready: Ready, answer: Answer, out: &mut Out) -> Result<()> {
        let origins = if answer.voice == Voice::Nobody { BTreeSet::new() } else { ready.origins };
        let turn = Turn { question: ready.question, answer: answer.text.clone(), origins };
        self.remember(ctx, &ready.session, &turn).await?;
        out.send(Ok(AnswerEvent::Finished(Box::new(answer)))).await;
        Ok(())
    }
}

/// Where the steps of an answer go. What its reader does not wait for any more is dropped, and the writing with it.
struct Out(mpsc::Sender<Result<AnswerEvent>>);

impl Out {
    async fn send(&mut self, step: Result<AnswerEvent>) {
        // The reader is gone only where the stream is dropped, and the writing is polled by it.
        drop(self.0.send(step).await);
    }
}

/// Has the model write the draft, and gives what it read and wrote.
async fn drafted(mut chat: ChatStream, draft: &mut Draft, out: &mut Out) -> Result<Usage> {
    let mut spent = Usage::default();
    while let Some(event) = chat.next().await {
        match event? {
            ChatEvent::Text { text, .. } => {
                for step in draft.push(&text) {
                    out.send(Ok(step)).await;
                }
            }
            ChatEvent::Finished { usage, .. } => spent = usage,
            _ => {}
        }
    }
    for step in draft.finish() {
        out.send(Ok(step)).await;
    }
    Ok(spent)
}

/// What the model is asked, with a portion of the conversation and of the passages.
fn asked(generation: &Generation, ready: &Ready, turns: &[Turn], portion: Portion, time: &str) -> ChatRequest {
    let given = ready.passages.iter().take(portion.passages).enumerate().map(|(at, passage)| match portion.bytes {
        Some(bytes) if at == 0 => &passage.text[..passage.text.floor_char_boundary(bytes)],
        _ => passage.text.as_str(),
    });
    let told = &turns[turns.len() - portion.turns..];
    let (results, citing, history) = (prompt::numbered(given), prompt::citing(), transform::told(told));
    let template = generation.template.as_deref().unwrap_or(prompt::ANSWER);
    let values = Values {
        search_results: &results,
        query: &ready.question,
        output_format_instructions: &citing,
        conversation_history: &history,
        current_time: time,
    };
    let rendered = prompt::render(template, values);
    let mut messages = Vec::new();
    if !prompt::has(template, "conversation_history") {
        messages.extend(told.iter().flat_map(|turn| [Message::user(&turn.question), Message::assistant(&turn.answer)]));
    }
    let mut system = Vec::new();
    if prompt::has(template, "query") {
        messages.push(Message::user(rendered));
    } else {
        system.push(rendered);
        messages.push(Message::user(&ready.question));
    }
    ChatRequest {
        model: generation.model.clone(),
        system,
        messages,
        ..transform::request(&generation.writing, Some(MOST_ANSWER))
    }
}

fn reader(source: &Source) -> Option<&str> {
    match source {
        Source::KnowledgeBase(search) => search.retrieve.user.as_deref(),
        Source::Document(_) => None,
    }
}

/// All that an answer may come from, but for the turns before.
fn origins(source: &Source, passages: &[Passage]) -> BTreeSet<Origin> {
    match source {
        Source::KnowledgeBase(search) => {
            let document = |passage: &Passage| Origin::Document {
                knowledge_base: search.retrieve.knowledge_base.clone(),
                data_source: passage.data_source.clone(),
                document: passage.document.clone(),
            };
            passages.iter().map(document).collect()
        }
        Source::Document(super::Document::S3 { uri }) => BTreeSet::from([Origin::Object { uri: uri.clone() }]),
        Source::Document(super::Document::Bytes { .. }) => BTreeSet::new(),
    }
}

/// Refuses what can never be answered.
fn check(ask: &Ask) -> Result<()> {
    if ask.text.trim().is_empty() {
        return Err(Error::invalid("The question is empty.").with_hint("Send it as `input.text`."));
    }
    if let Some(template) = ask.generation.as_ref().and_then(|generation| generation.template.as_deref()) {
        prompt::check(template, "generation", &["search_results"])?;
    }
    if let Some(Orchestration { template: Some(template), .. }) = &ask.orchestration {
        prompt::check(template, "orchestration", &["conversation_history", "output_format_instructions"])?;
    }
    if let Source::KnowledgeBase(search) = &ask.source
        && let Some(implicit) = &search.implicit_filter
    {
        transform::check(implicit)?;
    }
    Ok(())
}
