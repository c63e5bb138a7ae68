//! The test of a model before its import is complete: it is loaded as it will be served, and asked something.

use std::time::Instant;

use base::Result;
use inference::Loaded;
use jobs::JobContext;

use super::card::Trial;
use super::job::ImportJob;

use crate::at_rest::SealedModel;
use crate::invoke::{errors, local};
use crate::work::{Patience, unless_cancelled};
use crate::{ChatRequest, CompletionRequest, Content, Message, Models, Role, Sampling, ServedBy};

const PROMPT: &str = "Say hello in one short sentence.";
const TOKENS: u32 = 16;

impl Models {
    /// Loads the model and has it answer, by its chat template where it has one. Also tells whether it has one.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub(super) async fn try_out(&self, work: &JobContext, job: &ImportJob, made: SealedModel) -> Result<(Trial, bool)> {
        let (name, mut patience) = (job.model_arn.to_string(), Patience::long(work));
        let lease = loop {
            match self.inner.loaded.acquire(&name, made.clone()).await {
                Ok(lease) => break lease,
                Err(error) => patience.wait(error).await?,
            }
        };
        let Loaded::Generator(generator) = lease.model() else {
            return Err(errors::wrong_kind(&name, "generate text"));
        };
        let (chats, started) = (generator.info().has_chat_template, Instant::now());
        let served_by = ServedBy::model(job.model_name.clone(), false);
        let answer = if chats {
            local::chat(lease, conversation(&name), inference::Serving::default(), served_by, self.inner.random.clone())
                .await?
        } else {
            local::complete(lease, continuation(&name), inference::Serving::default(), served_by).await?
        };
        let answer = unless_cancelled(work, answer.collect()).await?;
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok((Trial { prompt: PROMPT.to_owned(), answer: answer.text(), millis }, chats))
    }
}

fn greedy() -> Sampling {
    Sampling { temperature: Some(0.0), ..Sampling::default() }
}

fn conversation(name: &str) -> ChatRequest {
    let message = Message { role: Role::User, content: vec![Content::Text(PROMPT.to_owned())] };
    ChatRequest {
        model: name.to_owned(),
        messages: vec![message],
        sampling: greedy(),
        max_tokens: Some(TOKENS),
        ..ChatRequest::default()
    }
}

fn continuation(name: &str) -> CompletionRequest {
    CompletionRequest {
        model: name.to_owned(),
        prompt: PROMPT.to_owned(),
        sampling: greedy(),
        max_tokens: Some(TOKENS),
        ..CompletionRequest::default()
    }
}
