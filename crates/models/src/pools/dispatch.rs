//! One request to a pool: to the least loaded member, and to another where that one fails before its first token.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Error, Result};
use futures::stream::{self, StreamExt as _};
use inference::fair::expected_cost;
use inference::{Serving, Tenant};

use super::live::{Live, Slot};
use super::state::{Asking, Outcome, Refusal, Told};
use crate::invoke::answer::{ChatEvent, ChatStream, Route, ServedBy};
use crate::invoke::errors;
use crate::remote::{Client, Failure, Fault, Upstream};
use crate::{ChatRequest, Content, ContinuationRequest, RawPrompt};

/// How often one request waits because members asked it to.
const MOST_RESTS: u32 = 3;
/// The longest such wait of a request that has no deadline.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// The bytes of text that are taken for a token: nobody here knows the upstreams' vocabularies.
const TOKEN: usize = 4;

impl Live {
    /// Continues a conversation.
    ///
    /// # Errors
    /// The members' own; Throttled, where all have too much to do; Timeout, where none has begun by the deadline.
    pub(crate) async fn chat(
        self: &Arc<Self>,
        client: &Client,
        request: &ChatRequest,
        served_by: &ServedBy,
        serving: Serving,
    ) -> Result<ChatStream> {
        let ask = |upstream: Upstream, served_by| async move {
            begun(client.chat(upstream, request, served_by).await?).await
        };
        let cost = expected_cost(length(request) / TOKEN, request.max_tokens.unwrap_or(u32::MAX) as usize);
        let (begun, slot) = self.first_that_answers(served_by, (serving, cost), ask).await?;
        Ok(watched(begun, slot, serving.tenant))
    }

    /// Continues a text.
    ///
    /// # Errors
    /// As [`Live::chat`].
    pub(crate) async fn continue_text(
        self: &Arc<Self>,
        client: &Client,
        request: &ContinuationRequest,
        served_by: &ServedBy,
        serving: Serving,
    ) -> Result<ChatStream> {
        let ask = |upstream: Upstream, served_by| async move {
            begun(client.continue_text(upstream, request, served_by).await?).await
        };
        let read = match &request.prompt {
            RawPrompt::Text(text) => text.len() / TOKEN,
            RawPrompt::Tokens(tokens) => tokens.len(),
        };
        let cost = expected_cost(read, request.max_tokens.unwrap_or(u32::MAX) as usize);
        let (begun, slot) = self.first_that_answers(served_by, (serving, cost), ask).await?;
        Ok(watched(begun, slot, serving.tenant))
    }

    /// Embeds texts: the vectors, each text's tokens, and who made them.
    ///
    /// # Errors
    /// As [`Live::chat`].
    pub(crate) async fn embed(
        self: &Arc<Self>,
        client: &Client,
        texts: &[String],
        served_by: &ServedBy,
        serving: Serving,
    ) -> Result<(Vec<Vec<f32>>, Vec<u32>, ServedBy)> {
        let ask = |upstream: Upstream, served_by| async move {
            let (vectors, counts) = client.embed(upstream, texts).await?;
            Ok((vectors, counts, served_by))
        };
        let cost = expected_cost(texts.iter().map(String::len).sum::<usize>() / TOKEN, 0);
        let (answer, slot) = self.first_that_answers(served_by, (serving, cost), ask).await?;
        slot.ended(Outcome::Answered);
        Ok(answer)
    }

    async fn first_that_answers<T, F: Future<Output = Result<T, Failure>>>(
        self: &Arc<Self>,
        served_by: &ServedBy,
        asked: (Serving, u64),
        ask: impl Fn(Upstream, ServedBy) -> F,
    ) -> Result<(T, Slot)> {
        let answer = self.retried(served_by, asked, ask);
        match asked.0.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), answer).await.map_err(|_| errors::too_late())?,
            None => answer.await,
        }
    }

    async fn retried<T, F: Future<Output = Result<T, Failure>>>(
        self: &Arc<Self>,
        served_by: &ServedBy,
        (serving, cost): (Serving, u64),
        ask: impl Fn(Upstream, ServedBy) -> F,
    ) -> Result<(T, Slot)> {
        let asking = Asking { ticket: self.ticket(), serving, cost };
        let (mut failed, mut last, mut rests) = (BTreeSet::new(), None, 0);
        loop {
            let slot = match self.slot(&asking, &failed, last.is_none()).await {
                Ok(slot) => slot,
                Err(Refusal::Full) => return Err(self.full()),
                Err(Refusal::Nobody { rest: Some(rest) }) if rests < MOST_RESTS && may_wait(rest, serving.deadline) => {
                    rests += 1;
                    tokio::time::sleep(millis(rest)).await;
                    continue;
                }
                Err(Refusal::Nobody { rest }) => return Err(last.unwrap_or_else(|| self.nobody(rest, serving.tenant))),
            };
            let Failure { error, fault, public } = match ask(slot.upstream(), self.names(&slot, served_by)).await {
                Ok(answer) => {
                    slot.answered();
                    return Ok((answer, slot));
                }
                Err(failure) => failure,
            };
            let member = slot.member();
            match fault {
                Fault::Request => {
                    slot.ended(Outcome::Refused);
                    return Err(error);
                }
                Fault::Member => {
                    let own = Some((serving.tenant, error.message.clone()));
                    slot.ended(Outcome::Failed(Told { own, public }));
                    failed.insert(member);
                }
                // It is asked again when it says, though not for ever.
                Fault::Busy(after) => {
                    slot.ended(Outcome::Busy(after));
                    let again = after.is_some_and(|after| !after.is_zero() || rests < MOST_RESTS);
                    rests += u32::from(after == Some(Duration::ZERO));
                    if !again {
                        failed.insert(member);
                    }
                }
            }
            tracing::info!(pool = self.spec.name, member, reason = %error.message, "a member of a pool did not answer");
            last = Some(error);
        }
    }

    /// Who answers, where it is this member.
    fn names(&self, slot: &Slot, served_by: &ServedBy) -> ServedBy {
        let upstream = slot.upstream();
        let region = self.spec.members[slot.member()].region.clone();
        let route = served_by.route.clone().unwrap_or_default();
        let route = Route { pool: self.spec.name.clone(), region: route.region.or(region), ..route };
        ServedBy {
            substituted: served_by.substituted,
            name: upstream.model,
            upstream: Some(upstream.base_url),
            route: (route != Route::default()).then_some(route),
            replica: None,
            foreign_format: None,
        }
    }

    fn full(&self) -> Error {
        let error = Error::throttled("Too many requests, please wait before trying again.");
        let error = error.with_retry_after(self.wait_for_room());
        let seconds = error.retry_after_seconds().unwrap_or(1);
        let what = match &self.spec.name {
            Some(name) => format!("All members of the pool `{name}` have as many requests as they take."),
            None => format!("The upstream `{}` has as many requests as it takes.", self.urls()),
        };
        error.with_hint(format!("{what} Try again in {seconds} s."))
    }

    /// The error where nobody may be asked now, for a tenant.
    fn nobody(&self, rest: Option<i64>, tenant: Tenant) -> Error {
        let seconds = |millis: i64| millis.max(1).unsigned_abs().div_ceil(1000);
        if let Some(rest) = rest {
            return Error::throttled("Too many requests, please wait before trying again.")
                .with_hint(format!("`{}` asked for a pause: try again in {} s.", self.urls(), seconds(rest)))
                .with_retry_after(millis(rest));
        }
        let said = self.status(tenant).1.into_iter().find_map(|member| member.last_error).unwrap_or_default();
        let what = match &self.spec.name {
            Some(name) => format!("No member of the pool `{name}` answers. {said}"),
            None => format!("The upstream `{}` does not answer. {said}", self.urls()),
        };
        let error = Error::unavailable(what.trim_end());
        match self.shortest_pause() {
            Some(pause) => error
                .with_hint(format!("The next try is possible in {} s.", seconds(pause)))
                .with_retry_after(millis(pause)),
            None => error.with_hint("One request is trying whether it answers again."),
        }
    }

    fn urls(&self) -> String {
        let urls: Vec<&str> = self.spec.members.iter().map(|member| member.upstream.base_url.as_str()).collect();
        urls.join("`, `")
    }
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(count.max(0).unsigned_abs())
}

/// Whether a wait of `rest` milliseconds ends before the request's time does.
fn may_wait(rest: i64, deadline: Option<Instant>) -> bool {
    match deadline {
        Some(deadline) => deadline.saturating_duration_since(Instant::now()) > millis(rest),
        None => millis(rest) <= LONGEST_REST,
    }
}

/// An answer of which something was received.
pub(crate) struct Begun {
    served_by: ServedBy,
    received: VecDeque<ChatEvent>,
    rest: ChatStream,
}

impl Begun {
    /// The whole answer.
    pub(crate) fn whole(self) -> ChatStream {
        let received = stream::iter(self.received.into_iter().map(Ok));
        ChatStream::new(self.served_by, received.chain(self.rest))
    }
}

/// The answer, once its first token was received.
///
/// # Errors
/// That of an answer that ends before.
pub(crate) async fn begun(mut answer: ChatStream) -> Result<Begun, Failure> {
    let mut received = VecDeque::new();
    while let Some(event) = answer.next().await {
        let event =
            event.map_err(|error| Failure::before_its_first_token(error, answer.served_by().upstream.as_deref()))?;
        let is_begin = !matches!(event, ChatEvent::Started { .. });
        received.push_back(event);
        if is_begin {
            let served_by = answer.served_by().clone();
            return Ok(Begun { served_by, received, rest: answer });
        }
    }
    Err(Failure::member(Error::unavailable("The upstream's answer ended before it began.")))
}

/// The answer, of which the pool learns how it ends. What a member says of its failure is for this tenant alone.
fn watched(begun: Begun, slot: Slot, tenant: Tenant) -> ChatStream {
    let served_by = begun.served_by.clone();
    let events = stream::unfold((begun.whole(), Some(slot)), move |(mut events, mut slot)| async move {
        let event = events.next().await?;
        let outcome = match &event {
            Ok(ChatEvent::Finished { .. }) => Some(Outcome::Answered),
            Ok(_) => None,
            Err(error) => {
                let upstream = events.served_by().upstream.as_deref().unwrap_or_default();
                let public = format!("The upstream `{upstream}` broke off an answer.");
                Some(Outcome::Failed(Told { own: Some((tenant, error.message.clone())), public }))
            }
        };
        if let Some(outcome) = outcome
            && let Some(slot) = slot.take()
        {
            slot.ended(outcome);
        }
        Some((event, (events, slot)))
    });
    ChatStream::new(served_by, events)
}

/// The bytes of a conversation's text.
fn length(request: &ChatRequest) -> usize {
    let said = request.messages.iter().flat_map(|message| &message.content).map(|content| match content {
        Content::Text(text) => text.len(),
        Content::ToolResult { content, .. } => content.len(),
        Content::ToolUse { .. } | Content::CutToolUse { .. } | Content::Unsupported { .. } => 0,
    });
    request.system.iter().map(String::len).chain(said).sum()
}
