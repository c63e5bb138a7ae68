//! One record: asked, and asked again where the server was not ready for it.

use std::time::Duration;

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use serde_json::Value;

use super::window::Item;
use super::{Asked, EncodeChat, EncodeVectors};
use crate::{Chat, ChatRequest, CompletionRequest, ContinuationRequest, EmbedRequest, EmbedResponse, Models, Priority};

/// How often a record is asked at most where the model fails.
const MOST_FAULTS: u32 = 5;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// What a record came to.
pub(super) enum Answered {
    /// An answer, in the record's dialect.
    Answer {
        /// The answer.
        value: Value,
        /// Tokens read and written.
        tokens: (u64, u64),
    },
    /// The record cannot be answered.
    Refused(Error),
    /// The model failed each time.
    Fault(Error),
}

impl Models {
    /// Answers a record. A full queue is waited for, however long; a model that fails is asked a few times.
    ///
    /// # Errors
    /// What is wrong with the model and not with the record: Denied, NotFound, Damaged.
    pub(super) async fn answer_record(&self, item: Item) -> Result<Answered> {
        let (request, encode) = match item.asked {
            Ok(asked) => taken_apart(asked),
            Err(error) => return Ok(Answered::Refused(error)),
        };
        let (mut faults, mut pause) = (0, self.inner.batch_limits.pause);
        let failed = loop {
            let error = match self.ask(&item.role, &request).await {
                Ok(answer) => return written(encode, answer),
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Throttled => {}
                ErrorKind::Unavailable | ErrorKind::Internal if faults + 1 < MOST_FAULTS => faults += 1,
                _ => break error,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        match failed.kind {
            ErrorKind::Denied | ErrorKind::Unauthenticated | ErrorKind::NotFound | ErrorKind::Damaged => Err(failed),
            ErrorKind::Unavailable | ErrorKind::Internal => Ok(Answered::Fault(failed)),
            _ => Ok(Answered::Refused(failed)),
        }
    }

    async fn ask(&self, role: &Ctx, request: &Request) -> Result<Answer> {
        let stream = match request {
            Request::Embed(request) => return self.embed(role, request.clone()).await.map(Answer::Vectors),
            Request::Chat(request) => self.chat(role, (**request).clone()).await?,
            Request::Completion(request) => self.complete(role, (**request).clone()).await?,
            Request::Continuation(request) => self.continue_text(role, (**request).clone()).await?,
        };
        stream.collect().await?.in_blocks().map(|chat| Answer::Text(Box::new(chat)))
    }
}

/// What is asked, as often as is needed.
enum Request {
    Chat(Box<ChatRequest>),
    Completion(Box<CompletionRequest>),
    Continuation(Box<ContinuationRequest>),
    Embed(EmbedRequest),
}

/// How the answer is written, once.
enum Encode {
    Text(EncodeChat),
    Vectors(EncodeVectors),
}

enum Answer {
    Text(Box<Chat>),
    Vectors(EmbedResponse),
}

fn taken_apart(asked: Asked) -> (Request, Encode) {
    match behind_those_who_wait(asked) {
        Asked::Chat(request, encode) => (Request::Chat(request), Encode::Text(encode)),
        Asked::Completion(request, encode) => (Request::Completion(request), Encode::Text(encode)),
        Asked::Continuation(request, encode) => (Request::Continuation(request), Encode::Text(encode)),
        Asked::Embed(request, encode) => (Request::Embed(request), Encode::Vectors(encode)),
    }
}

/// Whoever waits for an answer comes first, whatever the record says.
pub(super) fn behind_those_who_wait(mut asked: Asked) -> Asked {
    match &mut asked {
        Asked::Chat(request, _) => request.serving.priority = Priority::Low,
        Asked::Completion(request, _) => request.serving.priority = Priority::Low,
        Asked::Continuation(request, _) => request.serving.priority = Priority::Low,
        Asked::Embed(request, _) => request.serving.priority = Priority::Low,
    }
    asked
}

fn written(encode: Encode, answer: Answer) -> Result<Answered> {
    let (encoded, tokens) = match (encode, answer) {
        (Encode::Text(encode), Answer::Text(chat)) => {
            (encode(&chat), (chat.usage.input.into(), chat.usage.output.into()))
        }
        (Encode::Vectors(encode), Answer::Vectors(vectors)) => {
            let read = vectors.token_counts.iter().map(|count| u64::from(*count)).sum();
            (encode(vectors), (read, 0))
        }
        _ => return Err(Error::internal("an answer of another kind than the record")),
    };
    Ok(match encoded {
        Ok(value) => Answered::Answer { value, tokens },
        Err(error) => Answered::Refused(error),
    })
}
