//! Several answers to one request: `n`, and lists of prompts.

use base::{Error, Result};
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use models::{Chat, ChatEvent, ChatStream, Sampling, ServedBy, Usage};

use super::sse;
use crate::json_fields::Fields;

/// The most answers that one request may ask for.
pub(super) const MAX_CHOICES: usize = 128;
/// The answers to one request that are written side by side. The others wait here and not in the model's queue, which
/// is for all callers.
const SIDE_BY_SIDE: usize = 8;

/// `n`: how many answers are wanted to each prompt.
pub(super) fn wanted(root: &Fields<'_>) -> Result<usize> {
    let most = u32::try_from(MAX_CHOICES).unwrap_or(u32::MAX);
    Ok(root.count("n", 1, most)?.map_or(1, |n| n as usize))
}

/// How the tokens of the `index`-th answer are drawn: a seed gives each answer its own.
pub(super) fn sampling(asked: &Sampling, index: usize) -> Sampling {
    Sampling { seed: asked.seed.map(|seed| seed.wrapping_add(index as u64)), ..asked.clone() }
}

/// Adds to `total` what an answer used. A prompt counts once, however many answers it gets.
pub(super) fn add(total: &mut Usage, index: usize, wanted: usize, used: Usage) {
    if index.is_multiple_of(wanted) {
        total.input = total.input.saturating_add(used.input);
        total.cached = total.cached.saturating_add(used.cached);
    }
    total.output = total.output.saturating_add(used.output);
}

/// Starts one answer.
pub(super) type Start = BoxFuture<'static, Result<ChatStream>>;

/// The answers to one request, of which the first has been started.
pub(super) struct Choices {
    first: ChatStream,
    rest: Vec<Start>,
}

impl Choices {
    /// Starts the first answer: what is wrong with the request shows there.
    pub(super) async fn start(starts: Vec<Start>) -> Result<Self> {
        let mut rest = starts.into_iter();
        let first = rest.next().ok_or_else(|| Error::internal("a request asks for no answer"))?;
        Ok(Self { first: first.await?, rest: rest.collect() })
    }

    /// Who answers.
    pub(super) fn served_by(&self) -> &ServedBy {
        self.first.served_by()
    }

    /// Waits for all answers, which come in their order.
    pub(super) async fn collect(self) -> Result<Vec<Chat>> {
        let first = self.first.collect().boxed();
        let rest = self.rest.into_iter().map(|start| async { start.await?.collect().await }.boxed());
        let all: Vec<BoxFuture<'static, Result<Chat>>> = std::iter::once(first).chain(rest).collect();
        stream::iter(all).buffered(SIDE_BY_SIDE).try_collect().await
    }

    /// The events of all answers as they come, each with its answer's index. The first event of the first answer has
    /// been waited for.
    pub(super) async fn stream(self) -> Result<impl Stream<Item = Result<(usize, ChatEvent)>> + Send + 'static> {
        let first = sse::started(self.first).await?.boxed();
        let rest = self.rest.into_iter().map(|start| stream::once(start).try_flatten().boxed());
        let all: Vec<BoxStream<'static, Result<(usize, ChatEvent)>>> = std::iter::once(first)
            .chain(rest)
            .enumerate()
            .map(|(index, events)| events.map_ok(move |event| (index, event)).boxed())
            .collect();
        Ok(stream::iter(all).flatten_unordered(SIDE_BY_SIDE))
    }
}
